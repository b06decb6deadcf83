//! The `loradeck` program.

use std::process::ExitCode;

use clap::Parser;

fn main() -> ExitCode {
    loradeck::command::execute(loradeck::cli::Cli::parse())
}
