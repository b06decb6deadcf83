//! Writing ended runs up: report, commit, and a comparison once an experiment is quiet. The dispatcher's second
//! thread; the commands that do the same by hand take the same lock.

use std::collections::HashSet;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::JoinHandle;
use std::{fs, thread};

use anyhow::{Context, Result};
use loradeck_core::crash;
use loradeck_core::file;
use loradeck_core::run::{
    ExperimentFolder, FileLock, JournalEntry, RunFolder, State, Status, Workspace, has_started, read_journal,
};
use loradeck_core::time::Moment;

use super::action::note;
use super::deliver::{Delivery, deliver};
use super::hook;
use super::trust::permit;
use crate::vcs::{self, Outcome};
use crate::{report, vcs::CommitId};

/// What became of a write-up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WriteUp {
    /// In git, by this commit.
    Committed(CommitId),
    /// HEAD has it all already.
    Unchanged,
    /// Written, but git cannot take it now, for this reason.
    Waiting(String),
}

/// Writes the report of one ended run and commits it.
pub fn write_up_run(workspace: &Workspace, run: &RunFolder) -> Result<WriteUp> {
    let _writing = writing_lock(workspace)?;
    let status = Status::read(run)?.with_context(|| format!("{} has no status", run.label()))?;
    crash::point("report.before");
    let files = report::write_run_report(workspace, run)?;
    note(run, &JournalEntry::new("report", status.attempt))?;
    crash::point("report.after");
    let written = commit(workspace, &files, &report::commit_message_for(run)?)?;
    note(run, &journal_entry(&written, status.attempt))?;
    deliver_results(workspace, run, status.attempt)?;
    Ok(written)
}

/// Writes and commits an experiment's comparison.
pub fn write_up_experiment(workspace: &Workspace, experiment: &ExperimentFolder) -> Result<WriteUp> {
    let _writing = writing_lock(workspace)?;
    let files = report::write_comparison(workspace, experiment)?;
    commit(workspace, &files, &report::comparison_message_for(experiment)?)
}

/// Commits whatever of ended runs and comparisons differs from HEAD. Returns a line for each.
pub fn commit_pending(workspace: &Workspace) -> Result<Vec<(String, WriteUp)>> {
    let mut lines = Vec::new();
    for experiment in workspace.experiments() {
        let mut ended = false;
        for run in experiment.runs() {
            let Some(status) = Status::read(&run)? else { continue };
            if !status.state.is_end() || !has_started(&run) {
                continue;
            }
            ended = true;
            let files = report::committed_files(&run);
            if needs_report(&run) || !vcs::pending(workspace.root(), &files)?.is_empty() {
                lines.push((run.label(), write_up_run(workspace, &run)?));
            }
        }
        let files = report::committed_experiment_files(&experiment);
        if ended && (needs_comparison(&experiment) || !vcs::pending(workspace.root(), &files)?.is_empty()) {
            lines.push((
                format!("{} (comparison)", experiment.name()),
                write_up_experiment(workspace, &experiment)?,
            ));
        }
    }
    Ok(lines)
}

/// A failed copy is told and costs nothing else: the run has all that it would have held.
fn deliver_results(workspace: &Workspace, run: &RunFolder, attempt: u32) -> Result<()> {
    let entry = match deliver(workspace, run) {
        Ok(None) => return Ok(()),
        Ok(Some(Delivery::Made(path))) => {
            JournalEntry::new("deliver", attempt).with("to", path.display().to_string())
        }
        Ok(Some(Delivery::InTheWay(path))) => JournalEntry::new("deliver-refused", attempt)
            .with("message", format!("{} holds something else", path.display())),
        Err(error) => JournalEntry::new("deliver-failed", attempt).with("message", error.to_string()),
    };
    Ok(note(run, &entry)?)
}

fn writing_lock(workspace: &Workspace) -> Result<FileLock> {
    workspace.ensure_state_folder()?;
    Ok(FileLock::wait(&workspace.write_lock())?)
}

fn commit(workspace: &Workspace, files: &[PathBuf], message: &str) -> Result<WriteUp> {
    Ok(match vcs::commit_paths(workspace.root(), files, message, Moment::now())? {
        Outcome::Committed { id, .. } => WriteUp::Committed(id),
        Outcome::NothingChanged => WriteUp::Unchanged,
        Outcome::Waiting(reason) => WriteUp::Waiting(format!("{reason} (hint: {})", reason.hint())),
    })
}

fn journal_entry(written: &WriteUp, attempt: u32) -> JournalEntry {
    match written {
        WriteUp::Committed(id) => JournalEntry::new("commit", attempt).with("id", id.0.as_str()),
        WriteUp::Unchanged => JournalEntry::new("commit", attempt).with("unchanged", true),
        WriteUp::Waiting(reason) => {
            JournalEntry::new("commit-waiting", attempt).with("reason", reason.as_str())
        }
    }
}

/// What people are told about an ended run's commit, once there is something to tell.
pub fn commit_word(run: &RunFolder, status: &Status) -> Option<String> {
    let entries = read_journal(run).entries;
    let entry = entries.iter().rev().find(|entry| {
        entry.attempt == status.attempt && entry.time >= status.since && entry.kind.starts_with("commit")
    })?;
    Some(match (entry.text("id"), entry.text("reason")) {
        (Some(id), _) => format!("report committed as {}", id.get(..7).unwrap_or(id)),
        (_, Some(reason)) => format!("report written; its commit waits: {reason}"),
        _ => "report written; nothing new to commit".to_owned(),
    })
}

/// Whether an ended run's report is missing or older than its end.
pub(super) fn needs_report(run: &RunFolder) -> bool {
    is_older(&run.report(), &run.status())
}

