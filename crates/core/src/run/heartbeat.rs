//! `heartbeat.json`: the supervisor's sign of life for readers on other hosts, where a lock cannot be seen.

use serde::{Deserialize, Serialize};

use crate::error::FileError;
use crate::file::{self, Durability};
use crate::run::{Host, RunFolder};

/// Written by the supervisor every 10 s.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Heartbeat {
    /// Where the supervisor runs.
    #[serde(flatten)]
    pub host: Host,
    /// The supervisor's process number.
    pub pid: u32,
    /// Grows by one at each beat; a reader measures its standing still on the reader's own clock.
    pub counter: u64,
    /// The most GPU memory that the run was seen to use, in bytes; none where nobody could tell its share.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub peak_gpu_memory: Option<u64>,
}

impl Heartbeat {
    /// Reads the newest beat.
    pub fn read(run: &RunFolder) -> Result<Option<Self>, FileError> {
        file::read_json(&run.heartbeat())
    }

    /// Writes this beat.
    pub fn write(&self, run: &RunFolder) -> Result<(), FileError> {
        file::replace_json(&run.heartbeat(), self, Durability::Renamed)
    }
}
