//! The dashboard's whole state and the questions that drawing and updating both ask of it.

use std::collections::BTreeSet;

use loradeck_core::metrics::registry;
use loradeck_core::time::Moment;
use ratatui::layout::Rect;

use super::action::Action;
use super::keys::{Context, Keymap, key_name, stack};
use super::layout::{self, Areas};
use super::message::Interest;
use super::screen::{Pane, Screen};
use super::state::{
    Charting, Document, DocumentOf, Item, List, Log, Looks, Popup, Prompt, Reports, Runs, Settings,
    SweepView, Table,
};
use super::terminal::Key;
use super::theme::{CurveLook, Glyphs, Theme};
use crate::store::{Run, RunId, ShownState};

/// Runs of one experiment charted when none is marked.
const CHARTED_UNASKED: usize = 8;
/// Runs, and points of all their metrics, held besides those charted.
const RECENT_RUNS: usize = 48;
const RECENT_POINTS: usize = 500_000;

/// What is known only when the dashboard starts.
#[derive(Clone, Debug)]
pub struct Setup {
    /// What the terminal can show.
    pub theme: Theme,
    /// What curves are drawn with.
    pub glyphs: Glyphs,
    /// What keys mean.
    pub keymap: Keymap,
    /// Whether clicks and the wheel are taken.
    pub mouse: bool,
    /// Columns and rows.
    pub size: (u16, u16),
    /// The workspaces' names.
    pub workspaces: Vec<String>,
    /// When it starts.
    pub now: Moment,
}

/// All state.
#[derive(Debug)]
#[expect(clippy::struct_excessive_bools, reason = "each is a switch of its own on the screen")]
pub struct App {
    /// The time of the last message.
    pub now: Moment,
    /// Columns and rows.
    pub size: (u16, u16),
    /// What the terminal can show.
    pub theme: Theme,
    /// What curves are drawn with.
    pub glyphs: Glyphs,
    /// What keys mean.
    pub keymap: Keymap,
    /// Whether clicks and the wheel are taken.
    pub mouse: bool,
    /// Whether the picture is held still.
    pub frozen: bool,
    /// Whether the first look at the disk is not over yet.
    pub loading: bool,
    /// The workspaces' names.
    pub workspaces: Vec<String>,
    /// The screen shown.
    pub screen: Screen,
    /// The focused pane of the first screen.
    pub focus: Pane,
    /// Whether it has the whole screen.
    pub expanded: bool,
    /// The runs.
    pub runs: Runs,
    /// The list.
    pub list: List,
    /// Marked runs.
    pub marked: BTreeSet<RunId>,
    /// The charts.
    pub charting: Charting,
    /// Only the run under the cursor is charted.
    pub solo: bool,
    /// The runs charted, in the list's order.
    pub charted: Vec<RunId>,
    /// Their looks.
    pub looks: Looks,
    /// The looks of groups that are drawn as one, by their first run.
    pub group_looks: Looks,
    /// The metrics of the runs charted.
    pub metrics: Vec<String>,
    /// The small chart chosen.
    pub chart_cursor: usize,
    /// The first row of small charts shown.
    pub chart_offset: usize,
    /// The log.
    pub log: Log,
    /// The settings.
    pub settings: Settings,
    /// The table.
    pub table: Table,
    /// The line of the queue chosen.
    pub queue_cursor: usize,
    /// The first line of the queue shown.
    pub queue_offset: usize,
    /// The line of the sweeps chosen.
    pub sweeps_cursor: usize,
    /// The first line of the sweeps shown.
    pub sweeps_offset: usize,
    /// The report or comparison being read, in the screen's place.
    pub document: Option<Document>,
    /// What stands above the screen.
    pub popup: Option<Popup>,
    /// What is being typed at the bottom.
    pub prompt: Option<Prompt>,
    /// What was reported.
    pub reports: Reports,
    /// The files asked for.
    pub interest: Interest,
    /// Whether the table is behind.
    pub table_stale: bool,
    /// Runs charted of late, the newest first: going back to them costs no reading.
    pub recent: Vec<RunId>,
}