/// Whether an ended run waits to be written up: no report since its end, or no word about a commit after it (a
/// dispatcher may have died between the two).
fn needs_write_up(run: &RunFolder, status: &Status) -> bool {
    if status.state == State::Stopped && !has_started(run) {
        return false;
    }
    needs_report(run)
        || !read_journal(run).entries.iter().any(|entry| {
            entry.attempt == status.attempt && entry.time >= status.since && entry.kind.starts_with("commit")
        })
}

fn needs_comparison(experiment: &ExperimentFolder) -> bool {
    let comparison = experiment.path().join("comparison.md");
    experiment.runs().iter().any(|run| is_older(&comparison, &run.status()))
}

fn is_older(made: &std::path::Path, from: &std::path::Path) -> bool {
    let modified = |path: &std::path::Path| fs::metadata(path).and_then(|metadata| metadata.modified());
    match (modified(made), modified(from)) {
        (Ok(made), Ok(from)) => made < from,
        (Err(_), Ok(_)) => true,
        _ => false,
    }
}

enum Job {
    Run(RunFolder),
    Comparison(ExperimentFolder),
}

/// The dispatcher's writing thread and what was given to it.
pub(super) struct Writing {
    sender: Option<Sender<Job>>,
    outstanding: Arc<AtomicUsize>,
    given: HashSet<(PathBuf, u32, Moment)>,
    thread: Option<JoinHandle<()>>,
}

impl Writing {
    pub(super) fn begin(workspace: Workspace) -> Self {
        let (sender, receiver) = channel();
        let outstanding = Arc::new(AtomicUsize::new(0));
        let counter = Arc::clone(&outstanding);
        let thread = thread::spawn(move || write_all(&workspace, &receiver, &counter));
        Self { sender: Some(sender), outstanding, given: HashSet::new(), thread: Some(thread) }
    }

    pub(super) fn is_idle(&self) -> bool {
        self.outstanding.load(Ordering::Acquire) == 0
    }

    /// Gives the thread every ended run and quiet experiment that it has not had and that waits to be written up.
    pub(super) fn hand_over(&mut self, ended: &[(RunFolder, Status)], quiet: &[ExperimentFolder]) {
        for (run, status) in ended {
            let key = (run.path().to_path_buf(), status.attempt, status.since);
            if self.given.insert(key) && needs_write_up(run, status) {
                self.send(Job::Run(run.clone()));
            }
        }
        for experiment in quiet {
            let newest = ended
                .iter()
                .filter(|(run, _)| run.path().starts_with(experiment.path()))
                .map(|(_, status)| status.since)
                .max()
                .unwrap_or_default();
            let key = (experiment.path().to_path_buf(), 0, newest);
            if self.given.insert(key) && needs_comparison(experiment) {
                self.send(Job::Comparison(experiment.clone()));
            }
        }
    }

    fn send(&self, job: Job) {
        if let Some(sender) = &self.sender {
            self.outstanding.fetch_add(1, Ordering::AcqRel);
            let _ = sender.send(job);
        }
    }
}

impl Drop for Writing {
    /// Waits for what is being written, so that an ending dispatcher leaves nothing half done.
    fn drop(&mut self) {
        self.sender = None;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn write_all(workspace: &Workspace, jobs: &Receiver<Job>, outstanding: &Arc<AtomicUsize>) {
    for job in jobs {
        let (name, written) = match &job {
            Job::Run(run) => (run.label(), write_up_run(workspace, run)),
            Job::Comparison(experiment) => (experiment.name(), write_up_experiment(workspace, experiment)),
        };
        log_line(workspace, &name, &written);
        if let Job::Run(run) = &job {
            start_hook(workspace, run, outstanding);
        }
        outstanding.fetch_sub(1, Ordering::AcqRel);
    }
}

/// Runs the hook of an ended run beside the writing, which must not wait for it; the dispatcher stays for its end.
fn start_hook(workspace: &Workspace, run: &RunFolder, outstanding: &Arc<AtomicUsize>) {
    let Ok(Some(status)) = Status::read(run) else { return };
    let Some(command) = hook::due(run, &status) else { return };
    let permit = match permit(workspace) {
        Ok(permit) => permit,
        Err(refusal) => return log(workspace, &format!("{}: its hook: {refusal}", run.label())),
    };
    outstanding.fetch_add(1, Ordering::AcqRel);
    let (workspace, run, outstanding) = (workspace.clone(), run.clone(), Arc::clone(outstanding));
    thread::spawn(move || {
        if let Err(error) = hook::run_hook(&permit, &run, &status, &command) {
            log(&workspace, &format!("{}: its hook: {error:#}", run.label()));
        }
        outstanding.fetch_sub(1, Ordering::AcqRel);
    });
}

/// The dispatcher's log says what was written; it is opened anew for each line because people may delete it.
fn log_line(workspace: &Workspace, name: &str, written: &Result<WriteUp>) {
    let text = match written {
        Ok(WriteUp::Committed(id)) => format!("{name}: committed as {}", id.short()),
        Ok(WriteUp::Unchanged) => format!("{name}: nothing new to commit"),
        Ok(WriteUp::Waiting(reason)) => format!("{name}: written, waits for a commit: {reason}"),
        Err(error) => format!("{name}: its report could not be written: {error:#}"),
    };
    log(workspace, &text);
}

fn log(workspace: &Workspace, text: &str) {
    if let Ok(mut log) = file::LineFile::open(&workspace.dispatch_log()) {
        let _ = log.append(&format!("{} {text}", Moment::now().to_rfc3339()));
    }
}
