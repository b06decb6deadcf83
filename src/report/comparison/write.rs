//! Writing an experiment's comparison: `comparison.md`, `comparison.csv` and `curves/*.svg`.

use std::path::{Path, PathBuf};

use loradeck_core::file::{self, Durability};
use loradeck_core::run::{ExperimentFolder, RunFolder, Workspace};
use loradeck_core::template::report::ReportTemplates;
use loradeck_core::text::{harmless, slug};
use serde::Serialize;

use super::grid::{self, SAMPLES_GRID};
use super::story::{effects, opening};
use super::{Comparison, gather, to_csv, to_markdown_table};
use crate::report::curve::{Curve, Curves};
use crate::report::figure::overlay;
use crate::report::files::existing;
use crate::report::markdown::inline;
use crate::report::run_report::ReportError;
use crate::report::{metric_name, words};
use crate::vcs::COMMITTED_IN_EXPERIMENT;

const TEMPLATE: (&str, &str) = ("comparison.md.j2", include_str!("../../../templates/comparison.md.j2"));
/// Curves that one picture can hold and still be read.
const OVERLAID: usize = 8;
/// Characters of a prompt that are shown.
const SHOWN: usize = 300;

/// The fields of `comparison.md.j2`; all texts are Markdown.
#[derive(Debug, Serialize)]
struct View {
    name: String,
    opening: Vec<String>,
    table: String,
    effects: Vec<String>,
    metric: String,
    curves: Vec<Picture>,
    /// The grid of sample pictures; empty where there is none.
    samples_grid: &'static str,
    /// What its columns show, one entry a prompt.
    samples_columns: Vec<String>,
}

#[derive(Debug, Serialize)]
struct Picture {
    name: String,
    path: String,
}

/// Compares all runs of an experiment and writes its files; answers those to commit.
pub fn write(workspace: &Workspace, experiment: &ExperimentFolder) -> Result<Vec<PathBuf>, ReportError> {
    let comparison = compare_experiment(experiment)?;
    let curves = pictures(experiment, &comparison)?;
    let columns = grid::write(experiment, &comparison)?;
    let view = View {
        name: inline(&experiment.name()),
        opening: opening(&comparison),
        table: to_markdown_table(&comparison),
        effects: effects(&comparison),
        metric: metric_name(&comparison.metric),
        curves,
        samples_grid: if columns.is_empty() { "" } else { SAMPLES_GRID },
        samples_columns: columns.iter().map(|(prompt, seed)| column(prompt, *seed)).collect(),
    };
    let templates = ReportTemplates::new(&[TEMPLATE], Some(&workspace.templates()))?;
    let text = templates.render(TEMPLATE.0, &view)?;
    let csv = to_csv(&comparison);
    file::replace(&experiment.path().join("comparison.csv"), csv.as_bytes(), Durability::Renamed)?;
    file::replace(&experiment.comparison(), text.as_bytes(), Durability::Synced)?;
    Ok(committed_experiment_files(experiment))
}

fn column(prompt: &str, seed: u64) -> String {
    let prompt: String = prompt.chars().take(SHOWN).collect();
    format!("{} (seed {seed})", inline(&prompt))
}

/// All runs of an experiment side by side.
pub fn compare_experiment(experiment: &ExperimentFolder) -> Result<Comparison, ReportError> {
    let mut runs = Vec::new();
    for run in experiment.runs() {
        runs.extend(gather(&run, run.name())?);
    }
    Ok(Comparison::new(&experiment.name(), runs, None))
}

/// Draws the judged metric and the training loss of the best runs over each other.
fn pictures(experiment: &ExperimentFolder, comparison: &Comparison) -> Result<Vec<Picture>, ReportError> {
    let folder = experiment.path().join("curves");
    let best: Vec<(String, Curves)> = comparison
        .runs
        .iter()
        .take(OVERLAID)
        .map(|run| (run.name.clone(), read_curves(&experiment.runs_folder().join(&run.name))))
        .collect();
    let mut tags = vec![comparison.metric.clone()];
    tags.push("train/loss".to_owned());
    tags.dedup();
    let mut pictures = Vec::new();
    for tag in tags {
        let name = metric_name(&tag);
        let curves: Vec<(String, Curve)> =
            best.iter().filter_map(|(run, curves)| Some((run.clone(), curves.get(&tag)?.clone()))).collect();
        let heading = loradeck_core::metrics::registry::describe(&tag).name;
        if let Some(svg) = overlay(&format!("{}: {heading}", experiment.name()), &curves) {
            file::create_folder(&folder)?;
            let path = format!("{}.svg", slug(&tag, 60));
            file::replace(&folder.join(&path), svg.as_bytes(), Durability::Renamed)?;
            pictures.push(Picture { name, path: format!("curves/{path}") });
        }
    }
    Ok(pictures)
}

fn read_curves(run: &Path) -> Curves {
    let text = std::fs::read_to_string(RunFolder::new(run).metrics_csv()).unwrap_or_default();
    Curves::from_csv(&text)
}

/// The files of an experiment that are committed, as far as they exist, sorted.
pub fn committed_experiment_files(experiment: &ExperimentFolder) -> Vec<PathBuf> {
    existing(experiment.path(), &COMMITTED_IN_EXPERIMENT)
}

/// The message of a comparison's commit.
pub fn comparison_message(experiment: &ExperimentFolder) -> Result<String, ReportError> {
    let comparison = compare_experiment(experiment)?;
    let runs = words::counted(comparison.runs.len() as u64, "run");
    let mut lines = vec![format!("Comparison of {}: {runs}", experiment.name())];
    if let Some(best) = comparison.best() {
        let value = best.best(&comparison.metric).map_or_else(String::new, words::value);
        lines.extend([String::new(), format!("best: {} with {} {value}", best.name, comparison.metric)]);
    }
    Ok(lines.iter().map(|line| harmless(line).into_owned() + "\n").collect())
}
