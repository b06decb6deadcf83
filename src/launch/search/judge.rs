//! Which trials a sweep gives up: its rule over the values that the trials have written, decided in the order in which
//! they came.

use std::collections::{BTreeMap, BTreeSet};

use loradeck_core::config::{Goal, SearchPlan, Stopping, Unit};
use loradeck_search::{Arrival, Asha, Curve, Goal as SearchGoal, MedianStop, Verdict};

/// A verdict and what it rests on.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Judgement {
    pub(super) trial: u32,
    /// Recorded in the sweep's file: later verdicts rest on it.
    pub(super) arrival: Option<Arrival>,
    pub(super) gives_up: bool,
    /// In the journal's words.
    pub(super) rule: &'static str,
    pub(super) step: u64,
    pub(super) value: f64,
    pub(super) peers: usize,
    pub(super) threshold: f64,
}

/// The goal as the search names it.
pub(super) fn goal_of(goal: Goal) -> SearchGoal {
    match goal {
        Goal::Minimize => SearchGoal::Minimize,
        Goal::Maximize => SearchGoal::Maximize,
    }
}

/// What is known when trials are judged.
pub(super) struct Known<'a> {
    /// The arrivals at rungs until now, in their order.
    pub(super) recorded: &'a [Arrival],
    /// Trials that were given up: they are peers, and judged no more.
    pub(super) given_up: &'a BTreeSet<u32>,
    /// Steps and values of each trial.
    pub(super) curves: &'a BTreeMap<u32, Vec<(u64, f64)>>,
    /// The full length of a trial.
    pub(super) end: u64,
}

/// Every judgement that the curves call for and that was not made yet. `judged` holds the last step at which the median
/// rule has looked at each trial.
pub(super) fn judge(plan: &SearchPlan, known: &Known<'_>, judged: &mut BTreeMap<u32, u64>) -> Vec<Judgement> {
    let mut judgements: Vec<Judgement> = Vec::new();
    for rule in &plan.stopping {
        // What one rule has just given up, the other does not judge again.
        let new = judge_by(plan, rule, known, judged);
        let is_told = |trial: u32| judgements.iter().any(|one| one.trial == trial && one.gives_up);
        let new: Vec<Judgement> = new.into_iter().filter(|one| !is_told(one.trial)).collect();
        judgements.extend(new);
    }
    judgements
}

fn judge_by(
    plan: &SearchPlan,
    rule: &Stopping,
    known: &Known<'_>,
    judged: &mut BTreeMap<u32, u64>,
) -> Vec<Judgement> {
    let Known { recorded, given_up, curves, end } = *known;
    let goal = goal_of(plan.metric.as_ref().map_or(Goal::Minimize, |metric| metric.goal));
    match rule {
        Stopping::Asha { unit, reduction_factor, by_best, .. } => {
            let counted: BTreeMap<u32, Vec<(u64, f64)>> = curves
                .iter()
                .filter(|(trial, _)| !given_up.contains(trial))
                .map(|(trial, points)| (*trial, counted(*unit, points)))
                .collect();
            let rungs = rule.rungs(end);
            let asha = Asha {
                grace_period: 1,
                reduction_factor: (*reduction_factor).max(2),
                max_t: end,
                brackets: 1,
            };
            halve(&asha, &rungs, goal, *by_best, recorded, &counted)
        }
        Stopping::MedianStop { grace_period, min_runs } => {
            let rule = MedianStop { grace_period: *grace_period, min_trials: *min_runs as usize };
            compare_with_median(&rule, goal, known, judged)
        }
    }
}

/// Steps, or the number of the value from 1.
fn counted(unit: Unit, points: &[(u64, f64)]) -> Vec<(u64, f64)> {
    match unit {
        Unit::Steps => points.to_vec(),
        Unit::Values => (1..).zip(points).map(|(number, (_, value))| (number, *value)).collect(),
    }
}

fn halve(
    asha: &Asha,
    rungs: &[u64],
    goal: SearchGoal,
    by_best: bool,
    recorded: &[Arrival],
    curves: &BTreeMap<u32, Vec<(u64, f64)>>,
) -> Vec<Judgement> {
    let mut recorded = recorded.to_vec();
    let mut judgements = Vec::new();
    for (trial, points) in curves {
        for rung in rungs {
            let known = recorded.iter().any(|one| one.trial == u64::from(*trial) && one.rung == *rung);
            // The first value at or after the rung: whatever has been written since, the verdict is the same.
            let Some((step, value)) = points.iter().find(|(step, _)| step >= rung).copied() else { break };
            if known {
                continue;
            }
            let arrival = Arrival { trial: u64::from(*trial), rung: *rung, step, value };
            let decision = asha.judge(goal, &recorded, arrival);
            recorded.push(arrival);
            let so_far = points.iter().take_while(|(at, _)| *at <= step).map(|(_, value)| *value);
            let was_good = by_best && reaches(goal, so_far, decision.threshold);
            let gives_up = decision.verdict == Verdict::Stop && !was_good;
            judgements.push(Judgement {
                trial: *trial,
                arrival: Some(arrival),
                gives_up,
                rule: "asha",
                step: *rung,
                value,
                peers: decision.peers,
                threshold: decision.threshold,
            });
            if gives_up {
                break;
            }
        }
    }
    judgements
}

