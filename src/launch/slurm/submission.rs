//! `sweeps/slurm/ID/submission.json`: which runs went to Slurm in which array. Written down before sbatch is called,
//! so that nothing is submitted twice; its one writer is the dispatcher.

use std::collections::HashSet;
use std::fs;
use std::path::{Path, PathBuf};

use loradeck_core::error::FileError;
use loradeck_core::file::{self, Durability};
use loradeck_core::run::{ExperimentFolder, Host, RunFolder, Workspace};
use loradeck_core::time::Moment;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// One element of the array, by its place: the first is element 1.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct SubmittedRun {
    /// The run folder's name.
    pub(crate) run: String,
    /// The attempt that the run was queued for.
    pub(crate) attempt: u32,
    /// Whether we hold it in Slurm.
    #[serde(default)]
    pub(crate) held: bool,
    /// Whether Slurm is done with it and its run's folder says how it ended, or waits for another submission.
    #[serde(default)]
    pub(crate) over: bool,
}

/// What was, or is to be, given to sbatch.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Submission {
    /// Format of the file.
    pub(crate) format: u32,
    /// Names the job in Slurm.
    pub(crate) id: String,
    /// When it was written down.
    pub(crate) time: Moment,
    /// The array's job number, once it is known.
    #[serde(default)]
    pub(crate) job: Option<u64>,
    /// The elements in their order.
    pub(crate) elements: Vec<SubmittedRun>,
}

impl Submission {
    /// The job's name.
    pub(crate) fn job_name(&self) -> String {
        format!("loradeck-{}", self.id)
    }

    /// Whether an element is not over.
    pub(crate) fn is_open(&self) -> bool {
        self.elements.iter().any(|element| !element.over)
    }
}

/// A submission with the place where it is filed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Filed {
    /// Whose runs they are.
    pub(crate) experiment: ExperimentFolder,
    /// What the file says.
    pub(crate) submission: Submission,
}

impl Filed {
    /// A new submission of `runs`, not yet written.
    pub(crate) fn new(experiment: ExperimentFolder, runs: Vec<SubmittedRun>, now: Moment) -> Self {
        let id = new_id(&experiment, now);
        let submission =
            Submission { format: loradeck_core::run::FORMAT, id, time: now, job: None, elements: runs };
        Self { experiment, submission }
    }

    /// The submission's folder, which also receives what the elements say before their runs' logs exist.
    pub(crate) fn folder(&self) -> PathBuf {
        folder_of(&self.experiment).join(&self.submission.id)
    }

    /// The batch script as it was given to sbatch.
    pub(crate) fn script(&self) -> PathBuf {
        self.folder().join("job.sh")
    }

    /// Held by sbatch as long as it is at work, whoever called it.
    pub(crate) fn sbatch_lock(&self) -> PathBuf {
        self.folder().join("sbatch.lock")
    }

    /// What element `index` (from 1) wrote outside its run's log.
    pub(crate) fn output(&self, index: u32) -> PathBuf {
        self.folder().join(format!("{index}.log"))
    }

    /// Whether an element has ever been started: Slurm made its output file.
    pub(crate) fn has_output(&self) -> bool {
        (1..=self.submission.elements.len() as u32).any(|index| self.output(index).exists())
    }

    /// The run of an element.
    pub(crate) fn run(&self, element: &SubmittedRun) -> RunFolder {
        RunFolder::new(self.experiment.runs_folder().join(&element.run))
    }

    /// The runs whose elements are not over.
    pub(crate) fn open_runs(&self) -> Vec<RunFolder> {
        let elements = self.submission.elements.iter().filter(|element| !element.over);
        elements.map(|element| self.run(element)).collect()
    }

    /// Writes the file.
    pub(crate) fn write(&self) -> Result<(), FileError> {
        file::create_folder(&self.folder())?;
        file::replace_json(&self.folder().join("submission.json"), &self.submission, Durability::Synced)
    }
}

fn folder_of(experiment: &ExperimentFolder) -> PathBuf {
    experiment.sweeps().join("slurm")
}

/// An id that no other submission on the cluster has: a digest of where and when it was made.
fn new_id(experiment: &ExperimentFolder, now: Moment) -> String {
    let host = Host::here();
    let unique = file::staging_path(Path::new("submission"));
    let text = format!(
        "{}\n{}\n{}\n{}\n{}",
        host.host,
        host.boot_id,
        experiment.path().display(),
        now.0,
        unique.display()
    );
    let number =
        Sha256::digest(text).iter().take(8).fold(0_u64, |number, byte| number << 8 | u64::from(*byte));
    format!("{number:016x}")
}

