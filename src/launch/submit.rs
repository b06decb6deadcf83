//! Submitting: run folders made complete under a temporary name and renamed into the queue.

use std::fs;
use std::path::{Path, PathBuf};

use loradeck_core::config::{Provenance, Settings, frozen_text};
use loradeck_core::crash;
use loradeck_core::error::{FileError, WithPath};
use loradeck_core::file::{self, Durability, staging_path};
use loradeck_core::run::{ExperimentFolder, QueueEntry, RunFolder, RunName, State, Status, Workspace};
use loradeck_core::time::Moment;
use serde_json::{Value, json};

use super::sweep_file::SweepFile;

/// One run to be queued.
#[derive(Clone, Debug, PartialEq)]
pub struct NewRun {
    /// What distinguishes it; becomes the slug of its folder.
    pub slug: String,
    /// All settings, frozen with the provenance once the sweep has its number.
    pub settings: Settings,
    /// Where they came from.
    pub provenance: Provenance,
    /// Its place in the queue.
    pub entry: QueueEntry,
}

/// What is submitted besides the runs themselves.
#[derive(Clone, Debug, Default)]
pub struct Order {
    /// The sweep that the runs belong to.
    pub sweep: SweepOf,
    /// The highest run number in the repository's tree.
    pub committed: u32,
    /// Uncommitted changes of the code, kept beside every run.
    pub code_patch: Option<Vec<u8>>,
}

/// The sweep that runs belong to.
#[derive(Clone, Debug, Default)]
pub enum SweepOf {
    /// None.
    #[default]
    None,
    /// A new one, with its frozen description.
    New(Value),
    /// A sweep that is there already.
    Known(u32),
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

/// Queues `runs` of `experiment`.
pub fn submit(
    workspace: &Workspace,
    experiment: &ExperimentFolder,
    runs: &[NewRun],
    order: &Order,
) -> Result<Submission, SubmitError> {
    let _queue = workspace.queue_lock()?;
    submit_locked(experiment, runs, order)
}

/// As [`submit`], for a caller that holds the queue lock.
pub(crate) fn submit_locked(
    experiment: &ExperimentFolder,
    runs: &[NewRun],
    order: &Order,
) -> Result<Submission, SubmitError> {
    file::create_folder(&experiment.runs_folder())?;
    let first = experiment.next_number(order.committed);
    // Noted before any folder appears, so that a crash can only skip numbers.
    experiment.note_next_number(first + runs.len() as u32)?;
    let names: Vec<RunName> =
        (first..).zip(runs).map(|(number, run)| RunName::new(number, &run.slug)).collect();
    let (number, folder) = match &order.sweep {
        SweepOf::None => (None, None),
        SweepOf::Known(number) => (Some(*number), Some(SweepFile::folder_of(experiment, *number))),
        SweepOf::New(description) => {
            let (number, folder) = free_sweep_folder(experiment)?;
            record_sweep(&folder, description, number, order)?;
            (Some(number), Some(folder))
        }
    };
    let staged = stage(experiment, names.iter().zip(runs), number, order)?;
    let mut queued = Vec::new();
    for one in &staged {
        match one.put_in_place() {
            Ok(folder) => queued.push(folder),
            Err(source) => {
                staged[queued.len()..].iter().for_each(Staged::discard);
                return Err(SubmitError::Partly { queued, wanted: runs.len(), source });
            }
        }
        crash::point("submit.after-run");
    }
    file::sync_folder_of(&experiment.runs_folder().join("next"))?;
    if let (SweepOf::New(_), Some(number)) = (&order.sweep, number)
        && let Some(mut sweep) = SweepFile::read(experiment, number)?
    {
        sweep.set("submitted", json!(runs.len()));
        sweep.write()?;
    }
    Ok(Submission { runs: queued, sweep: folder })
}

/// Above this many runs, sync the file system once instead of each file; otherwise the queue lock would be held for
/// minutes.
const SYNCED_ONE_BY_ONE: usize = 8;

/// A run's folder, complete and durable under a temporary name.
struct Staged {
    run: RunFolder,
    path: PathBuf,
}

impl Staged {
    fn put_in_place(&self) -> Result<RunFolder, FileError> {
        crash::point("submit.before-rename");
        fs::rename(self.run.path(), &self.path).with_path(&self.path, "queue")?;
        Ok(RunFolder::new(&self.path))
    }

    fn discard(&self) {
        let _ = fs::remove_dir_all(self.run.path());
    }
}

/// Makes all of the folders; where one cannot be made, none stays.
fn stage<'r>(
    experiment: &ExperimentFolder,
    runs: impl ExactSizeIterator<Item = (&'r RunName, &'r NewRun)>,
    sweep: Option<u32>,
    order: &Order,
) -> Result<Vec<Staged>, FileError> {
    let is_synced = runs.len() <= SYNCED_ONE_BY_ONE;
    let durability = if is_synced { Durability::Synced } else { Durability::Renamed };
    let mut staged = Vec::with_capacity(runs.len());
    for (name, run) in runs {
        let path = experiment.runs_folder().join(name.to_string());
        let one = Staged { run: RunFolder::new(staging_path(&path)), path };
        let filled = fill(&one.run, run, sweep, order, durability);
        staged.push(one);
        if let Err(error) = filled {
            staged.iter().for_each(Staged::discard);
            return Err(error);
        }
    }
    if !is_synced && let Err(error) = file::sync_file_system_of(&experiment.runs_folder()) {
        staged.iter().for_each(Staged::discard);
        return Err(error);
    }
    Ok(staged)
}

