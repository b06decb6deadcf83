//! A scope of the user's own service manager, which a session's end leaves alone.

use std::path::{Path, PathBuf};
use std::process::Command;

use super::answer;

/// Whether a scope can be made: the manager is at work, and can be reached.
pub(super) fn can_be_made() -> bool {
    let mut command = in_scope(Path::new("true"));
    answer(&mut command).is_some()
}

/// The command that starts `program` in a scope.
pub(super) fn in_scope(program: &Path) -> Command {
    let mut command = Command::new("systemd-run");
    // Delegate: else one process that the kernel ends for memory takes all in its scope along (OOMPolicy= in
    // systemd.scope(5); it is `stop` without it and `continue` with it).
    command.args(["--user", "--scope", "--quiet", "--collect", "--property=Delegate=yes", "--"]).arg(program);
    // su and cron set none, or leave another user's.
    let runtime = PathBuf::from(format!("/run/user/{}", super::own_number()));
    if runtime.is_dir() {
        command.env("XDG_RUNTIME_DIR", runtime);
    }
    command
}
