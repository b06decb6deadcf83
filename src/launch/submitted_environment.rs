//! The environment of the shell from which a run was submitted. The dispatcher may have been started from another one,
//! with another Python or other variables.
//!
//! It lies in `.loradeck/environments/DIGEST.json`, which git never takes, once for all runs that share it; a run's
//! `queue.json` names the digest.

use std::collections::BTreeMap;
use std::env;
use std::ffi::OsString;
use std::path::PathBuf;
use std::process::Command;

use loradeck_core::error::FileError;
use loradeck_core::file;
use loradeck_core::run::{QueueEntry, RunFolder, Workspace, read_attempt};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// What a shell, a terminal or a login has for itself, and what the slot or Slurm decides.
const NOT_TAKEN: [&str; 19] = [
    "_",
    "PWD",
    "OLDPWD",
    "SHLVL",
    "TERM",
    "COLORTERM",
    "COLUMNS",
    "LINES",
    "PS1",
    "PROMPT_COMMAND",
    "LS_COLORS",
    "DISPLAY",
    "WINDOWID",
    "TMUX",
    "TMUX_PANE",
    "STY",
    "TMPDIR",
    "CUDA_VISIBLE_DEVICES",
    "XDG_RUNTIME_DIR",
];
const NOT_TAKEN_BEGIN: [&str; 7] =
    ["LORADECK_", "SLURM", "SBATCH_", "SSH_", "XDG_SESSION", "DBUS_", "BASH_FUNC_"];

/// Words in the name of a variable whose value is stored nowhere.
const SECRET: [&str; 7] = ["TOKEN", "SECRET", "PASSWORD", "PASSWD", "CREDENTIAL", "API_KEY", "PRIVATE"];

/// The variables of a shell, as far as they are a run's business.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SubmittedEnvironment {
    /// Names and values.
    pub variables: BTreeMap<String, String>,
    /// Names of those whose values are read again at the start.
    #[serde(default)]
    pub secrets: Vec<String>,
}

impl SubmittedEnvironment {
    /// That of this process.
    pub fn here() -> Self {
        Self::of(env::vars_os())
    }

    fn of(variables: impl Iterator<Item = (OsString, OsString)>) -> Self {
        let mut found = Self::default();
        // A value that is no text is left as the dispatcher has it.
        let texts =
            variables.filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)));
        for (name, value) in texts.filter(|(name, _)| is_taken(name)) {
            if is_secret(&name) {
                found.secrets.push(name);
            } else {
                found.variables.insert(name, value);
            }
        }
        found.secrets.sort();
        found
    }

    /// Stores it; the name under which it is found again.
    pub(super) fn store(&self, workspace: &Workspace) -> Result<String, FileError> {
        let text = serde_json::to_vec(self).unwrap_or_default();
        let digest =
            Sha256::digest(&text).iter().take(16).fold(String::new(), |all, byte| format!("{all}{byte:02x}"));
        let path = path_of(workspace, &digest);
        if !path.exists() {
            workspace.ensure_state_folder()?;
            file::create_folder(&folder_of(workspace))?;
            file::make_once(&path, &text)?;
        }
        Ok(digest)
    }

    /// Reads it again; `None` where it has gone.
    pub fn read(workspace: &Workspace, digest: &str) -> Option<Self> {
        // The name stands in a file and goes into a path.
        let is_digest = digest.len() == 32 && digest.bytes().all(|byte| byte.is_ascii_hexdigit());
        is_digest.then(|| file::read_json(&path_of(workspace, digest)).ok().flatten()).flatten()
    }

    /// That of a run, if it is known. Slurm's elements have what their batch script sets up on the node instead.
    pub(super) fn of_run(workspace: &Workspace, run: &RunFolder, attempt: u32) -> Option<Self> {
        let is_slurms = read_attempt(run, attempt).is_some_and(|record| record.job.is_some());
        let digest = QueueEntry::read(run).ok()?.environment.filter(|_| !is_slurms)?;
        Self::read(workspace, &digest)
    }

    /// A variable's value: as it was at the submission, or, of a secret, as it is now.
    pub(super) fn value(&self, name: &str) -> Option<String> {
        let is_kept_back = || self.secrets.iter().any(|secret| secret == name) || !is_taken(name);
        self.variables.get(name).cloned().or_else(|| is_kept_back().then(|| env::var(name).ok()).flatten())
    }

    /// Gives it to `command`, where nothing else was said of a variable. The names that differ from this process's.
    pub(super) fn apply(&self, command: &mut Command) -> Vec<String> {
        let said: Vec<OsString> = command.get_envs().map(|(name, _)| name.to_owned()).collect();
        let is_free = |name: &str| !said.iter().any(|known| known == name);
        let here = Self::here();
        let (set, gone) = self.changes(&here);
        let mut changed = Vec::new();
        for (name, value) in set.into_iter().filter(|(name, _)| is_free(name)) {
            command.env(name, value);
            changed.push(name.to_owned());
        }
        for name in gone.into_iter().filter(|name| is_free(name)) {
            command.env_remove(&name);
            changed.push(name);
        }
        changed
    }

    /// What it is to a process that has `current`: variables to set, and to take away.
    pub(super) fn changes(&self, current: &Self) -> (Vec<(&str, &str)>, Vec<String>) {
        let set = self.variables.iter().filter(|(name, value)| current.variables.get(*name) != Some(value));
        let gone = current.variables.keys().filter(|name| !self.variables.contains_key(*name));
        (set.map(|(name, value)| (name.as_str(), value.as_str())).collect(), gone.cloned().collect())
    }

    /// Names of secrets that the submitter had and this process has not.
    pub(super) fn missing_secrets(&self) -> Vec<&str> {
        self.secrets.iter().map(String::as_str).filter(|name| env::var_os(name).is_none()).collect()
    }

    /// How it differs from another one, a line for each variable.
    pub fn differences(&self, other: &Self) -> Vec<String> {
        let (set, gone) = self.changes(other);
        let set = set.into_iter().map(|(name, value)| format!("{name}={value}"));
        set.chain(gone.into_iter().map(|name| format!("{name} is not set"))).collect()
    }
}

