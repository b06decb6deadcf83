//! Finding, opening and making repositories.

use std::path::{Path, PathBuf};

use git2::{ErrorCode, Repository, RepositoryInitOptions, RepositoryOpenFlags, RepositoryState};
use loradeck_core::error::WithPath;

use super::outcome::{CommitError, InGit, Operation, Reason, Stop};

/// The repository that holds `start`, searched upwards as git does.
pub(super) fn open(start: &Path) -> Result<Repository, Stop> {
    let start = nearest_existing(start);
    let none: [&Path; 0] = [];
    Repository::open_ext(&start, RepositoryOpenFlags::empty(), none).map_err(|error| refusal(&start, error))
}

/// The repository of `start`, or `None` where nothing can be asked of one.
pub(super) fn open_if_any(start: &Path) -> Result<Option<Repository>, CommitError> {
    match open(start) {
        Ok(repository) => Ok(Some(repository)),
        Err(Stop::Waiting(_)) => Ok(None),
        Err(Stop::Failed(error)) => Err(error),
    }
}

fn refusal(start: &Path, error: git2::Error) -> Stop {
    match error.code() {
        ErrorCode::NotFound => Stop::Waiting(Reason::NoRepository(start.to_path_buf())),
        ErrorCode::Owner => Stop::Waiting(Reason::DubiousOwnership(distrusted_folder(start))),
        _ if error.message().contains("unsupported") => {
            Stop::Waiting(Reason::Unsupported(error.message().to_owned()))
        }
        _ => CommitError::Git { action: "open the repository", path: start.to_path_buf(), source: error }
            .into(),
    }
}

/// The folder that `safe.directory` would have to name: the nearest one upwards that has a `.git`.
fn distrusted_folder(start: &Path) -> PathBuf {
    start.ancestors().find(|folder| folder.join(".git").exists()).unwrap_or(start).to_path_buf()
}

fn nearest_existing(start: &Path) -> PathBuf {
    start.ancestors().find_map(|folder| folder.canonicalize().ok()).unwrap_or_else(|| start.to_path_buf())
}

/// The working tree's real path, if commits can be made in this repository now.
pub(super) fn ready_worktree(repository: &Repository) -> Result<PathBuf, Stop> {
    if let Some(operation) = operation_under_way(repository.state()) {
        return Err(Stop::Waiting(Reason::Busy(operation)));
    }
    worktree(repository)
}

/// The working tree's real path.
pub(super) fn worktree(repository: &Repository) -> Result<PathBuf, Stop> {
    let Some(folder) = repository.workdir() else {
        return Err(Stop::Waiting(Reason::Bare(repository.path().to_path_buf())));
    };
    Ok(folder.canonicalize().with_path(folder, "resolve")?)
}

fn operation_under_way(state: RepositoryState) -> Option<Operation> {
    match state {
        RepositoryState::Clean => None,
        RepositoryState::Merge => Some(Operation::Merge),
        RepositoryState::Revert | RepositoryState::RevertSequence => Some(Operation::Revert),
        RepositoryState::CherryPick | RepositoryState::CherryPickSequence => Some(Operation::CherryPick),
        RepositoryState::Bisect => Some(Operation::Bisect),
        RepositoryState::Rebase | RepositoryState::RebaseInteractive | RepositoryState::RebaseMerge => {
            Some(Operation::Rebase)
        }
        RepositoryState::ApplyMailbox | RepositoryState::ApplyMailboxOrRebase => {
            Some(Operation::ApplyMailbox)
        }
    }
}

/// What [`init`] found or made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Initialised {
    /// A repository was there already; its working tree. Nothing of it was changed.
    Found(PathBuf),
    /// A new repository whose unborn branch is `main`.
    Made(PathBuf),
}

/// Makes a repository in `folder`, unless the folder is already kept by one.
///
/// A repository further up that ignores `folder` does not count: commits there would never hold anything of it.
pub fn init(folder: &Path) -> Result<Initialised, CommitError> {
    let folder = folder.canonicalize().with_path(folder, "resolve")?;
    match open(&folder) {
        Ok(repository) => match worktree(&repository) {
            Ok(root) if !is_ignored_below(&repository, &root, &folder)? => {
                return Ok(Initialised::Found(root));
            }
            Ok(_) | Err(Stop::Waiting(_)) => {}
            Err(Stop::Failed(error)) => return Err(error),
        },
        // Somebody's repository is there, although it cannot be used: a second one inside would only hide that.
        Err(Stop::Waiting(Reason::DubiousOwnership(root))) => return Ok(Initialised::Found(root)),
        Err(Stop::Waiting(_)) => {}
        Err(Stop::Failed(error)) => return Err(error),
    }
    let mut options = RepositoryInitOptions::new();
    options.initial_head("main").no_reinit(true).external_template(false);
    Repository::init_opts(&folder, &options).in_git("make a repository", &folder)?;
    Ok(Initialised::Made(folder))
}

/// Gives the repository of `start` a name for its commits, in its own configuration. For repositories that loradeck
/// made itself; it never touches the user's.
pub fn set_local_identity(start: &Path, name: &str, email: &str) -> Result<(), CommitError> {
    let Some(repository) = open_if_any(start)? else { return Ok(()) };
    let set = |key: &str, value: &str| {
        let level = git2::ConfigLevel::Local;
        repository.config()?.open_level(level)?.set_str(key, value)
    };
    set("user.name", name).in_git("set user.name in", start)?;
    set("user.email", email).in_git("set user.email in", start)
}

fn is_ignored_below(repository: &Repository, root: &Path, folder: &Path) -> Result<bool, CommitError> {
    match folder.strip_prefix(root) {
        Ok(relative) if !relative.as_os_str().is_empty() => {
            // The trailing slash makes rules for folders apply.
            repository.is_path_ignored(relative.join("")).in_git("read the ignore rules", root)
        }
        _ => Ok(false),
    }
}

#[cfg(test)]
mod tests {
    use git2::{Error, ErrorClass};

    use super::*;

    #[test]
    fn distrust_is_told_from_failure() {
        let reason =
            |code, message: &str| refusal(Path::new("/a"), Error::new(code, ErrorClass::Config, message));
        assert!(matches!(reason(ErrorCode::Owner, "not owned"), Stop::Waiting(Reason::DubiousOwnership(_))));
        let unsupported = reason(ErrorCode::GenericError, "unsupported extension name extensions.refstorage");
        assert!(matches!(unsupported, Stop::Waiting(Reason::Unsupported(_))));
        assert!(matches!(reason(ErrorCode::GenericError, "disk on fire"), Stop::Failed(_)));
    }
}
