//! Questions to a repository that change nothing in it.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use git2::{Index, Repository, Sort, StatusOptions, Tree};
use loradeck_core::time::Moment;

use super::commit::{head, tree_of};
use super::identity::{self, process_environment};
use super::open::{open_if_any, worktree};
use super::outcome::{CommitError, CommitId, InGit, Stop};
use super::paths::relative_to;
use super::stage::{is_unchanged, refuse_filter_program};

/// Which of `paths` (absolute) are otherwise on disk than in HEAD: changed, new, or gone.
///
/// A path that neither has is not pending. Without a usable repository all that exist are.
pub fn pending(start: &Path, paths: &[PathBuf]) -> Result<Vec<PathBuf>, CommitError> {
    let Some(asked) = Asked::open(start)? else {
        return Ok(paths.iter().filter(|path| fs::symlink_metadata(path).is_ok()).cloned().collect());
    };
    let tree = asked.head_tree()?;
    let mut found = Vec::new();
    for path in paths {
        if asked.differs(tree.as_ref(), path)? {
            found.push(path.clone());
        }
    }
    Ok(found)
}

/// Whether HEAD holds every one of `paths` exactly as it is on disk.
pub fn head_contains(start: &Path, paths: &[PathBuf]) -> Result<bool, CommitError> {
    if paths.iter().any(|path| fs::symlink_metadata(path).is_err()) {
        return Ok(false);
    }
    Ok(pending(start, paths)?.is_empty())
}

/// The submodules of the repository around `start`, relative to its root: other repositories, of which it knows only the
/// commit.
pub fn submodules(start: &Path) -> Result<Vec<PathBuf>, CommitError> {
    let Some(repository) = open_if_any(start)? else { return Ok(Vec::new()) };
    let found = repository.submodules().in_git("list the submodules of", repository.path())?;
    Ok(found.iter().map(|submodule| submodule.path().to_path_buf()).collect())
}

/// A repository opened for questions: objects that hashing makes stay in memory.
struct Asked {
    repository: Repository,
    root: PathBuf,
    index: Option<Index>,
}

impl Asked {
    fn open(start: &Path) -> Result<Option<Self>, CommitError> {
        let Some(repository) = open_if_any(start)? else { return Ok(None) };
        let root = match worktree(&repository) {
            Ok(root) => root,
            Err(Stop::Waiting(_)) => return Ok(None),
            Err(Stop::Failed(error)) => return Err(error),
        };
        let objects = repository.odb().in_git("open the objects", &root)?;
        objects.add_new_mempack_backend(i32::MAX).in_git("open the objects", &root)?;
        drop(objects);
        let index = repository.index().ok();
        Ok(Some(Self { repository, root, index }))
    }

    fn head_tree(&self) -> Result<Option<Tree<'_>>, CommitError> {
        head(&self.repository)?.map(|id| tree_of(&self.repository, id)).transpose()
    }

    fn differs(&self, tree: Option<&Tree<'_>>, path: &Path) -> Result<bool, CommitError> {
        let metadata = fs::symlink_metadata(path).ok();
        let relative = match relative_to(&self.root, path) {
            Ok(relative) => relative,
            // What cannot be committed from here stays pending as long as it exists.
            Err(Stop::Waiting(_)) => return Ok(metadata.is_some()),
            Err(Stop::Failed(error)) => return Err(error),
        };
        let held = tree.and_then(|tree| tree.get_path(&relative).ok());
        let (Some(metadata), Some(held)) = (&metadata, &held) else {
            return Ok(metadata.is_some() || held.is_some());
        };
        if self.is_known_clean(&relative, metadata, held.id()) {
            return Ok(false);
        }
        Ok(self.hash(&relative, path, metadata)? != Some(held.id()))
    }

    /// The cheap answer: HEAD's blob is in the index beside the stat data of the file as it still is.
    fn is_known_clean(&self, relative: &Path, metadata: &fs::Metadata, held: git2::Oid) -> bool {
        let entry = self.index.as_ref().and_then(|index| index.get_path(relative, 0));
        entry.is_some_and(|entry| {
            entry.id == held && is_unchanged(&entry, metadata) && !self.is_racy(entry.mtime.seconds())
        })
    }

    fn is_racy(&self, seconds: i32) -> bool {
        use std::os::unix::fs::MetadataExt;
        let written = fs::metadata(self.repository.path().join("index")).map(|metadata| metadata.mtime());
        written.map_or(true, |written| i64::from(seconds) >= written)
    }

    fn hash(
        &self,
        relative: &Path,
        path: &Path,
        metadata: &fs::Metadata,
    ) -> Result<Option<git2::Oid>, CommitError> {
        if metadata.is_symlink() {
            use std::os::unix::ffi::OsStrExt;
            let Ok(target) = fs::read_link(path) else { return Ok(None) };
            return self.repository.blob(target.as_os_str().as_bytes()).map(Some).in_git("hash a link", path);
        }
        match refuse_filter_program(&self.repository, relative) {
            Ok(()) => self.repository.blob_path(&self.root.join(relative)).map(Some).in_git("hash", path),
            Err(Stop::Waiting(_)) => Ok(None),
            Err(Stop::Failed(error)) => Err(error),
        }
    }
}

