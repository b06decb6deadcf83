//! The `loradeck-train` program: parse, call, exit.

use std::process::ExitCode;

use clap::Parser;
use loradeck_train::cli::{Cli, Command};
use loradeck_train::tasks::causal_lm::probe;
use loradeck_train::{command, spin};

fn main() -> ExitCode {
    let cli = Cli::parse();
    spin::shorten();
    let result = match (cli.command, cli.train.config.as_deref(), cli.train.run.as_deref()) {
        (Some(Command::Sample(arguments)), ..) => command::sample(&arguments),
        (Some(Command::Probe(arguments)), ..) => probe::probe(&arguments),
        (None, Some(config), _) => command::train_config(config, &cli.train),
        (None, None, Some(run)) => command::train_run(run, cli.train.attempt.unwrap_or(1)),
        (None, None, None) => unreachable_usage(),
    };
    match result {
        Ok(outcome) => ExitCode::from(outcome.exit_code()),
        Err(error) => {
            for line in error.to_string().lines() {
                eprintln!("error: {}", loradeck_core::text::harmless(line));
            }
            ExitCode::from(error.outcome().exit_code())
        }
    }
}

/// `--resume` without `--config` is refused by clap already; this says what remains.
fn unreachable_usage() -> Result<loradeck_core::run::Outcome, loradeck_train::error::TrainError> {
    Err(loradeck_train::error::TrainError::Refused("give --config FILE (see --help)".to_owned()))
}
