//! The next point of a sweep's space, chosen by its method.

use loradeck_core::config::{Assignment, Goal, Method, SearchPlan};
use loradeck_core::run::{EndReason, State};
use loradeck_search::{Observation, Outcome, Point, Space, Tpe, random};

use super::judge::goal_of;
use super::space::assignment_at;
use super::trials::Trials;

/// Points that were chosen before are chosen anew so often before the space counts as used up.
const ATTEMPTS: u64 = 64;

/// The next point of the space and its assignment; `None` where all that can be reached was tried.
pub(super) fn next_point(
    plan: &SearchPlan,
    space: &Space,
    points: &[Point],
    observations: &[Observation],
) -> Option<(Point, Assignment)> {
    let known: Vec<Assignment> = points.iter().map(|point| assignment_at(plan, point)).collect();
    let goal = goal_of(plan.metric.as_ref().map_or(Goal::Minimize, |metric| metric.goal));
    let next = points.len() as u64;
    for attempt in 0..ATTEMPTS {
        // Beyond any number of trials, so that another attempt repeats no draw.
        let number = next + (attempt << 32);
        let point = match plan.method {
            Method::Bayes if attempt == 0 => {
                Tpe::default().propose(space, goal, plan.random_seed, number, observations).ok()?
            }
            _ => random::propose(space, plan.random_seed, number),
        };
        let assignment = assignment_at(plan, &point);
        if !known.contains(&assignment) {
            return Some((point, assignment));
        }
    }
    None
}

/// What came of each point, as far as it is known. The trials of one point (its seeds) count by their mean.
pub(super) fn observations(
    points: &[Point],
    seeds: usize,
    trials: &Trials,
    best: impl Fn(u32) -> Option<f64>,
    given_up_at: impl Fn(u32) -> Option<u64>,
) -> Vec<Observation> {
    let of = |(index, point): (usize, &Point)| {
        let numbers = (index * seeds + 1) as u32..=((index + 1) * seeds) as u32;
        let outcomes: Vec<Outcome> =
            numbers.filter_map(|number| outcome(trials, number, best(number), given_up_at(number))).collect();
        let outcome = together(&outcomes)?;
        Some(Observation { trial: index as u64, point: point.clone(), outcome })
    };
    points.iter().enumerate().filter_map(of).collect()
}

fn outcome(trials: &Trials, number: u32, best: Option<f64>, given_up_at: Option<u64>) -> Option<Outcome> {
    let Some(one) = trials.runs.get(&number) else {
        return (!trials.removed.contains(&number)).then_some(Outcome::Running);
    };
    match (one.status.state, one.status.reason) {
        (State::Finished, _) => Some(best.map_or(Outcome::Failed, |value| Outcome::Finished { value })),
        (State::Pruned, _) => {
            let (step, value) = (given_up_at.unwrap_or(0), best.unwrap_or(f64::NAN));
            Some(Outcome::Stopped { step, value })
        }
        (State::Failed, Some(EndReason::NonFinite | EndReason::OutOfMemory | EndReason::Config)) => {
            Some(Outcome::Failed)
        }
        // What the machine or a person ended says nothing about the settings.
        (State::Failed | State::Stopped, _) => None,
        _ => Some(Outcome::Running),
    }
}

fn together(outcomes: &[Outcome]) -> Option<Outcome> {
    if outcomes.len() <= 1 {
        return outcomes.first().copied();
    }
    if let Some(decisive) = outcomes
        .iter()
        .find(|one| matches!(one, Outcome::Running | Outcome::Failed | Outcome::Stopped { .. }))
    {
        return Some(*decisive);
    }
    let values = outcomes.iter().filter_map(|one| match one {
        Outcome::Finished { value } => Some(*value),
        _ => None,
    });
    Some(Outcome::Finished { value: values.sum::<f64>() / outcomes.len() as f64 })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::launch::search::space::space_of;

    fn plan(sweep: &str) -> SearchPlan {
        let text = format!(
            "base_model: m\ntrain_data_dir: d\neval_split: 0.1\nsweep:\n  metric: {{name: eval/loss}}\n  run_cap: 50\n{sweep}"
        );
        loradeck_core::config::plan(std::path::Path::new("e.yaml"), &text, &[], None)
            .unwrap()
            .1
            .search
            .unwrap()
    }

    #[test]
    fn a_small_space_is_tried_once_each_and_then_used_up() {
        for method in ["random", "bayes"] {
            let plan =
                plan(&format!("  method: {method}\n  parameters: {{lora_rank: {{values: [1, 2, 3, 4]}}}}\n"));
            let space = space_of(&plan).unwrap();
            let mut points = Vec::new();
            let mut ranks = Vec::new();
            while let Some((point, assignment)) = next_point(&plan, &space, &points, &[]) {
                points.push(point);
                ranks.push(assignment["lora_rank"].plain());
            }
            ranks.sort();
            assert_eq!(ranks, ["1", "2", "3", "4"], "{method}");
        }
    }

    #[test]
    fn the_next_point_follows_from_what_is_written_alone() {
        let plan = plan("  method: bayes\n  parameters: {learning_rate: {min: 0.00001, max: 0.01}}\n");
        let space = space_of(&plan).unwrap();
        let mut points: Vec<Point> = Vec::new();
        let mut seen = Vec::new();
        for trial in 0..25 {
            let (point, assignment) = next_point(&plan, &space, &points, &seen).unwrap();
            assert_eq!(next_point(&plan, &space, &points, &seen).unwrap().0, point);
            let rate: f64 = assignment["learning_rate"].plain().parse().unwrap();
            points.push(point.clone());
            seen.push(Observation {
                trial,
                point,
                outcome: Outcome::Finished { value: (rate - 0.004).abs() },
            });
        }
        let last = assignment_at(&plan, &points[24])["learning_rate"].plain().parse::<f64>().unwrap();
        assert!((0.002..0.006).contains(&last), "after 24 trials it looks near the best: {last}");
    }

    #[test]
    fn seeds_count_by_their_mean_and_the_machines_failures_not_at_all() {
        let finished = |value| Outcome::Finished { value };
        assert_eq!(together(&[finished(1.0), finished(2.0)]), Some(finished(1.5)));
        assert_eq!(together(&[finished(1.0), Outcome::Running]), Some(Outcome::Running));
        assert_eq!(together(&[]), None);
    }
}
