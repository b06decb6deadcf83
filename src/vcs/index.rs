//! Writing our paths into the user's index, every other entry as it was.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::time::Duration;

use git2::{Index, IndexEntry, ObjectType, Oid, Repository};
use loradeck_core::error::{FileError, WithPath};

use super::index_lock::IndexLock;
use super::outcome::{InGit, Stop};
use super::stage::{Change, is_unchanged, path_of, unreadable_index};

const ASSUME_UNCHANGED: u16 = 0x8000;

/// Puts `changes` into the index on disk, under git's own lock.
///
/// libgit2 takes that lock only while it writes, so that what the user staged meanwhile would be lost; here it is
/// held from before the reading to the rename.
pub(super) fn update(
    repository: &Repository,
    root: &Path,
    changes: &[Change],
    patience: Duration,
) -> Result<(), Stop> {
    let path = repository.path().join("index");
    let lock = IndexLock::take(repository.path(), patience)?;
    let scratch = lock.scratch();
    let written_at = copy(&path, &scratch)?;
    let mut index = Index::open(&scratch).map_err(|error| unreadable_index(repository, error))?;
    if let Some(seconds) = written_at {
        mark_racy_entries(&mut index, root, seconds)?;
    }
    apply(&mut index, changes).in_git("change the index", &path)?;
    index.write().in_git("write the index", &path)?;
    let contents = fs::read(&scratch).with_path(&scratch, "read")?;
    Ok(lock.replace_index(&path, &contents)?)
}

/// Copies the index; answers the second in which it was written, or `None` where there is none yet.
fn copy(from: &Path, to: &Path) -> Result<Option<i64>, FileError> {
    match fs::metadata(from) {
        Ok(metadata) => {
            fs::copy(from, to).with_path(from, "copy")?;
            Ok(Some(metadata.mtime()))
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(FileError::new(from, "look at", error)),
    }
}

/// Applies `changes` to an index in memory.
pub(super) fn apply(index: &mut Index, changes: &[Change]) -> Result<(), git2::Error> {
    for change in changes {
        match &change.entry {
            Some(entry) => index.add(entry)?,
            None if index.get_path(&change.path, 0).is_some() => index.remove(&change.path, 0)?,
            None => {}
        }
    }
    Ok(())
}

/// Keeps git's protection of files that changed in the same second as the index: it trusts an entry's stat data only
/// if the file is older than the index, and ours will be newer. As git does, such an entry gets the size 0, which
/// makes the next reader compare contents (git's `Documentation/technical/racy-git.txt`).
fn mark_racy_entries(index: &mut Index, root: &Path, written_at: i64) -> Result<(), Stop> {
    let racy: Vec<IndexEntry> = index
        .iter()
        .filter(|entry| is_plain_file(entry) && i64::from(entry.mtime.seconds()) >= written_at)
        .filter(|entry| may_hide_a_change(entry, root))
        .collect();
    for mut entry in racy {
        entry.file_size = 0;
        index.add(&entry).in_git("change the index", root)?;
    }
    Ok(())
}

/// A resolved file that git compares with the disk at all.
fn is_plain_file(entry: &IndexEntry) -> bool {
    entry.mode & 0o170_000 == 0o100_000
        && entry.flags & (0x3000 | ASSUME_UNCHANGED) == 0
        && entry.flags_extended == 0
        && entry.file_size != 0
}

fn may_hide_a_change(entry: &IndexEntry, root: &Path) -> bool {
    let path = root.join(path_of(entry));
    let Ok(metadata) = fs::symlink_metadata(&path) else { return false };
    // Without filters: a converted file is then marked without need, which costs one comparison.
    is_unchanged(entry, &metadata) && Oid::hash_file(ObjectType::Blob, &path).ok() != Some(entry.id)
}
