//! Experiment files: keys, checks, sweeps, overrides.

mod settings;
mod workspace_file;

pub use settings::{LearningRateSchedule, LoraTargets, Precision, Settings};
pub use workspace_file::workspace_trainer;