impl App {
    /// A dashboard that knows of no run yet.
    pub fn new(setup: Setup) -> Self {
        Self {
            now: setup.now,
            size: setup.size,
            theme: setup.theme,
            glyphs: setup.glyphs,
            keymap: setup.keymap,
            mouse: setup.mouse,
            frozen: false,
            loading: true,
            workspaces: setup.workspaces,
            screen: Screen::default(),
            focus: Pane::default(),
            expanded: false,
            runs: Runs::default(),
            list: List::default(),
            marked: BTreeSet::new(),
            charting: Charting::default(),
            solo: false,
            charted: Vec::new(),
            looks: Looks::default(),
            group_looks: Looks::default(),
            metrics: Vec::new(),
            chart_cursor: 0,
            chart_offset: 0,
            log: Log::default(),
            settings: Settings::default(),
            table: Table::default(),
            queue_cursor: 0,
            queue_offset: 0,
            sweeps_cursor: 0,
            sweeps_offset: 0,
            document: None,
            popup: None,
            prompt: None,
            reports: Reports::default(),
            interest: Interest::default(),
            table_stale: true,
            recent: Vec::new(),
        }
    }

    /// Where everything stands.
    pub fn areas(&self) -> Areas {
        layout::areas(self.size, self.screen, self.focus, self.expanded)
    }

