//! The commit itself: HEAD's tree plus our paths, the user's index first, then the ref.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::time::Duration;

use git2::{ErrorCode, Index, Oid, Repository, Tree};
use loradeck_core::crash;
use loradeck_core::time::Moment;

use super::identity::{self, Environment, Identity};
use super::index;
use super::open::{open, ready_worktree};
use super::outcome::{CommitError, CommitId, InGit, Outcome, Reason, Skipped, Stop};
use super::stage::{self, Change};

const TRIES: usize = 5;
const HOOKS: [&str; 4] = ["pre-commit", "prepare-commit-msg", "commit-msg", "post-commit"];

/// How long others are waited for.
#[derive(Clone, Copy)]
pub(super) struct Patience {
    /// For the user's git to let index.lock go.
    pub index: Duration,
    /// Between two tries at a HEAD that moved or is locked.
    pub head: Duration,
}

const PATIENCE: Patience = Patience { index: Duration::from_secs(2), head: Duration::from_millis(50) };

/// Commits `paths` (absolute; each a file that exists, or one that is gone and shall leave HEAD too) to the branch
/// that is checked out in the repository around `start`.
///
/// The user's index is written first, for these paths only: a death in between leaves the files staged. No hook is
/// run and nothing is signed.
pub fn commit_paths(
    start: &Path,
    paths: &[PathBuf],
    message: &str,
    now: Moment,
) -> Result<Outcome, CommitError> {
    commit_in(start, paths, message, now, &identity::process_environment, PATIENCE)
}

/// [`commit_paths`] with its surroundings given.
pub(super) fn commit_in(
    start: &Path,
    paths: &[PathBuf],
    message: &str,
    now: Moment,
    environment: Environment<'_>,
    patience: Patience,
) -> Result<Outcome, CommitError> {
    match attempt(start, paths, message, now, environment, patience) {
        Ok(outcome) => Ok(outcome),
        Err(Stop::Waiting(reason)) => Ok(Outcome::Waiting(reason)),
        Err(Stop::Failed(error)) => Err(error),
    }
}

fn attempt(
    start: &Path,
    paths: &[PathBuf],
    message: &str,
    now: Moment,
    environment: Environment<'_>,
    patience: Patience,
) -> Result<Outcome, Stop> {
    let repository = open(start)?;
    let root = ready_worktree(&repository)?;
    let mut changes = None;
    for _ in 0..TRIES {
        let head = head(&repository)?;
        let tree = head.map(|id| tree_of(&repository, id)).transpose()?;
        let changes = match &changes {
            Some(changes) => changes,
            None => changes.insert(stage::changes(&repository, &root, tree.as_ref(), paths)?),
        };
        let files = differing(tree.as_ref(), changes);
        if files.is_empty() {
            return Ok(Outcome::NothingChanged);
        }
        let who = identity::identity(&repository, environment, now)?;
        let new_tree = tree_with(&repository, tree.as_ref(), changes)?;
        index::update(&repository, &root, changes, patience.index)?;
        crash::point("commit.after-index");
        if let Some(id) = move_head(&repository, head, new_tree, changes, &who, message)? {
            return Ok(Outcome::Committed { id, files, skipped: skipped(&repository) });
        }
        std::thread::sleep(patience.head);
    }
    Err(Stop::Waiting(Reason::HeadMoves))
}

/// The commit that HEAD names; `None` on a branch without commits.
pub(super) fn head(repository: &Repository) -> Result<Option<Oid>, CommitError> {
    match repository.head() {
        Ok(reference) => Ok(Some(reference.peel_to_commit().in_git("read HEAD", repository.path())?.id())),
        Err(error) if error.code() == ErrorCode::UnbornBranch => Ok(None),
        Err(source) => {
            Err(CommitError::Git { action: "read HEAD", path: repository.path().to_path_buf(), source })
        }
    }
}

/// A commit's tree.
pub(super) fn tree_of(repository: &Repository, commit: Oid) -> Result<Tree<'_>, CommitError> {
    repository
        .find_commit(commit)
        .and_then(|commit| commit.tree())
        .in_git("read HEAD's tree", repository.path())
}

