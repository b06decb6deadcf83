//! Run reports and comparisons.

pub mod csv;
pub mod curve;
pub mod figure;
pub mod markdown;
mod notes;
pub mod performance;
mod plain;
pub mod statistics;
pub mod words;

pub use plain::plain_table;

use std::path::PathBuf;

use anyhow::Result;
use loradeck_core::run::{ExperimentFolder, RunFolder, Workspace};

/// Files of a run that are committed, as they exist.
pub fn committed_files(_run: &RunFolder) -> Vec<PathBuf> {
    Vec::new()
}

/// Files of an experiment that are committed, as they exist.
pub fn committed_experiment_files(_experiment: &ExperimentFolder) -> Vec<PathBuf> {
    Vec::new()
}

/// Writes a run's report.
pub fn write_run_report(_workspace: &Workspace, run: &RunFolder) -> Result<Vec<PathBuf>> {
    Ok(committed_files(run))
}

/// The message of a run's commit.
pub fn commit_message_for(run: &RunFolder) -> Result<String> {
    Ok(run.label())
}

/// Writes an experiment's comparison.
pub fn write_comparison(_workspace: &Workspace, experiment: &ExperimentFolder) -> Result<Vec<PathBuf>> {
    Ok(committed_experiment_files(experiment))
}

/// The message of a comparison's commit.
pub fn comparison_message_for(experiment: &ExperimentFolder) -> Result<String> {
    Ok(experiment.name())
}

/// An experiment's comparison as a table for the terminal.
pub fn comparison_for_terminal(_workspace: &Workspace, experiment: &ExperimentFolder) -> Result<String> {
    Ok(experiment.name())
}
