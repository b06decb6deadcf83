//! What runs will cost, before they are queued: steps, and time by the pace of the experiment's earlier runs.

use loradeck_core::run::{ExperimentFolder, Outcome, Summary};
use loradeck_data::check::Checked;
use serde::Serialize;

use super::exec;
use super::prepare::Prepared;

/// What runs will cost.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Cost {
    /// How many runs.
    pub runs: u64,
    /// Steps of all of them.
    pub steps: u64,
    /// Whether they may be fewer: runs can end early, or a search can stop before its cap.
    pub at_most: bool,
    /// How long they take one after another, where earlier runs tell.
    pub seconds: Option<f64>,
    /// Seconds of a step, where earlier runs tell.
    pub seconds_per_step: Option<f64>,
    /// How many earlier runs tell it.
    pub earlier_runs: usize,
}

/// The cost of what was prepared; `summaries` are those of its trials, or of a search's examples.
pub fn cost(prepared: &Prepared, summaries: &[Checked]) -> Cost {
    let plan = &prepared.plan;
    let search = plan.search.as_ref();
    let is_search = search.is_some_and(loradeck_core::config::SearchPlan::is_search);
    let steps_of = steps_of(prepared, summaries);
    let (runs, steps) = if is_search {
        // The examples stand for what will be drawn; the longest of them is the careful guess.
        let runs = search.and_then(|search| search.run_cap).unwrap_or_default();
        let longest = steps_of.iter().copied().max().unwrap_or_default();
        (runs, runs.saturating_mul(longest))
    } else {
        (plan.trials.len() as u64, steps_of.iter().copied().fold(0, u64::saturating_add))
    };
    let at_most = search.is_some_and(|search| is_search || !search.stopping.is_empty());
    let paces = paces(prepared.target.experiment());
    let seconds_per_step = median(&paces);
    let seconds = seconds_per_step.map(|seconds| seconds * steps as f64);
    Cost { runs, steps, at_most, seconds, seconds_per_step, earlier_runs: paces.len() }
}

/// The steps of each trial; those of another trainer's command as far as its settings say them.
fn steps_of(prepared: &Prepared, summaries: &[Checked]) -> Vec<u64> {
    if summaries.is_empty() {
        let trials = prepared.plan.checked_trials().iter();
        return trials.map(|trial| exec::total_steps(&trial.settings)).collect();
    }
    summaries.iter().map(Checked::total_steps).collect()
}

/// Seconds per step of the experiment's finished runs.
fn paces(experiment: &ExperimentFolder) -> Vec<f64> {
    let summaries = experiment.runs().into_iter().filter_map(|run| Summary::read(&run).ok().flatten());
    summaries.filter_map(|summary| pace(&summary)).collect()
}

fn pace(summary: &Summary) -> Option<f64> {
    let is_telling = summary.outcome == Outcome::Finished && summary.step > 0 && summary.seconds > 0.0;
    is_telling.then(|| summary.seconds / summary.step as f64).filter(|pace| pace.is_finite())
}

fn median(values: &[f64]) -> Option<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let (upper, lower) = (sorted.get(sorted.len() / 2)?, sorted.get((sorted.len().max(1) - 1) / 2)?);
    Some(f64::midpoint(*lower, *upper))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_median_is_the_middle_or_between_the_two() {
        assert_eq!(median(&[]), None);
        assert_eq!(median(&[3.0]), Some(3.0));
        assert_eq!(median(&[9.0, 1.0, 2.0]), Some(2.0));
        assert_eq!(median(&[4.0, 1.0, 2.0, 9.0]), Some(3.0));
    }
}
