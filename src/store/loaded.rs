//! Metrics of the runs that charts show, read on demand and followed from where they were.

use std::collections::HashSet;

use loradeck_core::error::FileError;
use loradeck_core::metrics::{EventTail, Polled, Problem, RunMetrics};

use super::run::RunId;
use super::{Changed, Store};

/// One run's metrics and the place up to which they were read.
#[derive(Debug)]
pub(super) struct Loaded {
    tail: EventTail,
    metrics: RunMetrics,
    stale: bool,
}

impl Loaded {
    pub(super) fn mark_stale(&mut self) {
        self.stale = true;
    }

    fn poll(&mut self, limit: u64) -> Result<Polled, FileError> {
        self.stale = false;
        let polled = self.tail.poll_limited(&mut self.metrics, limit)?;
        self.stale = polled.more;
        Ok(polled)
    }
}

impl Store {
    /// The metrics of a run, as far as they were read; `None` unless [`Store::load_metrics`] was called for it.
    pub fn metrics(&self, id: RunId) -> Option<&RunMetrics> {
        self.loaded.get(&id).map(|loaded| &loaded.metrics)
    }

    /// Damaged places in a run's event files.
    pub fn metric_problems(&self, id: RunId) -> &[Problem] {
        self.loaded.get(&id).map_or(&[], |loaded| loaded.tail.problems())
    }

    /// Holds exactly these runs' metrics: new ones are read by the next [`Store::poll_metrics`], others forgotten.
    pub fn keep_metrics(&mut self, wanted: &[RunId]) {
        let wanted: HashSet<RunId> = wanted.iter().copied().collect();
        self.loaded.retain(|id, _| wanted.contains(id));
        for id in wanted {
            self.begin_loading(id);
        }
    }

    /// Reads a run's metrics, all of them, and returns them.
    ///
    /// # Errors
    /// [`FileError`] where an event file cannot be read.
    pub fn load_metrics(&mut self, id: RunId) -> Result<Option<&RunMetrics>, FileError> {
        self.begin_loading(id);
        let Some(loaded) = self.loaded.get_mut(&id) else { return Ok(None) };
        loaded.poll(u64::MAX)?;
        Ok(Some(&loaded.metrics))
    }

    /// Reads what was written to the kept runs' event files since the last time, about `limit` bytes at most, and
    /// notes the runs in `changed`. Returns whether there is more to read right now. A run whose files cannot be
    /// read is named in its [`super::Run::problems`].
    pub fn poll_metrics(&mut self, limit: u64, changed: &mut Changed) -> bool {
        let mut stale: Vec<RunId> =
            self.loaded.iter().filter(|(_, loaded)| loaded.stale).map(|(id, _)| *id).collect();
        stale.sort_unstable();
        let mut left = limit;
        let mut more = false;
        for id in stale {
            let Some(loaded) = self.loaded.get_mut(&id) else { continue };
            if left == 0 {
                return true;
            }
            let before = loaded.tail.bytes_read();
            match loaded.poll(left) {
                Ok(polled) => {
                    more |= polled.more;
                    if polled.changed() {
                        changed.metrics.insert(id);
                    }
                }
                Err(error) => self.note_problem(id, &error.to_string(), changed),
            }
            let after = self.loaded.get(&id).map_or(0, |loaded| loaded.tail.bytes_read());
            left = left.saturating_sub(after.saturating_sub(before));
        }
        more
    }

    fn begin_loading(&mut self, id: RunId) {
        let Some(logs) = self.get(id).map(|run| run.folder.logs()) else { return };
        self.loaded.entry(id).or_insert_with(|| Loaded {
            tail: EventTail::new(&logs),
            metrics: RunMetrics::default(),
            stale: true,
        });
    }

    fn note_problem(&mut self, id: RunId, problem: &str, changed: &mut Changed) {
        let Some(Some((run, _))) = self.runs.get_mut(id.0) else { return };
        if !run.problems.iter().any(|known| known == problem) {
            run.problems.push(problem.to_owned());
            changed.runs.insert(id);
        }
    }
}
