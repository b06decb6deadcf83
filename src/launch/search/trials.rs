//! The trials of a sweep as their folders tell.

use std::collections::BTreeMap;

use loradeck_core::run::{ExperimentFolder, QueueEntry, RunFolder, Status};

use crate::launch::dispatch::AllFacts;

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
    pub(super) fn of(experiment: &ExperimentFolder, number: u32, facts: &mut AllFacts) -> Self {
        let mut trials = Self::default();
        for run in experiment.runs() {
            let facts = facts.of(&run);
            let entry = facts.entry(&run);
            if entry.sweep == Some(number)
                && let Some(trial) = entry.trial
                && let Some(status) = facts.status(&run)
            {
                trials.runs.insert(trial, TrialRun { run, status, entry });
            }
        }
        for run in experiment.removed_runs() {
            let entry = facts.of(&run).entry(&run);
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

    /// How many wait or are at work.
    pub(super) fn open(&self) -> usize {
        self.runs.values().filter(|one| !one.status.state.is_end()).count()
    }

    pub(super) fn all_have_ended(&self) -> bool {
        self.runs.values().all(|one| one.status.state.is_end())
    }
}
