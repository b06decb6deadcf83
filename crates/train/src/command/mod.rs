//! What the program does: train a configuration, train a run, answer prompts.

mod config;
mod picture_options;
mod run;
mod sample;
mod sample_grid;
mod sample_pictures;

pub use config::train_config;
pub use run::train_run;
pub use sample::sample;
pub(crate) use sample::{attach, open_config};
