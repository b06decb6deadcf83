//! What came of a commit, and the sentences that say why one has to wait.

use std::fmt;
use std::path::{Path, PathBuf};

use loradeck_core::error::FileError;

use super::secrets::Finding;

/// The name of a commit, 40 hexadecimal digits.
#[derive(Clone, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(transparent)]
pub struct CommitId(pub String);

impl CommitId {
    /// The first seven digits, as `git log --oneline` shows them.
    pub fn short(&self) -> &str {
        self.0.get(..7).unwrap_or(&self.0)
    }
}

impl fmt::Display for CommitId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl From<git2::Oid> for CommitId {
    fn from(id: git2::Oid) -> Self {
        Self(id.to_string())
    }
}

/// What came of a commit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// A commit holds the paths now.
    Committed {
        /// The new commit.
        id: CommitId,
        /// What the commit changed, relative to the repository's root, sorted.
        files: Vec<PathBuf>,
        /// What `git commit` would have done besides.
        skipped: Vec<Skipped>,
    },
    /// HEAD holds every path as it is on disk.
    NothingChanged,
    /// Git cannot take the commit now; it is tried again later.
    Waiting(Reason),
}

/// What `git commit` would have done and a commit made here does not do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Skipped {
    /// `commit.gpgsign` asks for a signature.
    Signature,
    /// A hook of this name is installed.
    Hook(String),
}

impl fmt::Display for Skipped {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Signature => formatter.write_str("the commit is not signed (commit.gpgsign)"),
            Self::Hook(name) => write!(formatter, "the hook {name} was not run"),
        }
    }
}

/// A git operation that the user has begun and not ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Operation {
    Merge,
    Revert,
    CherryPick,
    Bisect,
    Rebase,
    ApplyMailbox,
}

impl Operation {
    fn described(self) -> &'static str {
        match self {
            Self::Merge => "a merge",
            Self::Revert => "a revert",
            Self::CherryPick => "a cherry-pick",
            Self::Bisect => "a bisect",
            Self::Rebase => "a rebase",
            Self::ApplyMailbox => "a git am",
        }
    }
}

/// Why a commit waits. Each is something that the user, not a retry, usually clears.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reason {
    /// No repository was found from here upwards.
    NoRepository(PathBuf),
    /// The repository has no working tree.
    Bare(PathBuf),
    /// Git distrusts the folder because it belongs to somebody else.
    DubiousOwnership(PathBuf),
    /// The repository uses something that libgit2 does not know; its own words.
    Unsupported(String),
    /// A git operation is under way.
    Busy(Operation),
    /// Neither configuration nor environment says who commits.
    NoIdentity,
    /// Another program holds this index.lock.
    IndexLocked(PathBuf),
    /// HEAD kept moving, or its lock stayed held, while the commit was tried.
    HeadMoves,
    /// A rule of the user's ignores these untracked paths.
    Ignored(Vec<PathBuf>),
    /// A path has an unresolved conflict.
    Conflicted(PathBuf),
    /// A path lies outside the working tree.
    Outside(PathBuf),
    /// A path lies in another repository inside this one.
    Nested(PathBuf),
    /// A path is to go through a filter program (such as git-lfs) that is not run here.
    Filtered {
        /// The path, relative to the repository's root.
        path: PathBuf,
        /// The attribute's value.
        filter: String,
    },
    /// Something that looks like a secret would be committed.
    Secrets(Vec<Finding>),
}

