//! Whether runs outlive the login, and what starts them after a reboot.

use std::env;

use loradeck_core::run::{Heartbeat, Host, RunFolder, Workspace, is_held};

use super::finding::Finding;
use crate::launch::{Logout, at_logout, is_ended_at_logout};

pub(super) fn examine(workspace: Option<&Workspace>) -> Vec<Finding> {
    let in_danger: Vec<String> = workspace.map(ended_at_logout).unwrap_or_default();
    let mut findings = vec![logout(at_logout(), &in_danger)];
    findings.extend(workspace.map(reboot));
    findings
}

/// `in_danger` names the runs at work that a logout ends, whatever becomes of those that are started now.
fn logout(logout: Logout, in_danger: &[String]) -> Finding {
    let runs = in_danger.join(", ");
    match (logout.warning(), in_danger) {
        (Some((found, help)), []) => Finding::bad("logout", found).with(help),
        (Some((found, help)), _) => Finding::bad("logout", format!("{found}: {runs}"))
            .with(format!("{help}; running runs stay at risk until you stop and resume them")),
        (None, []) => Finding::good("logout", spared(logout)),
        (None, _) => Finding::bad("logout", format!("a logout kills these runs: {runs}"))
            .with("`loradeck stop`, then `loradeck resume` restarts them where they survive it"),
    }
}

fn spared(logout: Logout) -> &'static str {
    match logout {
        Logout::SparesScopes => {
            "runs survive a logout: lingering is enabled, so loradeck starts them in a scope of your service manager"
        }
        _ => "runs survive a logout",
    }
}

fn ended_at_logout(workspace: &Workspace) -> Vec<String> {
    let is_in_danger = |run: &RunFolder| {
        let pid =
            Heartbeat::read(run).ok().flatten().filter(|beat| beat.host == Host::here()).map(|beat| beat.pid);
        pid.is_some_and(|pid| is_held(&run.run_lock()).unwrap_or(false) && is_ended_at_logout(pid))
    };
    workspace.runs().iter().filter(|run| is_in_danger(run)).map(RunFolder::label).collect()
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
        "after a reboot any `loradeck` command restarts the queue; to automate this, add to `crontab -e`:",
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
    use crate::launch::Cause;

    #[test]
    fn only_a_logout_that_ends_runs_is_bad() {
        let verdict = |at| logout(at, &[]).verdict;
        assert_eq!(verdict(Logout::EndsAll(Cause::NoLinger)), Verdict::Bad);
        assert_eq!(verdict(Logout::EndsAll(Cause::NoManager)), Verdict::Bad);
        assert_eq!(verdict(Logout::SparesScopes), Verdict::Good);
        assert_eq!(verdict(Logout::Harmless), Verdict::Good);
    }

    #[test]
    fn runs_that_were_started_in_danger_are_named() {
        let finding = logout(Logout::SparesScopes, &["x/0001".into(), "x/0002".into()]);
        assert_eq!(finding.verdict, Verdict::Bad);
        assert!(finding.found.contains("x/0001, x/0002"), "{}", finding.found);
        let finding = logout(Logout::EndsAll(Cause::NoLinger), &["x/0001".into()]);
        assert!(finding.found.contains("x/0001") && finding.advice[0].starts_with("loginctl enable-linger;"));
    }

    #[test]
    fn paths_are_safe_in_a_crontab() {
        assert_eq!(shell_word("/home/me/lora"), "/home/me/lora");
        assert_eq!(shell_word("/home/it's me"), r"'/home/it'\''s me'");
    }
}
