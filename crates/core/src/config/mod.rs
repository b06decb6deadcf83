//! Experiment files: keys, checks, sweeps, overrides, and the frozen configuration of a run.
//!
//! Text becomes a tree, the tree an [`Experiment`], with overrides a [`Plan`] of [`Trial`]s, each with
//! typed [`Settings`]. Every problem on the way has a file, a line and a column, and all are told at once.

mod call;
mod derived;
mod detect;
mod diagnostic;
mod emit;
mod experiment;
mod flat;
mod foreign;
mod frozen;
mod functions;
mod image_settings;
mod keys;
mod kind;
mod kind_image;
mod layers;
mod load;
mod memory;
mod merge;
mod named_programs;
mod overrides;
mod paths;
mod place;
mod plan;
mod provenance;
mod resolve;
mod running;
mod said;
mod schema;
mod screen;
mod search;
mod settings;
mod slurm;
mod spread;
mod sweep;
mod table;
mod task;
mod task_rules;
mod trial_of;
mod value;
mod value_serde;
mod workspace_file;
mod yaml;
mod yaml_passes;

pub use detect::{UnclearDataType, detect_data_type};
pub use diagnostic::{COMMAND_LINE, Diagnostic, Diagnostics};
pub use experiment::{Entry, Experiment, read_experiment};
pub use flat::flat_values;
pub use foreign::{ENVIRONMENT, ForeignSettings, RUN_NAMES, Unresolved, expand};
pub use frozen::{frozen_text, read_frozen};
pub use image_settings::{ImageSettings, LossType, OnBadSample, SampleScheduler, StrengthWarmup};
pub use keys::{Default, Group, Key, Kind, Range, Support, all_keys, find_key};
pub use load::{load_frozen, load_plan, read_config_text};
pub use memory::{memory_text, parse_memory};
pub use named_programs::{NamedProgram, is_started, named_programs};
pub use paths::{check_paths, root_of};
pub use plan::{Plan, TRIAL_LIMIT, Trial, plan};
pub use provenance::{DataIdentity, FileIdentity, Provenance};
pub use resolve::default_value;
pub use running::{CodeState, RunningSettings};
pub use said::said;
pub use schema::json_schema;
pub use screen::{ALL_COLOURS, CURVE_COLOURS, KeySetting, Placed, TerminalColour, ThemeSettings};
pub use settings::{
    DataType, LearningRateSchedule, LoraTargets, Precision, Settings, TaskSettings, TextSettings,
};
pub use slurm::{Launcher, SlurmSettings, parse_time_limit};
pub use sweep::{
    Assignment, AxisValues, Bell, Bounds, Condition, Distribution, Draws, Goal, Method, Metric, Parameter,
    SearchAxis, SearchPlan, Stopping, SweepSpec, Trials, Unit, When, Zip,
};
pub use table::{SettingRow, default_in, differing_keys, setting, settings_table};
pub use task_rules::MOST_OF_A_NAME;
pub use value::{Value, number_text};
pub use workspace_file::{
    SlotsOfFile, WORKSPACE_FILE_TEXT, WorkspaceSettings, read_workspace_settings, workspace_trainer,
};

#[cfg(test)]
mod data_type_tests;
#[cfg(test)]
mod frozen_sweep_tests;
#[cfg(test)]
mod round_trip_tests;
#[cfg(test)]
mod sweep_tests;
#[cfg(test)]
mod task_tests;
#[cfg(test)]
mod tests;
