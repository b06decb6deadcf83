//! Which runs of a sweep end early: asynchronous successive halving and the median rule, as data.

use serde::{Deserialize, Serialize};

/// A rule by which runs end early. What decides is the sweep's metric.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "rule", rename_all = "snake_case")]
pub enum Stopping {
    /// ASHA: at each rung only the best of every `reduction_factor` runs goes on (L. Li et al., "A System for Massively
    /// Parallel Hyperparameter Tuning", 2020). The names are Ray Tune's.
    Asha {
        /// What rungs are counted in.
        unit: Unit,
        /// The first rung.
        grace_period: f64,
        /// Each rung is so many times the one before, and one of so many runs goes on.
        reduction_factor: u64,
        /// Nothing is decided from here on; a run's own steps, where it is left out.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        max_t: Option<u64>,
        /// A run goes on where its best value so far would, as W&B has it unless `strict` is set.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        by_best: bool,
    },
    /// A run ends where its best value so far is worse than the median of the others' averages up to the same step
    /// (D. Golovin et al., "Google Vizier", 2017, section 3.2.2).
    MedianStop {
        /// Nothing is decided before this step.
        grace_period: u64,
        /// Nothing is decided before so many other runs have come as far.
        min_runs: u64,
    },
}

/// What the progress of a run is counted in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Unit {
    /// Training steps.
    Steps,
    /// Values of the metric, as W&B counts iterations.
    Values,
}

impl Stopping {
    /// Whether it is the median rule, which may stand beside the other.
    pub fn is_median(&self) -> bool {
        matches!(self, Self::MedianStop { .. })
    }

    /// The rungs of ASHA below `end`, the length of a run; none for the median rule.
    pub fn rungs(&self, end: u64) -> Vec<u64> {
        let Self::Asha { grace_period, reduction_factor, max_t, .. } = self else { return Vec::new() };
        let end = max_t.map_or(end, |max_t| max_t.min(end));
        let mut rungs: Vec<u64> = Vec::new();
        let mut next = *grace_period;
        // W&B cuts fractions off; a hair more, so that 100/27 * 27 stays 100.
        while next + 1e-6 < end as f64 && *reduction_factor > 1 {
            let rung = (next + 1e-6) as u64;
            if rung >= 1 && rungs.last() != Some(&rung) {
                rungs.push(rung);
            }
            next *= *reduction_factor as f64;
        }
        rungs
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asha(grace_period: f64, reduction_factor: u64, max_t: Option<u64>) -> Stopping {
        Stopping::Asha { unit: Unit::Steps, grace_period, reduction_factor, max_t, by_best: false }
    }

    #[test]
    fn rungs_grow_by_the_factor_up_to_the_end() {
        assert_eq!(asha(10.0, 3, None).rungs(270), [10, 30, 90]);
        assert_eq!(asha(10.0, 3, None).rungs(271), [10, 30, 90, 270]);
        assert_eq!(asha(10.0, 3, Some(90)).rungs(1000), [10, 30]);
        assert_eq!(asha(1.0, 2, None).rungs(5), [1, 2, 4]);
        assert_eq!(asha(100.0, 3, None).rungs(50), [0; 0]);
    }

    #[test]
    fn the_rungs_of_max_iter_are_wandbs_brackets() {
        // max_iter 100, s 3, eta 3 in hyperband_stopping.py: 33, 11, 3.
        assert_eq!(asha(100.0 / 27.0, 3, Some(100)).rungs(1000), [3, 11, 33]);
        assert_eq!(asha(27.0 / 9.0, 3, Some(27)).rungs(1000), [3, 9]);
    }
}
