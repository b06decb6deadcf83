//! `loradeck run TARGET [key=value…]`: check everything, show the trials, queue them.

use std::path::Path;

use anyhow::Result;
use loradeck_core::run::{RunFolder, Workspace};
use serde_json::json;

use super::{OK, out, watch};
use crate::launch::{Place, Prepared, prepare, queue};

/// What the arguments say besides the target.
pub(super) struct Options {
    pub(super) dry_run: bool,
    pub(super) wait: bool,
    pub(super) plain: bool,
    pub(super) json: bool,
    pub(super) place: Place,
}

pub(super) fn run(target: &str, overrides: &[String], options: &Options) -> Result<u8> {
    let workspace = Workspace::open(Path::new("."))?;
    let prepared = prepare(&workspace, target, overrides)?;
    super::check::refuse_what_cannot_train(&workspace, &prepared)?;
    if options.dry_run {
        print_trials(&prepared, options.json)?;
        return Ok(OK);
    }
    let submission = queue(&workspace, &prepared, &options.place)?;
    if options.json {
        let labels: Vec<String> = submission.runs.iter().map(RunFolder::label).collect();
        out::json(&json!({ "runs": labels, "sweep": submission.sweep }))?;
    } else {
        for run in &submission.runs {
            out::line(&format!("queued {}", run.label()));
        }
    }
    if !options.wait {
        return Ok(OK);
    }
    if !options.plain && out::is_terminal() {
        super::dashboard(&[])?;
    }
    watch::follow(&workspace, &submission.runs)
}

pub(super) fn retry(name: &str, overrides: &[String]) -> Result<u8> {
    let workspace = Workspace::open(Path::new("."))?;
    let run = workspace.find_run(name)?;
    let submission = crate::launch::retry(&workspace, &run, overrides)?;
    for new in &submission.runs {
        out::line(&format!("queued {} (again {})", new.label(), run.label()));
    }
    Ok(OK)
}

/// The expanded list is always shown before anything is queued by hand.
pub(super) fn print_trials(prepared: &Prepared, as_json: bool) -> Result<()> {
    if as_json {
        let trials: Vec<_> = prepared
            .plan
            .trials
            .iter()
            .map(|trial| json!({ "label": trial.label(), "settings": trial.settings }))
            .collect();
        return out::json(&json!({ "experiment": prepared.target.experiment().name(), "trials": trials }));
    }
    let count = prepared.plan.trials.len();
    let noun = if count == 1 { "run" } else { "runs" };
    out::line(&format!("{}: {count} {noun}", prepared.target.experiment().name()));
    for (index, trial) in prepared.plan.trials.iter().enumerate() {
        out::line(&format!("{:>4}  {}", index + 1, trial.label()));
    }
    Ok(())
}
