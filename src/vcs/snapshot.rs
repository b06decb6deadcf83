//! The code of a commit and a patch on top of it, written into a folder of its own. The user's working tree, index and
//! refs stay as they are.

use std::fs;
use std::path::{Path, PathBuf};

use git2::build::CheckoutBuilder;
use git2::{Diff, Oid};
use loradeck_core::error::WithPath;

use super::commit::tree_of;
use super::open::{open, worktree};
use super::outcome::{CommitError, InGit, Stop};

/// Writes the files of `commit`, changed by `patch`, into `target`, which must not exist. Returns the folder in it that
/// stands for `start`; `None` where `start` is in no repository.
pub fn export_code(
    start: &Path,
    commit: &str,
    patch: &[u8],
    target: &Path,
) -> Result<Option<PathBuf>, CommitError> {
    let (repository, root) = match open(start).and_then(|found| worktree(&found).map(|root| (found, root))) {
        Ok(found) => found,
        Err(Stop::Waiting(_)) => return Ok(None),
        Err(Stop::Failed(error)) => return Err(error),
    };
    let path = repository.path().to_path_buf();
    let id = Oid::from_str(commit).in_git("read the commit's id for", &path)?;
    let mut tree = tree_of(&repository, id)?;
    if !patch.is_empty() {
        let diff = Diff::from_buffer(patch).in_git("read code.patch for", &path)?;
        let mut index = repository
            .apply_to_tree(&tree, &diff, None)
            .in_git("apply code.patch to the commit of", &path)?;
        let id = index.write_tree_to(&repository).in_git("write the code's tree in", &path)?;
        tree = repository.find_tree(id).in_git("read the code's tree in", &path)?;
    }
    fs::create_dir_all(target).with_path(target, "create the folder")?;
    let mut checkout = CheckoutBuilder::new();
    checkout.target_dir(target).force().update_index(false).recreate_missing(true).disable_filters(true);
    repository.checkout_tree(tree.as_object(), Some(&mut checkout)).in_git("write the code out of", &path)?;
    let start = start.canonicalize().with_path(start, "resolve")?;
    let inside = start.strip_prefix(&root).unwrap_or(Path::new(""));
    Ok(Some(target.join(inside)))
}
