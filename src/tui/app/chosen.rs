//! What the cursor and the marks choose.

use super::App;
use crate::store::RunId;
use crate::tui::screen::Screen;
use crate::tui::state::{DocumentOf, Item, SweepView};

impl App {
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

    /// The run whose log is shown: the one under the cursor, else the heading's first live or newest one.
    pub fn log_run(&self) -> Option<RunId> {
        self.list.run().or_else(|| {
            let group = self.list.group_at(self.list.cursor)?;
            let live = |id: &&RunId| self.runs.get(**id).is_some_and(|run| run.state().is_live());
            group.runs.iter().find(live).or_else(|| group.runs.iter().max()).copied()
        })
    }
}
