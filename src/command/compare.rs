//! `loradeck compare`: experiments or chosen runs side by side, as Markdown, CSV, JSON or for the terminal.

use std::path::{Path, PathBuf};

use anyhow::{Result, bail};
use loradeck_core::file::{self, Durability};
use loradeck_core::run::{RunFolder, Workspace};

use super::{OK, out};
use crate::cli::TableForm;
use crate::report::comparison::{self, ComparedRun, Comparison};
use crate::store::{Filter, SortKey, Store};

pub(super) fn compare(
    targets: &[String],
    sort: Option<&str>,
    form: &TableForm,
    output: Option<PathBuf>,
) -> Result<u8> {
    let workspace = Workspace::open(Path::new("."))?;
    crate::launch::refresh_adopted(&workspace);
    let runs = chosen(&workspace, targets)?;
    if runs.is_empty() {
        bail!(out::UsageError(
            "there are no runs to compare (hint: `loradeck list` shows what there is)".to_owned()
        ));
    }
    let compared = runs.iter().filter_map(|run| read(run, &runs).transpose()).collect::<Result<Vec<_>>>()?;
    let title = if targets.is_empty() { "all experiments".to_owned() } else { targets.join(" ") };
    let comparison = Comparison::new(&title, compared, sort);
    let text = if form.csv {
        comparison::to_csv(&comparison)
    } else if form.json {
        format!("{:#}\n", comparison::to_json(&comparison))
    } else if form.md || output.is_some() {
        comparison::to_markdown_table(&comparison)
    } else {
        comparison::to_terminal(&comparison)
    };
    match output {
        Some(path) => file::replace(&path, text.as_bytes(), Durability::Synced)?,
        None => out::document(&text),
    }
    Ok(OK)
}

fn read(run: &RunFolder, all: &[RunFolder]) -> Result<Option<ComparedRun>> {
    let several = all.iter().any(|other| other.experiment() != run.experiment());
    let name = if several { run.label() } else { run.name() };
    Ok(comparison::gather(run, name)?)
}

/// Every run of the experiments named, the runs named, and those that a filter fits.
fn chosen(workspace: &Workspace, targets: &[String]) -> Result<Vec<RunFolder>> {
    if targets.is_empty() {
        return Ok(workspace.runs());
    }
    let mut runs = Vec::new();
    let mut filters = Vec::new();
    for target in targets {
        let experiment = workspace.experiment(target);
        if !target.contains('/') && experiment.path().is_dir() {
            runs.extend(experiment.runs());
        } else if let Ok(run) = workspace.find_run(target) {
            runs.push(run);
        } else {
            filters.push(target.as_str());
        }
    }
    if !filters.is_empty() {
        let filter = Filter::parse(&filters.join(" ")).map_err(|error| out::UsageError(error.to_string()))?;
        let store = Store::open(vec![workspace.clone()]);
        let fitting = store.select(&filter, &SortKey::parse(""));
        runs.extend(fitting.into_iter().filter_map(|id| store.get(id)).map(|run| run.folder.clone()));
    }
    runs.sort();
    runs.dedup();
    Ok(runs)
}
