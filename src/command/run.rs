//! `loradeck run TARGET [key=value…]`: check everything, show the trials, queue them.

use std::path::Path;

use anyhow::Result;
use loradeck_core::config::SearchPlan;
use loradeck_core::run::{RunFolder, Workspace};
use serde_json::json;

use super::{OK, out, trials, watch};
use crate::launch::{Cost, Place, Prepared, Submission, at_logout, cost, examine, permit, prepare, queue};

/// What the arguments say besides the target.
pub(super) struct Options {
    pub(super) dry_run: bool,
    pub(super) wait: bool,
    pub(super) plain: bool,
    pub(super) json: bool,
    pub(super) yes: bool,
    pub(super) place: Place,
}

pub(super) fn run(target: &str, overrides: &[String], options: &Options) -> Result<u8> {
    let workspace = Workspace::open(Path::new("."))?;
    if !options.dry_run {
        permit(&workspace)?;
    }
    let prepared = prepare(&workspace, target, overrides)?;
    trials::tell_warnings(&prepared);
    let summaries = examine(&workspace, &prepared)?;
    let cost = cost(&prepared, &summaries);
    trials::tell_what_is_not_frozen(&workspace, &prepared);
    if options.dry_run {
        show_trials(&prepared, &cost, options.json)?;
        return Ok(OK);
    }
    if prepared.plan.sweep && !options.json {
        show_trials(&prepared, &cost, false)?;
    }
    if !options.yes && prepared.runs.len() > trials::MANY && out::is_conversation() {
        let question = format!("queue these {} runs?", prepared.runs.len());
        if !out::ask(&question)? {
            out::line("nothing was queued");
            return Ok(OK);
        }
    }
    let submission = queue(&workspace, &prepared, &options.place)?;
    if options.json {
        let labels: Vec<String> = submission.runs.iter().map(RunFolder::label).collect();
        out::json(&json!({ "runs": labels, "sweep": submission.sweep }))?;
    } else {
        for run in &submission.runs {
            out::line(&format!("queued {}", run.label()));
        }
        if let Some(number) = drawing_sweep(&prepared, &submission) {
            let name = prepared.target.experiment().name();
            out::line(&format!(
                "started sweep {name}:{number} (`loradeck sweep pause {name}:{number}` pauses it)"
            ));
        }
    }
    warn_of_logout();
    if !options.wait {
        return Ok(OK);
    }
    if !options.plain && out::is_terminal() {
        super::dashboard(&[])?;
    }
    watch::follow(&workspace, submission.runs, submission.sweep.as_deref())
}

/// Says so where a logout would end what was just queued.
fn warn_of_logout() {
    if let Some((found, help)) = at_logout().warning() {
        out::note(&format!("warning: {found}; `{help}` saves those that start after it"));
    }
}

/// The number of a sweep that makes its trials itself.
fn drawing_sweep<'a>(prepared: &Prepared, submission: &'a Submission) -> Option<&'a str> {
    let is_search = prepared.plan.search.as_ref().is_some_and(SearchPlan::is_search);
    let folder = submission.sweep.as_ref().filter(|_| is_search)?;
    Some(folder.file_name()?.to_str()?.trim_start_matches('0'))
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

/// The expanded list, its count and its cost, which are always shown before anything is queued by hand.
pub(super) fn show_trials(prepared: &Prepared, cost: &Cost, as_json: bool) -> Result<()> {
    if as_json {
        let answer = trials::answer(
            prepared,
            cost,
            |_, trial| json!({ "label": trial.label(), "settings": trial.settings }),
        );
        return out::json(&answer);
    }
    for line in trials::head(prepared, cost) {
        out::line(&line);
    }
    for line in trials::list(prepared, usize::MAX, &|_| String::new()) {
        out::line(&line);
    }
    if prepared.plan.sweep {
        out::line(&trials::cost_line(cost));
    }
    Ok(())
}