fn fill(
    folder: &RunFolder,
    run: &NewRun,
    sweep: Option<u32>,
    order: &Order,
    durability: Durability,
) -> Result<(), FileError> {
    file::create_folder(folder.path())?;
    let now = Moment::now();
    let provenance = Provenance { sweep: sweep.or(run.provenance.sweep), ..run.provenance.clone() };
    let config = frozen_text(&run.settings, Some(&provenance));
    file::replace(&folder.config(), config.as_bytes(), durability)?;
    if let Some(patch) = &order.code_patch {
        file::replace(&folder.code_patch(), patch, durability)?;
    }
    let trial = provenance.trial.filter(|_| sweep.is_some());
    let entry = QueueEntry { queued_at: now, sweep, trial, ..run.entry.clone() };
    file::replace_json(&folder.queue(), &entry, durability)?;
    file::replace_json(&folder.status(), &Status::new(State::Queued, 1, now), durability)
}

/// Written before the first run of it is queued, so that no trial is without its sweep.
fn record_sweep(folder: &Path, description: &Value, number: u32, order: &Order) -> Result<(), FileError> {
    let mut sweep = description.clone();
    if let Some(fields) = sweep.as_object_mut() {
        fields.insert("number".to_owned(), json!(number));
        fields.insert("submitted".to_owned(), json!(0));
    }
    // Trials that are made later are of this code, whatever has become of it by then.
    if let Some(patch) = &order.code_patch {
        file::replace(&folder.join("code.patch"), patch, Durability::Synced)?;
    }
    file::replace_json(&folder.join("sweep.json"), &sweep, Durability::Synced)
}

fn free_sweep_folder(experiment: &ExperimentFolder) -> Result<(u32, PathBuf), FileError> {
    file::create_folder(&experiment.sweeps())?;
    let mut number = 1;
    loop {
        let folder = SweepFile::folder_of(experiment, number);
        match fs::create_dir(&folder) {
            Ok(()) => return Ok((number, folder)),
            Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => number += 1,
            Err(error) => return Err(FileError::new(folder, "create the folder", error)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A workspace for a test, and an experiment in it.
    fn workspace() -> (tempfile::TempDir, Workspace, ExperimentFolder) {
        let root = tempfile::tempdir().unwrap();
        fs::write(root.path().join("loradeck.yaml"), "format: 1\n").unwrap();
        let workspace = Workspace::find(root.path()).unwrap();
        let experiment = workspace.experiment("style");
        (root, workspace, experiment)
    }

    fn new(trial: u32, slug: &str) -> NewRun {
        let text = "base_model: m.gguf\ntrain_data_dir: data\n";
        let (settings, provenance) =
            loradeck_core::config::read_frozen(Path::new("e.yaml"), text, &[]).unwrap();
        let provenance = Provenance { trial: Some(trial), ..provenance };
        NewRun { slug: slug.into(), settings, provenance, entry: QueueEntry::default() }
    }

    #[test]
    fn many_runs_are_queued_as_few_are() {
        let (_root, workspace, experiment) = workspace();
        let many: Vec<NewRun> =
            (1..=3 * SYNCED_ONE_BY_ONE as u32).map(|trial| new(trial, &format!("trial {trial}"))).collect();
        let queued = submit(&workspace, &experiment, &many, &Order::default()).unwrap().runs;
        assert_eq!((queued.len(), queued[23].name().as_str()), (24, "0024-trial-24"));
        assert!(queued.iter().all(|run| Status::read(run).unwrap().unwrap().state == State::Queued));
        let again = submit(&workspace, &experiment, &many, &Order::default()).unwrap().runs;
        assert_eq!(again[0].name(), "0025-trial-1");
        let names = fs::read_dir(experiment.runs_folder()).unwrap().flatten();
        assert!(names.into_iter().all(|entry| !entry.file_name().to_string_lossy().starts_with('.')));
    }

    #[test]
    fn runs_are_queued_whole_and_numbered_on() {
        let (_root, workspace, experiment) = workspace();
        let new = |slug| new(1, slug);
        let first =
            submit(&workspace, &experiment, &[new("rank=4"), new("rank=8")], &Order::default()).unwrap();
        let sweep = SweepOf::New(json!({"format": 1}));
        let order = Order { sweep, committed: 6, code_patch: Some(b"diff".to_vec()) };
        let second = submit(&workspace, &experiment, &[new("x")], &order).unwrap();
        let names: Vec<String> = first.runs.iter().chain(&second.runs).map(RunFolder::name).collect();
        assert_eq!(names, ["0001-rank-4", "0002-rank-8", "0007-x"]);
        let status = Status::read(&second.runs[0]).unwrap().unwrap();
        assert_eq!((status.state, status.attempt), (State::Queued, 1));
        let sweep: Value = file::read_json(&second.sweep.unwrap().join("sweep.json")).unwrap().unwrap();
        assert_eq!((&sweep["number"], &sweep["submitted"]), (&json!(1), &json!(1)));
        let (_, frozen) = loradeck_core::config::load_frozen(&second.runs[0].config(), &[]).unwrap();
        assert_eq!((frozen.sweep, frozen.trial), (Some(1), Some(1)));
        let entry = QueueEntry::read(&second.runs[0]).unwrap();
        assert_eq!((entry.sweep, entry.trial), (Some(1), Some(1)));
        assert_eq!(QueueEntry::read(&first.runs[0]).unwrap().trial, None, "of no sweep");
        assert_eq!(fs::read(second.runs[0].code_patch()).unwrap(), b"diff");
        let leftovers = fs::read_dir(experiment.runs_folder()).unwrap().flatten();
        assert!(leftovers.into_iter().all(|entry| !entry.file_name().to_string_lossy().starts_with('.')));
    }
}
