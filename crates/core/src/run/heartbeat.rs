//! `heartbeat.json`: the supervisor's sign of life for readers on other hosts, where a lock cannot be seen.

use std::time::Instant;

use serde::{Deserialize, Serialize};

use crate::error::FileError;
use crate::file::{self, Durability};
use crate::run::{Host, RunFolder, STANDSTILL};

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

/// What a reader on another host remembers of a run's beats: a supervisor counts as alive until its beat has stood
/// still for [`STANDSTILL`], by the reader's own clock.
#[derive(Clone, Debug, Default)]
pub struct Pulse {
    seen: Option<(Option<Heartbeat>, Instant)>,
}

impl Pulse {
    /// Whether the supervisor counts as alive now that its newest beat is `beat` (none: it has not beaten yet).
    pub fn is_felt(&mut self, beat: Option<Heartbeat>, now: Instant) -> bool {
        match &self.seen {
            Some((known, since)) if *known == beat => now.duration_since(*since) < STANDSTILL,
            _ => {
                self.seen = Some((beat, now));
                true
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_beat_that_stands_still_for_a_minute_is_none() {
        let beat =
            |pid, counter| Some(Heartbeat { host: Host::default(), pid, counter, peak_gpu_memory: None });
        let begin = Instant::now();
        let after = |seconds| begin + Duration::from_secs(seconds);
        let mut pulse = Pulse::default();
        assert!(pulse.is_felt(None, begin) && pulse.is_felt(None, after(59)), "it may still begin");
        assert!(!pulse.is_felt(None, after(60)));
        assert!(pulse.is_felt(beat(7, 1), after(61)) && pulse.is_felt(beat(7, 1), after(120)));
        assert!(!pulse.is_felt(beat(7, 1), after(121)));
        assert!(pulse.is_felt(beat(8, 1), after(122)), "another supervisor, which begins to count anew");
    }
}
