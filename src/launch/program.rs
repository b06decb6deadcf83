//! Starting our own program again: the detached dispatcher, and supervisors through `/proc/self/exe`.

use std::fs::OpenOptions;
use std::io;
use std::path::PathBuf;
use std::process::Stdio;

use loradeck_core::error::{FileError, WithPath};
use loradeck_core::run::{Workspace, is_held};

use super::home::is_elsewhere;
use super::logout::{Logout, at_logout, sparing_command};
use super::trust::permit;

/// The running program, even if its file has been replaced by an upgrade in the meantime.
pub fn own_program() -> PathBuf {
    let link = PathBuf::from("/proc/self/exe");
    if link.exists() { link } else { std::env::current_exe().unwrap_or_else(|_| PathBuf::from("loradeck")) }
}

/// The running program by its path.
fn lasting_program() -> PathBuf {
    std::env::current_exe().unwrap_or_else(|_| own_program())
}

/// Starts the workspace's dispatcher, detached, unless one is at work, or the workspace is not trusted: what waits
/// there says so.
///
/// Two callers at once may both start one; the second finds the lock held and ends.
pub fn ensure_dispatcher(workspace: &Workspace) -> Result<(), FileError> {
    workspace.ensure_state_folder()?;
    poke(workspace)?;
    // Another host's dispatcher looks by itself; one here would only watch it and refuse.
    if is_elsewhere(workspace) || is_held(&workspace.dispatch_lock())? || permit(workspace).is_err() {
        return Ok(());
    }
    let log_path = workspace.dispatch_log();
    let log = OpenOptions::new().create(true).append(true).open(&log_path).with_path(&log_path, "open")?;
    let errors = log.try_clone().with_path(&log_path, "open")?;
    // Through systemd-run the link would be systemd-run's own.
    let logout = at_logout();
    let program = if logout == Logout::SparesScopes { lasting_program() } else { own_program() };
    let child = sparing_command(&program, logout)
        .args(["dispatch", "--detached"])
        .current_dir(workspace.root())
        .stdin(Stdio::null())
        .stdout(Stdio::from(log))
        .stderr(Stdio::from(errors))
        .spawn();
    child.map(drop).with_path(own_program(), "start the dispatcher with")
}

/// Tells a working dispatcher to look again at once.
pub(crate) fn poke(workspace: &Workspace) -> Result<(), FileError> {
    let path = workspace.state_folder().join("poke");
    loradeck_core::file::replace(&path, b"", loradeck_core::file::Durability::Renamed)
}

/// A mark that changes with every poke.
pub(crate) fn poke_mark(workspace: &Workspace) -> Option<(u64, std::time::SystemTime)> {
    use std::os::unix::fs::MetadataExt;
    let metadata = std::fs::metadata(workspace.state_folder().join("poke")).ok()?;
    Some((metadata.ino(), metadata.modified().ok()?))
}

/// Leaves the caller's session and terminal, so that a hang-up ends nothing.
pub(crate) fn detach() -> io::Result<()> {
    // Already a leader (started by setsid or systemd) is as good.
    match rustix::process::setsid() {
        Ok(_) | Err(rustix::io::Errno::PERM) => Ok(()),
        Err(error) => Err(error.into()),
    }
}
