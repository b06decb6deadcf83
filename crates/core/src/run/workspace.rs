//! The workspace: the folder with `loradeck.yaml`, its experiments and their runs.

use std::fs;
use std::path::{Path, PathBuf};

use crate::config::{Diagnostics, WorkspaceSettings, read_workspace_settings};
use crate::error::{FileError, WithPath};
use crate::file::{self, Durability};
use crate::run::{FileLock, RunFolder, RunName};

/// The format of workspaces and run folders that this program writes, and the newest it reads.
pub const FORMAT: u32 = 1;

/// Why a folder is no workspace, or a name no run.
#[derive(Debug, thiserror::Error)]
pub enum WorkspaceError {
    /// No `loradeck.yaml` here or above.
    #[error("no workspace: there is no loradeck.yaml in '{}' or above (hint: `loradeck init` makes one)", .0.display())]
    NotFound(PathBuf),
    /// A path that cannot be written into files and commands.
    #[error("the workspace's path '{}' is no UTF-8 text, so that configurations and commands cannot name it (hint: rename the folder)", .0.display())]
    NotText(PathBuf),
    /// The settings of the workspace are wrong, or of a newer format.
    #[error(transparent)]
    Settings(Diagnostics),
    /// A run's name that fits none.
    #[error("no run is named '{0}' (hint: `loradeck list` shows all)")]
    NoSuchRun(String),
    /// A run's name that fits several.
    #[error("'{name}' names {} runs: {}", candidates.len(), candidates.join(", "))]
    Ambiguous {
        /// What was asked for.
        name: String,
        /// What it fits.
        candidates: Vec<String>,
    },
    /// A file that could not be read or written.
    #[error(transparent)]
    File(#[from] FileError),
}

/// A workspace's root folder.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Workspace {
    root: PathBuf,
}

/// One experiment's folder within a workspace.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ExperimentFolder {
    path: PathBuf,
}

impl Workspace {
    /// The workspace whose root is `root`, existing or not.
    pub fn at(root: impl Into<PathBuf>) -> Self {
        Self { root: root.into() }
    }

    /// The workspace that holds `start`: the nearest folder from there upwards with a `loradeck.yaml`.
    pub fn find(start: &Path) -> Result<Self, WorkspaceError> {
        let absolute = fs::canonicalize(start).with_path(start, "find")?;
        let root = absolute.ancestors().find(|folder| folder.join("loradeck.yaml").is_file());
        match root {
            Some(root) if root.to_str().is_none() => Err(WorkspaceError::NotText(root.to_path_buf())),
            Some(root) => Ok(Self::at(root)),
            None => Err(WorkspaceError::NotFound(start.to_path_buf())),
        }
    }

    /// As [`Workspace::find`], and its `loradeck.yaml` is one that this program understands.
    pub fn open(start: &Path) -> Result<Self, WorkspaceError> {
        let workspace = Self::find(start)?;
        workspace.settings()?;
        Ok(workspace)
    }

    /// What its `loradeck.yaml` says.
    pub fn settings(&self) -> Result<WorkspaceSettings, WorkspaceError> {
        let path = self.settings_file();
        read_workspace_settings(&path, &file::read_text(&path)?).map_err(WorkspaceError::Settings)
    }

    /// The root folder.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// `loradeck.yaml`.
    pub fn settings_file(&self) -> PathBuf {
        self.root.join("loradeck.yaml")
    }

    /// The workspace's own templates.
    pub fn templates(&self) -> PathBuf {
        self.root.join("templates")
    }

    /// The folder of all experiments.
    pub fn experiments_folder(&self) -> PathBuf {
        self.root.join("experiments")
    }

    /// Locks and caches; deleting it loses no run and no order.
    pub fn state_folder(&self) -> PathBuf {
        self.root.join(".loradeck")
    }

    /// Creates the state folder, which ignores itself in git.
    pub fn ensure_state_folder(&self) -> Result<PathBuf, FileError> {
        let folder = self.state_folder();
        file::create_folder(&folder)?;
        let ignore = folder.join(".gitignore");
        if !ignore.exists() {
            file::replace(&ignore, b"*\n", Durability::Renamed)?;
        }
        Ok(folder)
    }

    /// Held while anybody queues, requeues, claims or recovers. Waits for it.
    pub fn queue_lock(&self) -> Result<FileLock, FileError> {
        FileLock::wait(&self.ensure_state_folder()?.join("queue.lock"))
    }

    /// Held by the one dispatcher.
    pub fn dispatch_lock(&self) -> PathBuf {
        self.state_folder().join("dispatch.lock")
    }

