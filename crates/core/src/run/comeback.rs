//! Whether a failed run goes on by itself, and when: a pure decision over its status and its place in the queue.

use std::time::Duration;

use crate::run::{EndReason, QueueEntry, State, Status};

/// A supervisor that could not be started is started again so often, whatever the run's own settings.
const SPAWN_RETRIES: u32 = 3;
/// The first pause; each further one is three times as long.
const FIRST_PAUSE: Duration = Duration::from_secs(2);
const LONGEST_PAUSE: Duration = Duration::from_mins(10);

/// After which pause the run's next attempt may start; `None`: it stays failed.
///
/// Failures that another start would only repeat (a refused configuration, a loss that is not finite, memory that does
/// not suffice) and those that a person wanted are no reason to come back.
pub fn comeback(status: &Status, entry: &QueueEntry) -> Option<Duration> {
    if status.state != State::Failed {
        return None;
    }
    let allowed = match status.reason? {
        EndReason::Spawn => entry.auto_resume.max(SPAWN_RETRIES),
        EndReason::Lost | EndReason::Signal | EndReason::KilledForMemory | EndReason::Error => {
            entry.auto_resume
        }
        EndReason::Parent
        | EndReason::NonFinite
        | EndReason::OutOfMemory
        | EndReason::Config
        | EndReason::Killed => 0,
    };
    (entry.comebacks < allowed).then(|| pause(entry.comebacks))
}

fn pause(comebacks: u32) -> Duration {
    let factor = 3_u32.saturating_pow(comebacks);
    FIRST_PAUSE.saturating_mul(factor).min(LONGEST_PAUSE)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::Moment;

    fn after(reason: EndReason, auto_resume: u32, comebacks: u32) -> Option<u64> {
        let status = Status::new(State::Failed, 1, Moment(0)).because(reason, "x");
        let entry = QueueEntry { auto_resume, comebacks, ..QueueEntry::default() };
        comeback(&status, &entry).map(|pause| pause.as_secs())
    }

    #[test]
    fn crashes_come_back_as_often_as_allowed_with_growing_pauses() {
        assert_eq!(after(EndReason::Lost, 0, 0), None);
        let pauses: Vec<_> = (0..8).map(|count| after(EndReason::Signal, 7, count)).collect();
        assert_eq!(pauses, [Some(2), Some(6), Some(18), Some(54), Some(162), Some(486), Some(600), None]);
        assert_eq!(after(EndReason::KilledForMemory, 2, 1), Some(6));
        assert_eq!(after(EndReason::Spawn, 0, 2), Some(18), "the run never had its chance");
    }

    #[test]
    fn what_would_only_repeat_or_was_wanted_stays() {
        use EndReason::{Config, Killed, NonFinite, OutOfMemory, Parent};
        for reason in [Config, Killed, NonFinite, OutOfMemory, Parent] {
            assert_eq!(after(reason, 9, 0), None, "{reason:?}");
        }
        let stopped = Status::new(State::Stopped, 1, Moment(0));
        assert_eq!(comeback(&stopped, &QueueEntry { auto_resume: 9, ..QueueEntry::default() }), None);
    }
}
