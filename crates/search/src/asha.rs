//! Asynchronous Successive Halving in its stopping form (Li, Jamieson, Rostamizadeh, Gonina, Ben-tzur, Hardt, Recht and
//! Talwalkar, "A System for Massively Parallel Hyperparameter Tuning", 2020, arXiv 1810.05934; stopping instead
//! of promoting as in Ray's `AsyncHyperBandScheduler` and Optuna's `SuccessiveHalvingPruner`).
//!
//! A trial that reaches rung `r` goes on if it is among the best ⌊n/η⌋ of the n trials that have reached `r` so far, it
//! included, and in any case if it is the best of them (Optuna, `pruners/_successive_halving.py`). Nobody waits for
//! anybody: the first at a rung always goes on.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::observation::Goal;

/// When trials are compared. Rungs are at the steps `grace_period`·ηᵏ below `max_t`, η being `reduction_factor`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Asha {
    /// The first rung: no trial is stopped before this step.
    pub grace_period: u64,
    /// η: one of this many goes on from each rung.
    pub reduction_factor: u64,
    /// The full budget in steps.
    pub max_t: u64,
    /// How many brackets the trials are dealt to in turn; bracket b has its first rung at `grace_period`·ηᵇ (Li et al.
    /// 2020, section 3.3). One for most uses.
    #[serde(default = "one")]
    pub brackets: u64,
}

fn one() -> u64 {
    1
}

/// Why such a schedule cannot be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AshaError {
    /// The grace period is 0, or the full budget already.
    GracePeriod {
        /// The grace period.
        grace_period: u64,
        /// The full budget.
        max_t: u64,
    },
    /// Fewer than one of two goes on.
    ReductionFactor {
        /// The factor.
        reduction_factor: u64,
    },
    /// There is no bracket, or one whose first rung is beyond the full budget.
    Brackets {
        /// The brackets.
        brackets: u64,
        /// How many this grace period, factor and budget have room for.
        most: u64,
    },
}

impl fmt::Display for AshaError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::GracePeriod { grace_period, max_t } => {
                write!(
                    out,
                    "grace_period is {grace_period}; it must be at least 1 and below max_t, which is {max_t}"
                )
            }
            Self::ReductionFactor { reduction_factor } => {
                write!(out, "reduction_factor is {reduction_factor}; it must be at least 2")
            }
            Self::Brackets { brackets, most } => {
                write!(
                    out,
                    "brackets is {brackets}; grace_period, reduction_factor and max_t allow 1 to {most}"
                )
            }
        }
    }
}

impl std::error::Error for AshaError {}

/// A trial's value at a rung, as it is written down when it is judged. The order in which these are written is the
/// order of arrival: who has them can make every decision again.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Arrival {
    /// The trial.
    pub trial: u64,
    /// The rung's step.
    pub rung: u64,
    /// The step of the value, at or after the rung.
    pub step: u64,
    /// The metric there.
    #[serde(with = "crate::not_finite")]
    pub value: f64,
}

/// Whether a trial goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// It does.
    Keep,
    /// Too many of its peers are better.
    Stop,
}

/// What was decided at a rung, and by what.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Decision {
    /// Who arrived where with what: to be written down, whatever the verdict.
    pub arrival: Arrival,
    /// Whether it goes on.
    pub verdict: Verdict,
    /// How many others had reached the rung before.
    pub peers: usize,
    /// The worst value that goes on from the rung, this trial counted.
    #[serde(with = "crate::not_finite")]
    pub threshold: f64,
}

impl Asha {
    /// Whether the numbers make a schedule.
    pub fn check(&self) -> Result<(), AshaError> {
        let Self { grace_period, reduction_factor, max_t, brackets } = *self;
        if grace_period == 0 || grace_period >= max_t {
            return Err(AshaError::GracePeriod { grace_period, max_t });
        }
        if reduction_factor < 2 {
            return Err(AshaError::ReductionFactor { reduction_factor });
        }
        let most = self.steps().count() as u64;
        if brackets == 0 || brackets > most {
            return Err(AshaError::Brackets { brackets, most });
        }
        Ok(())
    }

