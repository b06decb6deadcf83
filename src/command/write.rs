//! `loradeck report`, `commit` and `compare`: write-ups by hand.

use std::path::Path;

use anyhow::{Result, bail};
use loradeck_core::run::{RunFolder, Workspace};

use super::{FAILED, OK, out};
use crate::launch::{WriteUp, commit_pending, write_up_run};

/// Writes the report of a run, or of a folder that the trainer wrote outside any workspace.
pub(super) fn report(target: &str) -> Result<u8> {
    let workspace = Workspace::find(Path::new(".")).ok();
    let folder = Path::new(target);
    let named = workspace.as_ref().and_then(|workspace| workspace.find_run(target).ok());
    let run = match named {
        Some(run) => run,
        None if folder.is_dir() => RunFolder::new(folder.canonicalize()?),
        None => bail!(out::UsageError(format!("'{target}' is neither a run nor a folder"))),
    };
    let within = workspace.filter(|workspace| run.path().starts_with(workspace.root()));
    crate::report::write_report(within.as_ref(), &run)?;
    out::line(&format!("wrote {}", run.report().display()));
    Ok(OK)
}

pub(super) fn commit(names: &[String], pending: bool) -> Result<u8> {
    let workspace = Workspace::open(Path::new("."))?;
    if names.is_empty() && !pending {
        bail!(out::UsageError("name a run, or use --pending".to_owned()));
    }
    let mut lines = Vec::new();
    for name in names {
        let run = workspace.find_run(name)?;
        lines.push((run.label(), write_up_run(&workspace, &run)?));
    }
    if pending {
        lines.extend(commit_pending(&workspace)?);
    }
    if lines.is_empty() {
        out::line("nothing waits for a commit");
    }
    let mut code = OK;
    for (name, written) in &lines {
        match written {
            WriteUp::Committed(id) => out::line(&format!("{name}: committed as {}", id.short())),
            WriteUp::Unchanged => out::line(&format!("{name}: nothing new")),
            WriteUp::Waiting(reason) => {
                out::note(&format!("{name}: waits: {reason}"));
                code = FAILED;
            }
        }
    }
    Ok(code)
}
