//! All runs of one or several workspaces in memory, brought up to date from their folders.
//!
//! Lists read only the small files of a run (status, summary, queue, labels, config), each only when it is another
//! version than the one read before. Metrics are read when a chart asks for them, and go on from where they were.

mod config;
mod differences;
mod field;
mod filter;
mod labels;
mod listing;
mod loaded;
mod pace;
mod read;
mod run;
mod sort;
mod stamp;

use std::collections::{BTreeSet, HashMap};
use std::path::{Path, PathBuf};

use loradeck_core::run::{ExperimentFolder, Host, Workspace};

pub use config::ConfigValues;
pub use differences::{Difference, differences};
pub use field::{FieldName, FieldValue, config_key, field, parse_number};
pub use filter::{Filter, FilterError};
pub use labels::Labels;
pub use run::{Run, RunId, ShownState};
pub use sort::SortKey;

use crate::watch::{Change, Followed};
use config::Interner;
use loaded::Loaded;
use read::{Reading, Seen};

/// What a refresh changed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Changed {
    /// Runs or experiments came or went.
    pub list: bool,
    /// Runs whose state, summary, labels, queue entry or liveness changed, new ones among them.
    pub runs: BTreeSet<RunId>,
    /// Runs whose loaded metrics changed.
    pub metrics: BTreeSet<RunId>,
    /// Runs whose log or journal may have grown.
    pub logs: BTreeSet<RunId>,
    /// A workspace's queue settings may have changed.
    pub queue: bool,
}

impl Changed {
    /// Whether nothing changed: there is nothing to draw.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// All runs of some workspaces.
#[derive(Debug)]
pub struct Store {
    workspaces: Vec<Workspace>,
    experiments: Vec<ExperimentFolder>,
    /// By [`RunId`]; `None` where the folder is gone.
    runs: Vec<Option<(Run, Seen)>>,
    ids: HashMap<PathBuf, RunId>,
    /// The runs that are there, by workspace, experiment and number.
    order: Vec<RunId>,
    loaded: HashMap<RunId, Loaded>,
    interner: Interner,
    here: Host,
}

impl Store {
    /// A store that has read nothing yet; [`Store::refresh`] with [`Change::Everything`] fills it.
    pub fn new(workspaces: Vec<Workspace>) -> Self {
        Self {
            workspaces,
            experiments: Vec::new(),
            runs: Vec::new(),
            ids: HashMap::new(),
            order: Vec::new(),
            loaded: HashMap::new(),
            interner: Interner::default(),
            here: Host::here(),
        }
    }

    /// A filled store.
    pub fn open(workspaces: Vec<Workspace>) -> Self {
        let mut store = Self::new(workspaces);
        store.refresh(&[Change::Everything]);
        store
    }

    /// The workspaces.
    pub fn workspaces(&self) -> &[Workspace] {
        &self.workspaces
    }

    /// All experiments, also those without runs, by workspace and name.
    pub fn experiments(&self) -> &[ExperimentFolder] {
        &self.experiments
    }

    /// All runs, by workspace, experiment and number.
    pub fn runs(&self) -> impl ExactSizeIterator<Item = &Run> {
        // `order` holds exactly the runs that are there.
        let present: Vec<&Run> = self.order.iter().filter_map(|id| self.get(*id)).collect();
        present.into_iter()
    }

    /// A run by its number; `None` once its folder is gone.
    pub fn get(&self, id: RunId) -> Option<&Run> {
        self.runs.get(id.0)?.as_ref().map(|(run, _)| run)
    }

    /// The run in a folder.
    pub fn find(&self, folder: &Path) -> Option<RunId> {
        self.ids.get(folder).copied().filter(|id| self.get(*id).is_some())
    }

    /// The runs that pass `filter`, sorted by `sort`.
    pub fn select(&self, filter: &Filter, sort: &SortKey) -> Vec<RunId> {
        let mut chosen: Vec<&Run> = self.runs().filter(|run| filter.matches(run)).collect();
        sort.sort(&mut chosen);
        chosen.into_iter().map(|run| run.id).collect()
    }

