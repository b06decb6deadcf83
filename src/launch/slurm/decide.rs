//! What is to be done about one element and its run: pure decisions over what squeue and the run's folder say.
//!
//! Slurm was asked before the folder was read. So what a run wrote before its job was over is seen; a shared file
//! system may show it late, which is why an end is believed only after a while.

use std::time::Duration;

use loradeck_core::run::{State, Status};

use super::job_state::{Ending, JobState};

/// How long a job must be over, by our clock, before what its run's folder says is taken for all there is.
pub(crate) const SETTLE: Duration = Duration::from_secs(8);
/// How long a job may live on after its run has ended, or was to be killed.
pub(crate) const LINGER: Duration = Duration::from_secs(20);
/// How long a job may live on after it was asked to stop: the supervisor's grace period and a little more.
pub(crate) const STOPPING: Duration = Duration::from_secs(330);

/// What is known of one element and its run.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Facts<'a> {
    /// The run's status; `None` where its folder is gone.
    pub(crate) status: Option<&'a Status>,
    /// Whether the attempt that the status speaks of has been claimed.
    pub(crate) claimed: bool,
    /// Whether that attempt is the one that was submitted.
    pub(crate) is_first: bool,
    /// Whether the run is to be held.
    pub(crate) hold: bool,
    /// Whether Slurm holds the element.
    pub(crate) is_held: bool,
    /// Whether that was our doing.
    pub(crate) held_by_us: bool,
    /// How long ago the attempt was asked to stop.
    pub(crate) stop_asked: Option<Duration>,
    /// How long ago it was to be killed.
    pub(crate) kill_asked: Option<Duration>,
    /// Where the element stands.
    pub(crate) job: JobState,
    /// How long this, together with the run's state, has been so.
    pub(crate) lasting: Duration,
}

/// What to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Deed {
    /// All is as it should be, or time will tell.
    Nothing,
    /// Hold the waiting element.
    Hold,
    /// Let it go again.
    Release,
    /// Cancel the element: nobody waits for it.
    Cancel,
    /// The element is done with; what its run needs, it has or gets by another submission.
    LetGo,
    /// Somebody cancelled the job: the waiting run leaves the queue.
    Drop,
    /// The element ended before it could claim its attempt.
    FailToStart(Ending),
    /// It died between its claim and its first word: queue the next attempt.
    Requeue,
    /// Its run should be at work, but the job is over: write the end, or queue the next attempt.
    End(Ending),
}

/// Decides about one element.
pub(crate) fn decide(facts: &Facts<'_>) -> Deed {
    match facts.status {
        Some(status) if status.state == State::Queued => decide_queued(facts),
        Some(status) if status.state.is_live() => decide_live(facts),
        _ => decide_ended(facts),
    }
}

fn decide_ended(facts: &Facts<'_>) -> Deed {
    match facts.job {
        JobState::Waits => Deed::Cancel,
        JobState::AtWork if facts.lasting >= LINGER => Deed::Cancel,
        JobState::AtWork => Deed::Nothing,
        JobState::Over(_) => Deed::LetGo,
    }
}

fn decide_queued(facts: &Facts<'_>) -> Deed {
    let ending = match facts.job {
        JobState::Waits if facts.hold && !facts.is_held => return Deed::Hold,
        JobState::Waits if !facts.hold && facts.is_held && facts.held_by_us => return Deed::Release,
        JobState::Waits | JobState::AtWork => return Deed::Nothing,
        JobState::Over(_) if facts.lasting < SETTLE => return Deed::Nothing,
        JobState::Over(ending) => ending,
    };
    match ending {
        _ if facts.claimed => Deed::Requeue,
        Ending::Cancelled => Deed::Drop,
        Ending::Completed | Ending::Failed | Ending::OutOfMemory if facts.is_first => {
            Deed::FailToStart(ending)
        }
        _ => Deed::LetGo,
    }
}

fn decide_live(facts: &Facts<'_>) -> Deed {
    match facts.job {
        JobState::Over(ending) if facts.lasting >= SETTLE => Deed::End(ending),
        JobState::Over(_) => Deed::Nothing,
        _ if facts.kill_asked.is_some_and(|ago| ago >= LINGER) => Deed::Cancel,
        _ if facts.stop_asked.is_some_and(|ago| ago >= STOPPING) => Deed::Cancel,
        // Requeued by Slurm and asked to end before it came to its turn again: there is nobody to hear it.
        JobState::Waits if facts.kill_asked.is_some() || facts.stop_asked.is_some() => Deed::Cancel,
        // One that waits again will go on with the next attempt, which it claims itself.
        JobState::Waits | JobState::AtWork => Deed::Nothing,
    }
}

#[cfg(test)]
mod tests {
    use loradeck_core::time::Moment;
    use proptest::prelude::*;

    use super::*;

    const LONG: Duration = Duration::from_secs(3600);

