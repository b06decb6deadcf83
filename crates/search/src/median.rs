//! The median stopping rule (Golovin, Solnik, Moitra, Kochanski, Karro and Sculley, "Google Vizier: A Service for
//! Black-Box Optimization", KDD 2017, section 3.2.1): a trial is stopped at a step if its best value so far is strictly
//! worse than the median of the other trials' running averages up to that step.
//!
//! As in Ray's `MedianStoppingRule` the averages begin at the grace period, because the fall of the first steps
//! would hide all else; and, other than in Vizier, the others need not have finished: they count once they have come
//! as far as this trial.

use serde::{Deserialize, Serialize};

use crate::asha::Verdict;
use crate::observation::Goal;

/// When trials are compared.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MedianStop {
    /// No trial is stopped before this step, and averages begin here.
    pub grace_period: u64,
    /// No trial is stopped while fewer others have come as far.
    pub min_trials: usize,
}

/// A trial's metric as logged until now.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Curve {
    /// The trial.
    pub trial: u64,
    /// Steps, ascending, and values.
    pub points: Vec<(u64, f64)>,
}

/// What was decided at a step, and by what.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct MedianDecision {
    /// Whether the trial goes on.
    pub verdict: Verdict,
    /// How many others had come as far.
    pub peers: usize,
    /// The trial's best value so far.
    #[serde(with = "crate::not_finite")]
    pub best: f64,
    /// The median of the others' averages.
    #[serde(with = "crate::not_finite")]
    pub median: f64,
}

impl MedianStop {
    /// Judges `curve` at its last step among `others`; none in the grace period or while too few others are there.
    /// A curve of the same trial among `others` is not its own peer.
    pub fn decide(&self, goal: Goal, others: &[Curve], curve: &Curve) -> Option<MedianDecision> {
        let step = curve.points.last()?.0;
        if step < self.grace_period {
            return None;
        }
        let peers = others.iter().filter(|other| other.trial != curve.trial);
        let mut averages: Vec<f64> = peers.filter_map(|other| self.average(goal, other, step)).collect();
        if averages.is_empty() || averages.len() < self.min_trials {
            return None;
        }
        averages.sort_by(f64::total_cmp);
        let best = curve.points.iter().map(|(_, value)| goal.cost(*value)).fold(f64::INFINITY, f64::min);
        let median = middle(&averages);
        let verdict = if best > median { Verdict::Stop } else { Verdict::Keep };
        let shown = |cost: f64| if goal == Goal::Maximize { -cost } else { cost };
        Some(MedianDecision { verdict, peers: averages.len(), best: shown(best), median: shown(median) })
    }

    /// The mean cost from the grace period up to `step` of a trial that has come so far; infinite if any of its values
    /// is not a number.
    fn average(&self, goal: Goal, curve: &Curve, step: u64) -> Option<f64> {
        if curve.points.last()?.0 < step {
            return None;
        }
        let within = |at: u64| (self.grace_period..=step).contains(&at);
        let costs: Vec<f64> =
            curve.points.iter().filter(|(at, _)| within(*at)).map(|(_, value)| goal.cost(*value)).collect();
        (!costs.is_empty()).then(|| costs.iter().sum::<f64>() / costs.len() as f64)
    }
}

/// The median of sorted numbers, of an even count the mean of the middle two.
fn middle(sorted: &[f64]) -> f64 {
    let (below, above) = (sorted[(sorted.len() - 1) / 2], sorted[sorted.len() / 2]);
    // Two infinities have no midpoint by subtraction; the halves avoid an overflow of the sum.
    below / 2.0 + above / 2.0
}

#[cfg(test)]
mod tests {
    use super::*;

    const RULE: MedianStop = MedianStop { grace_period: 2, min_trials: 2 };

    fn curve(trial: u64, values: &[f64]) -> Curve {
        Curve { trial, points: (1..).zip(values.iter().copied()).collect() }
    }

    #[test]
    fn the_best_so_far_is_held_against_the_median_of_averages() {
        // Averages of steps 2 and 3: 2.5, 3.5 and 1.5; the first step of 9 is in the grace period.
        let others =
            [curve(0, &[9.0, 3.0, 2.0]), curve(1, &[9.0, 4.0, 3.0, 0.0]), curve(2, &[9.0, 2.0, 1.0])];
        let judged = |values: &[f64]| RULE.decide(Goal::Minimize, &others, &curve(7, values)).unwrap();
        let worse = judged(&[9.0, 2.6, 2.7]);
        let expected = MedianDecision { verdict: Verdict::Stop, peers: 3, best: 2.6, median: 2.5 };
        assert_eq!(worse, expected);
        assert_eq!(judged(&[9.0, 2.5, 8.0]).verdict, Verdict::Keep, "a tie");
        assert_eq!(judged(&[2.4, 9.0, 9.0]).verdict, Verdict::Keep, "the best counts, not the last");
    }

    #[test]
    fn to_maximize_is_the_same_upside_down() {
        let others = [curve(0, &[0.0, 3.0]), curve(1, &[0.0, 5.0])];
        let judged = |value| RULE.decide(Goal::Maximize, &others, &curve(2, &[0.0, value])).unwrap();
        assert_eq!((judged(3.9).verdict, judged(4.0).verdict), (Verdict::Stop, Verdict::Keep));
        assert_eq!((judged(3.9).best, judged(3.9).median), (3.9, 4.0));
    }

    #[test]
    fn nobody_is_judged_early_or_by_few() {
        let others = [curve(0, &[1.0, 1.0, 1.0]), curve(1, &[1.0, 1.0])];
        assert_eq!(RULE.decide(Goal::Minimize, &others, &curve(2, &[9.0])), None, "grace period");
        assert_eq!(RULE.decide(Goal::Minimize, &others, &curve(2, &[9.0; 3])), None, "one as far");
        assert_eq!(RULE.decide(Goal::Minimize, &others, &curve(0, &[9.0; 2])), None, "itself is no peer");
        assert!(RULE.decide(Goal::Minimize, &others, &curve(2, &[9.0; 2])).is_some());
        assert_eq!(RULE.decide(Goal::Minimize, &others, &curve(2, &[])), None);
    }

    #[test]
    fn nan_is_the_worst_value() {
        let others = [curve(0, &[1.0, f64::NAN]), curve(1, &[1.0, 3.0]), curve(2, &[1.0, f64::NAN])];
        let judged = |values: &[f64]| RULE.decide(Goal::Minimize, &others, &curve(7, values)).unwrap();
        let kept = judged(&[1e9, 1e9]);
        assert_eq!(
            (kept.verdict, kept.median),
            (Verdict::Keep, f64::INFINITY),
            "the median itself is no number"
        );
        let good = [curve(0, &[1.0, 1.0]), curve(1, &[1.0, 3.0])];
        let lost = RULE.decide(Goal::Minimize, &good, &curve(7, &[f64::NAN; 2])).unwrap();
        assert_eq!(lost.verdict, Verdict::Stop);
    }
}
