//! Whether runs outlive the login, and what starts them after a reboot.

use std::env;

use loradeck_core::run::Workspace;

use super::finding::Finding;
use crate::launch::{Logout, at_logout};

pub(super) fn examine(workspace: Option<&Workspace>) -> Vec<Finding> {
    let mut findings = vec![logout(at_logout())];
    findings.extend(workspace.map(reboot));
    findings
}

fn logout(logout: Logout) -> Finding {
    match logout {
        Logout::Harmless => Finding::good("logout", "runs go on after logout"),
        Logout::SparesScopes => Finding::good(
            "logout",
            "this system ends a user's processes at logout; lingering is enabled, so loradeck starts runs in a scope that is spared",
        ),
        Logout::EndsAll => Finding::bad("logout", "runs are killed at logout (KillUserProcesses=yes)")
            .with("loginctl enable-linger; then loradeck starts runs in a scope of their own that is spared"),
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
    fn only_a_logout_that_ends_all_is_bad() {
        let verdict = |at| logout(at).verdict;
        assert_eq!(verdict(Logout::EndsAll), Verdict::Bad);
        assert_eq!(verdict(Logout::SparesScopes), Verdict::Good);
        assert_eq!(verdict(Logout::Harmless), Verdict::Good);
    }

    #[test]
    fn paths_are_safe_in_a_crontab() {
        assert_eq!(shell_word("/home/me/lora"), "/home/me/lora");
        assert_eq!(shell_word("/home/it's me"), r"'/home/it'\''s me'");
    }
}
