//! Writing one run's report: gather what only this machine has, then make the report from committed files alone.

use std::path::PathBuf;

use loradeck_core::error::FileError;
use loradeck_core::file::{self, Durability};
use loradeck_core::run::{Outcome, RunFolder, Summary, Workspace};
use loradeck_core::template::TemplateError;
use loradeck_core::template::report::ReportTemplates;

use super::curve::Curves;
use super::figure::loss_curve;
use super::files::committed_files;
use super::gather::{gather, has_sources};
use super::inputs::ReportInputs;
use super::key_metric;
use super::settings::{Frozen, FrozenError};
use super::sheet::write_contact_sheet;
use super::view::{Material, View};
use super::words;

const TEMPLATE: (&str, &str) = ("report.md.j2", include_str!("../../templates/report.md.j2"));

/// Why a report could not be written.
#[derive(Debug, thiserror::Error)]
pub enum ReportError {
    /// A file could not be read or written.
    #[error(transparent)]
    File(#[from] FileError),
    /// The run's configuration could not be read.
    #[error(transparent)]
    Config(#[from] FrozenError),
    /// The template is wrong.
    #[error("template {0}")]
    Template(#[from] TemplateError),
    /// Nothing to report on.
    #[error("{} holds no run: there is no report-inputs.json and no journal", .0.display())]
    Nothing(PathBuf),
}

/// Writes a run's report and everything that it is made of; answers the files to commit.
///
/// Without a workspace the folder is a bare output folder: no siblings, and the built-in template.
pub fn write_report(workspace: Option<&Workspace>, run: &RunFolder) -> Result<Vec<PathBuf>, ReportError> {
    if has_sources(run) {
        gather(workspace, run)?;
    }
    let material = material(run)?;
    let title = format!("Loss of {}", run_title(&material.inputs));
    if let Some(svg) = loss_curve(&material.curves, &title) {
        file::create_folder(&run.logs())?;
        file::replace(&run.training_curve(), svg.as_bytes(), Durability::Renamed)?;
    }
    write_contact_sheet(run, &material.inputs.pictures)?;
    let folder = workspace.map(Workspace::templates);
    let templates = ReportTemplates::new(&[TEMPLATE], folder.as_deref())?;
    let text = templates.render(TEMPLATE.0, &View::of(&material))?;
    file::replace(&run.report(), text.as_bytes(), Durability::Synced)?;
    Ok(committed_files(run))
}

fn run_title(inputs: &ReportInputs) -> String {
    inputs.experiment.as_ref().map_or(inputs.run.clone(), |experiment| format!("{experiment}/{}", inputs.run))
}

/// Reads what the report is made of, committed files only.
fn material(run: &RunFolder) -> Result<Material, ReportError> {
    let inputs: Option<ReportInputs> = file::read_json(&run.report_inputs())?;
    let Some(inputs) = inputs else { return Err(ReportError::Nothing(run.path().to_path_buf())) };
    let overrides = inputs.attempts.last().map(|attempt| attempt.overrides.clone()).unwrap_or_default();
    let curves = file::read_if_exists(&run.metrics_csv())?.unwrap_or_default();
    Ok(Material {
        frozen: Frozen::read(run, &overrides)?,
        summary: Summary::read(run)?,
        curves: Curves::from_csv(&String::from_utf8_lossy(&curves)),
        has_patch: run.code_patch().is_file(),
        inputs,
    })
}

/// The message of a run's commit: what it is, and what came of it.
pub(super) fn commit_message(run: &RunFolder) -> Result<String, ReportError> {
    let material = material(run)?;
    let summary = material.summary.as_ref();
    let ended = material.inputs.end.as_ref().map(|end| end.state.as_str());
    let state = ended.or(summary.map(|summary| outcome_word(summary.outcome))).unwrap_or("ended");
    let mut lines = vec![format!("Report of {}: {state}", run_title(&material.inputs)), String::new()];
    lines.extend(summary.and_then(|summary| best_line(&material, summary)));
    lines.extend(summary.map(|summary| {
        let steps = words::steps(summary.step, summary.total_steps);
        format!("{steps} steps in {}", words::duration(summary.seconds))
    }));
    if !material.frozen.provenance.varied.is_empty() {
        lines.push(material.frozen.provenance.varied.join(", "));
    }
    // Foreign text must not add lines, which git could read as trailers.
    let lines: Vec<_> = lines.iter().map(|line| loradeck_core::text::harmless(line)).collect();
    Ok(lines.join("\n").trim_end().to_owned() + "\n")
}

fn best_line(material: &Material, summary: &Summary) -> Option<String> {
    let provenance = &material.frozen.provenance;
    let tag = key_metric(provenance, &summary.metrics)?;
    let metric = summary.metrics.get(&tag)?;
    let (value, step) = (words::value(metric.best), words::count(metric.best_step));
    Some(format!("best {tag}: {value} at step {step}"))
}

/// An outcome in a word.
pub(crate) fn outcome_word(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Running => "running",
        Outcome::Finished => "finished",
        Outcome::Stopped => "stopped",
        Outcome::Pruned => "pruned",
        Outcome::Failed | Outcome::Config | Outcome::NonFinite | Outcome::OutOfMemory => "failed",
    }
}
