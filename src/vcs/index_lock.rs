//! Git's index.lock, taken so that one we left behind can be told from the user's.
//!
//! The lock is a hard link to a file of ours beside it on which this process holds an flock. A lock that shares its
//! inode with such a file is ours, and it is dead exactly when that flock is free: no process number, no clock and no
//! boot is guessed at. The user's git makes its lock by itself, so it shares an inode with nothing.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Write};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime};

use loradeck_core::error::{FileError, WithPath};

use super::outcome::{Reason, Stop};

const PREFIX: &str = "loradeck-index-";
const PAUSE: Duration = Duration::from_millis(20);
/// Leftovers without a lock are removed only when surely nobody is between making and locking one.
const LEFTOVER_AGE: Duration = Duration::from_mins(1);

/// A held index.lock; letting it go without [`IndexLock::replace_index`] leaves the index as it was.
pub(super) struct IndexLock {
    lock: PathBuf,
    staged: PathBuf,
    file: File,
    replaced: bool,
}

impl IndexLock {
    /// Takes the lock of the index in `git_folder`, waiting up to `patience` for whoever holds it.
    pub(super) fn take(git_folder: &Path, patience: Duration) -> Result<Self, Stop> {
        let lock = git_folder.join("index.lock");
        let (staged, file) = staged_file(git_folder)?;
        let began = Instant::now();
        loop {
            let error = match fs::hard_link(&staged, &lock) {
                Ok(()) => return Ok(Self { lock, staged, file, replaced: false }),
                Err(error) => error,
            };
            if error.kind() != io::ErrorKind::AlreadyExists {
                // A file system without hard links: such a lock excludes as well, but is not recognised afterwards.
                match File::create_new(&lock) {
                    Ok(file) => return Ok(Self { lock, staged, file, replaced: false }),
                    Err(exists) if exists.kind() == io::ErrorKind::AlreadyExists => {}
                    Err(_) => {
                        let _ = fs::remove_file(&staged);
                        return Err(FileError::new(&lock, "create", error).into());
                    }
                }
            } else if remove_left_behind(git_folder, &lock)? {
                continue;
            }
            if began.elapsed() >= patience {
                let _ = fs::remove_file(&staged);
                return Err(Stop::Waiting(Reason::IndexLocked(lock)));
            }
            std::thread::sleep(PAUSE);
        }
    }

    /// A path beside the lock for a working copy of the index.
    pub(super) fn scratch(&self) -> PathBuf {
        self.staged.with_extension("scratch")
    }

    /// Makes `contents` the index, durably, and lets the lock go.
    pub(super) fn replace_index(mut self, index: &Path, contents: &[u8]) -> Result<(), FileError> {
        self.file.write_all(contents).with_path(&self.lock, "write")?;
        if let Ok(metadata) = fs::metadata(index) {
            // A shared repository's index is writable by its group.
            fs::set_permissions(&self.lock, metadata.permissions())
                .with_path(&self.lock, "set the mode of")?;
        }
        self.file.sync_all().with_path(&self.lock, "sync")?;
        fs::rename(&self.lock, index).with_path(index, "replace")?;
        self.replaced = true;
        Ok(())
    }
}

impl Drop for IndexLock {
    fn drop(&mut self) {
        let _ = fs::remove_file(self.scratch());
        if !self.replaced {
            let _ = fs::remove_file(&self.lock);
        }
        // Last, so that a lock is recognised for as long as it exists.
        let _ = fs::remove_file(&self.staged);
    }
}

fn staged_file(git_folder: &Path) -> Result<(PathBuf, File), FileError> {
    static COUNTER: AtomicU64 = AtomicU64::new(0);
    loop {
        let count = COUNTER.fetch_add(1, Ordering::Relaxed);
        let path = git_folder.join(format!("{PREFIX}{}-{count}", std::process::id()));
        match OpenOptions::new().write(true).create_new(true).open(&path) {
            Ok(file) => {
                // Where flock is not to be had, the lock still excludes; it only cannot be recognised afterwards.
                let _ = file.try_lock();
                return Ok((path, file));
            }
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(FileError::new(&path, "create", error)),
        }
    }
}

