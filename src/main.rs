//! The `loradeck` program.

use std::process::ExitCode;

use clap::Parser;

fn main() -> ExitCode {
    loradeck_core::handles::keep_to_ourselves();
    loradeck::command::execute(loradeck::cli::Cli::parse())
}
