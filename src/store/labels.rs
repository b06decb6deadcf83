//! `labels.json`: what people note on a run. Written by commands and the dashboard under the queue lock.

use loradeck_core::error::FileError;
use loradeck_core::file::{self, Durability};
use loradeck_core::run::RunFolder;
use serde::{Deserialize, Serialize};

/// Tags, pin and colour of a run.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Labels {
    /// Free words, without order or repetition.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<String>,
    /// Kept at the top of lists.
    pub pin: bool,
    /// The colour's name in charts, if one was chosen.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub colour: Option<String>,
    /// Left out of lists unless asked for.
    pub archived: bool,
}

impl Labels {
    /// Reads `labels.json`; the default where there is none.
    ///
    /// # Errors
    /// [`FileError`] where the file cannot be read or understood.
    pub fn read(run: &RunFolder) -> Result<Self, FileError> {
        Ok(file::read_json(&run.labels())?.unwrap_or_default())
    }

    /// Replaces `labels.json`. The caller holds the workspace's queue lock.
    ///
    /// # Errors
    /// [`FileError`] where the file cannot be written.
    pub fn write(&self, run: &RunFolder) -> Result<(), FileError> {
        file::replace_json(&run.labels(), self, Durability::Renamed)
    }
}
