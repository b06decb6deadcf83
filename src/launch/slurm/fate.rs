//! What becomes of a run whose job is over: pure decisions.

use loradeck_core::run::{EndReason, Outcome, ProcessEnd, State, Status, end_state};
use loradeck_core::time::Moment;

use super::job_state::Ending;

/// What becomes of a run whose job is over and that wrote no end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    /// It has ended so.
    Ended(Status),
    /// It goes on as its next attempt.
    GoesOn,
}

/// The fate of attempt `attempt`. `outcome` is what its summary says, `obstacle` why it should not go on, if anything
/// speaks against it.
pub(crate) fn fate(
    attempt: u32,
    ending: Ending,
    outcome: Option<(Outcome, Option<String>)>,
    requested: Option<(State, bool)>,
    obstacle: Option<String>,
    now: Moment,
) -> Fate {
    let failed =
        |reason, words: String| Fate::Ended(Status::new(State::Failed, attempt, now).because(reason, words));
    if let Some((Outcome::Finished | Outcome::NonFinite | Outcome::Config | Outcome::Failed, _)) = outcome {
        return Fate::Ended(end_state(attempt, None, false, outcome, ProcessEnd::default(), now));
    }
    match (requested, ending) {
        (Some((_, true)), _) => failed(EndReason::Killed, "killed on request".to_owned()),
        (Some((state, false)), _) => Fate::Ended(Status::new(state, attempt, now)),
        (None, Ending::OutOfMemory) => failed(EndReason::KilledForMemory, ending.words().to_owned()),
        (None, Ending::Cancelled) => {
            let mut status = Status::new(State::Stopped, attempt, now);
            status.message = Some(ending.words().to_owned());
            Fate::Ended(status)
        }
        (None, ending) if ending.is_of_the_cluster() => {
            obstacle.map_or(Fate::GoesOn, |words| failed(EndReason::Lost, words))
        }
        (None, ending) => failed(EndReason::Lost, format!("{} without writing how", ending.words())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cluster_may_end_a_run_without_ending_it() {
        let now = Moment(0);
        let of = |ending, outcome: Option<Outcome>, requested, obstacle: Option<&str>| {
            let outcome = outcome.map(|outcome| (outcome, None));
            fate(2, ending, outcome, requested, obstacle.map(str::to_owned), now)
        };
        for ending in [Ending::TimedOut, Ending::NodeFailed, Ending::Preempted, Ending::Unknown] {
            assert_eq!(of(ending, Some(Outcome::Running), None, None), Fate::GoesOn);
            let Fate::Ended(status) = of(ending, None, None, Some("no use")) else { panic!("{ending:?}") };
            assert_eq!((status.state, status.attempt), (State::Failed, 2));
            assert_eq!(status.message.as_deref(), Some("no use"));
        }
        let state = |fate| match fate {
            Fate::Ended(status) => (status.state, status.reason),
            Fate::GoesOn => panic!("it goes on"),
        };
        assert_eq!(
            state(of(Ending::NodeFailed, Some(Outcome::Finished), None, None)),
            (State::Finished, None)
        );
        assert_eq!(state(of(Ending::Cancelled, None, None, None)), (State::Stopped, None));
        let killed = (State::Failed, Some(EndReason::Killed));
        assert_eq!(state(of(Ending::Cancelled, None, Some((State::Failed, true)), None)), killed);
        assert_eq!(state(of(Ending::TimedOut, None, Some((State::Stopped, false)), None)).0, State::Stopped);
        assert_eq!(state(of(Ending::OutOfMemory, None, None, None)).1, Some(EndReason::KilledForMemory));
        assert_eq!(state(of(Ending::Failed, None, None, None)).1, Some(EndReason::Lost));
    }
}
