//! Where and how a run is started: the settings of the group "running", which change nothing of what is trained.

use serde::{Deserialize, Serialize};

use super::memory::{memory_text, parse_memory};
use super::slurm::{Launcher, SlurmSettings};

/// Which code a command sees.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum CodeState {
    /// The working tree as it is; commit and changes at submit are noted.
    #[default]
    Record,
    /// A copy of what it was at submit.
    Snapshot,
}

/// What a run asks of the queue, and what happens around it. Frozen with the training's settings.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunningSettings {
    /// Who starts the run.
    #[serde(default)]
    pub launcher: Launcher,
    /// What the run asks of Slurm, where that starts it.
    #[serde(default)]
    pub slurm: Option<SlurmSettings>,
    /// GPUs that the run may use, by index or UUID, or `cpu`; empty: whichever is free.
    #[serde(default)]
    pub devices: Vec<String>,
    /// How many runs of this kind may share a GPU.
    #[serde(default = "one")]
    pub runs_per_gpu: u32,
    /// GPU memory that the run needs.
    #[serde(default, with = "memory")]
    pub gpu_memory: Option<u64>,
    /// How often a lost or crashed run goes on by itself from its last checkpoint.
    #[serde(default)]
    pub auto_resume: u32,
    /// What runs once the run has finished: a program and its arguments.
    #[serde(default)]
    pub on_finish: Option<Vec<String>>,
    /// What runs once the run has failed.
    #[serde(default)]
    pub on_fail: Option<Vec<String>>,
    /// Which code a command sees.
    #[serde(default)]
    pub code: CodeState,
    /// After so many failures in a row, shortly after their start, the rest of the sweep is held.
    #[serde(default)]
    pub stop_sweep_after_failures: Option<u32>,
}

const fn one() -> u32 {
    1
}

impl Default for RunningSettings {
    fn default() -> Self {
        Self {
            launcher: Launcher::Local,
            slurm: None,
            devices: Vec::new(),
            runs_per_gpu: 1,
            gpu_memory: None,
            auto_resume: 0,
            on_finish: None,
            on_fail: None,
            code: CodeState::Record,
            stop_sweep_after_failures: None,
        }
    }
}

/// Memory as the text that people write.
mod memory {
    use serde::{Deserialize, Deserializer, Serializer};

    #[allow(clippy::ref_option)] // the signature that serde wants
    pub(super) fn serialize<S: Serializer>(bytes: &Option<u64>, serializer: S) -> Result<S::Ok, S::Error> {
        match bytes {
            Some(bytes) => serializer.serialize_str(&super::memory_text(*bytes)),
            None => serializer.serialize_none(),
        }
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u64>, D::Error> {
        let text: Option<String> = Option::deserialize(deserializer)?;
        text.map(|text| {
            super::parse_memory(&text)
                .ok_or_else(|| serde::de::Error::custom(format!("'{text}' is no amount of memory")))
        })
        .transpose()
    }
}
