//! `--run RUN --attempt N`: one attempt of a run in a workspace, started by its supervisor.

use std::path::{Path, PathBuf};

use loradeck_core::config::load_frozen;
use loradeck_core::error::WithPath;
use loradeck_core::file;
use loradeck_core::run::{Attempt, FileLock, Outcome, RunFolder, Workspace, is_held, try_exclusive};
use loradeck_core::time::Moment;

use crate::engine::{self, BaseHash, Record, Signals};
use crate::error::TrainError;
use crate::tasks::{self, TaskInputs};

/// Set by a supervisor that gives its trainer the locked `train.lock`.
const INHERITED: &str = "LORADECK_TRAIN_LOCK_INHERITED";

/// Trains attempt `attempt` of the run in `folder`.
pub fn train_run(folder: &Path, attempt: u32) -> Result<Outcome, TrainError> {
    // First of all: a stop that comes while the program starts must not kill it.
    let signals = Signals::listen(false).map_err(|error| TrainError::Other(error.to_string()))?;
    let run = RunFolder::new(std::fs::canonicalize(folder).with_path(folder, "find the run")?);
    let _lock = take_lock(&run)?;
    let mut record = Record::open(&run, attempt, false)?;
    match prepare(&run, attempt) {
        Ok(inputs) => {
            let base_hash = BaseHash::start(&*inputs);
            Ok(engine::train(&*inputs, base_hash, &mut record, &signals))
        }
        Err(error) => Ok(engine::conclude(&mut record, error.outcome(), Some(error.to_string()), &signals)),
    }
}

/// The train lock, kept to the end: the supervisor's, inherited, or our own.
pub(super) fn take_lock(run: &RunFolder) -> Result<Option<FileLock>, TrainError> {
    let path = run.train_lock();
    let inherited = std::env::var_os(INHERITED).is_some_and(|value| value == "1");
    if inherited && is_held(&path)? {
        return Ok(None);
    }
    match try_exclusive(&path)? {
        Some(lock) => Ok(Some(lock)),
        None => Err(TrainError::Other(format!("another training process of {} is still alive", run.label()))),
    }
}

fn prepare(run: &RunFolder, attempt: u32) -> Result<Box<dyn TaskInputs>, TrainError> {
    let record: Option<Attempt> = file::read_json(&run.attempt(attempt))?;
    let overrides = record.map(|record| record.overrides).unwrap_or_default();
    let (settings, provenance) = load_frozen(&run.config(), &overrides)?;
    tasks::read_inputs(settings, &root_of(run.path())?, provenance.submitted_at.unwrap_or(Moment(0)))
}

/// What paths are relative to: the workspace's root, else the current folder.
pub(super) fn root_of(path: &Path) -> Result<PathBuf, TrainError> {
    match Workspace::find(path) {
        Ok(workspace) => Ok(workspace.root().to_path_buf()),
        Err(_) => Ok(std::env::current_dir().with_path(".", "find the folder")?),
    }
}
