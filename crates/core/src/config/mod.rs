//! Experiment files: keys, checks, sweeps, overrides.

mod settings;

pub use settings::{LearningRateSchedule, LoraTargets, Precision, Settings};
