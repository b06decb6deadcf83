//! Commits in real repositories, judged by the real `git`.

mod commits;
mod index;
mod looking;
mod waiting;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;
use std::time::Duration;

use loradeck_core::time::Moment;
use tempfile::TempDir;

use super::commit::{Patience, commit_in};
use super::outcome::{CommitError, Outcome};

const NOW: Moment = Moment(1_795_559_400_000);

/// A temporary repository on branch `main` with one commit, and nobody's configuration but its own.
struct Sandbox {
    folder: TempDir,
    root: PathBuf,
}

impl Sandbox {
    /// With a first commit of `code.py`.
    fn new() -> Self {
        let sandbox = Self::unborn();
        sandbox.write("code.py", "print(1)\n");
        sandbox.git(&["add", "code.py"]);
        sandbox.git(&["commit", "-qm", "first"]);
        sandbox
    }

    /// Without a commit.
    fn unborn() -> Self {
        forget_own_configuration();
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().canonicalize().unwrap().join("repo");
        fs::create_dir(&root).unwrap();
        let sandbox = Self { folder, root };
        sandbox.git(&["init", "-q", "-b", "main"]);
        sandbox.git(&["config", "user.name", "Ada"]);
        sandbox.git(&["config", "user.email", "ada@example.org"]);
        sandbox
    }

    fn path(&self, relative: &str) -> PathBuf {
        self.root.join(relative)
    }

    fn write(&self, relative: &str, contents: &str) -> PathBuf {
        let path = self.path(relative);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, contents).unwrap();
        path
    }

    /// Two files of a run.
    fn run_files(&self) -> Vec<PathBuf> {
        vec![
            self.write("experiments/a/runs/0001-x/README.md", "# Report\n"),
            self.write("experiments/a/runs/0001-x/config.yaml", "lora_rank: 8\n"),
        ]
    }

    fn git(&self, arguments: &[&str]) -> String {
        let output = git_in(&self.root, arguments);
        assert!(output.status.success(), "git {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }

    /// `git status`, one line a path; empty when clean.
    fn status(&self) -> String {
        self.git(&["status", "--porcelain"])
    }

    fn commit(&self, paths: &[PathBuf]) -> Outcome {
        self.try_commit(paths).unwrap()
    }

    fn try_commit(&self, paths: &[PathBuf]) -> Result<Outcome, CommitError> {
        commit_from(&self.root, paths)
    }

    /// The paths that HEAD's commit changed.
    fn head_files(&self) -> Vec<String> {
        self.git(&["show", "--name-only", "--format=", "HEAD"]).lines().map(str::to_owned).collect()
    }

    fn log(&self) -> Vec<String> {
        self.git(&["log", "--format=%s"]).lines().map(str::to_owned).collect()
    }

    /// Fails on anything that `git fsck` finds, and on files of ours left in the git folder.
    fn check_health(&self) {
        self.git(&["fsck", "--strict", "--no-dangling"]);
        let git_folder = self.git(&["rev-parse", "--absolute-git-dir"]);
        let left: Vec<_> = fs::read_dir(git_folder.trim())
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .filter(|name| name.starts_with("loradeck") || name == "index.lock")
            .collect();
        assert_eq!(left, Vec::<String>::new());
    }
}

fn commit_from(start: &Path, paths: &[PathBuf]) -> Result<Outcome, CommitError> {
    let patience = Patience { index: Duration::ZERO, head: Duration::ZERO };
    commit_in(start, paths, "Report of a/1\n\nbest loss 0.5\n", NOW, &|_| None, patience)
}

fn git_in(folder: &Path, arguments: &[&str]) -> std::process::Output {
    let mut command = Command::new("git");
    command.current_dir(folder).args(arguments).env("HOME", empty_folder()).env("GIT_CONFIG_NOSYSTEM", "1");
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("GIT_") || name.starts_with("XDG_"))
    {
        command.env_remove(name);
    }
    command.env("GIT_CONFIG_GLOBAL", "/dev/null").output().unwrap()
}

fn empty_folder() -> &'static Path {
    static EMPTY: OnceLock<TempDir> = OnceLock::new();
    EMPTY.get_or_init(|| tempfile::tempdir().unwrap()).path()
}

/// Points libgit2 at an empty folder instead of the configuration of whoever runs the tests.
#[allow(unsafe_code)]
fn forget_own_configuration() {
    static DONE: OnceLock<()> = OnceLock::new();
    DONE.get_or_init(|| {
        for level in [
            git2::ConfigLevel::ProgramData,
            git2::ConfigLevel::System,
            git2::ConfigLevel::XDG,
            git2::ConfigLevel::Global,
        ] {
            // SAFETY: every test goes through this cell before its first use of libgit2, so no other thread reads
            // the search paths meanwhile.
            unsafe { git2::opts::set_search_path(level, empty_folder()) }.unwrap();
        }
    });
}

fn committed(outcome: &Outcome) -> Vec<String> {
    match outcome {
        Outcome::Committed { files, .. } => files.iter().map(|path| path.display().to_string()).collect(),
        other => panic!("not committed: {other:?}"),
    }
}
