//! `loradeck demo`: a workspace of its own, a real base model, a real sweep, from nothing to committed reports.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use loradeck_core::error::WithPath;
use loradeck_core::file::{self, Durability};
use loradeck_core::run::{ExperimentFolder, RunFolder, State, Status, Workspace};
use loradeck_core::time::Moment;

use super::{FAILED, OK, init, out, run, watch};
use crate::launch::{Place, cost, examine, inventory, permit, prepare, queue};
use crate::vcs;

/// Which of the shipped experiments is shown.
#[derive(Clone, Copy, Debug)]
struct Show {
    /// The experiment's name.
    experiment: &'static str,
    /// The base model's name in `models/`, where its own is not the one that the experiment names.
    model: Option<&'static str>,
    /// A variation to try next.
    variation: &'static str,
}

/// A language model learns to answer on a card.
const TEXT: Show = Show { experiment: "answer-card", model: None, variation: "lora_rank=16" };
/// An image model learns to draw in chalk.
const IMAGE: Show = Show {
    experiment: "chalk-style",
    model: Some("picture-book"),
    variation: "lora_rank=8 learning_rate=1e-3",
};

/// Makes or reuses the workspace at `folder` (default: `demo` in the checkout) and runs the shipped sweep in it.
pub(super) fn demo(
    folder: Option<PathBuf>,
    shipped: &Path,
    base_model: &Path,
    image: bool,
    plain: bool,
) -> Result<u8> {
    let show = if image { IMAGE } else { TEXT };
    let folder = folder.unwrap_or_else(|| shipped.join("demo"));
    let workspace = set_up(&folder, shipped, base_model, show)?;
    std::env::set_current_dir(workspace.root()).with_path(workspace.root(), "enter")?;
    out::line(&format!("workspace: {}", workspace.root().display()));
    trust(&workspace)?;
    let prepared = prepare(&workspace, show.experiment, &[])?;
    let summaries = examine(&workspace, &prepared)?;
    run::show_trials(&prepared, &cost(&prepared, &summaries), false)?;
    let submission = queue(&workspace, &prepared, &Place::default())?;
    if !plain && out::is_terminal() {
        super::dashboard(&[workspace.root().to_path_buf()])?;
    }
    watch::follow(&workspace, submission.runs.clone(), None)?;
    let experiment = workspace.experiment(show.experiment);
    print_comparison(&workspace, &experiment)?;
    let finished = submission.runs.iter().filter(|run| is_finished(run)).count();
    say_what_next(&workspace, show, finished, submission.runs.len());
    Ok(if finished == submission.runs.len() { OK } else { FAILED })
}

fn set_up(folder: &Path, shipped: &Path, base_model: &Path, show: Show) -> Result<Workspace> {
    let made = init::make(folder)?;
    let workspace = made.workspace;
    let experiment = workspace.experiment(show.experiment);
    let mut files = made.written;
    if !experiment.file().exists() {
        copy_folder(&shipped.join("experiments").join(show.experiment), experiment.path(), &mut files)?;
    }
    files.extend(put_in_model(&workspace, base_model, show)?);
    ensure_identity(workspace.root())?;
    let message = "Set up the demo: workspace, experiment and data";
    vcs::commit_paths(workspace.root(), &files, message, Moment::now())?;
    Ok(workspace)
}

/// A demo's workspace names no program of its own: one made before, in which none does, is trusted as a new one is.
fn trust(workspace: &Workspace) -> Result<()> {
    let found = inventory(workspace);
    if permit(workspace).is_err() && found.named.is_empty() && found.unreadable.is_empty() {
        init::trust_if_ours(workspace, "demo")?;
    }
    Ok(permit(workspace).map(drop)?)
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
fn put_in_model(workspace: &Workspace, base_model: &Path, show: Show) -> Result<Vec<PathBuf>> {
    let own = || base_model.file_name().with_context(|| format!("'{}' is not a file", base_model.display()));
    let name = show.model.map_or_else(own, |name| Ok(OsStr::new(name)))?;
    let folder = workspace.root().join("models");
    file::create_folder(&folder)?;
    let ignore = folder.join(".gitignore");
    if !ignore.exists() {
        file::replace(&ignore, b"# Weights stay out of git.\n*\n!.gitignore\n", Durability::Synced)?;
    }
    let target = folder.join(name);
    if base_model.is_dir() {
        if !target.exists() {
            let staged = file::staging_path(&target);
            copy_folder(base_model, &staged, &mut Vec::new())?;
            fs::rename(&staged, &target).with_path(&target, "put in place")?;
        }
    } else if !target.exists() && fs::hard_link(base_model, &target).is_err() {
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

fn say_what_next(workspace: &Workspace, show: Show, finished: usize, all: usize) {
    let experiment = workspace.experiment(show.experiment);
    let root = workspace.root().display();
    out::line("");
    out::line(&format!(
        "{finished} of {all} runs finished; each has its report and commit (git -C {root} log --stat)"
    ));
    out::line(&format!("next: read {}, then", experiment.path().join("comparison.md").display()));
    out::line(&format!("      cd {root} && loradeck          # the dashboard"));
    out::line(&format!("      loradeck run {} {}   # your own variation", show.experiment, show.variation));
}