/// Removes an index.lock that a killed process of ours left; `true` where one was removed.
fn remove_left_behind(git_folder: &Path, lock: &Path) -> Result<bool, FileError> {
    let mut removed = false;
    for path in our_files(git_folder)? {
        let Ok(file) = File::open(&path) else { continue };
        if !is_unlocked(&file) {
            continue;
        }
        // Looked at only now, under the flock: of two that clean up, the second finds another inode and stops.
        if is_same_file(&file, lock) {
            fs::remove_file(lock).with_path(lock, "remove the left-behind")?;
            let _ = fs::remove_file(path.with_extension("scratch"));
            let _ = fs::remove_file(&path);
            removed = true;
        } else if is_old(&file) {
            let _ = fs::remove_file(&path);
        }
    }
    Ok(removed)
}

fn our_files(git_folder: &Path) -> Result<Vec<PathBuf>, FileError> {
    let mut found = Vec::new();
    for entry in fs::read_dir(git_folder).with_path(git_folder, "list")? {
        let entry = entry.with_path(git_folder, "list")?;
        if entry.file_name().to_string_lossy().starts_with(PREFIX) {
            found.push(entry.path());
        }
    }
    Ok(found)
}

fn is_unlocked(file: &File) -> bool {
    match file.try_lock() {
        Ok(()) => true,
        Err(TryLockError::WouldBlock | TryLockError::Error(_)) => false,
    }
}

fn is_same_file(file: &File, path: &Path) -> bool {
    match (file.metadata(), fs::symlink_metadata(path)) {
        (Ok(left), Ok(right)) => (left.dev(), left.ino()) == (right.dev(), right.ino()),
        _ => false,
    }
}

fn is_old(file: &File) -> bool {
    let modified = file.metadata().and_then(|metadata| metadata.modified());
    modified.is_ok_and(|time| SystemTime::now().duration_since(time).is_ok_and(|age| age > LEFTOVER_AGE))
}

#[cfg(test)]
mod tests {
    use super::*;

    const NONE: Duration = Duration::ZERO;

    /// What a process killed while it held the lock leaves: both names, and no flock.
    fn abandon(folder: &Path) {
        let lock = IndexLock::take(folder, NONE).map_err(|_| "held").unwrap();
        let (staged, kept) = (lock.staged.clone(), folder.join("kept"));
        fs::hard_link(&staged, &kept).unwrap();
        drop(lock);
        fs::hard_link(&kept, &staged).unwrap();
        fs::rename(&kept, folder.join("index.lock")).unwrap();
        assert!(folder.join("index.lock").exists() && staged.exists());
    }

    #[test]
    fn a_lock_left_behind_is_recognised_by_its_inode() {
        let folder = tempfile::tempdir().unwrap();
        abandon(folder.path());
        let lock = IndexLock::take(folder.path(), NONE);
        assert!(lock.is_ok());
        drop(lock);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    }

    #[test]
    fn the_users_lock_is_never_removed() {
        let folder = tempfile::tempdir().unwrap();
        abandon(folder.path());
        fs::remove_file(folder.path().join("index.lock")).unwrap();
        fs::write(folder.path().join("index.lock"), b"git's").unwrap();
        let refused = IndexLock::take(folder.path(), NONE);
        assert!(matches!(refused, Err(Stop::Waiting(Reason::IndexLocked(_)))));
        assert_eq!(fs::read(folder.path().join("index.lock")).unwrap(), b"git's");
    }

    #[test]
    fn a_living_holder_keeps_its_lock() {
        let folder = tempfile::tempdir().unwrap();
        let held = IndexLock::take(folder.path(), NONE).map_err(|_| "held").unwrap();
        assert!(IndexLock::take(folder.path(), NONE).is_err());
        held.replace_index(&folder.path().join("index"), b"new").unwrap();
        assert_eq!(fs::read(folder.path().join("index")).unwrap(), b"new");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }
}
