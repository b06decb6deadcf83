//! `loradeck check TARGET`: everything that can be known before any training time is spent.

use std::path::Path;

use anyhow::Result;
use loradeck_core::config::check_paths;
use loradeck_core::run::Workspace;

use super::{OK, run};
use crate::launch::{Prepared, prepare};

pub(super) fn check(target: &str, overrides: &[String], as_json: bool) -> Result<u8> {
    let workspace = Workspace::find(Path::new("."))?;
    let prepared = prepare(&workspace, target, overrides)?;
    refuse_what_cannot_train(&workspace, &prepared)?;
    run::print_trials(&prepared, as_json)?;
    Ok(OK)
}

/// Refuses trials whose files are missing or cannot be used.
pub(super) fn refuse_what_cannot_train(workspace: &Workspace, prepared: &Prepared) -> Result<()> {
    let problems = check_paths(&prepared.experiment, &prepared.plan, workspace.root());
    Ok(problems.or(())?)
}
