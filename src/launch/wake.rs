//! Setting a workspace going again: whoever looks at it on its home host starts a dispatcher where one has work to do
//! and none is there, after a reboot too.

use loradeck_core::error::FileError;
use loradeck_core::run::{QueueEntry, RunFolder, State, Status, Workspace, is_held, latest_attempt};

use super::home::is_elsewhere;
use super::program::ensure_dispatcher;
use super::queue_settings::QueueSettings;
use super::write_up::needs_report;
use crate::store::Run;

/// Wakes the workspace if one of `runs`, as they were read for showing, calls for a dispatcher.
pub fn wake_for_shown<'a>(
    workspace: &Workspace,
    runs: impl IntoIterator<Item = &'a Run>,
) -> Result<(), FileError> {
    wake_if(workspace, |paused| {
        runs.into_iter().any(|run| {
            let status = run.status.as_ref();
            status.is_some_and(|status| calls(&run.folder, status, paused, || run.queue.hold))
        })
    })
}

/// Wakes the workspace if one of `runs` calls for a dispatcher; the folders are read.
pub fn wake_for(workspace: &Workspace, runs: &[RunFolder]) -> Result<(), FileError> {
    wake_if(workspace, |paused| {
        runs.iter().any(|run| {
            let held = || QueueEntry::read(run).is_ok_and(|entry| entry.hold);
            matches!(Status::read(run), Ok(Some(status)) if calls(run, &status, paused, held))
        })
    })
}

fn wake_if(workspace: &Workspace, something_calls: impl FnOnce(bool) -> bool) -> Result<(), FileError> {
    // Looking from another host changes nothing.
    if is_elsewhere(workspace) || is_held(&workspace.dispatch_lock())? {
        return Ok(());
    }
    let paused = QueueSettings::read(workspace)?.paused;
    if something_calls(paused) { ensure_dispatcher(workspace) } else { Ok(()) }
}

/// Whether a dispatcher would find work in this run. One that would not must not be started: it would end at once,
/// and the next look start another.
fn calls(run: &RunFolder, status: &Status, paused: bool, held: impl FnOnce() -> bool) -> bool {
    match status.state {
        State::Starting | State::Running => true,
        // A claim without a word is recovered even in a paused queue.
        State::Queued => run.attempt(status.attempt).exists() || !(paused || held()),
        _ => needs_report(run) && latest_attempt(run) > 0,
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
        let asked = |state, paused, held| calls(&run, &Status::new(state, 1, Moment(0)), paused, || held);
        assert!(asked(State::Queued, false, false) && asked(State::Running, true, true));
        assert!(!asked(State::Queued, true, false) && !asked(State::Queued, false, true));
        assert!(!asked(State::Stopped, false, false), "it never started: there is nothing to write up");
        std::fs::create_dir_all(run.attempts()).unwrap();
        std::fs::write(run.attempt(1), "{}").unwrap();
        assert!(asked(State::Queued, true, true), "a claim without a word");
    }
}
