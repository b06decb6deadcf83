//! Whether this system ends a user's processes at logout, and what saves the dispatcher from it.
//!
//! With `KillUserProcesses=yes` logind ends everything in the session's scope (logind.conf(5)). A scope of the user's own
//! manager outlives the session, as long as that manager does: where lingering is enabled (loginctl(1)).

use std::path::Path;
use std::process::{Command, Stdio};
use std::{env, fs};

/// Later files win, as in logind.
const LOGIND_FOLDERS: [&str; 3] =
    ["/usr/lib/systemd/logind.conf.d", "/run/systemd/logind.conf.d", "/etc/systemd/logind.conf.d"];

/// What becomes of a user's processes at logout.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Logout {
    /// Nothing.
    Harmless,
    /// They are ended, but for those in a scope of the user's manager.
    SparesScopes,
    /// They are ended, all of them.
    EndsAll,
}

/// What this system does.
pub fn at_logout() -> Logout {
    if !Path::new("/run/systemd/system").is_dir() {
        return Logout::Harmless;
    }
    let user = env::var("USER").or_else(|_| env::var("LOGNAME")).unwrap_or_default();
    let kills = logind_says().unwrap_or_else(|| kills_user_processes(&logind_texts()));
    let lingers = !user.is_empty() && Path::new("/var/lib/systemd/linger").join(user).exists();
    judged(kills, lingers)
}

fn judged(kills: bool, lingers: bool) -> Logout {
    match (kills, lingers) {
        (false, _) => Logout::Harmless,
        (true, true) => Logout::SparesScopes,
        (true, false) => Logout::EndsAll,
    }
}

/// The command that starts `program` so that a logout spares it, as far as anything does.
pub(super) fn sparing_command(program: &Path, logout: Logout) -> Command {
    if logout != Logout::SparesScopes {
        return Command::new(program);
    }
    let mut command = Command::new("systemd-run");
    command.args(["--user", "--scope", "--quiet", "--collect", "--"]).arg(program);
    command
}

fn logind_texts() -> Vec<String> {
    let mut paths = vec!["/etc/systemd/logind.conf".into()];
    for folder in LOGIND_FOLDERS {
        let mut inside: Vec<_> =
            fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path()).collect();
        inside.sort();
        paths.extend(inside);
    }
    paths.into_iter().filter_map(|path| fs::read_to_string(path).ok()).collect()
}

/// What is written; the compiled default differs between distributions, and most have no.
fn kills_user_processes(texts: &[String]) -> bool {
    let lines = texts.iter().flat_map(|text| text.lines()).map(str::trim);
    let mut values =
        lines.filter_map(|line| line.strip_prefix("KillUserProcesses")?.trim_start().strip_prefix('='));
    values.next_back().is_some_and(|value| ["yes", "true", "on", "1"].contains(&value.trim()))
}

/// What logind itself says, where it can be asked.
fn logind_says() -> Option<bool> {
    let service = "org.freedesktop.login1";
    let manager = "org.freedesktop.login1.Manager";
    let arguments = ["get-property", service, "/org/freedesktop/login1", manager, "KillUserProcesses"];
    let output = Command::new("busctl").args(arguments).stdin(Stdio::null()).output().ok()?;
    match String::from_utf8_lossy(&output.stdout).trim() {
        "b true" => Some(true),
        "b false" => Some(false),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_written_line_decides() {
        let texts = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>();
        assert!(!kills_user_processes(&texts(&["[Login]\n#KillUserProcesses=yes\n"])));
        assert!(kills_user_processes(&texts(&["KillUserProcesses=no\n", "KillUserProcesses = yes\n"])));
        assert!(!kills_user_processes(&texts(&["KillUserProcesses=yes\n", "KillUserProcesses=no\n"])));
    }

    #[test]
    fn a_scope_is_used_only_where_it_saves() {
        let words = |logout| {
            let command = sparing_command(Path::new("/bin/loradeck"), logout);
            std::iter::once(command.get_program())
                .chain(command.get_args())
                .map(|word| word.to_string_lossy().into_owned())
                .collect::<Vec<_>>()
                .join(" ")
        };
        assert_eq!(
            words(judged(true, true)),
            "systemd-run --user --scope --quiet --collect -- /bin/loradeck"
        );
        assert_eq!(words(judged(true, false)), "/bin/loradeck");
        assert_eq!(words(judged(false, true)), "/bin/loradeck");
    }
}
