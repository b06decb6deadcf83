//! loradeck: a terminal deck for LoRA experiments. The map of the code is ARCHITECTURE.md.

pub mod cli;
pub mod command;
pub mod launch;
pub mod report;
pub mod store;
pub mod tui;
pub mod vcs;
pub mod watch;
