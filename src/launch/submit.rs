//! Submitting: run folders made complete under a temporary name and renamed into the queue.

use std::fs;
use std::path::PathBuf;

use loradeck_core::crash;
use loradeck_core::error::{FileError, WithPath};
use loradeck_core::file::{self, Durability, staging_path};
use loradeck_core::run::{ExperimentFolder, QueueEntry, RunFolder, RunName, State, Status, Workspace};
use loradeck_core::time::Moment;
use serde_json::{Value, json};

/// One run to be queued.
#[derive(Clone, Debug, PartialEq)]
pub struct NewRun {
    /// What distinguishes it; becomes the slug of its folder.
    pub slug: String,
    /// The frozen `config.yaml`.
    pub config: String,
    /// Higher goes first.
    pub priority: i64,
}

/// What came of a submission.
#[derive(Clone, Debug, PartialEq)]
pub struct Submission {
    /// The runs' folders, in the order given.
    pub runs: Vec<RunFolder>,
    /// The sweep's folder, where there is one.
    pub sweep: Option<PathBuf>,
}

/// Why nothing, or not everything, was queued.
#[derive(Debug, thiserror::Error)]
pub enum SubmitError {
    /// A file could not be written.
    #[error(transparent)]
    File(#[from] FileError),
    /// Some were queued, then it failed.
    #[error("{} of {wanted} runs were queued, then: {source}", queued.len())]
    Partly {
        /// Those that wait now.
        queued: Vec<RunFolder>,
        /// How many there were to be.
        wanted: usize,
        /// What failed.
        source: FileError,
    },
}

/// Queues `runs` of `experiment`. `sweep` is the frozen description of the sweep they belong to; `committed` the
/// highest run number in the repository's tree.
pub fn submit(
    workspace: &Workspace,
    experiment: &ExperimentFolder,
    runs: &[NewRun],
    sweep: Option<Value>,
    committed: u32,
) -> Result<Submission, SubmitError> {
    let _queue = workspace.queue_lock()?;
    file::create_folder(&experiment.runs_folder())?;
    let first = experiment.next_number(committed);
    // Noted before any folder appears, so that a crash can only skip numbers.
    experiment.note_next_number(first + runs.len() as u32)?;
    let mut queued = Vec::new();
    for (number, run) in (first..).zip(runs) {
        match queue_one(experiment, number, run) {
            Ok(folder) => queued.push(folder),
            Err(source) => return Err(SubmitError::Partly { queued, wanted: runs.len(), source }),
        }
        crash::point("submit.after-run");
    }
    let sweep = sweep.map(|sweep| record_sweep(experiment, sweep, &queued)).transpose()?;
    Ok(Submission { runs: queued, sweep })
}

fn queue_one(experiment: &ExperimentFolder, number: u32, run: &NewRun) -> Result<RunFolder, FileError> {
    let path = experiment.runs_folder().join(RunName::new(number, &run.slug).to_string());
    let staged = RunFolder::new(staging_path(&path));
    file::create_folder(staged.path())?;
    let now = Moment::now();
    file::replace(&staged.config(), run.config.as_bytes(), Durability::Synced)?;
    QueueEntry { priority: run.priority, queued_at: now, ..QueueEntry::default() }.write(&staged)?;
    Status::new(State::Queued, 1, now).write(&staged)?;
    crash::point("submit.before-rename");
    fs::rename(staged.path(), &path).with_path(&path, "queue")?;
    file::sync_folder_of(&path)?;
    Ok(RunFolder::new(path))
}

fn record_sweep(
    experiment: &ExperimentFolder,
    mut sweep: Value,
    runs: &[RunFolder],
) -> Result<PathBuf, FileError> {
    let folder = free_sweep_folder(experiment)?;
    let names: Vec<String> = runs.iter().map(RunFolder::name).collect();
    if let Some(fields) = sweep.as_object_mut() {
        fields.insert("runs".to_owned(), json!(names));
    }
    file::replace_json(&folder.join("sweep.json"), &sweep, Durability::Synced)?;
    Ok(folder)
}

fn free_sweep_folder(experiment: &ExperimentFolder) -> Result<PathBuf, FileError> {
    file::create_folder(&experiment.sweeps())?;
    let mut number = 1;
    loop {
        let folder = experiment.sweeps().join(format!("{number:02}"));
        match fs::create_dir(&folder) {
            Ok(()) => return Ok(folder),
            Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => number += 1,
            Err(error) => return Err(FileError::new(folder, "create the folder", error)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_are_queued_whole_and_numbered_on() {
        let root = tempfile::tempdir().unwrap();
        fs::write(root.path().join("loradeck.yaml"), "format: 1\n").unwrap();
        let workspace = Workspace::find(root.path()).unwrap();
        let experiment = workspace.experiment("style");
        let new = |slug: &str| NewRun { slug: slug.into(), config: "lora_rank: 8\n".into(), priority: 0 };
        let first = submit(&workspace, &experiment, &[new("rank=4"), new("rank=8")], None, 0).unwrap();
        let second = submit(&workspace, &experiment, &[new("x")], Some(json!({"format": 1})), 6).unwrap();
        let names: Vec<String> = first.runs.iter().chain(&second.runs).map(RunFolder::name).collect();
        assert_eq!(names, ["0001-rank-4", "0002-rank-8", "0007-x"]);
        let status = Status::read(&second.runs[0]).unwrap().unwrap();
        assert_eq!((status.state, status.attempt), (State::Queued, 1));
        assert!(second.sweep.unwrap().join("sweep.json").is_file());
        let leftovers = fs::read_dir(experiment.runs_folder()).unwrap().flatten();
        assert!(leftovers.into_iter().all(|entry| !entry.file_name().to_string_lossy().starts_with('.')));
    }
}
