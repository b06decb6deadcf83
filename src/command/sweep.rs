//! `loradeck sweep`: the sweeps of a workspace, and changes of one.

use std::path::Path;

use anyhow::Result;
use loradeck_core::run::{ExperimentFolder, QueueEntry, Status, Workspace};
use loradeck_core::text::harmless;
use serde_json::json;

use super::out::UsageError;
use super::{OK, out};
use crate::cli::SweepChange;
use crate::launch::sweep_edit::{self, Edited};
use crate::launch::{SweepFile, action, sweep_numbers};
use crate::report::plain_table;

pub(super) fn sweep(change: Option<SweepChange>, as_json: bool) -> Result<u8> {
    let workspace = Workspace::open(Path::new("."))?;
    match change {
        None => list(&workspace, as_json)?,
        Some(SweepChange::Pause { sweep }) => set_paused(&workspace, &sweep, Some(""))?,
        Some(SweepChange::Resume { sweep }) => set_paused(&workspace, &sweep, None)?,
        Some(SweepChange::Add { sweep, values }) => {
            let (experiment, number) = find(&workspace, &sweep)?;
            tell(&sweep_edit::add(&workspace, &experiment, number, &values)?);
        }
        Some(SweepChange::Drop { sweep, values }) => {
            let (experiment, number) = find(&workspace, &sweep)?;
            tell(&sweep_edit::drop_values(&workspace, &experiment, number, &values)?);
        }
        Some(SweepChange::Set { sweep, changes, resume }) => {
            let (experiment, number) = find(&workspace, &sweep)?;
            tell(&sweep_edit::set(&workspace, &experiment, number, &changes, resume)?);
        }
    }
    Ok(OK)
}

fn tell(edited: &Edited) {
    if *edited == Edited::default() {
        out::line("changed for trials to come; none waits now");
    }
    if edited.added > 0 {
        out::line(&format!("{} trials added", edited.added));
    }
    edited.changed.iter().for_each(|run| out::line(&format!("changed {run}")));
    edited.resumed.iter().for_each(|run| out::line(&format!("queued {run} again")));
}

/// What a search has drawn and a key cannot have: such points count, and nothing is trained there.
fn refused_note(sweep: &SweepFile) -> Option<String> {
    let refusals: Vec<String> = sweep.list("refusals");
    let first = refusals.first()?.lines().next()?.to_owned();
    Some(format!("{} of its points were not trained, the first: {first}", refusals.len()))
}

/// What `EXPERIMENT` (its newest sweep) or `EXPERIMENT:NUMBER` means.
fn find(workspace: &Workspace, text: &str) -> Result<(ExperimentFolder, u32)> {
    let (name, number) = match text.split_once(':') {
        Some((name, number)) => match number.parse() {
            Ok(number) => (name, Some(number)),
            Err(_) => return refuse(format!("'{number}' is no number of a sweep")),
        },
        None => (text, None),
    };
    let experiment = workspace.experiments().into_iter().find(|experiment| experiment.name() == name);
    let Some(experiment) = experiment else {
        return refuse(format!("no experiment is named '{name}'"));
    };
    let numbers = sweep_numbers(&experiment);
    match number.or(numbers.last().copied()) {
        Some(number) if numbers.contains(&number) => Ok((experiment, number)),
        Some(number) => refuse(format!("'{name}' has no sweep {number} (it has {numbers:?})")),
        None => refuse(format!(
            "'{name}' has no sweep (hint: `sweep:` in its experiment.yaml, or `loradeck run {name} key=a,b`)"
        )),
    }
}

fn refuse<T>(message: String) -> Result<T> {
    Err(UsageError(message).into())
}

fn set_paused(workspace: &Workspace, text: &str, why: Option<&str>) -> Result<()> {
    let (experiment, number) = find(workspace, text)?;
    Ok(action::pause_sweep(workspace, &experiment, number, why)?)
}

fn list(workspace: &Workspace, as_json: bool) -> Result<()> {
    let mut found = Vec::new();
    for experiment in workspace.experiments() {
        let trials: Vec<(Option<u32>, &'static str)> = experiment
            .runs()
            .iter()
            .filter_map(|run| {
                let status = Status::read(run).ok().flatten()?;
                Some((QueueEntry::read(run).ok()?.sweep, status.state.word()))
            })
            .collect();
        for number in sweep_numbers(&experiment) {
            let Some(sweep) = SweepFile::read(&experiment, number)? else { continue };
            let of_sweep = |word: &str| {
                trials
                    .iter()
                    .filter(|(of, state)| *of == Some(number) && (word.is_empty() || *state == word))
                    .count()
            };
            let counts: Vec<(&str, usize)> = ["queued", "running", "finished", "pruned", "stopped", "failed"]
                .into_iter()
                .map(|word| (word, of_sweep(word)))
                .filter(|(_, count)| *count > 0)
                .collect();
            found.push((experiment.name(), number, sweep, of_sweep(""), counts));
        }
    }
    if as_json {
        let sweeps: Vec<_> = found
            .iter()
            .map(|(experiment, number, sweep, count, counts)| {
                let states: serde_json::Map<_, _> =
                    counts.iter().map(|(word, count)| ((*word).to_owned(), json!(count))).collect();
                json!({ "experiment": experiment, "number": number, "method": sweep.get("method"),
                        "paused": sweep.paused(), "trials": count, "states": states })
            })
            .collect();
        return out::json(&sweeps);
    }
    let rows: Vec<Vec<String>> = found
        .iter()
        .map(|(experiment, number, sweep, count, counts)| {
            let method = sweep.get("method").and_then(|method| method.as_str()).unwrap_or("grid");
            let states: Vec<String> = counts.iter().map(|(word, count)| format!("{count} {word}")).collect();
            let paused = match sweep.paused() {
                None => refused_note(sweep).unwrap_or_default(),
                Some("") => "paused".to_owned(),
                Some(why) => format!("paused: {why}"),
            };
            vec![
                format!("{experiment}:{number}"),
                harmless(method).into_owned(),
                count.to_string(),
                states.join(", "),
                harmless(&paused).into_owned(),
            ]
        })
        .collect();
    if rows.is_empty() {
        out::note("no sweeps (hint: `loradeck run EXPERIMENT key=a,b` makes one)");
    } else {
        out::document(&plain_table(&["sweep", "method", "trials", "states", "note"], &rows));
    }
    Ok(())
}
