//! `loradeck stop|kill|resume|remove|restore RUN…`: acting on runs.

use std::path::Path;

use anyhow::Result;
use loradeck_core::config::load_frozen;
use loradeck_core::run::{QueueEntry, RunFolder, Workspace};

use super::out::UsageError;
use super::{OK, USAGE, out};
use crate::launch::action::{self, ActionError, Done};

pub(super) fn stop(names: &[String]) -> Result<u8> {
    on_each(names, action::stop)
}

pub(super) fn kill(names: &[String]) -> Result<u8> {
    on_each(names, action::kill)
}

pub(super) fn remove(names: &[String]) -> Result<u8> {
    on_each(names, action::remove)
}

pub(super) fn keep(names: &[String], keep: bool) -> Result<u8> {
    let workspace = Workspace::open(Path::new("."))?;
    for name in names {
        action::set_keep(&workspace, &workspace.find_run(name)?, keep)?;
    }
    Ok(OK)
}

pub(super) fn restore(names: &[String]) -> Result<u8> {
    let workspace = Workspace::open(Path::new("."))?;
    for name in names {
        let run = action::find_removed(&workspace, name)?;
        tell(&run, &action::restore(&workspace, &run)?);
    }
    Ok(OK)
}

pub(super) fn resume(name: &str, overrides: &[String]) -> Result<u8> {
    let workspace = Workspace::open(Path::new("."))?;
    let run = workspace.find_run(name)?;
    // Overrides are checked before anything is queued, on top of those that are in force already.
    let in_force = QueueEntry::read(&run)?.overrides;
    let (settings, _) = load_frozen(&run.config(), &[in_force, overrides.to_vec()].concat())?;
    if action::is_no_extension(&run, &settings)? {
        let message = format!("{} has done these steps: nothing is left to train", run.label());
        return Err(UsageError(format!("{message} (hint: a larger max_steps extends it)")).into());
    }
    tell(&run, &action::resume(&workspace, &run, overrides)?);
    Ok(OK)
}

/// Acts on each run named; a refusal of one does not keep the others from being done.
fn on_each(
    names: &[String],
    act: impl Fn(&Workspace, &RunFolder) -> Result<Done, ActionError>,
) -> Result<u8> {
    let workspace = Workspace::open(Path::new("."))?;
    let runs = names.iter().map(|name| workspace.find_run(name)).collect::<Result<Vec<_>, _>>()?;
    let mut code = OK;
    for run in runs {
        match act(&workspace, &run) {
            Ok(done) => tell(&run, &done),
            Err(refusal @ ActionError::Refused { .. }) => {
                out::note(&refusal.to_string());
                code = USAGE;
            }
            Err(error) => return Err(error.into()),
        }
    }
    Ok(code)
}

pub(super) fn tell(run: &RunFolder, done: &Done) {
    let label = run.label();
    out::line(&match done {
        Done::Dropped => format!("{label}: removed from the queue"),
        Done::Requested => format!("{label}: asked; it responds at its next step"),
        Done::RequestedOfHome => {
            format!("{label}: asked; the home host's dispatcher removes it from the queue")
        }
        Done::Queued(attempt) => format!("{label}: queued as attempt {attempt}"),
        Done::Moved(path) => format!("{label}: moved to {}", path.display()),
    });
}
