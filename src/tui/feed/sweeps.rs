//! The sweeps of all workspaces, each file read again only where it is another version.

use std::collections::{BTreeMap, HashMap};
use std::os::unix::fs::MetadataExt as _;
use std::path::PathBuf;

use loradeck_core::run::{ExperimentFolder, Workspace};

use crate::launch::{Arrival, SweepFile, sweep_numbers};
use crate::store::Store;
use crate::tui::state::{Deciding, Rung, SweepId, SweepView};
use crate::watch::Change;

/// Replaced files have another inode, and mostly another time.
type Version = (i64, i64, u64);

/// Reads sweeps.
#[derive(Debug, Default)]
pub(super) struct SweepReader {
    known: HashMap<PathBuf, (Version, SweepView)>,
    last: Vec<SweepView>,
}

/// Whether a sweep's file may be among what changed: it is written under the queue lock, and comes with its runs.
pub(super) fn may_concern(changes: &[Change]) -> bool {
    changes.iter().any(|change| {
        matches!(change, Change::Everything | Change::Experiments(_) | Change::Runs(_) | Change::States(_))
    })
}

impl SweepReader {
    /// The sweeps as they were last read.
    pub(super) fn known(&self) -> &[SweepView] {
        &self.last
    }

    /// The sweeps by workspace, experiment and number, if they are other than last time.
    pub(super) fn read(&mut self, workspaces: &[Workspace], store: &Store) -> Option<Vec<SweepView>> {
        let mut known = HashMap::new();
        let mut views = Vec::new();
        for experiment in store.experiments() {
            let Some(index) = workspaces.iter().position(|one| experiment.path().starts_with(one.root()))
            else {
                continue;
            };
            for number in sweep_numbers(experiment) {
                let path = SweepFile::path_of(experiment, number);
                let Ok(file) = std::fs::metadata(&path) else { continue };
                let version = (file.mtime(), file.mtime_nsec(), file.ino());
                let view = match self.known.remove(&path) {
                    Some((before, view)) if before == version => view,
                    // Replaced while it is read: the file is whole all the same, and the next look tells.
                    _ => match SweepFile::read(experiment, number) {
                        Ok(Some(file)) => view_of(index, experiment, number, &file),
                        _ => continue,
                    },
                };
                views.push(view.clone());
                known.insert(path, (version, view));
            }
        }
        self.known = known;
        if self.last == views {
            return None;
        }
        self.last.clone_from(&views);
        Some(views)
    }
}

fn view_of(workspace: usize, experiment: &ExperimentFolder, number: u32, file: &SweepFile) -> SweepView {
    let plan = file.plan();
    let made = file.trials().len();
    let method = file.get("method").and_then(serde_json::Value::as_str).unwrap_or("grid");
    let plan_of = plan.as_ref();
    SweepView {
        id: SweepId { workspace, experiment: experiment.name(), number },
        method: plan_of.map_or_else(|| method.to_owned(), |plan| plan.method.to_string()),
        deciding: plan_of.and_then(|plan| {
            let metric = plan.metric.as_ref()?;
            Some(Deciding { metric: metric.name.clone(), goal: metric.goal, target: plan.target })
        }),
        made,
        planned: match plan_of {
            Some(plan) if plan.is_search() => plan.run_cap,
            _ => Some(made as u64),
        },
        paused: file.paused().map(str::to_owned),
        closed: file.is_closed(),
        stopping: plan_of.iter().flat_map(|plan| &plan.stopping).map(ToString::to_string).collect(),
        space: plan_of.iter().flat_map(|plan| &plan.space).map(ToString::to_string).collect(),
        refused: file.list::<u32>("refused").len(),
        rungs: rungs(file),
        given_up: file.given_up(),
    }
}

fn rungs(file: &SweepFile) -> Vec<Rung> {
    let given_up = file.given_up();
    let mut rungs: BTreeMap<u64, Rung> = BTreeMap::new();
    for arrival in file.list::<Arrival>("arrivals") {
        let rung = rungs.entry(arrival.rung).or_insert(Rung { step: arrival.rung, came: 0, given_up: 0 });
        rung.came += 1;
        let is_given_up =
            given_up.iter().any(|(trial, step)| u64::from(*trial) == arrival.trial && *step == arrival.rung);
        rung.given_up += usize::from(is_given_up);
    }
    rungs.into_values().collect()
}
