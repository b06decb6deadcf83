//! Sweeps as their files tell, and how their trials stand.

use std::collections::BTreeMap;

use loradeck_core::config::Goal;
use loradeck_core::metrics::{self, registry};

use super::Runs;
use crate::store::{Run, RunId, ShownState};

/// Which sweep.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SweepId {
    /// Which workspace.
    pub workspace: usize,
    /// Its experiment.
    pub experiment: String,
    /// Its number there.
    pub number: u32,
}

impl SweepId {
    /// The sweep that a run is a trial of.
    pub fn of(run: &Run) -> Option<Self> {
        let number = run.queue.sweep?;
        Some(Self { workspace: run.workspace, experiment: run.experiment.clone(), number })
    }

    /// `format:2`, as commands name it.
    pub fn label(&self) -> String {
        format!("{}:{}", self.experiment, self.number)
    }

    fn holds(&self, run: &Run) -> bool {
        run.queue.sweep == Some(self.number)
            && run.workspace == self.workspace
            && run.experiment == self.experiment
    }
}

/// What decides which trial is best.
#[derive(Clone, Debug, PartialEq)]
pub struct Deciding {
    /// The metric's tag.
    pub metric: String,
    /// Which end of it is good.
    pub goal: Goal,
    /// No further trials are made once one is as good as this.
    pub target: Option<f64>,
}

/// How many trials came to a rung, and how many of them were given up there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rung {
    /// Its step.
    pub step: u64,
    /// Trials that were judged there.
    pub came: usize,
    /// Of these, given up.
    pub given_up: usize,
}

/// A sweep as its `sweep.json` tells.
#[derive(Clone, Debug, PartialEq)]
pub struct SweepView {
    /// Which.
    pub id: SweepId,
    /// How trials are chosen.
    pub method: String,
    /// What decides, where something does.
    pub deciding: Option<Deciding>,
    /// Trials made so far.
    pub made: usize,
    /// The most there will be; `None` where no end is set.
    pub planned: Option<u64>,
    /// Why it is paused, empty where nobody said; `None` where it is not.
    pub paused: Option<String>,
    /// Whether nothing more will come of it.
    pub closed: bool,
    /// The rules by which trials end early, in words.
    pub stopping: Vec<String>,
    /// What varies, in words.
    pub space: Vec<String>,
    /// Combinations that contradict themselves and were left out.
    pub refused: usize,
    /// Where trials were judged, ascending.
    pub rungs: Vec<Rung>,
    /// The step at which each trial that was given up was judged.
    pub given_up: BTreeMap<u32, u64>,
}

impl SweepView {
    /// A word for how it stands.
    pub fn word(&self) -> &'static str {
        match (&self.paused, self.closed) {
            (_, true) => "done",
            (Some(_), false) => "paused",
            (None, false) => "open",
        }
    }

    /// Whether it is paused and somebody should know.
    pub fn is_paused(&self) -> bool {
        self.paused.is_some() && !self.closed
    }
}

/// How a sweep's trials stand.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Standing {
    /// How many are in which state.
    pub states: BTreeMap<ShownState, usize>,
    /// Trials with a value of the metric that decides, the best first.
    pub ranking: Vec<(RunId, f64)>,
}

impl Standing {
    /// How a sweep's trials stand now.
    pub fn of(sweep: &SweepView, runs: &Runs) -> Self {
        let mut standing = Self::default();
        for run in runs.iter().filter(|run| sweep.id.holds(run)) {
            *standing.states.entry(run.state()).or_default() += 1;
            let value = sweep.deciding.as_ref().and_then(|deciding| value_of(run, deciding));
            standing.ranking.extend(value.map(|value| (run.id, value)));
        }
        let is_lower_better = sweep.deciding.as_ref().is_none_or(|deciding| deciding.goal == Goal::Minimize);
        standing.ranking.sort_by(|(_, one), (_, other)| {
            let order = one.total_cmp(other);
            if is_lower_better { order } else { order.reverse() }
        });
        standing
    }

    /// Trials that have ended.
    pub fn ended(&self) -> usize {
        let still = |state: ShownState| {
            state.is_live() || matches!(state, ShownState::Queued | ShownState::Held | ShownState::Lost)
        };
        self.states.iter().filter(|(state, _)| !still(**state)).map(|(_, count)| count).sum()
    }
}

/// A trial's best value so far; its newest, where summaries keep the best of the other end.
fn value_of(run: &Run, deciding: &Deciding) -> Option<f64> {
    let tag = registry::canonical(&deciding.metric);
    let kept = registry::describe(tag).goal.unwrap_or(metrics::Goal::Minimise);
    let is_best = match deciding.goal {
        Goal::Minimize => kept == metrics::Goal::Minimise,
        Goal::Maximize => kept == metrics::Goal::Maximise,
    };
    let value = if is_best { run.best(tag) } else { run.last(tag) };
    value.filter(|value| value.is_finite())
}