    /// The rungs of the first bracket.
    fn steps(&self) -> impl Iterator<Item = u64> {
        let next = |step: &u64| step.checked_mul(self.reduction_factor.max(2));
        std::iter::successors(Some(self.grace_period.max(1)), next).take_while(|step| *step < self.max_t)
    }

    fn bracket(&self, trial: u64) -> u64 {
        trial % self.brackets.max(1)
    }

    /// The steps at which `trial` is judged, ascending.
    pub fn rungs(&self, trial: u64) -> Vec<u64> {
        self.steps().skip(self.bracket(trial) as usize).collect()
    }

    /// Judges `trial`, whose log now shows `value` at `step`, at every rung that it has reached and was not judged at,
    /// the lowest first and none after a stop. `recorded` holds the arrivals until now, in their order.
    ///
    /// A trial that logs less often than rungs come is judged at the first value at or after the rung, if need be the
    /// same one at several rungs. One that is kept alive against a stop is judged again at the next rung, and still
    /// counts as a peer at this one. One that has had its full budget is recorded but not stopped: that would save
    /// nothing.
    pub fn decide(
        &self,
        goal: Goal,
        recorded: &[Arrival],
        trial: u64,
        step: u64,
        value: f64,
    ) -> Vec<Decision> {
        let judged = |rung: &u64| recorded.iter().any(|one| one.trial == trial && one.rung == *rung);
        let mut decisions = Vec::new();
        for rung in self.rungs(trial).into_iter().filter(|rung| *rung <= step && !judged(rung)) {
            let decision = self.judge(goal, recorded, Arrival { trial, rung, step, value });
            decisions.push(decision);
            if decision.verdict == Verdict::Stop {
                break;
            }
        }
        decisions
    }

    /// Every decision that was made at these arrivals: each is judged among those before it.
    pub fn replay(&self, goal: Goal, recorded: &[Arrival]) -> Vec<Decision> {
        recorded
            .iter()
            .enumerate()
            .map(|(place, arrival)| self.judge(goal, &recorded[..place], *arrival))
            .collect()
    }

