//! What the dispatcher changes of runs and sweeps between its looks. Each deed looks again under the queue lock: between
//! the look and the deed a person may have decided otherwise.

use std::time::Duration;

use loradeck_core::error::FileError;
use loradeck_core::run::{
    EndReason, ExperimentFolder, JournalEntry, QueueEntry, RunFolder, State, Status, Workspace,
};
use loradeck_core::time::Moment;

use crate::launch::action::note;
use crate::launch::sweep_file::SweepFile;

/// Queues the next attempt of a run that failed, after a pause.
pub(super) fn come_back(
    workspace: &Workspace,
    run: &RunFolder,
    attempt: u32,
    pause: Duration,
) -> Result<(), FileError> {
    let _queue = workspace.queue_lock()?;
    let Some(status) = Status::read(run)? else { return Ok(()) };
    if status.state != State::Failed || status.attempt != attempt {
        return Ok(());
    }
    let now = Moment::now();
    let mut entry = QueueEntry::read(run)?;
    entry.comebacks += 1;
    entry.not_before = Some(Moment(now.0 + pause.as_millis() as i64));
    let why = status.message.unwrap_or_default();
    let message = format!("resumes automatically in {} s after: {why}", pause.as_secs());
    note(
        run,
        &JournalEntry::new("auto-resume", attempt).with("message", message).with("count", entry.comebacks),
    )?;
    entry.write(run)?;
    Status::new(State::Queued, attempt + 1, now).write(run)
}

/// Ends a waiting run whose parent will not finish. `why` names the parent and its state.
pub(super) fn forsake(
    workspace: &Workspace,
    run: &RunFolder,
    attempt: u32,
    why: &str,
) -> Result<(), FileError> {
    let _queue = workspace.queue_lock()?;
    let Some(status) = Status::read(run)? else { return Ok(()) };
    if status.state != State::Queued || status.attempt != attempt {
        return Ok(());
    }
    let message = format!("{why}, and this run comes after it");
    note(run, &JournalEntry::new("parent-failed", attempt).with("message", message.as_str()))?;
    Status::new(State::Failed, attempt, Moment::now()).because(EndReason::Parent, message).write(run)
}

/// Pauses a sweep; its running trials go on.
pub(super) fn pause_sweep(
    workspace: &Workspace,
    experiment: &ExperimentFolder,
    number: u32,
    why: &str,
) -> Result<(), FileError> {
    SweepFile::change(workspace, experiment, number, |sweep| {
        if sweep.paused().is_none() {
            sweep.set_paused(Some(why), Moment::now());
        }
    })
    .map(drop)
}
