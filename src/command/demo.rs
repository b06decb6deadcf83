//! `loradeck demo`: a workspace of its own, a real base model, a real sweep, from nothing to committed reports.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use loradeck_core::error::WithPath;
use loradeck_core::file::{self, Durability};
use loradeck_core::run::{ExperimentFolder, RunFolder, State, Status, Workspace};
use loradeck_core::time::Moment;

use super::{FAILED, OK, init, out, run, watch};
use crate::launch::{Place, cost, examine, prepare, queue};
use crate::vcs;

const EXPERIMENT: &str = "answer-card";

/// Makes or reuses the workspace at `folder` (default: `demo` in the checkout) and runs the shipped sweep in it.
pub(super) fn demo(folder: Option<PathBuf>, shipped: &Path, base_model: &Path, plain: bool) -> Result<u8> {
    let folder = folder.unwrap_or_else(|| shipped.join("demo"));
    let workspace = set_up(&folder, shipped, base_model)?;
    std::env::set_current_dir(workspace.root()).with_path(workspace.root(), "enter")?;
    out::line(&format!("workspace: {}", workspace.root().display()));
    let prepared = prepare(&workspace, EXPERIMENT, &[])?;
    let summaries = examine(&workspace, &prepared)?;
    run::show_trials(&prepared, &cost(&prepared, &summaries), false)?;
    let submission = queue(&workspace, &prepared, &Place::default())?;
    if !plain && out::is_terminal() {
        super::dashboard(&[workspace.root().to_path_buf()])?;
    }
    watch::follow(&workspace, submission.runs.clone(), None)?;
    let experiment = workspace.experiment(EXPERIMENT);
    print_comparison(&workspace, &experiment)?;
    let finished = submission.runs.iter().filter(|run| is_finished(run)).count();
    say_what_next(&workspace, &experiment, finished, submission.runs.len());
    Ok(if finished == submission.runs.len() { OK } else { FAILED })
}

fn set_up(folder: &Path, shipped: &Path, base_model: &Path) -> Result<Workspace> {
    let made = init::make(folder)?;
    let workspace = made.workspace;
    let experiment = workspace.experiment(EXPERIMENT);
    let mut files = made.written;
    if !experiment.file().exists() {
        copy_folder(&shipped.join("experiments").join(EXPERIMENT), experiment.path(), &mut files)?;
    }
    files.extend(put_in_model(&workspace, base_model)?);
    ensure_identity(workspace.root())?;
    let message = "Set up the demo: workspace, experiment and data";
    vcs::commit_paths(workspace.root(), &files, message, Moment::now())?;
    Ok(workspace)
}

/// A workspace of our own on a machine whose git knows nobody gets a name of its own, so that its commits need not
/// wait.
fn ensure_identity(root: &Path) -> Result<()> {
    if vcs::identity(root)?.is_none() {
        vcs::set_local_identity(root, "loradeck demo", "demo@loradeck.invalid")?;
    }
    Ok(())
}

/// Links (or copies) the base model into `models/`, which git does not take.
fn put_in_model(workspace: &Workspace, base_model: &Path) -> Result<Vec<PathBuf>> {
    let name = base_model.file_name().with_context(|| format!("'{}' is no file", base_model.display()))?;
    let folder = workspace.root().join("models");
    file::create_folder(&folder)?;
    let ignore = folder.join(".gitignore");
    if !ignore.exists() {
        file::replace(&ignore, b"# Weights stay out of git.\n*\n!.gitignore\n", Durability::Synced)?;
    }
    let target = folder.join(name);
    if !target.exists() && fs::hard_link(base_model, &target).is_err() {
        let staged = file::staging_path(&target);
        fs::copy(base_model, &staged).with_path(&staged, "copy the base model to")?;
        fs::rename(&staged, &target).with_path(&target, "put in place")?;
    }
    Ok(vec![ignore])
}

fn copy_folder(from: &Path, to: &Path, copied: &mut Vec<PathBuf>) -> Result<()> {
    file::create_folder(to)?;
    for entry in fs::read_dir(from).with_path(from, "read")? {
        let source = entry.with_path(from, "read")?.path();
        let target = to.join(source.file_name().unwrap_or_default());
        if source.is_dir() {
            copy_folder(&source, &target, copied)?;
        } else {
            fs::copy(&source, &target).with_path(&target, "copy to")?;
            copied.push(target);
        }
    }
    Ok(())
}

fn is_finished(run: &RunFolder) -> bool {
    matches!(Status::read(run), Ok(Some(status)) if status.state == State::Finished)
}

fn print_comparison(workspace: &Workspace, experiment: &ExperimentFolder) -> Result<()> {
    out::line("");
    out::document(&crate::report::comparison_for_terminal(workspace, experiment)?);
    Ok(())
}

fn say_what_next(workspace: &Workspace, experiment: &ExperimentFolder, finished: usize, all: usize) {
    let root = workspace.root().display();
    out::line("");
    out::line(&format!(
        "{finished} of {all} runs finished; each has its report and commit (git -C {root} log --stat)"
    ));
    out::line(&format!("next: read {}, then", experiment.path().join("comparison.md").display()));
    out::line(&format!("      cd {root} && loradeck          # the dashboard"));
    out::line("      loradeck run answer-card lora_rank=16   # your own variation");
}
