//! `loradeck sample`: answers or pictures from a finished adapter, made by the trainer.

use std::os::unix::process::CommandExt;
use std::path::Path;

use anyhow::{Result, bail};
use loradeck_core::run::Workspace;

use super::out;
use crate::launch::trainer_program;

/// Becomes `loradeck-train sample` with the runs' folders in the place of their names; comes back only where that
/// cannot start. `arguments` are runs up to the first option, then options of the trainer.
pub(super) fn sample(arguments: &[String]) -> Result<u8> {
    let workspace = Workspace::find(Path::new(".")).ok();
    let first_option = arguments.iter().position(|argument| argument.starts_with('-'));
    let (runs, options) = arguments.split_at(first_option.unwrap_or(arguments.len()));
    let wants_help = options.iter().any(|option| option == "--help" || option == "-h");
    if runs.is_empty() && !wants_help {
        bail!(out::UsageError("name a run, then say what: sample NAME/7 --prompt TEXT".to_owned()));
    }
    let Some(program) = trainer_program(workspace.as_ref()) else {
        bail!(
            "the trainer loradeck-train was not found (hint: `loradeck doctor` lists where it is searched for)"
        );
    };
    let mut command = program.command()?;
    command.arg("sample");
    for name in runs {
        command.arg(folder_of(workspace.as_ref(), name)?);
    }
    command.args(options);
    let error = command.exec();
    bail!("cannot start {}: {error}", program.path().display())
}

/// The folder of a run by its name, or a folder as it is.
fn folder_of(workspace: Option<&Workspace>, name: &str) -> Result<std::path::PathBuf> {
    let named = workspace.map(|workspace| workspace.find_run(name));
    match named {
        Some(Ok(run)) => Ok(run.path().to_path_buf()),
        _ if Path::new(name).is_dir() => Ok(Path::new(name).to_path_buf()),
        Some(Err(error)) => Err(error.into()),
        None => bail!(out::UsageError(format!("'{name}' is neither a run nor a folder"))),
    }
}
