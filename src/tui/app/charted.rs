//! What is charted, and how it looks.

use loradeck_core::metrics::registry;
use ratatui::layout::Rect;

use super::App;
use crate::store::{Run, RunId, ShownState};
use crate::tui::layout;
use crate::tui::screen::Screen;
use crate::tui::theme::CurveLook;

/// Runs of one experiment charted when none is marked.
const CHARTED_UNASKED: usize = 8;
/// Runs, and points of all their metrics, held besides those charted.
const RECENT_RUNS: usize = 48;
const RECENT_POINTS: usize = 500_000;

impl App {
    /// The runs to chart: one alone, else the marked ones, else those of the cursor's experiment.
    pub fn runs_to_chart(&self) -> Vec<RunId> {
        if let Some(id) = self.list.run().filter(|_| self.solo) {
            return vec![id];
        }
        if !self.marked.is_empty() {
            return self.runs.iter().map(|run| run.id).filter(|id| self.marked.contains(id)).collect();
        }
        let Some(group) = self.list.group_at(self.list.cursor) else { return Vec::new() };
        if group.runs.len() <= CHARTED_UNASKED {
            return group.runs.clone();
        }
        let live = |id: &RunId| self.runs.get(*id).is_some_and(|run| run.state().is_live());
        let mut chosen: Vec<RunId> = group.runs.clone();
        chosen.sort_by_key(|id| (Some(*id) != self.list.run(), !live(id), std::cmp::Reverse(*id)));
        chosen.truncate(CHARTED_UNASKED);
        group.runs.iter().copied().filter(|id| chosen.contains(id)).collect()
    }

    /// The runs whose metrics are to be held: those charted, and of late as many as are cheap.
    pub fn metrics_to_hold(&mut self) -> Vec<RunId> {
        self.recent.retain(|id| !self.charted.contains(id));
        self.recent.splice(0..0, self.charted.iter().copied());
        let points =
            |id: &RunId| self.runs.metrics(*id).map_or(0, loradeck_core::metrics::RunMetrics::points);
        let mut spent = 0;
        let charted = self.charted.len();
        let mut held = 0;
        for (index, id) in self.recent.iter().enumerate() {
            spent += if index < charted { 0 } else { points(id) };
            if index >= charted && (index >= charted + RECENT_RUNS || spent > RECENT_POINTS) {
                break;
            }
            held = index + 1;
        }
        self.recent.truncate(held);
        self.recent.clone()
    }

    /// The metric of the large chart, which is also the list's column.
    pub fn metric(&self) -> String {
        self.charting.shown_metric(&self.metrics).unwrap_or_else(|| self.metric_of_summaries())
    }

    fn metric_of_summaries(&self) -> String {
        let has = |tag: &str| self.runs.iter().any(|run| run.best(tag).is_some());
        let tag = if has("eval/loss") || !has("train/loss") { "eval/loss" } else { "train/loss" };
        tag.to_owned()
    }

    /// A run's value of a metric for lists: the best where there is a better, else the newest.
    pub fn value(run: &Run, metric: &str) -> Option<f64> {
        let goal = registry::describe(metric).goal;
        if goal.is_some() { run.best(metric) } else { run.last(metric) }
    }

    /// The look of a charted run, or of the group that it is drawn with.
    pub fn look(&self, id: RunId) -> Option<CurveLook> {
        self.look_slot(id).map(|slot| self.theme.curve(slot))
    }

    /// The ordinal number of that look.
    pub fn look_slot(&self, id: RunId) -> Option<usize> {
        if self.charting.groups.is_empty() {
            return self.looks.of(id);
        }
        let group = self.charting.groups.iter().find(|group| group.runs.contains(&id))?;
        self.group_looks.of(*group.runs.first()?)
    }

    /// The step at which a trial's sweep gave it up, unless it went on since.
    pub fn given_up_at(&self, id: RunId) -> Option<u64> {
        let run = self.runs.get(id)?;
        if !matches!(run.state(), ShownState::Pruned | ShownState::Ending) {
            return None;
        }
        self.runs.sweep_of(run)?.given_up.get(&run.queue.trial?).copied()
    }

    /// Distinct colours of curves.
    pub fn curve_colours(&self) -> usize {
        self.theme.curve_colours()
    }

    /// The metrics of the small charts.
    pub fn grid_metrics(&self) -> &[String] {
        &self.metrics
    }

    /// The small charts in sight: their areas with the index of their metric.
    pub fn grid(&self) -> Vec<(usize, Rect)> {
        let (cells, across) = layout::chart_grid(self.areas().body, self.metrics.len());
        let first = self.chart_offset * across;
        cells.into_iter().enumerate().map(|(index, area)| (first + index, area)).collect()
    }

    /// The metrics whose charts are in sight.
    pub fn metrics_in_sight(&self) -> Vec<String> {
        match self.screen {
            Screen::Runs => vec![self.metric()],
            Screen::Charts => {
                self.grid().into_iter().filter_map(|(index, _)| self.metrics.get(index).cloned()).collect()
            }
            Screen::Table | Screen::Queue | Screen::Sweeps => Vec::new(),
        }
    }
}
