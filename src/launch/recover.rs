//! Looking after runs that nobody looks after: lost, orphaned, or claimed by a dispatcher that died.

use std::thread;
use std::time::{Duration, Instant};

use loradeck_core::error::FileError;
use loradeck_core::run::{
    CommandExit, EndReason, Heartbeat, Host, Journal, JournalEntry, Liveness, Place, Pulse, Recovery,
    RunFolder, State, Status, Summary, Workspace, Writer, decide_recovery, end_state, is_held, read_attempt,
    read_journal, try_exclusive,
};
use loradeck_core::time::Moment;
use serde::Deserialize as _;

use super::leftovers::end_in_group;

/// Whose locks of `run` are held.
pub(crate) fn liveness(run: &RunFolder) -> Result<Liveness, FileError> {
    Ok(Liveness { supervisor: is_held(&run.run_lock())?, trainer: is_held(&run.train_lock())? })
}

/// A run that should be at work on another host, whose locks cannot be seen from here.
pub(crate) struct FarRun {
    first: Option<Heartbeat>,
    pulse: Pulse,
}

impl FarRun {
    /// Begins to watch `run`; `None` where it is on this host, with Slurm, or not at work.
    pub(crate) fn begin(run: &RunFolder) -> Result<Option<Self>, FileError> {
        let status = Status::read(run)?.filter(|status| status.state.is_live());
        let record = status.and_then(|status| read_attempt(run, status.attempt));
        if record.is_none_or(|record| record.place(&Host::here()) != Place::OtherHost) {
            return Ok(None);
        }
        let first = Heartbeat::read(run)?;
        let mut pulse = Pulse::default();
        pulse.is_felt(first.clone(), Instant::now());
        Ok(Some(Self { first, pulse }))
    }

    /// Whether its supervisor lives: watched until it beats, or has not for a minute.
    pub(crate) fn is_alive(&mut self, run: &RunFolder) -> Result<bool, FileError> {
        loop {
            if Heartbeat::read(run)? != self.first {
                return Ok(true);
            }
            if !self.pulse.is_felt(self.first.clone(), Instant::now()) {
                return Ok(false);
            }
            thread::sleep(Duration::from_millis(500));
        }
    }
}

/// Looks at one run and puts right what a dead process left. Returns what was decided; for [`Recovery::Adopt`] the
/// caller starts the adopting supervisor.
pub(crate) fn recover(workspace: &Workspace, run: &RunFolder) -> Result<Recovery, FileError> {
    let _queue = workspace.queue_lock()?;
    // While we hold the run's own lock no supervisor can appear between the look and the deed; one that waits for it
    // reads the status afterwards and finds itself expired.
    let Some(_run_lock) = try_exclusive(&run.run_lock())? else { return Ok(Recovery::Nothing) };
    let Some(status) = Status::read(run)? else { return Ok(Recovery::Nothing) };
    let live = Liveness { supervisor: false, trainer: is_held(&run.train_lock())? };
    let summary = Summary::read(run).ok().flatten();
    let told = summary.as_ref().and_then(|summary| summary.outcome_of(status.attempt));
    let outcome = told.or_else(|| CommandExit::outcome(run, status.attempt));
    let trained = summary.as_ref().is_some_and(|summary| summary.attempt == status.attempt);
    let claimed = run.attempt(status.attempt).exists();
    // Both are gone; what is left of the command in its group would train on beside the next attempt.
    if !live.trainer
        && claimed
        && let Some(group) = recorded_pid(run, status.attempt)
    {
        end_in_group(run, status.attempt, group);
    }
    let decision = decide_recovery(&status, live, claimed, outcome, trained);
    match decision {
        Recovery::Nothing | Recovery::Adopt => {}
        Recovery::Requeue => {
            note(
                run,
                "requeue",
                status.attempt,
                "the attempt was claimed but never started; queued the next attempt",
            )?;
            Status::new(State::Queued, status.attempt + 1, Moment::now()).write(run)?;
        }
        Recovery::End => {
            let message = summary.and_then(|summary| summary.message);
            let mut end = end_state(
                status.attempt,
                None,
                false,
                outcome.map(|outcome| (outcome, message)),
                CommandExit::process_end(run, status.attempt),
                Moment::now(),
            );
            if end.reason == Some(EndReason::Lost)
                && let Some(known) = journalled_end(run, status.attempt)
            {
                end = known;
            }
            note(
                run,
                "end",
                status.attempt,
                end.message.as_deref().unwrap_or("ended while no supervisor was watching"),
            )?;
            end.write(run)?;
        }
    }
    Ok(decision)
}

/// The end that the attempt's supervisor noted in its journal and could not bring into the status.
fn journalled_end(run: &RunFolder, attempt: u32) -> Option<Status> {
    let entries = read_journal(run).entries;
    let is_end = |entry: &&JournalEntry| entry.attempt == attempt && entry.kind == "end";
    let entry = entries.iter().rev().filter(is_end).find(|entry| entry.text("state").is_some())?;
    let ends = [State::Finished, State::Failed, State::Stopped, State::Pruned];
    let state = ends.into_iter().find(|state| Some(state.word()) == entry.text("state"))?;
    let mut status = Status::new(state, attempt, Moment::now());
    let reason = entry.facts.get("reason").and_then(|reason| EndReason::deserialize(reason).ok());
    status.reason = reason.or((state == State::Failed).then_some(EndReason::Error));
    status.message = entry.text("message").map(str::to_owned);
    Some(status)
}

/// The process group of an attempt's trainer, as its supervisor wrote it.
pub(super) fn recorded_pid(run: &RunFolder, attempt: u32) -> Option<u32> {
    let entries = read_journal(run).entries;
    let of_attempt = entries.iter().rev().filter(|entry| entry.attempt == attempt);
    of_attempt.filter_map(|entry| entry.facts.get("pid")?.as_u64()).map(|pid| pid as u32).next()
}

fn note(run: &RunFolder, kind: &str, attempt: u32, message: &str) -> Result<(), FileError> {
    Journal::open(run, Writer::Dispatcher)?
        .append(&JournalEntry::new(kind, attempt).with("message", message).with("recovered", true))
}
