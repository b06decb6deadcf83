//! Collecting what a report uses beyond the committed files, and freezing it beside them.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use loradeck_core::error::{FileError, WithPath};
use loradeck_core::file::{self, Durability};
use loradeck_core::metrics::{EventTail, RunMetrics, Series};
use loradeck_core::run::{
    ExperimentFolder, FORMAT, RunFolder, State, Status, Workspace, read_attempts, read_journal,
};
use sha2::{Digest, Sha256};

use super::answers::answers;
use super::curve::Curves;
use super::data::summarise;
use super::files::large_files;
use super::happenings::tell;
use super::inputs::{DataSummary, End, LargeFile, ReportInputs};
use super::performance::{Measured, Points, table};
use super::pictures::{pictures, released};
use super::settings::{Frozen, FrozenError};
use super::siblings::beside;

/// Whether the folder holds more than its committed files, so that the inputs can be gathered afresh.
pub(super) fn has_sources(run: &RunFolder) -> bool {
    run.journal().is_dir() || run.status().is_file()
}

/// The experiment that a folder is a run of; `None` for a bare output folder, wherever it lies.
fn experiment_of(workspace: Option<&Workspace>, run: &RunFolder) -> Option<ExperimentFolder> {
    let runs = run.path().parent()?;
    let experiment = runs.parent()?;
    let is_run = runs.ends_with("runs") && experiment.parent()? == workspace?.experiments_folder();
    is_run.then(|| ExperimentFolder::at(experiment))
}

/// Gathers the inputs of a run's report and its curves, and writes `report-inputs.json` and `metrics.csv`.
///
/// What can no longer be gathered, because somebody tidied the logs away, stays as it was gathered before.
pub(super) fn gather(workspace: Option<&Workspace>, run: &RunFolder) -> Result<(), FrozenError> {
    let before = file::read_json::<ReportInputs>(&run.report_inputs()).ok().flatten().unwrap_or_default();
    let attempts = Some(read_attempts(run)).filter(|found| !found.is_empty()).unwrap_or(before.attempts);
    let overrides = attempts.last().map(|attempt| attempt.overrides.clone()).unwrap_or_default();
    let frozen = Frozen::read(run, &overrides)?;
    let end = Status::read(run)?.map(|status| end_of(&status));
    let finished = end.as_ref().is_some_and(|end| end.state == State::Finished.word());
    let metrics = read_metrics(run)?;
    let performance = if metrics.points() > 0 {
        file::replace(&run.metrics_csv(), Curves::of(&metrics).to_csv().as_bytes(), Durability::Renamed)?;
        table(&measured(&metrics, finished))
    } else {
        before.performance
    };
    let has_journal = run.journal().is_dir();
    let journal = read_journal(run);
    let told = tell(&journal);
    let experiment = experiment_of(workspace, run);
    let weights = weights(run);
    let beside = beside(experiment.as_ref(), run, &frozen)?;
    let inputs = ReportInputs {
        format: FORMAT,
        experiment: experiment.as_ref().map(ExperimentFolder::name),
        run: run.name(),
        output_path: output_path(workspace.filter(|_| experiment.is_some()), run, &frozen),
        attempts,
        happenings: if has_journal { told.happenings } else { before.happenings },
        happenings_left_out: if has_journal { told.left_out } else { before.happenings_left_out },
        unreadable_lines: journal.unreadable,
        checkpoints: if has_journal { told.checkpoints } else { before.checkpoints },
        data: data(run)?.unwrap_or(before.data),
        performance,
        sweep: beside.sweep,
        siblings: beside.siblings,
        siblings_left_out: beside.left_out,
        standing: beside.standing,
        answers: if has_journal { answers(&journal.entries) } else { before.answers },
        pictures: if has_journal { pictures(&journal.entries) } else { before.pictures },
        released: if has_journal { released(&journal.entries) } else { before.released },
        weights: if weights.is_empty() { before.weights } else { weights },
        too_large: too_large(run)?,
        end: end.or(before.end),
    };
    Ok(file::replace_json(&run.report_inputs(), &inputs, Durability::Renamed)?)
}

/// What `metadata.csv` comes to; `None` where it is missing.
fn data(run: &RunFolder) -> Result<Option<DataSummary>, FileError> {
    let text = file::read_if_exists(&run.metadata())?;
    Ok(text.map(|text| summarise(&String::from_utf8_lossy(&text))))
}

/// The files that would be committed if they were smaller, by name, size and digest.
fn too_large(run: &RunFolder) -> Result<Vec<LargeFile>, FileError> {
    let describe = |path: PathBuf| {
        let contents = fs::read(&path).with_path(&path, "read")?;
        let digest = Sha256::digest(&contents);
        let name = path.strip_prefix(run.path()).unwrap_or(&path).display().to_string();
        let sha256 = digest.iter().fold(String::new(), |mut text, byte| {
            // Writing to a String cannot fail.
            let _ = write!(text, "{byte:02x}");
            text
        });
        Ok(LargeFile { name, bytes: contents.len() as u64, sha256 })
    };
    large_files(run).into_iter().map(describe).collect()
}

/// Everything the run has measured.
fn read_metrics(run: &RunFolder) -> Result<RunMetrics, FileError> {
    let mut metrics = RunMetrics::default();
    let mut tail = EventTail::new(&run.logs());
    while tail.poll(&mut metrics)?.more {}
    Ok(metrics)
}

fn end_of(status: &Status) -> End {
    // The reason's word is the one in the file.
    let reason = status.reason.and_then(|reason| serde_json::to_value(reason).ok());
    End {
        state: status.state.word().to_owned(),
        reason: reason.and_then(|word| word.as_str().map(str::to_owned)),
        message: status.message.clone(),
        exit: status.exit,
        time: status.since,
    }
}

fn output_path(workspace: Option<&Workspace>, run: &RunFolder, frozen: &Frozen) -> String {
    match workspace {
        Some(workspace) => workspace.relative(run.path()).display().to_string(),
        None => frozen.settings.output_dir.clone().unwrap_or_else(|| run.name()),
    }
}

fn measured(metrics: &RunMetrics, finished: bool) -> Measured {
    let points = |tag: &str| metrics.get(tag).map(all_points).unwrap_or_default();
    Measured {
        train: points("train/loss"),
        rate: points("train/learning_rate"),
        evaluation: points("eval/loss"),
        epoch: points("train/epoch"),
        finished,
    }
}

fn all_points(series: &Series) -> Points {
    series.steps().iter().copied().zip(series.values().iter().map(|value| f64::from(*value))).collect()
}

/// Final weights: the safetensors files directly in `checkpoints/`.
fn weights(run: &RunFolder) -> Vec<(String, u64)> {
    let Ok(entries) = fs::read_dir(run.checkpoints()) else { return Vec::new() };
    let is_weights = |path: &Path| path.extension().is_some_and(|extension| extension == "safetensors");
    let mut found: Vec<(String, u64)> = entries
        .flatten()
        .filter(|entry| is_weights(&entry.path()))
        .filter_map(|entry| {
            let name = format!("checkpoints/{}", entry.file_name().to_string_lossy());
            Some((name, entry.metadata().ok().filter(fs::Metadata::is_file)?.len()))
        })
        .collect();
    found.sort();
    found
}