    /// Held while reports, comparisons and commits are written.
    pub fn write_lock(&self) -> PathBuf {
        self.state_folder().join("write.lock")
    }

    /// The dispatcher's own log.
    pub fn dispatch_log(&self) -> PathBuf {
        self.state_folder().join("dispatch.log")
    }

    /// Queue settings of the workspace (paused, slots).
    pub fn queue_settings(&self) -> PathBuf {
        self.state_folder().join("queue.json")
    }

    /// Which host is at home.
    pub fn home(&self) -> PathBuf {
        self.state_folder().join("home.json")
    }

    /// The claims of hosts to be home, by their terms.
    pub fn homes(&self) -> PathBuf {
        self.state_folder().join("homes")
    }

    /// The experiment called `name`.
    pub fn experiment(&self, name: &str) -> ExperimentFolder {
        ExperimentFolder { path: self.experiments_folder().join(name) }
    }

    /// All experiments by name: folders below `experiments/` that hold an `experiment.yaml` or runs.
    pub fn experiments(&self) -> Vec<ExperimentFolder> {
        let mut found: Vec<ExperimentFolder> = folders_in(&self.experiments_folder())
            .into_iter()
            .map(|path| ExperimentFolder { path })
            .filter(|experiment| experiment.file().is_file() || experiment.runs_folder().is_dir())
            .collect();
        found.sort();
        found
    }

    /// Every run of every experiment, by experiment and number.
    pub fn runs(&self) -> Vec<RunFolder> {
        self.experiments().iter().flat_map(ExperimentFolder::runs).collect()
    }

    /// The run that `text` names: `NAME/7`, `NAME/0007-slug`, a unique prefix of either, a bare number or slug
    /// where it is unique, or a path.
    pub fn find_run(&self, text: &str) -> Result<RunFolder, WorkspaceError> {
        let as_path = Path::new(text);
        if as_path.join("config.yaml").is_file() || as_path.join("status.json").is_file() {
            return Ok(RunFolder::new(fs::canonicalize(as_path).with_path(as_path, "find")?));
        }
        choose_run(text.trim_end_matches('/'), &self.runs())
    }

    /// `path` as it stands in frozen files: relative to the root where it lies below it.
    pub fn relative<'a>(&self, path: &'a Path) -> &'a Path {
        path.strip_prefix(&self.root).unwrap_or(path)
    }
}

fn choose_run(text: &str, runs: &[RunFolder]) -> Result<RunFolder, WorkspaceError> {
    let (experiment, name) = match text.split_once('/') {
        Some((experiment, name)) => (Some(experiment), name),
        None => (None, text),
    };
    let in_experiment =
        |run: &&RunFolder| experiment.is_none_or(|wanted| run.experiment().as_deref() == Some(wanted));
    let exact: Vec<&RunFolder> =
        runs.iter().filter(in_experiment).filter(|run| names_exactly(run, name)).collect();
    let fitting = if exact.is_empty() && !name.is_empty() {
        runs.iter().filter(in_experiment).filter(|run| names_by_prefix(run, name)).collect()
    } else {
        exact
    };
    match fitting.as_slice() {
        [] => Err(WorkspaceError::NoSuchRun(text.to_owned())),
        [one] => Ok((*one).clone()),
        several => Err(WorkspaceError::Ambiguous {
            name: text.to_owned(),
            candidates: several.iter().map(|run| run.label()).collect(),
        }),
    }
}

fn names_exactly(run: &RunFolder, name: &str) -> bool {
    let number = RunName::parse(&run.name()).map(|parsed| parsed.number);
    run.name() == name || (name.parse::<u32>().is_ok() && name.parse().ok() == number)
}

fn names_by_prefix(run: &RunFolder, name: &str) -> bool {
    let full = run.name();
    full.starts_with(name) || RunName::parse(&full).is_some_and(|parsed| parsed.slug.starts_with(name))
}

