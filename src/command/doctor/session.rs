//! Whether runs outlive the login, and what starts them after a reboot.

use std::path::Path;
use std::process::{Command, Stdio};
use std::{env, fs};

use loradeck_core::run::Workspace;

use super::finding::Finding;

/// Later files win, as in logind.
const LOGIND_FOLDERS: [&str; 3] =
    ["/usr/lib/systemd/logind.conf.d", "/run/systemd/logind.conf.d", "/etc/systemd/logind.conf.d"];

pub(super) fn examine(workspace: Option<&Workspace>) -> Vec<Finding> {
    let user = env::var("USER").or_else(|_| env::var("LOGNAME")).unwrap_or_default();
    let mut findings = vec![logout(&user)];
    findings.extend(workspace.map(reboot));
    findings
}

fn logout(user: &str) -> Finding {
    if !Path::new("/run/systemd/system").is_dir() {
        return Finding::good("logout", "this system does not end a user's processes at logout");
    }
    let kills = logind_says().unwrap_or_else(|| kills_user_processes(&logind_texts()));
    let lingers = !user.is_empty() && Path::new("/var/lib/systemd/linger").join(user).exists();
    judged_logout(kills, lingers)
}

fn judged_logout(kills: bool, lingers: bool) -> Finding {
    match (kills, lingers) {
        (false, _) => Finding::good("logout", "runs go on after logout (KillUserProcesses=no)"),
        (true, true) => Finding::good("logout", "runs go on after logout (lingering is enabled)"),
        (true, false) => Finding::bad("logout", "runs are killed at logout (KillUserProcesses=yes)")
            .with("loginctl enable-linger, then start runs with `systemd-run --user --scope loradeck …`"),
    }
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

fn reboot(workspace: &Workspace) -> Finding {
    // Not /proc/self/exe: the line outlives this process.
    let program = env::current_exe().unwrap_or_else(|_| "loradeck".into());
    let line = format!(
        "@reboot cd {} && {} dispatch --detached",
        shell_word(&workspace.root().display().to_string()),
        shell_word(&program.display().to_string())
    );
    Finding::good(
        "reboot",
        "after a reboot any `loradeck` command goes on; to do it by itself, add to `crontab -e`:",
    )
    .with(line)
}

fn shell_word(text: &str) -> String {
    let is_plain = !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || "/._-+".contains(c));
    if is_plain { text.to_owned() } else { format!("'{}'", text.replace('\'', r"'\''")) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::command::doctor::finding::Verdict;

    #[test]
    fn the_last_written_line_decides() {
        let texts = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>();
        assert!(!kills_user_processes(&texts(&["[Login]\n#KillUserProcesses=yes\n"])));
        assert!(kills_user_processes(&texts(&["KillUserProcesses=no\n", "KillUserProcesses = yes\n"])));
        assert!(!kills_user_processes(&texts(&["KillUserProcesses=yes\n", "KillUserProcesses=no\n"])));
        assert_eq!(judged_logout(true, false).verdict, Verdict::Bad);
        assert_eq!(judged_logout(true, true).verdict, Verdict::Good);
    }

    #[test]
    fn paths_are_safe_in_a_crontab() {
        assert_eq!(shell_word("/home/me/lora"), "/home/me/lora");
        assert_eq!(shell_word("/home/it's me"), r"'/home/it'\''s me'");
    }
}
