//! The small files of runs, read again only where they have changed.

use std::collections::HashMap;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::time::Instant;

use loradeck_core::run::{Attempt, Heartbeat, Pulse, QueueEntry, RunFolder, Status, Summary};
use serde::de::DeserializeOwned;

/// What differs when a file has become another one: its inode, length and time of change.
pub(in crate::launch) type Mark = (u64, u64, i64, i64);

/// A file's mark; `None` where it is not there.
pub(in crate::launch) fn mark_of(path: &Path) -> Option<Mark> {
    let metadata = std::fs::metadata(path).ok()?;
    Some((metadata.ino(), metadata.size(), metadata.mtime(), metadata.mtime_nsec()))
}

/// A file as it was last read.
#[derive(Debug)]
struct Known<T> {
    mark: Option<Mark>,
    value: Option<T>,
}

impl<T> Default for Known<T> {
    fn default() -> Self {
        Self { mark: None, value: None }
    }
}

impl<T: DeserializeOwned> Known<T> {
    /// What the file says now; `None` where it is missing or unreadable.
    fn of(&mut self, path: &Path) -> Option<&T> {
        let mark = mark_of(path);
        if mark != self.mark || mark.is_none() {
            self.value = mark.and_then(|_| serde_json::from_slice(&std::fs::read(path).ok()?).ok());
            self.mark = mark;
        }
        self.value.as_ref()
    }
}

/// What is known of one run.
#[derive(Debug, Default)]
pub(in crate::launch) struct Facts {
    status: Known<Status>,
    entry: Known<QueueEntry>,
    attempt: Known<Attempt>,
    heartbeat: Known<Heartbeat>,
    pulse: Pulse,
    summary: Known<Summary>,
}

impl Facts {
    /// The status; `None` for a folder without one (archived) or with an unreadable one, which is left alone.
    pub(in crate::launch) fn status(&mut self, run: &RunFolder) -> Option<Status> {
        self.status.of(&run.status()).cloned()
    }

    pub(in crate::launch) fn entry(&mut self, run: &RunFolder) -> QueueEntry {
        self.entry.of(&run.queue()).cloned().unwrap_or_default()
    }

    /// The record of the status's attempt.
    pub(super) fn attempt(&mut self, run: &RunFolder, number: u32) -> Option<Attempt> {
        self.attempt.of(&run.attempt(number)).filter(|record| record.attempt == number).cloned()
    }

    /// Whether the supervisor of a run on another host counts as alive.
    pub(super) fn beats(&mut self, run: &RunFolder) -> bool {
        let beat = self.heartbeat.of(&run.heartbeat()).cloned();
        self.pulse.is_felt(beat, Instant::now())
    }

    /// The most GPU memory that the run was seen to use, once it has trained far enough to have used it.
    pub(super) fn peak_gpu_memory(&mut self, run: &RunFolder) -> Option<u64> {
        // The first steps allocate everything: forward, backward, optimiser state.
        let steps = self.summary.of(&run.summary()).map_or(0, |summary| summary.step);
        if steps < 3 {
            return None;
        }
        self.heartbeat.of(&run.heartbeat())?.peak_gpu_memory
    }
}

/// The facts of all runs.
#[derive(Debug, Default)]
pub(in crate::launch) struct AllFacts {
    known: HashMap<RunFolder, Facts>,
}

impl AllFacts {
    pub(in crate::launch) fn of(&mut self, run: &RunFolder) -> &mut Facts {
        self.known.entry(run.clone()).or_default()
    }

    /// Forgets runs that are not there any more.
    pub(super) fn keep(&mut self, runs: &[RunFolder]) {
        if self.known.len() > runs.len() {
            let there: std::collections::HashSet<&RunFolder> = runs.iter().collect();
            self.known.retain(|run, _| there.contains(run));
        }
    }
}
