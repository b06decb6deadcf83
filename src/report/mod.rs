//! Run reports and comparisons: what people read. Everything is made from files, and again the same from those that
//! are committed.

mod answers;
pub mod comparison;
mod csv;
pub mod curve;
mod data;
mod decision;
mod evidence;
pub mod figure;
mod files;
mod gather;
mod happenings;
pub mod inputs;
pub mod markdown;
mod metric;
mod notes;
pub mod performance;
mod pictures;
mod run_report;
pub mod settings;
mod sheet;
mod siblings;
pub mod statistics;
pub mod table;
#[cfg(test)]
mod tests;
mod view;
pub mod words;

use std::path::PathBuf;

use loradeck_core::run::{ExperimentFolder, RunFolder, Workspace};

pub use comparison::committed_experiment_files;
pub use decision::Decision;
pub use files::committed_files;
pub use metric::{MetricGoal, goal_of, key_metric, metric_name};
pub(crate) use pictures::pictures as sample_pictures;
pub(crate) use run_report::outcome_word;
pub use run_report::{ReportError, write_report};
pub use table::plain_table;
pub use words::bytes;

/// Writes the report of a workspace's run; answers the files to commit.
pub fn write_run_report(workspace: &Workspace, run: &RunFolder) -> Result<Vec<PathBuf>, ReportError> {
    write_report(Some(workspace), run)
}

/// The message of a run's commit. Its report has been written.
pub fn commit_message_for(run: &RunFolder) -> Result<String, ReportError> {
    run_report::commit_message(run)
}

/// Writes an experiment's comparison; answers the files to commit.
pub fn write_comparison(
    workspace: &Workspace,
    experiment: &ExperimentFolder,
) -> Result<Vec<PathBuf>, ReportError> {
    comparison::write(workspace, experiment)
}

/// The message of a comparison's commit.
pub fn comparison_message_for(experiment: &ExperimentFolder) -> Result<String, ReportError> {
    comparison::comparison_message(experiment)
}

/// An experiment's comparison as a table for the terminal.
pub fn comparison_for_terminal(
    _workspace: &Workspace,
    experiment: &ExperimentFolder,
) -> Result<String, ReportError> {
    Ok(comparison::to_terminal(&comparison::compare_experiment(experiment)?))
}
