//! What runs take of the disk, and which of their checkpoints may go.

use std::fs;
use std::path::{Path, PathBuf};

use loradeck_core::error::{FileError, WithPath};
use loradeck_core::file::staging_path;
use loradeck_core::run::{ExperimentFolder, RunFolder, State, Status, Workspace};

use crate::store::Labels;

/// Bytes of a run by kind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    /// Full training states.
    pub checkpoints: u64,
    /// Final weights and what loads them.
    pub weights: u64,
    /// Logs, events, journal.
    pub logs: u64,
    /// Everything else.
    pub rest: u64,
}

impl Usage {
    /// All of it.
    pub fn total(&self) -> u64 {
        self.checkpoints + self.weights + self.logs + self.rest
    }

    /// Both together.
    #[must_use]
    pub fn with(self, other: Self) -> Self {
        Self {
            checkpoints: self.checkpoints + other.checkpoints,
            weights: self.weights + other.weights,
            logs: self.logs + other.logs,
            rest: self.rest + other.rest,
        }
    }
}

/// What a run's folder takes.
pub fn usage(run: &RunFolder) -> Usage {
    let states: u64 = run.checkpoint_steps().iter().map(|step| size_of(&run.checkpoint(*step))).sum();
    let weights = size_of(&run.checkpoints()).saturating_sub(states);
    let logs = size_of(&run.logs());
    let all = size_of(run.path());
    Usage { checkpoints: states, weights, logs, rest: all.saturating_sub(states + weights + logs) }
}

/// Bytes of a file, or of all files below a folder; links are not followed.
pub fn size_of(path: &Path) -> u64 {
    let Ok(metadata) = fs::symlink_metadata(path) else { return 0 };
    if !metadata.is_dir() {
        return metadata.len();
    }
    let Ok(entries) = fs::read_dir(path) else { return 0 };
    entries.flatten().map(|entry| size_of(&entry.path())).sum()
}

/// Something that may go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Removable {
    /// Of which run.
    pub run: RunFolder,
    /// The folder.
    pub path: PathBuf,
    /// What it is, for people.
    pub what: String,
    /// Bytes.
    pub size: u64,
}

/// Checkpoints of ended runs but for the `keep` newest of each. Pinned runs keep all of theirs, and so do those that
/// have not ended: they may have to go on from them. The newest of a run that has not finished always stays, for the same
/// reason.
pub fn superfluous_checkpoints(runs: &[RunFolder], keep: usize) -> Result<Vec<Removable>, FileError> {
    let mut found = Vec::new();
    for run in runs {
        let status = Status::read(run)?;
        let has_ended = status.as_ref().is_none_or(|status| status.state.is_end());
        if !has_ended || is_pinned(run) {
            continue;
        }
        let is_finished = status.is_some_and(|status| status.state == State::Finished);
        let keep = if is_finished { keep } else { keep.max(1) };
        let steps = run.checkpoint_steps();
        for step in &steps[..steps.len().saturating_sub(keep)] {
            let path = run.checkpoint(*step);
            let size = size_of(&path);
            found.push(Removable {
                run: run.clone(),
                path,
                what: format!("checkpoint of step {step}"),
                size,
            });
        }
    }
    Ok(found)
}

/// The removed runs of an experiment.
pub fn trash(experiment: &ExperimentFolder) -> Vec<Removable> {
    let removed = experiment.removed_runs().into_iter();
    removed
        .map(|run| {
            let (path, size) = (run.path().to_path_buf(), size_of(run.path()));
            Removable { run, path, what: "removed run".to_owned(), size }
        })
        .collect()
}

/// Labels that cannot be read may hold a pin.
fn is_pinned(run: &RunFolder) -> bool {
    Labels::read(run).map_or(true, |labels| labels.pin)
}

/// Removes what was listed, unless its run has been queued or started since. Returns the bytes that are free now.
pub fn remove(workspace: &Workspace, listed: &[Removable]) -> Result<u64, FileError> {
    let mut freed = 0;
    for one in listed {
        let _queue = workspace.queue_lock()?;
        if Status::read(&one.run)?.is_some_and(|status| !status.state.is_end()) {
            continue;
        }
        // Out of its name first: what is half removed must not look like a checkpoint.
        let doomed = staging_path(&one.path);
        fs::rename(&one.path, &doomed).with_path(&one.path, "move aside")?;
        fs::remove_dir_all(&doomed).with_path(&doomed, "remove")?;
        freed += one.size;
    }
    Ok(freed)
}

#[cfg(test)]
mod tests {
    use loradeck_core::time::Moment;

    use super::*;

    fn run_in(root: &Path, name: &str, state: State, steps: &[u64]) -> RunFolder {
        let run = RunFolder::new(root.join("experiments/a/runs").join(name));
        for step in steps {
            fs::create_dir_all(run.checkpoint(*step)).unwrap();
            fs::write(run.checkpoint(*step).join("state.safetensors"), [0; 100]).unwrap();
        }
        fs::create_dir_all(run.logs()).unwrap();
        fs::write(run.train_log(), [0; 10]).unwrap();
        fs::write(run.checkpoints().join("weights.safetensors"), [0; 40]).unwrap();
        Status::new(state, 1, Moment(0)).write(&run).unwrap();
        run
    }

    #[test]
    fn the_newest_checkpoints_of_ended_runs_stay_and_all_of_others() {
        let root = tempfile::tempdir().unwrap();
        let workspace = Workspace::at(root.path());
        let ended = run_in(root.path(), "0001-x", State::Finished, &[10, 20, 30]);
        let live = run_in(root.path(), "0002-x", State::Running, &[10, 20]);
        let pinned = run_in(root.path(), "0003-x", State::Finished, &[10, 20]);
        fs::write(pinned.labels(), r#"{"pin": true}"#).unwrap();
        let used = usage(&ended);
        assert_eq!((used.checkpoints, used.weights, used.logs), (300, 40, 10));
        let found = superfluous_checkpoints(&[ended.clone(), live.clone(), pinned.clone()], 1).unwrap();
        assert_eq!(found.len(), 2);
        // Queued since it was listed: it may go on from any of them.
        Status::new(State::Queued, 2, Moment(0)).write(&ended).unwrap();
        assert_eq!(remove(&workspace, &found).unwrap(), 0);
        Status::new(State::Finished, 2, Moment(0)).write(&ended).unwrap();
        assert_eq!(remove(&workspace, &found).unwrap(), 200);
        assert_eq!((ended.checkpoint_steps(), live.checkpoint_steps()), (vec![30], vec![10, 20]));
        assert_eq!(pinned.checkpoint_steps(), [10, 20]);
    }

    #[test]
    fn what_has_not_finished_keeps_what_it_may_go_on_from() {
        let root = tempfile::tempdir().unwrap();
        let ends = [State::Finished, State::Failed, State::Stopped, State::Pruned];
        let left = ends.map(|state| {
            let run = run_in(root.path(), &format!("0001-{}", state.word()), state, &[10, 20]);
            superfluous_checkpoints(&[run], 0).unwrap().len()
        });
        assert_eq!(left, [2, 1, 1, 1]);
    }
}
