//! Which earlier trials count as good.

use crate::observation::{Goal, Observation, compare, rank};
use crate::space::Point;

/// Points of earlier trials, oldest first.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Split<'a> {
    /// Of the best trials.
    pub(crate) good: Vec<&'a Point>,
    /// Of all others.
    pub(crate) rest: Vec<&'a Point>,
}

/// How many of `ended` trials are good: γ(n) = min(⌈0.1 n⌉, 25) (Optuna's `default_gamma`; Watanabe 2023,
/// arXiv 2304.11127, section 3.1, "linear").
fn good_count(ended: usize) -> usize {
    ended.div_ceil(10).min(25)
}

impl<'a> Split<'a> {
    /// Splits observations that are sorted by trial.
    ///
    /// Running trials are counted among the rest, as if they had turned out bad (the constant liar of Ginsbourger, Le
    /// Riche and Carraro, 2010, with the worst value as the lie): so that trials in parallel keep apart. What failed
    /// is never good, however few there are.
    pub(crate) fn new(observations: &[&'a Observation], goal: Goal) -> Self {
        let mut ended: Vec<_> = observations
            .iter()
            .filter_map(|one| rank(one.outcome, goal).map(|rank| (rank, one.trial)))
            .collect();
        let count = good_count(ended.len());
        ended.sort_by(|one, other| compare(one.0, other.0).then(one.1.cmp(&other.1)));
        let mut good: Vec<u64> =
            ended.into_iter().take(count).filter(|(rank, _)| rank.0 < 2).map(|(_, trial)| trial).collect();
        good.sort_unstable();
        let is_good = |one: &&&Observation| good.binary_search(&one.trial).is_ok();
        let points = |one: &&'a Observation| &one.point;
        Self {
            good: observations.iter().filter(is_good).map(points).collect(),
            rest: observations.iter().filter(|one| !is_good(one)).map(points).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::observation::Outcome;

    fn observed(outcomes: &[Outcome]) -> Vec<Observation> {
        let one = |(trial, outcome): (usize, &Outcome)| Observation {
            trial: trial as u64,
            point: vec![Some(trial as f64)],
            outcome: *outcome,
        };
        outcomes.iter().enumerate().map(one).collect()
    }

    fn good_trials(outcomes: &[Outcome]) -> Vec<f64> {
        let observations = observed(outcomes);
        let split = Split::new(&observations.iter().collect::<Vec<_>>(), Goal::Minimize);
        assert_eq!(split.good.len() + split.rest.len(), outcomes.len());
        split.good.into_iter().map(|point| point[0].unwrap()).collect()
    }

    #[test]
    fn a_tenth_is_good_and_at_most_25() {
        assert_eq!([0, 1, 10, 11, 240, 1000].map(good_count), [0, 1, 1, 2, 24, 25]);
        let outcomes: Vec<Outcome> =
            (0..20).map(|n| Outcome::Finished { value: f64::from((n * 7) % 20) }).collect();
        assert_eq!(good_trials(&outcomes), [0.0, 3.0]);
    }

    #[test]
    fn neither_running_nor_failed_trials_are_good() {
        let mut outcomes = vec![Outcome::Failed; 9];
        outcomes.extend([Outcome::Running; 30]);
        assert!(good_trials(&outcomes).is_empty());
        outcomes.push(Outcome::Stopped { step: 1, value: 9.0 });
        assert_eq!(good_trials(&outcomes), [39.0]);
    }

    #[test]
    fn of_equal_trials_the_first_is_good() {
        assert_eq!(good_trials(&[Outcome::Finished { value: 1.0 }; 12]), [0.0, 1.0]);
    }
}
