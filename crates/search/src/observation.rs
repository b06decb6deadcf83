//! What is known about earlier trials.

use std::cmp::Ordering;

use serde::{Deserialize, Serialize};

use crate::space::Point;

/// Which values of the metric are better.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Goal {
    /// Smaller ones.
    Minimize,
    /// Larger ones.
    Maximize,
}

impl Goal {
    /// The value as something to be made small; what is not a finite number is the worst of all.
    pub(crate) fn cost(self, value: f64) -> f64 {
        match self {
            _ if !value.is_finite() => f64::INFINITY,
            Self::Minimize => value,
            Self::Maximize => -value,
        }
    }
}

/// How far a trial has come.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// It runs, or waits to run.
    Running,
    /// It had its full budget and ended with this value of the metric.
    Finished {
        /// The metric; what is not a finite number is the worst value.
        #[serde(with = "crate::not_finite")]
        value: f64,
    },
    /// It was stopped early.
    Stopped {
        /// The rung (or step) at which it was stopped.
        step: u64,
        /// The metric there.
        #[serde(with = "crate::not_finite")]
        value: f64,
    },
    /// It failed through its own settings (its loss became NaN, it ran out of memory): worse than every other. A
    /// trial that failed through the machine is no observation; leave it out.
    Failed,
}

/// One earlier trial.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Observation {
    /// Its number in the sweep.
    pub trial: u64,
    /// Where it is in the space.
    pub point: Point,
    /// What came of it.
    pub outcome: Outcome,
}

/// How good an outcome is, best first: trials with a full budget by their value, then stopped ones, those that came
/// furthest first and among these by value (Optuna, `samplers/_tpe/sampler.py`, `_split_pruned_trials`), then what
/// failed or is not a number.
///
/// A trial that early stopping let go on was better than those which it stopped at the same rung, so that this order
/// agrees with what was seen; a value at an early step is never compared with one at a late step.
pub(crate) fn rank(outcome: Outcome, goal: Goal) -> Option<(u8, u64, f64)> {
    let cost = |value| Some(goal.cost(value)).filter(|cost| *cost < f64::INFINITY);
    match outcome {
        Outcome::Running => None,
        Outcome::Finished { value } => Some(cost(value).map_or((2, 0, 0.0), |cost| (0, 0, cost))),
        Outcome::Stopped { step, value } => {
            Some(cost(value).map_or((2, 0, 0.0), |cost| (1, u64::MAX - step, cost)))
        }
        Outcome::Failed => Some((2, 0, 0.0)),
    }
}

/// Compares two ranks.
pub(crate) fn compare(one: (u8, u64, f64), other: (u8, u64, f64)) -> Ordering {
    (one.0, one.1).cmp(&(other.0, other.1)).then(one.2.total_cmp(&other.2))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn full_budgets_come_first_then_the_furthest_then_failures() {
        let finished = |value| Outcome::Finished { value };
        let stopped = |step, value| Outcome::Stopped { step, value };
        let best_first = [
            finished(-1.0),
            finished(2.0),
            stopped(90, 5.0),
            stopped(30, 1.0),
            stopped(30, 1.5),
            Outcome::Failed,
        ];
        for pair in best_first.windows(2) {
            let [one, other] = [pair[0], pair[1]].map(|outcome| rank(outcome, Goal::Minimize).unwrap());
            assert_eq!(compare(one, other), Ordering::Less, "{pair:?}");
        }
        for hopeless in [finished(f64::NAN), stopped(90, f64::NAN), finished(f64::INFINITY)] {
            assert_eq!(rank(hopeless, Goal::Minimize), rank(Outcome::Failed, Goal::Minimize));
        }
        assert_eq!(rank(Outcome::Running, Goal::Minimize), None);
    }

    #[test]
    fn to_maximize_is_to_minimize_the_opposite_but_nan_stays_worst() {
        assert!(Goal::Maximize.cost(2.0) < Goal::Maximize.cost(1.0));
        assert!(Goal::Maximize.cost(f64::NAN) > Goal::Maximize.cost(-1e300));
    }
}