/// Every submission with an element that is not over, oldest first, and what could not be read.
pub(crate) fn open_submissions(workspace: &Workspace) -> (Vec<Filed>, Vec<FileError>) {
    let (mut open, mut unreadable) = (Vec::new(), Vec::new());
    for experiment in workspace.experiments() {
        let (found, errors) = open_of_experiment(&experiment);
        open.extend(found);
        unreadable.extend(errors);
    }
    open.sort_by(|left, right| {
        (left.submission.time, &left.submission.id).cmp(&(right.submission.time, &right.submission.id))
    });
    (open, unreadable)
}

fn open_of_experiment(experiment: &ExperimentFolder) -> (Vec<Filed>, Vec<FileError>) {
    let (mut open, mut unreadable) = (Vec::new(), Vec::new());
    for entry in fs::read_dir(folder_of(experiment)).into_iter().flatten().flatten() {
        match file::read_json::<Submission>(&entry.path().join("submission.json")) {
            // The id is the folder's name and goes into paths: a file that says otherwise is not ours.
            Ok(Some(submission))
                if submission.is_open() && entry.file_name().to_str() == Some(&submission.id) =>
            {
                open.push(Filed { experiment: experiment.clone(), submission });
            }
            Ok(_) => {}
            Err(error) => unreadable.push(error),
        }
    }
    (open, unreadable)
}

/// Every run that an open submission has.
pub(crate) fn runs_with_slurm(workspace: &Workspace) -> HashSet<RunFolder> {
    open_submissions(workspace).0.iter().flat_map(Filed::open_runs).collect()
}

/// The open submission that has `run`, and the run's index (from 1) in it.
pub(crate) fn holder_of(run: &RunFolder) -> Option<(Filed, u32)> {
    let experiment = ExperimentFolder::at(run.path().parent()?.parent()?);
    let name = run.name();
    open_of_experiment(&experiment).0.into_iter().find_map(|filed| {
        let at = filed.submission.elements.iter().position(|element| element.run == name && !element.over)?;
        Some((filed, at as u32 + 1))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(name: &str, over: bool) -> SubmittedRun {
        SubmittedRun { run: name.into(), attempt: 1, held: false, over }
    }

    #[test]
    fn a_submission_is_found_by_its_runs_until_they_are_over() {
        let root = tempfile::tempdir().unwrap();
        let workspace = Workspace::at(root.path());
        let experiment = workspace.experiment("x");
        file::create_folder(&experiment.runs_folder()).unwrap();
        let mut filed =
            Filed::new(experiment.clone(), vec![run("0001-a", false), run("0002-b", false)], Moment(1));
        assert_eq!(open_submissions(&workspace).0, []);
        filed.write().unwrap();
        let second = RunFolder::new(experiment.runs_folder().join("0002-b"));
        assert_eq!(holder_of(&second), Some((filed.clone(), 2)));
        filed.submission.elements[1].over = true;
        filed.write().unwrap();
        assert_eq!(holder_of(&second), None);
        assert_eq!(open_submissions(&workspace).0, [filed.clone()]);
        filed.submission.elements[0].over = true;
        filed.write().unwrap();
        assert_eq!(open_submissions(&workspace).0, []);
    }

    #[test]
    fn ids_differ_and_are_fit_for_a_job_name() {
        let experiment = Workspace::at("/w").experiment("x");
        let ids: std::collections::HashSet<String> =
            (0..100).map(|_| Filed::new(experiment.clone(), Vec::new(), Moment(1)).submission.id).collect();
        assert_eq!(ids.len(), 100);
        assert!(ids.iter().all(|id| id.len() == 16 && id.bytes().all(|byte| byte.is_ascii_hexdigit())));
    }

    #[test]
    fn a_file_that_names_another_folder_and_a_torn_one_are_not_followed() {
        let root = tempfile::tempdir().unwrap();
        let workspace = Workspace::at(root.path());
        let experiment = workspace.experiment("x");
        file::create_folder(&experiment.runs_folder()).unwrap();
        let folder = folder_of(&experiment);
        let mut filed = Filed::new(experiment, vec![run("0001-a", false)], Moment(1));
        filed.submission.id = "../../../elsewhere".into();
        file::create_folder(&folder.join("0123")).unwrap();
        file::replace_json(&folder.join("0123/submission.json"), &filed.submission, Durability::Renamed)
            .unwrap();
        file::create_folder(&folder.join("4567")).unwrap();
        std::fs::write(folder.join("4567/submission.json"), "{\"format\":1,").unwrap();
        let (open, unreadable) = open_submissions(&workspace);
        assert_eq!((open.len(), unreadable.len()), (0, 1));
    }
}
