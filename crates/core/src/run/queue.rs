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
    /// Runs that must have finished first, as `EXPERIMENT/RUN`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub after: Vec<String>,
    /// The group whose share of the slots it takes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group: Option<String>,
    /// What it needs of a device.
    #[serde(default, skip_serializing_if = "Needs::is_nothing_special")]
    pub needs: Needs,
    /// Number of the sweep that it is a trial of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sweep: Option<u32>,
    /// Its number within the sweep, from 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trial: Option<u32>,
    /// Its sweep does not give it up.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub keep: bool,
    /// How often it may go on by itself after it was lost or crashed.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub auto_resume: u32,
    /// After so many failures in a row, each shortly after its start, its sweep is paused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stop_sweep_after_failures: Option<u32>,
    /// How often it has.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub comebacks: u32,
    /// Where a copy of the results goes, relative to the workspace: the `output_dir` of a bare file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deliver_to: Option<String>,
    /// The environment that it was submitted with, by its name in `.loradeck/environments/`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub environment: Option<String>,
    /// It waits at least until then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub not_before: Option<Moment>,
}

/// What a run needs of the device it trains on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Needs {
    /// Devices it may use, by index or UUID, or `cpu`; empty: whichever is free.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub devices: Vec<String>,
    /// How many runs of its kind may share a GPU.
    #[serde(default = "one")]
    pub runs_per_gpu: u32,
    /// GPU memory in bytes, where it was stated.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gpu_memory: Option<u64>,
}

const fn one() -> u32 {
    1
}

#[allow(clippy::trivially_copy_pass_by_ref)] // the signature that serde wants
const fn is_zero(number: &u32) -> bool {
    *number == 0
}

impl Default for Needs {
    fn default() -> Self {
        Self { devices: Vec::new(), runs_per_gpu: 1, gpu_memory: None }
    }
}

impl Needs {
    fn is_nothing_special(&self) -> bool {
        *self == Self::default()
    }
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