/// The paths whose entry in `tree` is another than the change's.
fn differing(tree: Option<&Tree<'_>>, changes: &[Change]) -> Vec<PathBuf> {
    let differs = |change: &&Change| {
        let held = tree.and_then(|tree| tree.get_path(&change.path).ok());
        match (&change.entry, held) {
            (Some(entry), Some(held)) => entry.id != held.id() || entry.mode != held.filemode() as u32,
            (None, None) => false,
            _ => true,
        }
    };
    changes.iter().filter(differs).map(|change| change.path.clone()).collect()
}

/// Writes HEAD's tree with our paths changed; the user's index has no part in it.
fn tree_with(
    repository: &Repository,
    tree: Option<&Tree<'_>>,
    changes: &[Change],
) -> Result<Oid, CommitError> {
    let build = || {
        let mut index = Index::new()?;
        if let Some(tree) = tree {
            index.read_tree(tree)?;
        }
        index::apply(&mut index, changes)?;
        index.write_tree_to(repository)
    };
    build().in_git("write the tree", repository.path())
}

/// Makes the commit and moves HEAD's branch (or the detached HEAD) from `parent` to it, with a reflog entry.
/// `None` where HEAD has moved meanwhile or is being moved.
fn move_head(
    repository: &Repository,
    parent: Option<Oid>,
    tree: Oid,
    changes: &[Change],
    who: &Identity,
    message: &str,
) -> Result<Option<CommitId>, Stop> {
    let path = repository.path();
    let tree = repository.find_tree(tree).in_git("read the tree", path)?;
    let parent = parent.map(|id| repository.find_commit(id)).transpose().in_git("read HEAD", path)?;
    let parents: Vec<_> = parent.iter().collect();
    let commit = |reference: Option<&str>| {
        repository.commit(reference, &who.author, &who.committer, message, &tree, &parents)
    };
    // First without a ref, so that everything it names is on disk before anything names it.
    let id = commit(None).in_git("write the commit", path)?;
    sync_objects(repository, id, &tree, changes);
    match commit(Some("HEAD")) {
        Ok(id) => Ok(Some(id.into())),
        Err(error) if matches!(error.code(), ErrorCode::Modified | ErrorCode::Locked) => Ok(None),
        Err(source) => Err(CommitError::Git { action: "move HEAD", path: path.to_path_buf(), source }.into()),
    }
}

/// Syncs the new loose objects: libgit2 does not, and a ref to an empty object would break the whole repository.
fn sync_objects(repository: &Repository, commit: Oid, tree: &Tree<'_>, changes: &[Change]) {
    let mut objects = vec![commit, tree.id()];
    for change in changes {
        objects.extend(change.entry.as_ref().map(|entry| entry.id));
        let folders = change.path.ancestors().skip(1).filter(|folder| !folder.as_os_str().is_empty());
        objects.extend(folders.filter_map(|folder| Some(tree.get_path(folder).ok()?.id())));
    }
    objects.sort();
    objects.dedup();
    for object in objects {
        let name = object.to_string();
        let (folder, file) = name.split_at(2);
        // One that lies in a pack, or in an alternate, was durable before.
        if let Ok(file) = File::open(repository.commondir().join("objects").join(folder).join(file)) {
            let _ = file.sync_all();
        }
    }
}

/// What `git commit` would have done besides.
fn skipped(repository: &Repository) -> Vec<Skipped> {
    let mut skipped = Vec::new();
    let Ok(configuration) = repository.config() else { return skipped };
    if configuration.get_bool("commit.gpgsign").unwrap_or(false) {
        skipped.push(Skipped::Signature);
    }
    let folder =
        configuration.get_path("core.hooksPath").unwrap_or_else(|_| repository.commondir().join("hooks"));
    skipped.extend(
        HOOKS.iter().filter(|name| folder.join(name).is_file()).map(|name| Skipped::Hook((*name).to_owned())),
    );
    skipped
}