    /// The runs that are at work.
    pub fn live(&self) -> Vec<RunId> {
        self.runs().filter(|run| run.state().is_live()).map(|run| run.id).collect()
    }

    /// What the watcher should look at more closely while the runs `on_screen` are drawn.
    pub fn followed(&self, on_screen: &[RunId]) -> Followed {
        let path = |run: &Run| run.path().to_path_buf();
        let of = |wanted: fn(ShownState) -> bool| {
            self.runs().filter(|run| wanted(run.state())).map(path).collect()
        };
        Followed {
            on_screen: on_screen.iter().filter_map(|id| self.get(*id)).map(path).collect(),
            live: of(ShownState::is_live),
            queued: of(|state| matches!(state, ShownState::Queued | ShownState::Held)),
        }
    }

    /// Looks again at what `hints` name, and at nothing else; says what became different.
    pub fn refresh(&mut self, hints: &[Change]) -> Changed {
        let mut changed = Changed::default();
        let distinct: BTreeSet<&Change> = hints.iter().collect();
        for hint in distinct {
            match hint {
                Change::Everything => {
                    // Known runs first: new ones are read when they are listed.
                    self.refresh_all(&mut changed);
                    self.list_everything(&mut changed);
                    changed.queue = true;
                }
                Change::Experiments(_) => self.list_everything(&mut changed),
                Change::Runs(experiment) => self.list_experiment(experiment, &mut changed),
                Change::Run(folder) => self.refresh_run(folder, &mut changed),
                Change::Metrics(folder) => {
                    if let Some(loaded) = self.find(folder).and_then(|id| self.loaded.get_mut(&id)) {
                        loaded.mark_stale();
                    }
                }
                Change::Log(folder) => changed.logs.extend(self.find(folder)),
                Change::Queue(_) => changed.queue = true,
                Change::States(root) => self.refresh_states(root, &mut changed),
                Change::Liveness => self.refresh_liveness(&mut changed),
            }
        }
        changed
    }

    fn refresh_all(&mut self, changed: &mut Changed) {
        for (run, seen) in self.runs.iter_mut().flatten() {
            let mut reading = Reading { here: &self.here, interner: &mut self.interner };
            if seen.refresh(run, &mut reading) {
                changed.runs.insert(run.id);
            }
        }
        self.loaded.values_mut().for_each(Loaded::mark_stale);
        changed.logs.extend(self.loaded.keys());
    }

    /// Looks at the runs of one workspace whose folders were touched.
    fn refresh_states(&mut self, root: &Path, changed: &mut Changed) {
        for (run, seen) in self.runs.iter_mut().flatten() {
            let mut reading = Reading { here: &self.here, interner: &mut self.interner };
            if run.path().starts_with(root) && seen.refresh_if_touched(run, &mut reading) {
                changed.runs.insert(run.id);
            }
        }
    }

    fn refresh_run(&mut self, folder: &Path, changed: &mut Changed) {
        let Some(id) = self.find(folder) else {
            // A run that we do not know yet: its experiment's list is behind.
            if let Some(experiment) = folder.parent().and_then(Path::parent) {
                self.list_experiment(experiment, changed);
            }
            return;
        };
        let Some(Some((run, seen))) = self.runs.get_mut(id.0) else { return };
        let mut reading = Reading { here: &self.here, interner: &mut self.interner };
        if seen.refresh(run, &mut reading) {
            changed.runs.insert(id);
        }
    }

    fn refresh_liveness(&mut self, changed: &mut Changed) {
        for (run, seen) in self.runs.iter_mut().flatten() {
            let at_work = run.status.as_ref().is_some_and(|status| status.state.is_live());
            if at_work && seen.refresh_liveness(run, &self.here) {
                changed.runs.insert(run.id);
            }
        }
    }
}

#[cfg(test)]
mod tests;