fn folder_of(workspace: &Workspace) -> PathBuf {
    workspace.state_folder().join("environments")
}

fn path_of(workspace: &Workspace, digest: &str) -> PathBuf {
    folder_of(workspace).join(format!("{digest}.json"))
}

fn is_taken(name: &str) -> bool {
    !NOT_TAKEN.contains(&name) && !NOT_TAKEN_BEGIN.iter().any(|begin| name.starts_with(begin))
}

/// Whether a variable's value must not be written down, by its name.
fn is_secret(name: &str) -> bool {
    let upper = name.to_uppercase();
    SECRET.iter().any(|word| upper.contains(word)) || upper.ends_with("_KEY") || upper == "KEY"
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(pairs: &[(&str, &str)]) -> SubmittedEnvironment {
        SubmittedEnvironment::of(pairs.iter().map(|(name, value)| ((*name).into(), (*value).into())))
    }

    #[test]
    fn secrets_are_kept_by_name_and_a_terminals_own_not_at_all() {
        let found = of(&[
            ("PATH", "/a"),
            ("HF_TOKEN", "x"),
            ("AWS_SECRET_KEY", "y"),
            ("TERM", "z"),
            ("SLURM_JOB_ID", "1"),
        ]);
        assert_eq!(found.variables, BTreeMap::from([("PATH".to_owned(), "/a".to_owned())]));
        assert_eq!(found.secrets, ["AWS_SECRET_KEY", "HF_TOKEN"]);
    }

    #[test]
    fn it_is_found_again_and_only_by_its_digest() {
        let root = tempfile::tempdir().unwrap();
        let workspace = Workspace::at(root.path());
        let environment = of(&[("A", "1"), ("HF_TOKEN", "hidden")]);
        let digest = environment.store(&workspace).unwrap();
        assert_eq!(environment.store(&workspace).unwrap(), digest);
        assert_eq!(SubmittedEnvironment::read(&workspace, &digest), Some(environment));
        let text = std::fs::read_to_string(path_of(&workspace, &digest)).unwrap();
        assert!(!text.contains("hidden"), "{text}");
        assert_eq!(SubmittedEnvironment::read(&workspace, "../../queue"), None);
    }

    #[test]
    fn differences_name_what_is_set_otherwise_or_not_at_all() {
        let (then, now) = (of(&[("A", "1"), ("B", "2")]), of(&[("A", "1"), ("B", "3"), ("C", "4")]));
        assert_eq!(then.differences(&now), ["B=2", "C is not set"]);
        assert_eq!(then.differences(&then), Vec::<String>::new());
    }
}
