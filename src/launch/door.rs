//! The one place where processes are made from text that a workspace's files name: commands, hooks, a trainer, Slurm's
//! submissions. It asks for a [`Permit`], which only trust gives.
//!
//! Everything else that the deck starts (itself, and programs whose names stand in its own code) is listed in
//! `tests/architecture.rs`.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::Command;

use loradeck_core::run::Workspace;

use super::trust::{NotTrusted, permit};

/// What a supervisor hands on to `loradeck exec`: the root of the workspace whose command it is to start.
pub(super) const HANDED_ON: &str = "LORADECK_TRUSTED_ROOT";

/// The leave to start what a workspace's files name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Permit {
    root: PathBuf,
}

impl Permit {
    /// Only for who has asked the store.
    pub(super) fn granted(workspace: &Workspace) -> Self {
        Self { root: workspace.root().to_path_buf() }
    }

    /// The leave of an element of Slurm's array: it was decided when the dispatcher called sbatch. The node may share no
    /// home folder with the host on which its user said so.
    pub(super) fn given_at_submission(workspace: &Workspace) -> Self {
        Self::granted(workspace)
    }

    /// What the supervisor that started this program was allowed, or else what the store says.
    pub(super) fn handed_on(workspace: &Workspace) -> Result<Self, NotTrusted> {
        let is_handed = std::env::var_os(HANDED_ON).is_some_and(|root| Path::new(&root) == workspace.root());
        if is_handed { Ok(Self::granted(workspace)) } else { permit(workspace) }
    }

    /// A command of the workspace's, which learns its root.
    pub(super) fn command(&self, program: impl AsRef<OsStr>) -> Command {
        let mut command = Command::new(program);
        command.env_remove(HANDED_ON).env("LORADECK_WORKSPACE", &self.root);
        command
    }

    /// The root that it is for.
    pub(super) fn root(&self) -> &Path {
        &self.root
    }

    /// A permit without a question, for tests of what needs one.
    #[cfg(test)]
    pub(super) fn for_test(root: &Path) -> Self {
        Self { root: root.to_path_buf() }
    }
}

/// A program that this user chose outside of any workspace: by a variable of the environment, in PATH, or by installing
/// it beside this one.
pub(super) fn chosen_by_user(program: &Path) -> Command {
    Command::new(program)
}