impl Reason {
    /// A word for scripts.
    pub fn code(&self) -> &'static str {
        match self {
            Self::NoRepository(_) => "no-repository",
            Self::Bare(_) => "bare",
            Self::DubiousOwnership(_) => "dubious-ownership",
            Self::Unsupported(_) => "unsupported",
            Self::Busy(_) => "busy",
            Self::NoIdentity => "no-identity",
            Self::IndexLocked(_) => "index-locked",
            Self::HeadMoves => "head-moves",
            Self::Ignored(_) => "ignored",
            Self::Conflicted(_) => "conflicted",
            Self::Outside(_) => "outside",
            Self::Nested(_) => "nested",
            Self::Filtered { .. } => "filtered",
            Self::Secrets(_) => "secrets",
        }
    }

    /// What clears it.
    pub fn hint(&self) -> String {
        match self {
            Self::NoRepository(_) => "run `git init`, or `loradeck init`".into(),
            Self::Bare(_) => "keep the workspace in a repository that has a working tree".into(),
            Self::DubiousOwnership(path) => {
                format!("if you trust it: git config --global --add safe.directory '{}'", path.display())
            }
            Self::Unsupported(_) => "commit the run's files with git itself".into(),
            Self::Busy(_) => "finish or abort it (`git status` says how), then `loradeck commit --pending`".into(),
            Self::NoIdentity => {
                "git config --global user.name 'Your Name' && git config --global user.email you@example.org".into()
            }
            Self::IndexLocked(path) => {
                format!("if no git program is running, remove {}", path.display())
            }
            Self::HeadMoves => "try `loradeck commit --pending` once git is quiet".into(),
            Self::Ignored(paths) => format!(
                "`git check-ignore -v {}` names the rule; add an exception, or `git add -f` the file once",
                paths.first().map_or(Path::new("PATH"), PathBuf::as_path).display()
            ),
            Self::Conflicted(path) => format!("resolve it, then `git add {}`", path.display()),
            Self::Outside(_) => "keep the experiments inside the repository".into(),
            Self::Nested(_) => "commit it from that repository".into(),
            Self::Filtered { path, .. } => {
                format!("exempt it in .gitattributes (`{} -filter`), or commit it with git", path.display())
            }
            Self::Secrets(_) => {
                "remove the value (and replace the secret if it was ever shared), then `loradeck commit --pending`"
                    .into()
            }
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoRepository(path) => write!(formatter, "{} is in no git repository", path.display()),
            Self::Bare(path) => write!(formatter, "the repository {} has no working tree", path.display()),
            Self::DubiousOwnership(path) => {
                write!(formatter, "git distrusts {}: it belongs to another user", path.display())
            }
            Self::Unsupported(what) => {
                write!(formatter, "this repository cannot be written from here: {what}")
            }
            Self::Busy(operation) => write!(formatter, "{} is under way", operation.described()),
            Self::NoIdentity => formatter.write_str("git does not know who commits (user.name, user.email)"),
            Self::IndexLocked(path) => write!(formatter, "another program holds {}", path.display()),
            Self::HeadMoves => formatter.write_str("HEAD kept moving while the commit was tried"),
            Self::Ignored(paths) => write!(formatter, "git ignores {}", listed(paths)),
            Self::Conflicted(path) => write!(formatter, "{} has an unresolved conflict", path.display()),
            Self::Outside(path) => write!(formatter, "{} is outside the repository", path.display()),
            Self::Nested(path) => write!(formatter, "{} is in a repository of its own", path.display()),
            Self::Filtered { path, filter } => {
                write!(formatter, "{} is to go through the filter '{filter}'", path.display())
            }
            Self::Secrets(findings) => {
                formatter.write_str("this looks like a secret: ")?;
                for (position, finding) in findings.iter().enumerate() {
                    write!(formatter, "{}{finding}", if position == 0 { "" } else { ", " })?;
                }
                Ok(())
            }
        }
    }
}

fn listed(paths: &[PathBuf]) -> String {
    let shown: Vec<_> = paths.iter().take(3).map(|path| path.display().to_string()).collect();
    let rest = paths.len() - shown.len();
    if rest == 0 { shown.join(", ") } else { format!("{} and {rest} more", shown.join(", ")) }
}

/// A commit failed although nothing stood in its way.
#[derive(Debug, thiserror::Error)]
pub enum CommitError {
    /// A file could not be read or written.
    #[error(transparent)]
    File(#[from] FileError),
    /// libgit2 refused.
    #[error("cannot {action} in {}: {source}", path.display())]
    Git {
        /// A verb phrase that completes "cannot …".
        action: &'static str,
        /// The repository or file concerned.
        path: PathBuf,
        /// libgit2's answer.
        #[source]
        source: git2::Error,
    },
    /// Only files and symbolic links can be committed.
    #[error("cannot commit {}: it is neither a file nor a symbolic link", .0.display())]
    NotAFile(PathBuf),
}

/// Leaves a commit early: it has to wait, or it failed.
#[derive(Debug)]
pub(super) enum Stop {
    Waiting(Reason),
    Failed(CommitError),
}

impl<E: Into<CommitError>> From<E> for Stop {
    fn from(error: E) -> Self {
        Self::Failed(error.into())
    }
}

/// Adds action and path to a libgit2 result.
pub(super) trait InGit<T> {
    fn in_git(self, action: &'static str, path: &Path) -> Result<T, CommitError>;
}

impl<T> InGit<T> for Result<T, git2::Error> {
    fn in_git(self, action: &'static str, path: &Path) -> Result<T, CommitError> {
        self.map_err(|source| CommitError::Git { action, path: path.to_path_buf(), source })
    }
}