    /// Judges one arrival among those recorded before it, whatever the rungs are.
    pub fn judge(&self, goal: Goal, recorded: &[Arrival], arrival: Arrival) -> Decision {
        let is_peer = |one: &&Arrival| {
            one.rung == arrival.rung
                && one.trial != arrival.trial
                && self.bracket(one.trial) == self.bracket(arrival.trial)
        };
        let mut values: Vec<f64> = recorded.iter().filter(is_peer).map(|one| one.value).collect();
        let peers = values.len();
        values.push(arrival.value);
        values.sort_by(|one, other| goal.cost(*one).total_cmp(&goal.cost(*other)));
        let going_on = (values.len() / self.reduction_factor.max(2) as usize).max(1);
        let threshold = values[going_on - 1];
        let is_good = goal.cost(arrival.value) <= goal.cost(threshold);
        let verdict = if is_good || arrival.step >= self.max_t { Verdict::Keep } else { Verdict::Stop };
        Decision { arrival, verdict, peers, threshold }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ASHA: Asha = Asha { grace_period: 10, reduction_factor: 3, max_t: 270, brackets: 1 };

    fn verdicts(values: &[f64], goal: Goal) -> Vec<bool> {
        let mut recorded = Vec::new();
        for (trial, value) in values.iter().enumerate() {
            let decisions = ASHA.decide(goal, &recorded, trial as u64, 10, *value);
            recorded.extend(decisions.iter().map(|decision| decision.arrival));
        }
        ASHA.replay(goal, &recorded).iter().map(|decision| decision.verdict == Verdict::Keep).collect()
    }

    #[test]
    fn rungs_are_powers_below_the_full_budget() {
        assert_eq!(ASHA.rungs(5), [10, 30, 90]);
        let brackets = Asha { brackets: 2, ..ASHA };
        assert_eq!((brackets.rungs(4), brackets.rungs(5)), (vec![10, 30, 90], vec![30, 90]));
        assert_eq!(Asha { max_t: u64::MAX, ..ASHA }.rungs(0).len(), 39);
    }

    #[test]
    fn a_schedule_that_cannot_be_is_refused() {
        assert_eq!(ASHA.check(), Ok(()));
        assert!(Asha { grace_period: 0, ..ASHA }.check().unwrap_err().to_string().contains("at least 1"));
        assert!(Asha { grace_period: 270, ..ASHA }.check().unwrap_err().to_string().contains("below max_t"));
        assert!(Asha { reduction_factor: 1, ..ASHA }.check().unwrap_err().to_string().contains("at least 2"));
        assert!(Asha { brackets: 4, ..ASHA }.check().unwrap_err().to_string().contains("1 to 3"));
    }

    #[test]
    fn the_best_third_goes_on_and_the_first_always() {
        // The thresholds by hand: places 1, 1, 1, 1, 1, 2 of the sorted values so far.
        assert_eq!(
            verdicts(&[5.0, 6.0, 4.0, 4.5, 3.0, 3.5], Goal::Minimize),
            [true, false, true, false, true, true]
        );
        assert_eq!(
            verdicts(&[5.0, 6.0, 4.0, 4.5, 3.0, 5.5], Goal::Maximize),
            [true, true, false, false, false, true]
        );
    }

    #[test]
    fn ties_go_on_and_nan_does_not_once_a_number_is_there() {
        assert_eq!(verdicts(&[2.0, 2.0, 2.0, 2.1], Goal::Minimize), [true, true, true, false]);
        assert_eq!(verdicts(&[f64::NAN, 7.0, f64::NAN], Goal::Minimize), [true, true, false]);
        assert_eq!(verdicts(&[1.0, f64::NAN, f64::NEG_INFINITY], Goal::Minimize), [true, false, false]);
    }

    #[test]
    fn a_jump_over_rungs_is_judged_at_each_until_it_is_stopped() {
        let recorded = [(0, 10, 1.0), (0, 30, 0.5)].map(|(trial, rung, value)| Arrival {
            trial,
            rung,
            step: rung,
            value,
        });
        let decisions = ASHA.decide(Goal::Minimize, &recorded, 1, 95, 0.7);
        let seen: Vec<_> =
            decisions.iter().map(|one| (one.arrival.rung, one.verdict, one.threshold)).collect();
        assert_eq!(seen, [(10, Verdict::Keep, 0.7), (30, Verdict::Stop, 0.5)]);
        assert!(ASHA.decide(Goal::Minimize, &recorded, 0, 89, 9.0).is_empty(), "judged there already");
        assert!(ASHA.decide(Goal::Minimize, &recorded, 1, 9, 9.0).is_empty(), "in its grace period");
    }

    #[test]
    fn who_has_had_the_full_budget_is_not_stopped() {
        let recorded = [Arrival { trial: 0, rung: 10, step: 10, value: 1.0 }];
        let decisions = ASHA.decide(Goal::Minimize, &recorded, 1, 270, 5.0);
        assert_eq!(decisions.len(), 3);
        assert!(decisions.iter().all(|decision| decision.verdict == Verdict::Keep));
    }

    #[test]
    fn brackets_do_not_compare_with_each_other() {
        let brackets = Asha { brackets: 2, ..ASHA };
        let recorded = [Arrival { trial: 0, rung: 30, step: 30, value: 1.0 }];
        let decisions = brackets.decide(Goal::Minimize, &recorded, 1, 30, 5.0);
        assert_eq!((decisions[0].peers, decisions[0].verdict), (0, Verdict::Keep));
    }

    #[test]
    fn one_bracket_need_not_be_said() {
        let read = serde_json::from_str(r#"{"grace_period": 10, "reduction_factor": 3, "max_t": 270}"#);
        assert_eq!(read.map_err(|error| error.to_string()), Ok(ASHA));
    }

    #[test]
    fn an_arrival_without_a_number_survives_json() {
        let arrival = Arrival { trial: 3, rung: 10, step: 12, value: f64::NAN };
        let text = serde_json::to_string(&arrival).unwrap();
        assert!(text.ends_with("\"value\":null}"), "{text}");
        assert!(serde_json::from_str::<Arrival>(&text).unwrap().value.is_nan());
    }
}