/// The commit that is checked out around `start`; `None` without a repository or without a commit.
pub fn head_commit(start: &Path) -> Result<Option<CommitId>, CommitError> {
    match open_if_any(start)? {
        Some(repository) => Ok(head(&repository)?.map(CommitId::from)),
        None => Ok(None),
    }
}

/// Whether tracked files differ from HEAD, in the index or on disk. Untracked files do not count.
pub fn is_dirty(start: &Path) -> Result<bool, CommitError> {
    let Some(repository) = open_if_any(start)? else { return Ok(false) };
    if repository.is_bare() {
        return Ok(false);
    }
    let mut options = StatusOptions::new();
    options.include_untracked(false).include_ignored(false).update_index(false);
    let statuses = repository.statuses(Some(&mut options)).in_git("compare the files", repository.path())?;
    Ok(!statuses.is_empty())
}

/// Name and address that a commit would carry; `None` where git does not know them.
pub fn identity(start: &Path) -> Result<Option<(String, String)>, CommitError> {
    Ok(open_if_any(start)?.and_then(|repository| identity::author(&repository, &process_environment)))
}

/// The names in a folder (absolute) of HEAD's tree, sorted: run numbers that a checkout has taken from the disk.
pub fn names_in_head(folder: &Path) -> Result<Vec<String>, CommitError> {
    let Some(repository) = open_if_any(folder)? else { return Ok(Vec::new()) };
    let Some(commit) = head(&repository)? else { return Ok(Vec::new()) };
    let tree = tree_of(&repository, commit)?;
    let Some(relative) = inside(&repository, folder)? else { return Ok(Vec::new()) };
    let names = |tree: &Tree<'_>| -> BTreeSet<String> {
        tree.iter().map(|entry| String::from_utf8_lossy(entry.name_bytes()).into_owned()).collect()
    };
    if relative.as_os_str().is_empty() {
        return Ok(names(&tree).into_iter().collect());
    }
    let subtree = tree.get_path(&relative).ok().and_then(|entry| repository.find_tree(entry.id()).ok());
    Ok(subtree.as_ref().map(names).unwrap_or_default().into_iter().collect())
}

/// A file (absolute path, on disk or not) as a commit holds it; `None` where it does not.
pub fn file_at(commit: &CommitId, path: &Path) -> Result<Option<Vec<u8>>, CommitError> {
    let Some(repository) = open_if_any(path)? else { return Ok(None) };
    let Some(relative) = inside(&repository, path)? else { return Ok(None) };
    let found = repository.revparse_single(&commit.0).and_then(|object| object.peel_to_tree());
    let Ok(entry) = found.and_then(|tree| tree.get_path(&relative)) else { return Ok(None) };
    Ok(repository.find_blob(entry.id()).ok().map(|blob| blob.content().to_vec()))
}

fn inside(repository: &Repository, path: &Path) -> Result<Option<PathBuf>, CommitError> {
    let located = worktree(repository).and_then(|root| {
        // The root itself has no parent inside, so it is asked for by its own name.
        if path.canonicalize().is_ok_and(|real| real == root) {
            Ok(PathBuf::new())
        } else {
            relative_to(&root, path)
        }
    });
    match located {
        Ok(relative) => Ok(Some(relative)),
        Err(Stop::Waiting(_)) => Ok(None),
        Err(Stop::Failed(error)) => Err(error),
    }
}

/// The latest commits around `start`, newest first, at most `limit`: name, time and first line.
pub fn history(start: &Path, limit: usize) -> Result<Vec<(CommitId, Moment, String)>, CommitError> {
    let Some(repository) = open_if_any(start)? else { return Ok(Vec::new()) };
    let Some(commit) = head(&repository)? else { return Ok(Vec::new()) };
    let read = || {
        let mut walk = repository.revwalk()?;
        walk.set_sorting(Sort::TOPOLOGICAL | Sort::TIME)?;
        walk.push(commit)?;
        walk.take(limit).map(|id| repository.find_commit(id?)).collect::<Result<Vec<_>, _>>()
    };
    let commits = read().in_git("read the history", repository.path())?;
    Ok(commits
        .into_iter()
        .map(|commit| {
            let summary =
                String::from_utf8_lossy(commit.message_bytes()).lines().next().unwrap_or("").to_owned();
            (commit.id().into(), Moment(commit.time().seconds() * 1000), summary)
        })
        .collect())
}