    fn facts(status: Option<&Status>, job: JobState) -> Facts<'_> {
        Facts {
            status,
            claimed: status.is_some_and(|status| status.state != State::Queued),
            is_first: true,
            hold: false,
            is_held: false,
            held_by_us: false,
            stop_asked: None,
            kill_asked: None,
            job,
            lasting: LONG,
        }
    }

    fn over(ending: Ending) -> JobState {
        JobState::Over(ending)
    }

    #[test]
    fn a_waiting_run_follows_its_hold_and_its_job() {
        let status = Status::new(State::Queued, 1, Moment(0));
        let queued = |job| facts(Some(&status), job);
        assert_eq!(decide(&queued(JobState::Waits)), Deed::Nothing);
        assert_eq!(decide(&Facts { hold: true, ..queued(JobState::Waits) }), Deed::Hold);
        let held = Facts { is_held: true, ..queued(JobState::Waits) };
        assert_eq!(decide(&held), Deed::Nothing, "somebody else's hold is theirs");
        assert_eq!(decide(&Facts { held_by_us: true, ..held }), Deed::Release);
        assert_eq!(decide(&queued(over(Ending::Cancelled))), Deed::Drop);
        assert_eq!(decide(&queued(over(Ending::Failed))), Deed::FailToStart(Ending::Failed));
        assert_eq!(decide(&queued(over(Ending::NodeFailed))), Deed::LetGo, "it is submitted again");
        let again = Facts { is_first: false, ..queued(over(Ending::Completed)) };
        assert_eq!(decide(&again), Deed::LetGo, "its checkpoint waits for another submission");
        assert_eq!(decide(&Facts { claimed: true, ..queued(over(Ending::Failed)) }), Deed::Requeue);
    }

    #[test]
    fn a_job_that_nobody_waits_for_is_cancelled() {
        let status = Status::new(State::Stopped, 1, Moment(0));
        assert_eq!(decide(&facts(Some(&status), JobState::Waits)), Deed::Cancel);
        assert_eq!(decide(&facts(None, JobState::Waits)), Deed::Cancel);
        let fresh = Facts { lasting: Duration::ZERO, ..facts(Some(&status), JobState::AtWork) };
        assert_eq!(decide(&fresh), Deed::Nothing, "its supervisor is on its way out");
        assert_eq!(decide(&facts(Some(&status), JobState::AtWork)), Deed::Cancel);
        assert_eq!(decide(&facts(Some(&status), over(Ending::Completed))), Deed::LetGo);
    }

    #[test]
    fn a_job_that_does_not_hear_is_cancelled_in_the_end() {
        let status = Status::new(State::Running, 1, Moment(0));
        let running = facts(Some(&status), JobState::AtWork);
        let asked = |seconds| Some(Duration::from_secs(seconds));
        assert_eq!(decide(&Facts { kill_asked: asked(1), ..running }), Deed::Nothing);
        assert_eq!(decide(&Facts { kill_asked: asked(60), ..running }), Deed::Cancel);
        assert_eq!(
            decide(&Facts { stop_asked: asked(60), ..running }),
            Deed::Nothing,
            "it writes its checkpoint"
        );
        assert_eq!(decide(&Facts { stop_asked: asked(600), ..running }), Deed::Cancel);
        let requeued = Facts { job: JobState::Waits, ..running };
        assert_eq!(decide(&requeued), Deed::Nothing);
        assert_eq!(decide(&Facts { stop_asked: asked(1), ..requeued }), Deed::Cancel);
    }

    fn job() -> impl Strategy<Value = JobState> {
        prop_oneof![
            Just(JobState::Waits),
            Just(JobState::AtWork),
            proptest::sample::select(vec![
                Ending::Completed,
                Ending::Failed,
                Ending::Cancelled,
                Ending::TimedOut,
                Ending::NodeFailed,
                Ending::Preempted,
                Ending::OutOfMemory,
                Ending::LaunchFailed,
                Ending::Unknown,
            ])
            .prop_map(JobState::Over),
        ]
    }

    proptest! {
        /// Nothing is written about a run whose job may still act, and every element comes to rest once its job is
        /// over for a while.
        #[test]
        fn a_jobs_own_run_is_left_to_it_and_no_element_stays_for_ever(
            state in proptest::sample::select(vec![
                State::Queued, State::Starting, State::Running, State::Finished, State::Failed, State::Stopped,
                State::Pruned,
            ]),
            is_gone: bool, claimed: bool, is_first: bool, hold: bool, is_held: bool, held_by_us: bool,
            stop in proptest::option::of(0u64..1000), kill in proptest::option::of(0u64..1000), job in job(), long: bool,
        ) {
            let status = Status::new(state, 1, Moment(0));
            let facts = Facts {
                status: (!is_gone).then_some(&status), claimed, is_first, hold, is_held, held_by_us,
                stop_asked: stop.map(Duration::from_secs), kill_asked: kill.map(Duration::from_secs), job,
                lasting: if long { LONG } else { Duration::ZERO },
            };
            let deed = decide(&facts);
            let is_over = matches!(job, JobState::Over(_));
            let writes =
                matches!(deed, Deed::LetGo | Deed::Drop | Deed::FailToStart(_) | Deed::Requeue | Deed::End(_));
            prop_assert!(!writes || is_over, "{deed:?}");
            prop_assert!(!(is_over && long) || writes, "{deed:?}");
        }
    }
}
