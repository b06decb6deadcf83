//! What a dispatcher makes of a run that nobody seems to look after: pure decisions over facts read from its folder.

use crate::run::{EndReason, Outcome, State, Status};
use crate::time::Moment;

/// Whose locks are held.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Liveness {
    /// `run.lock`: a supervisor lives.
    pub supervisor: bool,
    /// `train.lock`: a training process lives.
    pub trainer: bool,
}

impl Liveness {
    /// Trains without a supervisor.
    pub fn is_orphaned(self, state: State) -> bool {
        state.is_live() && self.trainer && !self.supervisor
    }

    /// Should be at work, but nobody is.
    pub fn is_lost(self, state: State) -> bool {
        state == State::Running && !self.trainer && !self.supervisor
    }
}

/// What to do about a run found by the dispatcher that owns the workspace now.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Recovery {
    /// It is looked after, waits its turn, or has ended.
    Nothing,
    /// Its claim came to nothing: queue the next attempt.
    Requeue,
    /// It trains without a supervisor: start one that waits for the trainer's end.
    Adopt,
    /// It has ended without its end being written: write it.
    End,
}

/// Decides about one run. `claimed` says whether the record of the status's attempt exists, `outcome` is what
/// this attempt's summary says, `trained` whether this attempt has written a summary at all.
///
/// The caller holds the queue lock, and the run lock too where `live.supervisor` is false, so that no supervisor can
/// appear between the look and the deed.
pub fn decide_recovery(
    status: &Status,
    live: Liveness,
    claimed: bool,
    outcome: Option<Outcome>,
    trained: bool,
) -> Recovery {
    if status.state.is_end() || live.supervisor {
        return Recovery::Nothing;
    }
    match (status.state, live.trainer) {
        // A dispatcher died between its claim and its next word; nothing was spawned, or it will find itself expired.
        (State::Queued, false) if claimed => Recovery::Requeue,
        (State::Queued, _) => Recovery::Nothing,
        (_, true) => Recovery::Adopt,
        (State::Starting, false) if outcome.is_none() && !trained => Recovery::Requeue,
        (_, false) => Recovery::End,
    }
}

/// How a training process ended, as far as its parent or successor knows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ProcessEnd {
    /// Exit code.
    pub code: Option<i32>,
    /// Signal.
    pub signal: Option<i32>,
    /// Whether the kernel's or the cgroup's out-of-memory killer did it.
    pub killed_for_memory: bool,
}

/// The end state of attempt `attempt`: the request (stop or prune) where the trainer exits 3; else this attempt's
/// outcome; else the exit code or signal; else lost.
pub fn end_state(
    attempt: u32,
    requested: Option<State>,
    killed: bool,
    outcome: Option<(Outcome, Option<String>)>,
    end: ProcessEnd,
    now: Moment,
) -> Status {
    let mut status = if killed && end.code != Some(0) {
        Status::new(State::Failed, attempt, now).because(EndReason::Killed, "killed on request")
    } else if end.code == Some(3) {
        let pruned = matches!(outcome, Some((Outcome::Pruned, _)));
        Status::new(requested.unwrap_or(if pruned { State::Pruned } else { State::Stopped }), attempt, now)
    } else if let Some((outcome, message)) = outcome {
        let mut status = from_outcome(attempt, outcome, message.as_deref(), now);
        if outcome == Outcome::OutOfMemory && end.killed_for_memory {
            // The machine's memory, which others may have filled, not that of a GPU: worth another attempt.
            status.reason = Some(EndReason::KilledForMemory);
        }
        status
    } else {
        from_process_end(attempt, end, now)
    };
    status.exit = end.code;
    status
}

fn from_outcome(attempt: u32, outcome: Outcome, message: Option<&str>, now: Moment) -> Status {
    let failed = |reason, words: &str| {
        Status::new(State::Failed, attempt, now).because(reason, message.unwrap_or(words))
    };
    match outcome {
        Outcome::Finished => {
            let message = message.map(str::to_owned);
            Status { message, ..Status::new(State::Finished, attempt, now) }
        }
        Outcome::Stopped => Status::new(State::Stopped, attempt, now),
        Outcome::Pruned => Status::new(State::Pruned, attempt, now),
        Outcome::Config => failed(EndReason::Config, "the configuration was refused"),
        Outcome::NonFinite => failed(EndReason::NonFinite, "the loss was not finite"),
        Outcome::OutOfMemory => failed(EndReason::OutOfMemory, "memory ran out"),
        Outcome::Failed => failed(EndReason::Error, "the trainer failed"),
        Outcome::Running => failed(EndReason::Lost, "the trainer ended without writing an outcome"),
    }
}

