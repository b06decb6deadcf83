//! What the program does: train a configuration, train a run, answer prompts.

mod config;
mod run;
mod sample;
mod sample_pictures;

pub use config::train_config;
pub use run::train_run;
pub use sample::sample;
pub(crate) use sample::{attach, open_config};
