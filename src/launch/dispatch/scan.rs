//! What the dispatcher finds in the run folders at one look.

use std::collections::HashMap;
use std::os::unix::fs::MetadataExt;

use loradeck_core::error::FileError;
use loradeck_core::file;
use loradeck_core::run::{
    Attempt, ExperimentFolder, QueueEntry, RunFolder, State, Status, Workspace, is_held,
};

use crate::launch::queue_settings::QueueSettings;
use crate::launch::schedule::{QueuedRun, RunningRun};

/// Everything of one look.
#[derive(Debug, Default)]
pub(super) struct Found {
    /// Runs that wait and may start.
    pub(super) queued: Vec<QueuedRun>,
    /// Runs in a slot.
    pub(super) running: Vec<RunningRun>,
    /// Runs that should have a supervisor and have none, or whose claim stands without a word.
    pub(super) unattended: Vec<(RunFolder, u32)>,
    /// Ended runs.
    pub(super) ended: Vec<(RunFolder, Status)>,
    /// Experiments with ended runs in which nothing waits or runs any more.
    pub(super) quiet_experiments: Vec<ExperimentFolder>,
    paused: bool,
}

impl Found {
    /// Whether something can start or is at work.
    pub(super) fn anything_left(&self) -> bool {
        let startable = !self.paused && self.queued.iter().any(|queued| !queued.hold);
        startable || !self.running.is_empty() || !self.unattended.is_empty()
    }
}

type Mark = (u64, u64, i64, i64);

/// Reads statuses, again only where the file has changed.
#[derive(Debug, Default)]
pub(super) struct Scanner {
    known: HashMap<RunFolder, (Mark, Status)>,
}

impl Scanner {
    pub(super) fn scan(&mut self, workspace: &Workspace) -> Result<Found, FileError> {
        let mut found = Found { paused: QueueSettings::read(workspace)?.paused, ..Found::default() };
        let mut seen = HashMap::new();
        for experiment in workspace.experiments() {
            let mut busy = false;
            let before = found.ended.len();
            for run in experiment.runs() {
                let Some((mark, status)) = self.status(&run) else { continue };
                busy |= !status.state.is_end();
                sort_in(&mut found, &run, &status)?;
                seen.insert(run, (mark, status));
            }
            if !busy && found.ended.len() > before {
                found.quiet_experiments.push(experiment);
            }
        }
        self.known = seen;
        Ok(found)
    }

    /// The run's status; a folder without one (archived) or with an unreadable one is left alone.
    fn status(&self, run: &RunFolder) -> Option<(Mark, Status)> {
        let metadata = std::fs::metadata(run.status()).ok()?;
        let mark = (metadata.ino(), metadata.size(), metadata.mtime(), metadata.mtime_nsec());
        match self.known.get(run) {
            Some((known, status)) if *known == mark => Some((mark, status.clone())),
            _ => Some((mark, Status::read(run).ok().flatten()?)),
        }
    }
}

fn sort_in(found: &mut Found, run: &RunFolder, status: &Status) -> Result<(), FileError> {
    match status.state {
        State::Queued if run.attempt(status.attempt).exists() => {
            found.unattended.push((run.clone(), status.attempt));
        }
        State::Queued => found.queued.push(queued(run, status)?),
        State::Starting | State::Running => {
            found.running.push(RunningRun { run: run.clone(), slot: slot_of(run, status.attempt) });
            if !is_held(&run.run_lock())? {
                found.unattended.push((run.clone(), status.attempt));
            }
        }
        _ => found.ended.push((run.clone(), status.clone())),
    }
    Ok(())
}

fn queued(run: &RunFolder, status: &Status) -> Result<QueuedRun, FileError> {
    let entry = QueueEntry::read(run)?;
    Ok(QueuedRun {
        run: run.clone(),
        attempt: status.attempt,
        priority: entry.priority,
        hold: entry.hold,
        queued_at: entry.queued_at,
    })
}

fn slot_of(run: &RunFolder, attempt: u32) -> String {
    let record: Option<Attempt> = file::read_json(&run.attempt(attempt)).ok().flatten();
    record.and_then(|record| record.devices.into_iter().next()).unwrap_or_default()
}