fn from_process_end(attempt: u32, end: ProcessEnd, now: Moment) -> Status {
    let (reason, message) = match (end.code, end.signal) {
        _ if end.killed_for_memory => {
            (EndReason::KilledForMemory, "the system's out-of-memory killer ended the trainer".to_owned())
        }
        (_, Some(signal)) => (EndReason::Signal, format!("signal {signal} ended the trainer")),
        (Some(0), _) => (EndReason::Error, "the trainer exited with 0 but wrote no outcome".to_owned()),
        (Some(2), _) => (EndReason::Config, "the trainer refused the configuration (see its log)".to_owned()),
        (Some(4), _) => (EndReason::NonFinite, "the loss was not finite".to_owned()),
        (Some(5), _) => (EndReason::OutOfMemory, "memory ran out".to_owned()),
        (Some(code), _) => (EndReason::Error, format!("the trainer exited with {code}")),
        (None, None) => (EndReason::Lost, "supervisor and trainer died without writing an end".to_owned()),
    };
    Status::new(State::Failed, attempt, now).because(reason, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOBODY: Liveness = Liveness { supervisor: false, trainer: false };

    fn status(state: State) -> Status {
        Status::new(state, 2, Moment(0))
    }

    #[test]
    fn every_live_state_without_anybody_is_resolved() {
        assert_eq!(decide_recovery(&status(State::Starting), NOBODY, true, None, false), Recovery::Requeue);
        assert_eq!(decide_recovery(&status(State::Running), NOBODY, true, None, false), Recovery::End);
        assert_eq!(decide_recovery(&status(State::Queued), NOBODY, true, None, false), Recovery::Requeue);
        assert_eq!(decide_recovery(&status(State::Queued), NOBODY, false, None, false), Recovery::Nothing);
    }

    #[test]
    fn orphans_are_adopted_and_ends_left_alone() {
        let orphan = Liveness { supervisor: false, trainer: true };
        assert_eq!(decide_recovery(&status(State::Running), orphan, true, None, true), Recovery::Adopt);
        assert!(orphan.is_orphaned(State::Running));
        for state in [State::Finished, State::Failed, State::Stopped, State::Pruned] {
            assert_eq!(decide_recovery(&status(state), NOBODY, true, None, true), Recovery::Nothing);
        }
    }

    #[test]
    fn the_request_names_a_graceful_end_and_the_outcome_any_other() {
        let exit = |code| ProcessEnd { code: Some(code), ..ProcessEnd::default() };
        let end = |requested, outcome: Option<Outcome>, process| {
            end_state(1, requested, false, outcome.map(|outcome| (outcome, None)), process, Moment(0))
        };
        assert_eq!(end(Some(State::Pruned), Some(Outcome::Stopped), exit(3)).state, State::Pruned);
        assert_eq!(end(None, Some(Outcome::Stopped), exit(3)).state, State::Stopped);
        assert_eq!(end(Some(State::Stopped), Some(Outcome::Finished), exit(0)).state, State::Finished);
        assert_eq!(end(None, None, exit(4)).reason, Some(EndReason::NonFinite));
        let killed = ProcessEnd { signal: Some(9), killed_for_memory: true, code: None };
        assert_eq!(end(None, None, killed).reason, Some(EndReason::KilledForMemory));
        let told = ProcessEnd { code: Some(137), signal: None, killed_for_memory: true };
        assert_eq!(end(None, Some(Outcome::OutOfMemory), told).reason, Some(EndReason::KilledForMemory));
        assert_eq!(end(None, Some(Outcome::OutOfMemory), exit(5)).reason, Some(EndReason::OutOfMemory));
        assert_eq!(end(None, None, ProcessEnd::default()).reason, Some(EndReason::Lost));
        // A trainer that finished although its exit was never seen has finished.
        assert_eq!(end(None, Some(Outcome::Finished), ProcessEnd::default()).state, State::Finished);
    }
}