/// Whether one of the values is as good as the threshold.
fn reaches(goal: SearchGoal, mut values: impl Iterator<Item = f64>, threshold: f64) -> bool {
    values.any(|value| match goal {
        SearchGoal::Minimize => value <= threshold,
        SearchGoal::Maximize => value >= threshold,
    })
}

fn compare_with_median(
    rule: &MedianStop,
    goal: SearchGoal,
    known: &Known<'_>,
    judged: &mut BTreeMap<u32, u64>,
) -> Vec<Judgement> {
    let all: Vec<Curve> = known
        .curves
        .iter()
        .map(|(trial, points)| Curve { trial: u64::from(*trial), points: points.clone() })
        .collect();
    let mut judgements = Vec::new();
    for curve in &all {
        let (trial, Some((step, value))) = (curve.trial as u32, curve.points.last().copied()) else {
            continue;
        };
        if known.given_up.contains(&trial) || judged.insert(trial, step) == Some(step) {
            continue;
        }
        let Some(decision) = rule.decide(goal, &all, curve) else { continue };
        if decision.verdict == Verdict::Stop {
            judgements.push(Judgement {
                trial,
                arrival: None,
                gives_up: true,
                rule: "median",
                step,
                value,
                peers: decision.peers,
                threshold: decision.median,
            });
        }
    }
    judgements
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    fn plan(rule: &str) -> SearchPlan {
        let text = format!(
            "base_model: m\ntrain_data_dir: d\neval_split: 0.1\nsweep:\n  metric: {{name: eval/loss}}\n  parameters: {{lora_rank: {{values: [1, 2, 3]}}}}\n  {rule}\n"
        );
        loradeck_core::config::plan(Path::new("e.yaml"), &text, &[], None).unwrap().1.search.unwrap()
    }

    fn curves(values: &[&[f64]]) -> BTreeMap<u32, Vec<(u64, f64)>> {
        (1..)
            .zip(values)
            .map(|(trial, values)| (trial, (1..).map(|at| at * 10).zip(values.iter().copied()).collect()))
            .collect()
    }

    fn judged(
        plan: &SearchPlan,
        recorded: &[Arrival],
        given_up: &[u32],
        curves: &BTreeMap<u32, Vec<(u64, f64)>>,
        memory: &mut BTreeMap<u32, u64>,
    ) -> Vec<Judgement> {
        let given_up = given_up.iter().copied().collect();
        judge(plan, &Known { recorded, given_up: &given_up, curves, end: 40 }, memory)
    }

    #[test]
    fn halving_is_the_same_at_once_and_value_by_value() {
        let plan = plan("asha: {grace_period: 10, reduction_factor: 2}");
        let all: [&[f64]; 3] = [&[3.0, 2.0, 1.0, 0.5], &[2.0, 1.5, 0.9, 0.8], &[4.0, 4.0, 4.0, 4.0]];
        let at_once = judged(&plan, &[], &[], &curves(&all), &mut BTreeMap::new());
        let told: Vec<(u32, u64, bool)> =
            at_once.iter().map(|one| (one.trial, one.step, one.gives_up)).collect();
        assert_eq!(told, [(1, 10, false), (1, 20, false), (2, 10, false), (2, 20, false), (3, 10, true)]);
        // Again with what was recorded: nothing new.
        let recorded: Vec<Arrival> = at_once.iter().filter_map(|one| one.arrival).collect();
        let again = judged(&plan, &recorded, &[3], &curves(&all), &mut BTreeMap::new());
        assert_eq!(again, []);
    }

    #[test]
    fn hyperband_forgives_a_bad_value_after_a_good_one_unless_it_is_strict() {
        let all = curves(&[&[5.0, 4.0, 3.0], &[5.0, 2.0, 9.0], &[6.0, 6.0, 6.0]]);
        let given_up = |strict: &str| {
            let rule = format!("early_terminate: {{type: hyperband, min_iter: 3, eta: 2{strict}}}");
            let told = judged(&plan(&rule), &[], &[], &all, &mut BTreeMap::new());
            told.iter().filter(|one| one.gives_up).map(|one| one.trial).collect::<Vec<_>>()
        };
        assert_eq!(given_up(""), [3]);
        assert_eq!(given_up(", strict: true"), [2, 3]);
    }

    #[test]
    fn the_median_rule_looks_once_at_each_value() {
        let plan = plan("median_stop: {grace_period: 10, min_runs: 2}");
        let all = curves(&[&[1.0, 1.0], &[1.2, 1.2], &[9.0, 9.0]]);
        let mut memory = BTreeMap::new();
        let told = judged(&plan, &[], &[], &all, &mut memory);
        assert_eq!(told.iter().map(|one| one.trial).collect::<Vec<_>>(), [3]);
        assert_eq!((told[0].peers, told[0].threshold), (2, 1.1));
        assert_eq!(judged(&plan, &[], &[], &all, &mut memory), []);
    }
}
