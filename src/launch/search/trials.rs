//! The trials of a sweep as their folders tell.

use std::collections::BTreeMap;

use loradeck_core::run::{ExperimentFolder, QueueEntry, RunFolder, Status};

/// One trial.
#[derive(Clone, Debug)]
pub(super) struct TrialRun {
    pub(super) run: RunFolder,
    pub(super) status: Status,
    pub(super) entry: QueueEntry,
}

/// What is there of a sweep.
#[derive(Debug, Default)]
pub(super) struct Trials {
    /// By number from 1.
    pub(super) runs: BTreeMap<u32, TrialRun>,
    /// Numbers of removed ones: they are not made again.
    pub(super) removed: Vec<u32>,
}

impl Trials {
    /// Reads the trials of sweep `number`.
    pub(super) fn of(experiment: &ExperimentFolder, number: u32, known: &mut Known) -> Self {
        let mut trials = Self::default();
        for run in experiment.runs() {
            let entry = known.entry(&run);
            if entry.sweep == Some(number)
                && let Some(trial) = entry.trial
                && let Ok(Some(status)) = Status::read(&run)
            {
                trials.runs.insert(trial, TrialRun { run, status, entry });
            }
        }
        for run in experiment.removed_runs() {
            let entry = known.entry(&run);
            trials.removed.extend(entry.trial.filter(|_| entry.sweep == Some(number)));
        }
        trials
    }

    pub(super) fn has(&self, trial: u32) -> bool {
        self.runs.contains_key(&trial) || self.removed.contains(&trial)
    }

    pub(super) fn waiting(&self) -> usize {
        let queued = |one: &&TrialRun| one.status.state == loradeck_core::run::State::Queued;
        self.runs.values().filter(queued).count()
    }

    pub(super) fn all_have_ended(&self) -> bool {
        self.runs.values().all(|one| one.status.state.is_end())
    }
}

/// Queue entries read before, again only where the file is another one.
#[derive(Debug, Default)]
pub(super) struct Known {
    entries: std::collections::HashMap<RunFolder, ((u64, std::time::SystemTime), QueueEntry)>,
}

impl Known {
    fn entry(&mut self, run: &RunFolder) -> QueueEntry {
        use std::os::unix::fs::MetadataExt;
        let Ok(metadata) = std::fs::metadata(run.queue()) else { return QueueEntry::default() };
        let mark = (metadata.ino(), metadata.modified().unwrap_or(std::time::UNIX_EPOCH));
        match self.entries.get(run) {
            Some((known, entry)) if *known == mark => entry.clone(),
            _ => {
                let entry = QueueEntry::read(run).unwrap_or_default();
                self.entries.insert(run.clone(), (mark, entry.clone()));
                entry
            }
        }
    }
}
