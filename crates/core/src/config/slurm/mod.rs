//! `launcher:` and `slurm:`: where a run is started, and what it asks of Slurm.

mod fields;
mod time_limit;

use serde::{Deserialize, Serialize};

pub(super) use self::fields::{fitted_slurm, schema};
pub use self::time_limit::parse_time_limit;
use super::memory::parse_memory;

/// Who starts a run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Launcher {
    /// The dispatcher, in a slot of this machine.
    #[default]
    Local,
    /// Slurm, as an element of an array job.
    Slurm,
}

/// What a run asks of Slurm; runs that ask for the same may share an array.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct SlurmSettings {
    /// `--partition`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub partition: Option<String>,
    /// `--account`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account: Option<String>,
    /// `--gres`, such as `gpu:1`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gres: Option<String>,
    /// `--time`, such as `1-12:00:00` or a number of minutes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time: Option<String>,
    /// `--mem`, as people write amounts of memory.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub memory: Option<String>,
    /// How many elements of an array run at once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub array_parallelism: Option<u32>,
    /// Further options of sbatch, each as `--name` or `--name=value`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub extra: Vec<String>,
}

impl SlurmSettings {
    /// The memory in MiB, rounded up, as `--mem` counts it.
    pub fn memory_in_mebibytes(&self) -> Option<u64> {
        parse_memory(self.memory.as_deref()?).map(|bytes| bytes.div_ceil(1 << 20))
    }

    /// The time limit in seconds, where there is one.
    pub fn time_limit(&self) -> Option<u64> {
        parse_time_limit(self.time.as_deref()?)?
    }
}
