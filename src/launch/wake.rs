//! Setting a workspace going again: whoever looks at it on its home host starts a dispatcher where one has work to do
//! and none is there, after a reboot too.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use loradeck_core::error::FileError;
use loradeck_core::run::{
    ExperimentFolder, QueueEntry, RunFolder, State, Status, Workspace, asked_to_end, comeback, has_started,
    is_held,
};

use super::home::is_elsewhere;
use super::program::ensure_dispatcher;
use super::queue_settings::QueueSettings;
use super::sweep_file::{SweepFile, sweep_numbers};
use super::trust::permit;
use super::write_up::needs_report;
use crate::store::Run;

/// Wakes the workspace if one of `runs`, as they were read for showing, calls for a dispatcher.
pub fn wake_for_shown<'a>(
    workspace: &Workspace,
    runs: impl IntoIterator<Item = &'a Run>,
) -> Result<(), FileError> {
    wake_if(workspace, |paused| {
        let mut sweeps = PausedSweeps::default();
        runs.into_iter().any(|run| {
            let status = run.status.as_ref();
            status.is_some_and(|status| calls(&run.folder, status, paused, || run.queue.clone(), &mut sweeps))
        })
    })
}

/// Wakes the workspace if one of `runs` calls for a dispatcher; the folders are read.
pub fn wake_for(workspace: &Workspace, runs: &[RunFolder]) -> Result<(), FileError> {
    wake_if(workspace, |paused| {
        let mut sweeps = PausedSweeps::default();
        runs.iter().any(|run| {
            let entry = || QueueEntry::read(run).unwrap_or_default();
            matches!(Status::read(run), Ok(Some(status)) if calls(run, &status, paused, entry, &mut sweeps))
        })
    })
}

fn wake_if(workspace: &Workspace, something_calls: impl FnOnce(bool) -> bool) -> Result<(), FileError> {
    // Looking from another host changes nothing, and looking at a workspace that is not trusted starts nothing.
    if is_elsewhere(workspace) || is_held(&workspace.dispatch_lock())? || permit(workspace).is_err() {
        return Ok(());
    }
    let paused = QueueSettings::read(workspace)?.paused;
    let draws = || !paused && sweeps_draw(workspace);
    if something_calls(paused) || draws() { ensure_dispatcher(workspace) } else { Ok(()) }
}

/// Whether a search has further trials to make.
fn sweeps_draw(workspace: &Workspace) -> bool {
    workspace.experiments().iter().any(|experiment| {
        sweep_numbers(experiment)
            .into_iter()
            .filter_map(|number| SweepFile::read(experiment, number).ok()?)
            .any(|sweep| sweep.may_draw())
    })
}

/// Whether a dispatcher would find work in this run. One that would not must not be started: it would end at once,
/// and the next look start another.
fn calls(
    run: &RunFolder,
    status: &Status,
    paused: bool,
    entry: impl FnOnce() -> QueueEntry,
    sweeps: &mut PausedSweeps,
) -> bool {
    match status.state {
        State::Starting | State::Running => true,
        // A claim without a word is recovered even in a paused queue.
        State::Queued => {
            run.attempt(status.attempt).exists()
                || asked_to_end(run, status.attempt)
                || !(paused || is_held_back(run, &entry(), sweeps))
        }
        State::Failed if comeback(status, &entry()).is_some() => true,
        _ => needs_report(run) && has_started(run),
    }
}

/// Held by a person, or a trial of a paused sweep.
fn is_held_back(run: &RunFolder, entry: &QueueEntry, sweeps: &mut PausedSweeps) -> bool {
    entry.hold || entry.sweep.is_some_and(|number| sweeps.has(run, number))
}

/// Which sweeps are paused, each file read once: thousands of trials share one, which names them all.
#[derive(Debug, Default)]
struct PausedSweeps {
    known: HashMap<PathBuf, bool>,
}

impl PausedSweeps {
    /// Whether the sweep `number` of the run's experiment is paused.
    fn has(&mut self, run: &RunFolder, number: u32) -> bool {
        let Some(folder) = run.path().parent().and_then(Path::parent) else { return false };
        let experiment = ExperimentFolder::at(folder);
        *self.known.entry(SweepFile::path_of(&experiment, number)).or_insert_with(|| {
            let file = SweepFile::read(&experiment, number).ok().flatten();
            file.is_some_and(|file| file.paused().is_some())
        })
    }
}

#[cfg(test)]
mod tests {
    use loradeck_core::time::Moment;

    use super::*;

    #[test]
    fn only_what_a_dispatcher_can_do_something_about_calls() {
        let folder = tempfile::tempdir().unwrap();
        let run = RunFolder::new(folder.path());
        let asked = |state, paused, hold| {
            let entry = || QueueEntry { hold, ..QueueEntry::default() };
            calls(&run, &Status::new(state, 1, Moment(0)), paused, entry, &mut PausedSweeps::default())
        };
        assert!(asked(State::Queued, false, false) && asked(State::Running, true, true));
        assert!(!asked(State::Queued, true, false) && !asked(State::Queued, false, true));
        assert!(!asked(State::Stopped, false, false), "it never started: there is nothing to write up");
        std::fs::create_dir_all(run.attempts()).unwrap();
        std::fs::write(run.attempt(1), "{}").unwrap();
        assert!(asked(State::Queued, true, true), "a claim without a status");
    }

    #[test]
    fn a_sweeps_file_is_read_once_for_all_its_trials() {
        let folder = tempfile::tempdir().unwrap();
        let experiment = ExperimentFolder::at(folder.path());
        let file = SweepFile::path_of(&experiment, 1);
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(&file, r#"{"paused": "3 failures"}"#).unwrap();
        let run = |name: &str| RunFolder::new(experiment.runs_folder().join(name));
        let mut sweeps = PausedSweeps::default();
        assert!(sweeps.has(&run("0001"), 1) && !sweeps.has(&run("0001"), 2));
        std::fs::remove_file(&file).unwrap();
        assert!(sweeps.has(&run("0002"), 1), "it was read again");
    }
}