    /// Where keys are looked up, the innermost first.
    pub fn contexts(&self) -> &'static [Context] {
        stack(self.screen, self.focus, self.document.is_some())
    }

    /// The key for an action, as people write it; the action's name where the user left it none.
    pub fn key_for(&self, action: Action) -> String {
        let mut bound = self.keymap.all().iter().filter(|binding| binding.action == action);
        let key = bound.find_map(|binding| binding.keys.first());
        key.map_or_else(|| action.name().to_owned(), |key| key_name(*key))
    }

    /// The key for an action where the user is, else the one that it has elsewhere.
    pub fn key_here(&self, action: Action) -> String {
        self.key_in(self.contexts(), action)
    }

    /// The key for an action in these contexts, else the one that it has elsewhere.
    pub fn key_in(&self, contexts: &[Context], action: Action) -> String {
        let key = self.keys_in(contexts, action).first().copied();
        key.map_or_else(|| self.key_for(action), key_name)
    }

    /// The key with the shortest name for an action in these contexts, where there is little room.
    pub fn short_key_in(&self, contexts: &[Context], action: Action) -> String {
        let names = self.keys_in(contexts, action).into_iter().map(key_name);
        names.min_by_key(|name| name.chars().count()).unwrap_or_else(|| self.key_for(action))
    }

    fn keys_in(&self, contexts: &[Context], action: Action) -> Vec<Key> {
        let here = self.keymap.bindings_in(contexts).filter(|binding| binding.action == action);
        here.flat_map(|binding| binding.keys.iter().copied()).collect()
    }

    /// The run under the cursor of the screen shown.
    pub fn run_under_cursor(&self) -> Option<RunId> {
        match self.screen {
            Screen::Runs | Screen::Charts => self.list.run(),
            Screen::Table => self.table.run(),
            Screen::Queue => self.queue_rows().get(self.queue_cursor).copied(),
            Screen::Sweeps => None,
        }
    }

    /// The sweep that the cursor is on: on its own screen, or by the run under the cursor, or by the heading of an
    /// experiment with only one that is not done. `Err` says why there is none.
    pub fn sweep_under_cursor(&self) -> Result<&SweepView, &'static str> {
        if self.screen == Screen::Sweeps {
            return self.runs.sweeps.get(self.sweeps_cursor).ok_or("there is no sweep yet");
        }
        if let Some(run) = self.run_under_cursor().and_then(|id| self.runs.get(id)) {
            return self.runs.sweep_of(run).ok_or("the run is no trial of a sweep");
        }
        let group = self.list.group_at(self.list.cursor).ok_or("no run is chosen")?;
        let is_meant = |sweep: &&SweepView| {
            let id = &sweep.id;
            !sweep.closed && id.workspace == group.workspace && id.experiment == group.experiment
        };
        let mut open = self.runs.sweeps.iter().filter(is_meant);
        match (open.next(), open.next()) {
            (Some(only), None) => Ok(only),
            (None, _) => Err("the experiment has no sweep that is not done"),
            _ => Err("the experiment has several sweeps: choose a trial of one"),
        }
    }

    /// The runs that a deed is meant for: the marked ones, else the one under the cursor, else the heading's.
    pub fn targets(&self) -> Vec<RunId> {
        if !self.marked.is_empty() {
            return self.runs.iter().map(|run| run.id).filter(|id| self.marked.contains(id)).collect();
        }
        match self.run_under_cursor() {
            Some(id) => vec![id],
            None if matches!(self.list.items.get(self.list.cursor), Some(Item::Group(_))) => {
                self.list.group_at(self.list.cursor).map(|group| group.runs.clone()).unwrap_or_default()
            }
            None => Vec::new(),
        }
    }

    /// What there is to read about what the cursor is on: a run's report, an experiment's comparison.
    pub fn document_under_cursor(&self) -> Option<DocumentOf> {
        if let Some(run) = self.run_under_cursor() {
            return Some(DocumentOf::Report(run));
        }
        if self.screen == Screen::Sweeps {
            let sweep = &self.runs.sweeps.get(self.sweeps_cursor)?.id;
            let (workspace, experiment) = (sweep.workspace, sweep.experiment.clone());
            return Some(DocumentOf::Comparison { workspace, experiment });
        }
        let group = self.list.group_at(self.list.cursor)?;
        Some(DocumentOf::Comparison { workspace: group.workspace, experiment: group.experiment.clone() })
    }

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

    /// The run whose log is shown: the one under the cursor, else the heading's first live or newest one.
    pub fn log_run(&self) -> Option<RunId> {
        self.list.run().or_else(|| {
            let group = self.list.group_at(self.list.cursor)?;
            let live = |id: &&RunId| self.runs.get(**id).is_some_and(|run| run.state().is_live());
            group.runs.iter().find(live).or_else(|| group.runs.iter().max()).copied()
        })
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

    /// The runs of the queue screen: at work, waiting in their order, and the last that ended.
    pub fn queue_rows(&self) -> Vec<RunId> {
        let mut live: Vec<&Run> = self.runs.iter().filter(|run| run.state().is_live()).collect();
        live.sort_by_key(|run| run.summary.as_ref().map(|summary| summary.started));
        let mut waiting: Vec<&Run> = self
            .runs
            .iter()
            .filter(|run| matches!(run.state(), ShownState::Queued | ShownState::Held))
            .collect();
        // In the order in which they would start; where that is not known yet, by what the queue goes by.
        waiting.sort_by_key(|run| {
            let waiting = self.runs.queue.waiting_of(run.id);
            let place = waiting.map_or(usize::MAX, |(place, _)| place);
            // What somebody holds back comes after what goes on by itself.
            let held = run.state() == ShownState::Held;
            let paused = waiting.is_some_and(|(_, reason)| !reason.may_pass());
            (held, paused, place, std::cmp::Reverse(run.queue.priority), run.queue.queued_at, run.id)
        });
        let mut ended: Vec<&Run> = self.runs.iter().filter(|run| is_ended(run)).collect();
        ended.sort_by_key(|run| std::cmp::Reverse(run.status.as_ref().map(|status| status.since)));
        ended.truncate(20);
        live.into_iter().chain(waiting).chain(ended).map(|run| run.id).collect()
    }

    /// Seconds until everything at work and waiting will be through, if that can be guessed: what remains of the runs
    /// at work, and for each waiting one the mean length of those that finished, shared by the slots.
    pub fn all_done_in(&self) -> Option<f64> {
        let remaining: Vec<f64> = self.runs.iter().filter_map(|run| run.seconds_left(self.now)).collect();
        let waiting = self.runs.iter().filter(|run| run.state() == ShownState::Queued).count();
        let finished = self.runs.iter().filter(|run| run.state() == ShownState::Finished);
        let lengths: Vec<f64> =
            finished.filter_map(|run| run.summary.as_ref().map(|summary| summary.seconds)).collect();
        if waiting > 0 && lengths.is_empty() || waiting == 0 && remaining.is_empty() {
            return None;
        }
        let mean = lengths.iter().sum::<f64>() / lengths.len().max(1) as f64;
        let slots = self.runs.queue.slots.iter().filter(|slot| !slot.foreign).count().max(1);
        let longest = remaining.iter().copied().fold(0.0, f64::max);
        let shared = (remaining.iter().sum::<f64>() + mean * waiting as f64) / slots as f64;
        Some(shared.max(longest))
    }

    /// Whether something on the screen changes with time alone.
    pub fn has_clock(&self) -> bool {
        self.runs.iter().any(|run| run.state().is_live())
    }

    /// How many lines of runs the list has room for.
    pub fn list_height(&self) -> usize {
        // The border, and the headings of the columns.
        self.areas()
            .pane(Pane::List)
            .map_or(1, |area| usize::from(layout::inner(area).height.saturating_sub(1)))
    }

    /// How many lines a pane has room for.
    pub fn pane_height(&self, pane: Pane) -> usize {
        self.areas().pane(pane).map_or(1, |area| usize::from(layout::inner(area).height))
    }
}

fn is_ended(run: &Run) -> bool {
    matches!(
        run.state(),
        ShownState::Finished
            | ShownState::Failed
            | ShownState::Stopped
            | ShownState::Pruned
            | ShownState::Lost
    )
}
