//! The runs beside one: those of its sweep, or else of its experiment, as they stand when it ends.

use loradeck_core::error::FileError;
use loradeck_core::run::{ExperimentFolder, RunFolder, Status, Summary};

use super::inputs::{Sibling, Standing};
use super::settings::{Frozen, Setting};
use super::{MetricGoal, goal_of, key_metric, outcome_word};

/// Siblings that a report keeps; of a large sweep the best.
const KEPT: usize = 50;

/// What stands beside a run.
#[derive(Debug, Default)]
pub(super) struct Beside {
    /// The other runs, the best first, failed ones last.
    pub siblings: Vec<Sibling>,
    /// How many more there were.
    pub left_out: usize,
    /// The run's place among all that have ended.
    pub standing: Option<Standing>,
    /// The number of the sweep that they all are of.
    pub sweep: Option<u32>,
}

/// Reads the runs beside `run`. They are judged by the metric that `run` is judged by.
pub(super) fn beside(
    experiment: Option<&ExperimentFolder>,
    run: &RunFolder,
    frozen: &Frozen,
) -> Result<Beside, FileError> {
    let runs = experiment.map(ExperimentFolder::runs).unwrap_or_default();
    let sweep = frozen.provenance.sweep;
    let summary = Summary::read(run)?;
    let Some(tag) = summary.as_ref().and_then(|summary| key_metric(&frozen.provenance, &summary.metrics))
    else {
        return Ok(Beside { sweep, ..Beside::default() });
    };
    let goal = goal_of(&frozen.provenance, &tag);
    let others = runs.iter().filter(|other| other.path() != run.path());
    let mut siblings: Vec<Sibling> = others
        .filter_map(|other| {
            let theirs = Frozen::read(other, &[]).ok()?;
            (theirs.provenance.sweep == sweep).then(|| sibling(other, &theirs, frozen, &tag))?
        })
        .collect();
    let ours = summary.and_then(|summary| summary.metrics.get(&tag).copied()).map(|metric| metric.best);
    let standing = ours.and_then(|ours| standing(&siblings, ours, goal));
    siblings.sort_by(|a, b| {
        let failed = (a.state == "failed").cmp(&(b.state == "failed"));
        failed.then(goal.order(best(a), best(b))).then(a.run.cmp(&b.run))
    });
    let left_out = siblings.len().saturating_sub(KEPT);
    siblings.truncate(KEPT);
    Ok(Beside { siblings, left_out, standing, sweep })
}

fn best(sibling: &Sibling) -> Option<f64> {
    sibling.metric.map(|metric| metric.best)
}

fn standing(siblings: &[Sibling], ours: f64, goal: MetricGoal) -> Option<Standing> {
    let has_ended = |sibling: &&Sibling| ["finished", "stopped", "pruned"].contains(&sibling.state.as_str());
    let theirs: Vec<f64> = siblings.iter().filter(has_ended).filter_map(best).collect();
    let place = 1 + theirs.iter().filter(|value| goal.is_better(**value, ours)).count();
    (!theirs.is_empty()).then_some(Standing { place, of: theirs.len() + 1 })
}

fn sibling(run: &RunFolder, theirs: &Frozen, ours: &Frozen, tag: &str) -> Option<Sibling> {
    let summary = Summary::read(run).ok().flatten();
    let state = Status::read(run).ok().flatten().map(|status| status.state.word());
    let state = state.or(summary.as_ref().map(|summary| outcome_word(summary.outcome)))?.to_owned();
    let our_rows = ours.rows();
    // What follows from another setting in both runs says nothing more.
    let differs = |row: &Setting| {
        let ours = our_rows.iter().find(|known| known.key == row.key);
        let is_chosen = row.is_chosen || ours.is_some_and(|ours| ours.is_chosen);
        is_chosen && ours.is_none_or(|ours| ours.value != row.value)
    };
    let rows = theirs.rows().into_iter().filter(|row| !row.is_name && differs(row));
    let varied = rows.map(|row| (row.key.to_owned(), row.value)).collect();
    let metric = summary.and_then(|summary| summary.metrics.get(tag).copied());
    Some(Sibling { run: run.name(), state, varied, metric })
}
