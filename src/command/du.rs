//! `loradeck du`: what runs take of the disk.

use std::path::Path;

use anyhow::Result;
use loradeck_core::run::{RunFolder, Workspace};
use serde_json::json;

use super::{OK, out};
use crate::launch::tidy::{self, Usage};
use crate::report::{bytes, plain_table};

/// The runs that `targets` name: experiments, runs, or nothing for all.
pub(super) fn runs_of(workspace: &Workspace, targets: &[String]) -> Result<Vec<RunFolder>> {
    if targets.is_empty() {
        return Ok(workspace.runs());
    }
    let mut runs = Vec::new();
    for target in targets {
        match workspace.experiments().into_iter().find(|experiment| experiment.name() == *target) {
            Some(experiment) => runs.extend(experiment.runs()),
            None => runs.push(workspace.find_run(target)?),
        }
    }
    runs.dedup();
    Ok(runs)
}

pub(super) fn du(targets: &[String], as_json: bool) -> Result<u8> {
    let workspace = Workspace::open(Path::new("."))?;
    let used: Vec<(RunFolder, Usage)> = runs_of(&workspace, targets)?
        .into_iter()
        .map(|run| {
            let usage = tidy::usage(&run);
            (run, usage)
        })
        .collect();
    let trash: u64 = workspace.experiments().iter().flat_map(tidy::trash).map(|removed| removed.size).sum();
    if as_json {
        let runs: Vec<_> = used
            .iter()
            .map(|(run, usage)| {
                json!({ "run": run.label(), "checkpoints": usage.checkpoints, "weights": usage.weights,
                        "logs": usage.logs, "rest": usage.rest, "total": usage.total() })
            })
            .collect();
        out::json(&json!({ "runs": runs, "trash": trash }))?;
        return Ok(OK);
    }
    let row = |name: String, usage: &Usage| {
        let parts = [usage.checkpoints, usage.weights, usage.logs, usage.rest, usage.total()];
        std::iter::once(name).chain(parts.map(bytes)).collect::<Vec<_>>()
    };
    let mut rows: Vec<Vec<String>> = used.iter().map(|(run, usage)| row(run.label(), usage)).collect();
    let all = used.iter().fold(Usage::default(), |all, (_, usage)| all.with(*usage));
    rows.push(row("all".to_owned(), &all));
    out::document(&plain_table(&["run", "checkpoints", "weights", "logs", "rest", "total"], &rows));
    if trash > 0 {
        out::note(&format!("the trash holds {} (hint: `loradeck clean --trash` empties it)", bytes(trash)));
    }
    Ok(OK)
}
