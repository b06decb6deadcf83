//! Which experiments and runs there are.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use loradeck_core::run::{ExperimentFolder, RunFolder, RunName};

use super::read::{Reading, Seen};
use super::run::{Run, RunId};
use super::sort::natural;
use super::{Changed, Store};

impl Store {
    /// Lists every workspace again; new runs are read.
    pub(super) fn list_everything(&mut self, changed: &mut Changed) {
        let experiments: Vec<ExperimentFolder> =
            self.workspaces.iter().flat_map(loradeck_core::run::Workspace::experiments).collect();
        changed.list |= experiments != self.experiments;
        let gone: Vec<PathBuf> = self
            .experiments
            .iter()
            .filter(|known| !experiments.contains(known))
            .map(|known| known.path().to_path_buf())
            .collect();
        let now: Vec<PathBuf> = experiments.iter().map(|one| one.path().to_path_buf()).collect();
        self.experiments = experiments;
        for experiment in gone.iter().chain(&now) {
            self.list_runs(experiment, changed);
        }
        self.sort_if(changed.list);
    }

    /// Lists one experiment's runs again; new runs are read.
    pub(super) fn list_experiment(&mut self, experiment: &Path, changed: &mut Changed) {
        if !self.experiments.iter().any(|known| known.path() == experiment) {
            self.list_everything(changed);
            return;
        }
        self.list_runs(experiment, changed);
        self.sort_if(changed.list);
    }

    fn list_runs(&mut self, experiment: &Path, changed: &mut Changed) {
        let Some(workspace) = self.workspaces.iter().position(|one| experiment.starts_with(one.root()))
        else {
            return;
        };
        let found = ExperimentFolder::at(experiment).runs();
        let paths: HashSet<&Path> = found.iter().map(RunFolder::path).collect();
        let name = ExperimentFolder::at(experiment).name();
        let known = |run: &&Run| run.workspace == workspace && run.experiment == name;
        let gone = self.runs().filter(known).filter(|run| !paths.contains(run.path()));
        let gone: Vec<RunId> = gone.map(|run| run.id).collect();
        for id in gone {
            self.forget(id, changed);
        }
        for folder in &found {
            if self.find(folder.path()).is_none() {
                self.add(folder, workspace, changed);
            }
        }
    }

    fn forget(&mut self, id: RunId, changed: &mut Changed) {
        self.runs[id.0] = None;
        self.loaded.remove(&id);
        changed.list = true;
        changed.runs.insert(id);
    }

    fn add(&mut self, folder: &RunFolder, workspace: usize, changed: &mut Changed) {
        let Some(name) = RunName::parse(&folder.name()) else { return };
        let id = self.ids.get(folder.path()).copied().unwrap_or(RunId(self.runs.len()));
        let mut run = Run::new(id, folder.clone(), workspace, name);
        let mut seen = Seen::default();
        seen.refresh(&mut run, &mut Reading { here: &self.here, interner: &mut self.interner });
        let entry = Some((run, seen));
        match self.runs.get_mut(id.0) {
            Some(place) => *place = entry,
            None => self.runs.push(entry),
        }
        self.ids.insert(folder.path().to_path_buf(), id);
        changed.list = true;
        changed.runs.insert(id);
    }

    fn sort_if(&mut self, listed_anew: bool) {
        if listed_anew {
            let mut present: Vec<&Run> = self.runs.iter().flatten().map(|(run, _)| run).collect();
            present.sort_by(|left, right| natural(left, right));
            self.order = present.into_iter().map(|run| run.id).collect();
        }
    }
}
