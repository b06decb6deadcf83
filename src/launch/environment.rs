//! Where the trainer program and its libraries are.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};

use loradeck_core::run::Workspace;

use super::door::{self, Permit};
use super::trust::{NotTrusted, permit};

const TRAINER: &str = "loradeck-train";

/// The trainer: `trainer:` in `loradeck.yaml`, `$LORADECK_TRAIN`, beside this program, then in `PATH`.
pub fn trainer_program(workspace: Option<&Workspace>) -> Option<TrainerProgram> {
    let by_user = || {
        let path = env::var_os("LORADECK_TRAIN").map(PathBuf::from);
        path.or_else(|| beside_us(TRAINER)).or_else(|| in_path(TRAINER))
    };
    workspace
        .and_then(trainer_of_workspace)
        .or_else(|| by_user().map(|path| TrainerProgram { path, named_by: None }))
}

/// A trainer, and who named it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TrainerProgram {
    path: PathBuf,
    /// The workspace whose `loradeck.yaml` names it; else this user did.
    named_by: Option<Workspace>,
}

impl TrainerProgram {
    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The command that starts it with its libraries; one that a workspace names only where that is trusted.
    pub fn command(&self) -> Result<Command, NotTrusted> {
        let leave = self.named_by.as_ref().map(permit).transpose()?;
        Ok(self.with_libraries(leave.as_ref()))
    }

    /// The same for who has the workspace's permit already.
    pub(super) fn permitted(&self, permit: &Permit) -> Command {
        self.with_libraries(Some(permit))
    }

    fn with_libraries(&self, permit: Option<&Permit>) -> Command {
        let mut command = match permit {
            Some(permit) => permit.command(&self.path),
            None => door::chosen_by_user(&self.path),
        };
        if let Some(libraries) = library_path(&self.path) {
            command.env("LD_LIBRARY_PATH", libraries);
        }
        command
    }
}

fn trainer_of_workspace(workspace: &Workspace) -> Option<TrainerProgram> {
    let text = fs::read_to_string(workspace.settings_file()).ok()?;
    let path = loradeck_core::config::workspace_trainer(&text)?;
    Some(TrainerProgram { path: workspace.root().join(path), named_by: Some(workspace.clone()) })
}

fn beside_us(name: &str) -> Option<PathBuf> {
    let candidate = env::current_exe().ok()?.parent()?.join(name);
    candidate.is_file().then_some(candidate)
}

fn in_path(name: &str) -> Option<PathBuf> {
    env::split_paths(&env::var_os("PATH")?).map(|folder| folder.join(name)).find(|path| path.is_file())
}

/// What `LD_LIBRARY_PATH` becomes for the trainer, so that a moved checkout still starts: the `.libtorch/lib` found
/// above the program, before whatever was set.
pub(crate) fn library_path(program: &Path) -> Option<std::ffi::OsString> {
    let program = fs::canonicalize(program).ok()?;
    let library =
        program.ancestors().map(|folder| folder.join(".libtorch/lib")).find(|path| path.is_dir())?;
    let mut paths = vec![library];
    if let Some(set) = env::var_os("LD_LIBRARY_PATH") {
        paths.extend(env::split_paths(&set));
    }
    env::join_paths(paths).ok()
}
