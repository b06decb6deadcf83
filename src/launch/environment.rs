//! Where the trainer program and its libraries are.

use std::path::{Path, PathBuf};
use std::{env, fs};

use loradeck_core::run::Workspace;

const TRAINER: &str = "loradeck-train";

/// The trainer: `trainer:` in `loradeck.yaml`, `$LORADECK_TRAIN`, beside this program, then in `PATH`.
pub fn trainer_program(workspace: Option<&Workspace>) -> Option<PathBuf> {
    workspace
        .and_then(trainer_of_workspace)
        .or_else(|| env::var_os("LORADECK_TRAIN").map(PathBuf::from))
        .or_else(|| beside_us(TRAINER))
        .or_else(|| in_path(TRAINER))
}

fn trainer_of_workspace(workspace: &Workspace) -> Option<PathBuf> {
    let text = fs::read_to_string(workspace.settings_file()).ok()?;
    let path = loradeck_core::config::workspace_trainer(&text)?;
    Some(workspace.root().join(path))
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
