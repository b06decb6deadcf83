//! What is known of the runs: a copy of the store's, kept up to date by batches.

use std::collections::HashMap;

use loradeck_core::metrics::{EventSink, RunMetrics};

use super::{SweepId, SweepView};
use crate::launch::Waiting;
use crate::store::{Run, RunId};
use crate::tui::message::{Batch, MetricChange};

/// A slot of a workspace's host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SlotView {
    /// Which workspace it was asked for.
    pub workspace: usize,
    /// `cpu-0`, `gpu-0`.
    pub name: String,
    /// The run in it; `None` where it is free or another workspace's.
    pub run: Option<RunId>,
    /// Whether somebody outside this dashboard's workspaces is in it.
    pub foreign: bool,
}

/// The queue of all workspaces.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct QueueView {
    /// Names of the workspaces whose queue is paused.
    pub paused: Vec<usize>,
    /// All slots.
    pub slots: Vec<SlotView>,
    /// What waits, in the order in which it would start, and what for.
    pub waiting: Vec<(RunId, Waiting)>,
    /// What Slurm said of the runs that it has.
    pub jobs: Vec<(RunId, String)>,
}

impl QueueView {
    /// What Slurm said of a run.
    pub fn job_of(&self, id: RunId) -> Option<&str> {
        self.jobs.iter().find(|(known, _)| *known == id).map(|(_, said)| said.as_str())
    }

    /// What a waiting run waits for, and its place among those that wait.
    pub fn waiting_of(&self, id: RunId) -> Option<(usize, &Waiting)> {
        let at = self.waiting.iter().position(|(waiting, _)| *waiting == id)?;
        self.waiting.get(at).map(|(_, reason)| (at, reason))
    }
}

/// All runs and the metrics of those that were asked for.
#[derive(Debug, Default)]
pub struct Runs {
    by_id: HashMap<RunId, Run>,
    order: Vec<RunId>,
    metrics: HashMap<RunId, RunMetrics>,
    /// The queue.
    pub queue: QueueView,
    /// The sweeps, by workspace, experiment and number.
    pub sweeps: Vec<SweepView>,
}

impl Runs {
    /// A run.
    pub fn get(&self, id: RunId) -> Option<&Run> {
        self.by_id.get(&id)
    }

    /// All runs, by workspace, experiment and number.
    pub fn iter(&self) -> impl Iterator<Item = &Run> {
        self.order.iter().filter_map(|id| self.by_id.get(id))
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.order.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.order.is_empty()
    }

    /// A run's metrics, as far as they were read.
    pub fn metrics(&self, id: RunId) -> Option<&RunMetrics> {
        self.metrics.get(&id)
    }

    /// A sweep.
    pub fn sweep(&self, id: &SweepId) -> Option<&SweepView> {
        self.sweeps.iter().find(|sweep| sweep.id == *id)
    }

    /// The sweep that a run is a trial of.
    pub fn sweep_of(&self, run: &Run) -> Option<&SweepView> {
        self.sweep(&SweepId::of(run)?)
    }

    /// Takes a batch up.
    pub fn apply(&mut self, batch: &mut Batch) {
        for run in batch.runs.drain(..) {
            self.by_id.insert(run.id, run);
        }
        if let Some(order) = batch.order.take() {
            self.order = order;
            let order: std::collections::HashSet<RunId> = self.order.iter().copied().collect();
            self.by_id.retain(|id, _| order.contains(id));
            self.metrics.retain(|id, _| order.contains(id));
        }
        if let Some(queue) = batch.queue.take() {
            self.queue = queue;
        }
        if let Some(sweeps) = batch.sweeps.take() {
            self.sweeps = sweeps;
        }
        for (id, changes) in batch.metrics.drain(..) {
            let metrics = self.metrics.entry(id).or_default();
            for change in &changes {
                replay(change, metrics);
            }
        }
    }

    /// Forgets the metrics of all runs but these.
    pub fn keep_metrics(&mut self, wanted: &[RunId]) {
        self.metrics.retain(|id, _| wanted.contains(id));
    }
}

fn replay(change: &MetricChange, metrics: &mut RunMetrics) {
    match change {
        MetricChange::Points { tag, points } => {
            for point in points {
                metrics.scalar(tag, point.step, point.time, point.value);
            }
        }
        MetricChange::Purge(step) => metrics.purge(*step),
        MetricChange::Clear => metrics.clear(),
    }
}
