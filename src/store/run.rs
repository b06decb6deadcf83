//! One run as lists and charts see it.

use std::path::Path;

use loradeck_core::run::{Deed, Liveness, QueueEntry, Request, RunFolder, RunName, State, Status, Summary};
use loradeck_core::time::Moment;

use super::config::ConfigValues;
use super::labels::Labels;
use super::pace::Pace;

/// A run's number within one [`super::Store`]; stays the same as long as the store lives, even when the folder goes
/// away and comes back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RunId(pub(super) usize);

impl RunId {
    /// A small number for colours and markers: consecutive in the order in which runs were found.
    pub fn ordinal(self) -> usize {
        self.0
    }
}

/// A run's state as people see it: the written one, or what its locks say about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ShownState {
    /// At work under a supervisor.
    Running,
    /// Trains on though its supervisor is gone.
    Orphaned,
    /// Asked to end, and still at work: a checkpoint is written first.
    Ending,
    /// Claimed, not yet at work.
    Starting,
    /// Waits for a slot.
    Queued,
    /// Waits, but is held back.
    Held,
    /// Should be at work, but nobody is.
    Lost,
    /// Ended by an error.
    Failed,
    /// Ended on request.
    Stopped,
    /// Ended early by its sweep.
    Pruned,
    /// Trained to the end.
    Finished,
    /// Came from a clone or another machine: to be looked at, not run.
    Archived,
}

impl ShownState {
    /// The word shown and asked for in filters.
    pub fn word(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Orphaned => "orphaned",
            Self::Ending => "ending",
            Self::Starting => "starting",
            Self::Queued => "queued",
            Self::Held => "held",
            Self::Lost => "lost",
            Self::Failed => "failed",
            Self::Stopped => "stopped",
            Self::Pruned => "pruned",
            Self::Finished => "finished",
            Self::Archived => "archived",
        }
    }

    /// Whether something may still be written about the run without anybody asking.
    pub fn is_live(self) -> bool {
        matches!(self, Self::Running | Self::Orphaned | Self::Ending | Self::Starting)
    }
}

/// One run, from the small files of its folder.
#[derive(Clone, Debug)]
pub struct Run {
    /// Its number in the store.
    pub id: RunId,
    /// Its folder.
    pub folder: RunFolder,
    /// Which of the store's workspaces it lies in.
    pub workspace: usize,
    /// Its experiment's name.
    pub experiment: String,
    /// Its folder's name, taken apart.
    pub name: RunName,
    /// `status.json`; `None` for an archived run.
    pub status: Option<Status>,
    /// `summary.json`.
    pub summary: Option<Summary>,
    /// `queue.json`.
    pub queue: QueueEntry,
    /// `labels.json`.
    pub labels: Labels,
    /// `config.yaml`.
    pub config: ConfigValues,
    /// Whose locks are held (or, on another host, whose heartbeat moves).
    pub live: Liveness,
    /// What asks the attempt at work to end; stays until it has ended.
    pub ending: Option<Request>,
    /// What in the folder could not be understood, one sentence each.
    pub problems: Vec<String>,
    /// Whether its attempt is an element of an array of Slurm's.
    pub(super) with_slurm: bool,
    pub(super) pace: Pace,
}

impl Run {
    pub(super) fn new(id: RunId, folder: RunFolder, workspace: usize, name: RunName) -> Self {
        let experiment = folder.experiment().unwrap_or_default();
        Self {
            id,
            folder,
            workspace,
            experiment,
            name,
            status: None,
            summary: None,
            queue: QueueEntry::default(),
            labels: Labels::default(),
            config: ConfigValues::default(),
            live: Liveness::default(),
            ending: None,
            problems: Vec::new(),
            with_slurm: false,
            pace: Pace::default(),
        }
    }

    /// Whether it trains on pictures, and so draws samples.
    pub fn has_pictures(&self) -> bool {
        self.summary.as_ref().is_some_and(|summary| summary.images > 0)
    }

    /// `EXPERIMENT/0007-slug`.
    pub fn label(&self) -> String {
        format!("{}/{}", self.experiment, self.name)
    }

    /// The folder.
    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    /// The state as people see it.
    pub fn state(&self) -> ShownState {
        let Some(status) = &self.status else { return ShownState::Archived };
        match status.state {
            state if self.live.is_orphaned(state) => ShownState::Orphaned,
            state if self.live.is_lost(state) => ShownState::Lost,
            State::Queued if self.queue.hold => ShownState::Held,
            State::Queued => ShownState::Queued,
            State::Starting | State::Running if self.ending.is_some() => ShownState::Ending,
            State::Starting => ShownState::Starting,
            State::Running => ShownState::Running,
            State::Finished => ShownState::Finished,
            State::Failed => ShownState::Failed,
            State::Stopped => ShownState::Stopped,
            State::Pruned => ShownState::Pruned,
        }
    }

    /// Whether it is at work on a node of Slurm's.
    pub fn is_with_slurm(&self) -> bool {
        self.with_slurm && self.state().is_live()
    }

    /// What an attempt at work was asked for, and when; `None` where nobody asked it to end.
    pub fn ending_words(&self) -> Option<String> {
        let request = self.ending.as_ref().filter(|_| self.state().is_live())?;
        let asked = match request.deed {
            Deed::Kill => "asked to end at once",
            Deed::Prune => "pruned by its sweep: writes a checkpoint, then ends",
            _ => "asked to stop: writes a checkpoint, then ends",
        };
        let clock = request.time.to_rfc3339();
        Some(format!("{asked} (since {} UTC)", clock.get(11..19).unwrap_or_default()))
    }

    /// Steps done and planned; `None` before the trainer's first word.
    pub fn steps(&self) -> Option<(u64, u64)> {
        self.summary.as_ref().map(|summary| (summary.step, summary.total_steps))
    }

    /// How much is done, from 0 to 1.
    pub fn progress(&self) -> Option<f64> {
        let (step, total) = self.steps()?;
        (total > 0).then(|| (step as f64 / total as f64).clamp(0.0, 1.0))
    }

    /// Steps per second, of late; `None` where it is not known or the run is not at work.
    pub fn steps_per_second(&self) -> Option<f64> {
        if !self.state().is_live() {
            return None;
        }
        self.pace.steps_per_second(self.summary.as_ref()?)
    }

    /// Seconds until the last step at the present pace, seen from `now`.
    pub fn seconds_left(&self, now: Moment) -> Option<f64> {
        let summary = self.summary.as_ref()?;
        let rate = self.steps_per_second().filter(|_| summary.total_steps > 0)?;
        let left = summary.total_steps.saturating_sub(summary.step) as f64 / rate;
        Some((left - now.since(summary.updated).as_secs_f64()).max(0.0))
    }

    /// The best value of a metric, from the summary.
    pub fn best(&self, tag: &str) -> Option<f64> {
        Some(self.summary.as_ref()?.metrics.get(tag)?.best)
    }

    /// The newest value of a metric, from the summary: NaN where it has ceased to be finite.
    pub fn last(&self, tag: &str) -> Option<f64> {
        let summary = self.summary.as_ref()?;
        if summary.not_finite.contains_key(tag) {
            return Some(f64::NAN);
        }
        Some(summary.metrics.get(tag)?.last)
    }
}
