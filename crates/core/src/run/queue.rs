//! `queue.json`: what the queue must know of one run. Written by commands under the workspace's queue lock.

use serde::{Deserialize, Serialize};

use crate::error::FileError;
use crate::file::{self, Durability};
use crate::run::RunFolder;
use crate::time::Moment;

/// A run's place in the queue and what its next attempt changes.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct QueueEntry {
    /// Higher goes first.
    #[serde(default)]
    pub priority: i64,
    /// Held back until released.
    #[serde(default)]
    pub hold: bool,
    /// When the run was submitted, or queued again.
    #[serde(default)]
    pub queued_at: Moment,
    /// Overrides of the configuration, in the order given, as `key=value`; the newest attempt uses them all.
    #[serde(default)]
    pub overrides: Vec<String>,
}

impl QueueEntry {
    /// Reads `queue.json`; the default where it is missing.
    pub fn read(run: &RunFolder) -> Result<Self, FileError> {
        Ok(file::read_json(&run.queue())?.unwrap_or_default())
    }

    /// Replaces `queue.json`.
    pub fn write(&self, run: &RunFolder) -> Result<(), FileError> {
        file::replace_json(&run.queue(), self, Durability::Synced)
    }
}
