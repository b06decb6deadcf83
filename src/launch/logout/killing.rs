//! Whose processes logind ends with their session: `KillUserProcesses=`, `KillOnlyUsers=`, `KillExcludeUsers=`.
//!
//! Source: logind.conf(5). Excluded users come first (root, where nobody is named), then the only users, then the
//! switch for all. The page says that an empty `KillExcludeUsers=` excludes nobody; systemd 252 and 257 were seen to
//! exclude root all the same.

use std::fs;
use std::process::Command;

use super::answer;

/// Later files win, as in logind.
const FOLDERS: [&str; 4] = [
    "/usr/lib/systemd/logind.conf.d",
    "/usr/local/lib/systemd/logind.conf.d",
    "/run/systemd/logind.conf.d",
    "/etc/systemd/logind.conf.d",
];

/// What logind was told. The compiled switch differs between distributions, and most have it off.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Killing {
    all: bool,
    only: Vec<String>,
    /// An empty one excludes root.
    excluded: Vec<String>,
}

impl Killing {
    /// What logind itself says, else what is written.
    pub(super) fn here() -> Self {
        asked().and_then(|text| Self::said(&text)).unwrap_or_else(|| Self::written(&texts()))
    }

    /// Whether the session's end ends the processes of `user` in it.
    pub(super) fn ends(&self, user: &str) -> bool {
        let names = |list: &[String]| list.iter().any(|name| name == user);
        let is_excluded = if self.excluded.is_empty() { user == "root" } else { names(&self.excluded) };
        !is_excluded && if self.only.is_empty() { self.all } else { names(&self.only) }
    }

    fn written(texts: &[String]) -> Self {
        let mut killing = Self::default();
        for line in texts.iter().flat_map(|text| text.lines()) {
            let Some((key, value)) = line.split_once('=') else { continue };
            let list = || value.split_whitespace().map(str::to_owned);
            match key.trim() {
                "KillUserProcesses" => {
                    let yes = ["yes", "true", "on", "1", "y", "t"];
                    killing.all = yes.contains(&value.trim().to_ascii_lowercase().as_str());
                }
                "KillOnlyUsers" => add(&mut killing.only, list()),
                "KillExcludeUsers" => add(&mut killing.excluded, list()),
                _ => {}
            }
        }
        killing
    }

    /// Three lines of busctl(1): `b true`, `as 0`, `as 1 "root"`.
    fn said(text: &str) -> Option<Self> {
        let mut lines = text.lines();
        let all = match lines.next()?.trim() {
            "b true" => true,
            "b false" => false,
            _ => return None,
        };
        let mut list = || {
            let names = lines.next()?.trim().strip_prefix("as ")?.split_whitespace().skip(1);
            Some(names.map(|name| name.trim_matches('"').to_owned()).collect::<Vec<_>>())
        };
        Some(Self { all, only: list()?, excluded: list()? })
    }
}

/// A list grows by every line; an empty one begins it anew (systemd.syntax(7)).
fn add(list: &mut Vec<String>, names: impl Iterator<Item = String>) {
    let before = list.len();
    list.extend(names);
    if list.len() == before {
        list.clear();
    }
}

fn texts() -> Vec<String> {
    let mut paths = vec!["/etc/systemd/logind.conf".into()];
    for folder in FOLDERS {
        let mut inside: Vec<_> =
            fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path()).collect();
        inside.sort();
        paths.extend(inside);
    }
    paths.into_iter().filter_map(|path| fs::read_to_string(path).ok()).collect()
}

fn asked() -> Option<String> {
    let service = "org.freedesktop.login1";
    answer(
        Command::new("busctl")
            .args(["get-property", service, "/org/freedesktop/login1", "org.freedesktop.login1.Manager"])
            .args(["KillUserProcesses", "KillOnlyUsers", "KillExcludeUsers"]),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(texts: &[&str]) -> Killing {
        Killing::written(&texts.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>())
    }

    #[test]
    fn the_last_written_line_decides() {
        assert!(!written(&["[Login]\n#KillUserProcesses=yes\n"]).ends("ada"));
        assert!(written(&["KillUserProcesses=no\n", "KillUserProcesses = yes\n"]).ends("ada"));
        assert!(!written(&["KillUserProcesses=yes\n", "KillUserProcesses=no\n"]).ends("ada"));
    }

    #[test]
    fn excluded_users_come_first_then_the_only_ones() {
        let all = written(&["KillUserProcesses=yes\n"]);
        assert!(all.ends("ada") && !all.ends("root"), "root is excluded where nothing is written");
        assert!(!written(&["KillUserProcesses=yes\nKillExcludeUsers=ada\nKillExcludeUsers=\n"]).ends("root"));
        let some = written(&["KillUserProcesses=yes\nKillExcludeUsers=ada bob\n"]);
        assert!(!some.ends("ada") && some.ends("root"));
        let only = written(&["KillUserProcesses=no\nKillOnlyUsers=ada\n"]);
        assert!(only.ends("ada") && !only.ends("bob"), "it overrides the switch");
    }

    #[test]
    fn logind_says_the_same() {
        let said = Killing::said("b true\nas 0\nas 2 \"root\" \"ada\"\n").unwrap();
        assert!(said.ends("bob") && !said.ends("ada") && !said.ends("root"));
        assert!(Killing::said("b false\nas 1 \"ada\"\nas 0\n").unwrap().ends("ada"));
        assert_eq!(Killing::said("Failed to connect to bus\n"), None);
    }
}
