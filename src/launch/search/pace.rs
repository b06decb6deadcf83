//! How many trials of a search are made at once.

use loradeck_core::config::{Method, SearchPlan};

use super::trials::Trials;

/// Who starts the trials of a search decides how many there are at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Pace {
    /// This machine: one trial waits ahead of its turn.
    Local,
    /// This machine, and each trial follows from those before it: one is made once there is room for it.
    LocalInTurn,
    /// Slurm, which has so many trials, whatever is free here.
    Slurm(usize),
}

impl Pace {
    pub(super) fn of(plan: &SearchPlan) -> Self {
        match plan.trials_with_slurm() {
            Some(at_once) => Self::Slurm(at_once),
            None if plan.method == Method::Bayes => Self::LocalInTurn,
            None => Self::Local,
        }
    }

    /// Whether further trials are made as soon as there is room.
    pub(super) fn wants(self, trials: &Trials) -> bool {
        match self {
            Self::Local | Self::LocalInTurn => trials.waiting() == 0,
            Self::Slurm(at_once) => trials.open() < at_once,
        }
    }

    /// How many are made now. `room` tells how many more runs could start on this machine.
    pub(super) fn missing(self, trials: &Trials, room: &dyn Fn() -> usize) -> usize {
        if !self.wants(trials) {
            return 0;
        }
        match self {
            Self::Local => 1,
            Self::LocalInTurn => usize::from(room() > 0),
            Self::Slurm(at_once) => at_once.saturating_sub(trials.open()),
        }
    }
}

#[cfg(test)]
mod tests {
    use loradeck_core::run::{QueueEntry, RunFolder, State, Status};
    use loradeck_core::time::Moment;

    use super::super::trials::TrialRun;
    use super::*;

    fn trials(states: &[State]) -> Trials {
        let one = |(number, state): (u32, &State)| {
            let status = Status::new(*state, 1, Moment(0));
            let run = RunFolder::new(format!("/w/experiments/x/runs/{number:04}"));
            (number, TrialRun { run, status, entry: QueueEntry::default() })
        };
        Trials { runs: (1..).zip(states).map(one).collect(), removed: Vec::new() }
    }

    #[test]
    fn slurm_has_as_many_as_it_may_whatever_is_free_here() {
        let nobody_asks = || -> usize { panic!("slots of this machine were looked at") };
        let missing = |states: &[State]| Pace::Slurm(3).missing(&trials(states), &nobody_asks);
        assert_eq!(missing(&[]), 3);
        assert_eq!(missing(&[State::Queued, State::Finished]), 2);
        assert_eq!(missing(&[State::Running, State::Pruned, State::Starting, State::Queued]), 0);
        assert_eq!(missing(&[State::Running; 5]), 0, "a lowered limit takes nobody back");
        assert!(!Pace::Slurm(3).wants(&trials(&[State::Running; 3])));
    }

    #[test]
    fn this_machine_has_one_ahead_or_as_many_as_there_is_room_for() {
        let missing = |pace: Pace, states: &[State], room: usize| pace.missing(&trials(states), &|| room);
        assert_eq!(missing(Pace::Local, &[State::Running; 4], 0), 1);
        assert_eq!(missing(Pace::Local, &[State::Queued], 4), 0);
        assert_eq!(missing(Pace::LocalInTurn, &[State::Running], 0), 0);
        assert_eq!(missing(Pace::LocalInTurn, &[State::Running], 2), 1);
        assert!(Pace::LocalInTurn.wants(&trials(&[State::Running])), "as soon as there is room");
    }
}