impl ExperimentFolder {
    /// The experiment at `path`, existing or not.
    pub fn at(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into() }
    }

    /// The folder.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The experiment's name.
    pub fn name(&self) -> String {
        self.path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
    }

    /// `experiment.yaml`, the user's file.
    pub fn file(&self) -> PathBuf {
        self.path.join("experiment.yaml")
    }

    /// `comparison.md`, the compiled table of its runs.
    pub fn comparison(&self) -> PathBuf {
        self.path.join("comparison.md")
    }

    /// The folder of all runs.
    pub fn runs_folder(&self) -> PathBuf {
        self.path.join("runs")
    }

    /// The folder of removed runs.
    pub fn trash(&self) -> PathBuf {
        self.path.join("trash")
    }

    /// The folder of submitted sweeps.
    pub fn sweeps(&self) -> PathBuf {
        self.path.join("sweeps")
    }

    /// All runs by number.
    pub fn runs(&self) -> Vec<RunFolder> {
        numbered(&self.runs_folder())
    }

    /// All removed runs by number.
    pub fn removed_runs(&self) -> Vec<RunFolder> {
        numbered(&self.trash())
    }

    /// The next free run number: above `runs/next`, every run, everything in the trash and `committed` (the highest
    /// number in the repository's tree). The caller holds the queue lock.
    pub fn next_number(&self, committed: u32) -> u32 {
        let noted = fs::read_to_string(self.runs_folder().join("next"))
            .ok()
            .and_then(|text| text.trim().parse::<u32>().ok())
            .unwrap_or(1);
        let highest = [self.runs_folder(), self.trash()]
            .iter()
            .flat_map(|folder| numbered(folder))
            .filter_map(|run| RunName::parse(&run.name()).map(|name| name.number))
            .fold(committed, u32::max);
        noted.max(highest + 1)
    }

    /// Notes that numbers below `next` are taken.
    pub fn note_next_number(&self, next: u32) -> Result<(), FileError> {
        file::create_folder(&self.runs_folder())?;
        file::replace(&self.runs_folder().join("next"), format!("{next}\n").as_bytes(), Durability::Synced)
    }
}

fn numbered(folder: &Path) -> Vec<RunFolder> {
    let mut runs: Vec<(RunName, PathBuf)> = folders_in(folder)
        .into_iter()
        .filter_map(|path| Some((RunName::parse(&path.file_name()?.to_string_lossy())?, path)))
        .collect();
    runs.sort();
    runs.into_iter().map(|(_, path)| RunFolder::new(path)).collect()
}

fn folders_in(folder: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
    entries
        .flatten()
        .filter(|entry| !entry.file_name().to_string_lossy().starts_with('.'))
        .map(|entry| entry.path())
        .filter(|path| path.is_dir())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn workspace_with(runs: &[&str]) -> (tempfile::TempDir, Workspace) {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("loradeck.yaml"), "format: 1\n").unwrap();
        for run in runs {
            let (experiment, name) = run.split_once('/').unwrap();
            fs::create_dir_all(folder.path().join("experiments").join(experiment).join("runs").join(name))
                .unwrap();
        }
        let workspace = Workspace::find(folder.path()).unwrap();
        (folder, workspace)
    }

    #[test]
    fn runs_are_found_by_number_name_and_unique_prefix() {
        let (_folder, workspace) = workspace_with(&["a/0001-rank-4", "a/0002-rank-8", "b/0001-other"]);
        for text in ["a/2", "a/0002-rank-8", "a/0002", "a/rank-8", "0002-rank-8", "2"] {
            assert_eq!(workspace.find_run(text).unwrap().label(), "a/0002-rank-8", "{text}");
        }
        assert!(matches!(workspace.find_run("1"), Err(WorkspaceError::Ambiguous { .. })));
        assert!(matches!(workspace.find_run("a/9"), Err(WorkspaceError::NoSuchRun(_))));
        assert!(matches!(workspace.find_run("../b"), Err(WorkspaceError::NoSuchRun(_))));
    }

    #[test]
    fn numbers_are_never_reused() {
        let (_folder, workspace) = workspace_with(&["a/0001-x"]);
        let experiment = workspace.experiment("a");
        assert_eq!(experiment.next_number(0), 2);
        fs::create_dir_all(experiment.trash().join("0007-y")).unwrap();
        assert_eq!(experiment.next_number(0), 8);
        assert_eq!(experiment.next_number(11), 12);
        experiment.note_next_number(20).unwrap();
        assert_eq!(experiment.next_number(11), 20);
    }

    #[test]
    fn a_path_that_is_no_text_is_refused_by_name() {
        use std::os::unix::ffi::OsStrExt;
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().join(std::ffi::OsStr::from_bytes(b"N\xe9x"));
        fs::create_dir_all(root.join("below")).unwrap();
        fs::write(root.join("loradeck.yaml"), "format: 1\n").unwrap();
        let error = Workspace::find(&root.join("below")).unwrap_err();
        assert!(
            matches!(&error, WorkspaceError::NotText(path) if *path == root.canonicalize().unwrap()),
            "{error}"
        );
    }

    #[test]
    fn a_folder_without_a_workspace_is_told_how_to_make_one() {
        let folder = tempfile::tempdir().unwrap();
        let error = Workspace::find(folder.path()).unwrap_err().to_string();
        assert!(error.contains("loradeck init"), "{error}");
    }
}
