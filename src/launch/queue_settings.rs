//! `.loradeck/queue.json`: whether the queue is paused, and how many slots it and its groups may use.

use std::collections::BTreeMap;

use loradeck_core::error::FileError;
use loradeck_core::file::{self, Durability};
use loradeck_core::run::Workspace;
use serde::{Deserialize, Serialize};

/// The queue's settings; all have defaults, so that deleting the file loses nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct QueueSettings {
    /// Whether nothing new may start.
    #[serde(default)]
    pub paused: bool,
    /// Slots at once: GPUs used, or shares of the CPU.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub slots: Option<u32>,
    /// The most runs at once of each group; 0 pauses it.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub groups: BTreeMap<String, u32>,
}

impl QueueSettings {
    /// Reads the settings.
    pub fn read(workspace: &Workspace) -> Result<Self, FileError> {
        Ok(file::read_json(&workspace.queue_settings())?.unwrap_or_default())
    }

    /// Replaces the settings.
    pub fn write(&self, workspace: &Workspace) -> Result<(), FileError> {
        workspace.ensure_state_folder()?;
        file::replace_json(&workspace.queue_settings(), self, Durability::Synced)
    }
}
