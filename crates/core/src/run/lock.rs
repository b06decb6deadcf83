//! Locks instead of PID guesses: whoever holds the lock is alive, and the kernel lets go for the dead.

use std::fs::{File, OpenOptions, TryLockError};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use crate::error::{FileError, WithPath};

/// An exclusive `flock` on a lock file, released when dropped or when the process dies.
#[derive(Debug)]
pub struct FileLock {
    path: PathBuf,
    file: File,
}

impl FileLock {
    /// The lock file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The open handle, so that a child may inherit the lock.
    pub fn file(&self) -> &File {
        &self.file
    }

    /// Waits for the lock as long as it takes.
    pub fn wait(path: &Path) -> Result<Self, FileError> {
        let file = open(path)?;
        file.lock().with_path(path, "lock")?;
        Ok(Self { path: path.to_path_buf(), file })
    }

    /// Waits for a shared lock: held together with other sharers, never beside an exclusive one.
    pub fn try_shared(path: &Path) -> Result<Option<Self>, FileError> {
        let file = open(path)?;
        answer(path, file.try_lock_shared()).map(|free| free.then(|| Self { path: path.to_path_buf(), file }))
    }
}

/// Takes the lock if it is free. The file is created where missing and never replaced or removed.
pub fn try_exclusive(path: &Path) -> Result<Option<FileLock>, FileError> {
    let file = open(path)?;
    answer(path, file.try_lock()).map(|free| free.then(|| FileLock { path: path.to_path_buf(), file }))
}

/// Whether somebody holds the lock now, asked by a *shared* try-lock so that two askers do not see each other.
pub fn is_held(path: &Path) -> Result<bool, FileError> {
    let file = match OpenOptions::new().read(true).open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(false),
        Err(error) => return Err(FileError::new(path, "open", error)),
    };
    answer(path, file.try_lock_shared()).map(|free| !free)
}

/// Like [`is_held`], but a lock found held is tried again for `patience`: a dying process's inherited handle may
/// linger for a moment.
pub fn is_held_patiently(path: &Path, patience: Duration) -> Result<bool, FileError> {
    let until = Instant::now() + patience;
    loop {
        if !is_held(path)? {
            return Ok(false);
        }
        if Instant::now() >= until {
            return Ok(true);
        }
        thread::sleep(Duration::from_millis(20));
    }
}

fn open(path: &Path) -> Result<File, FileError> {
    OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path).with_path(path, "open")
}

fn answer(path: &Path, result: Result<(), TryLockError>) -> Result<bool, FileError> {
    match result {
        Ok(()) => Ok(true),
        Err(TryLockError::WouldBlock) => Ok(false),
        Err(TryLockError::Error(error)) => Err(FileError::new(path, "lock", error)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_held_lock_is_seen_and_refused_until_dropped() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("run.lock");
        assert!(!is_held(&path).unwrap());
        let lock = try_exclusive(&path).unwrap().unwrap();
        assert!(is_held(&path).unwrap());
        assert!(try_exclusive(&path).unwrap().is_none());
        drop(lock);
        assert!(!is_held_patiently(&path, Duration::from_secs(1)).unwrap());
    }

    #[test]
    fn askers_do_not_take_each_other_for_the_holder() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("run.lock");
        drop(try_exclusive(&path).unwrap());
        let asker = FileLock::try_shared(&path).unwrap().unwrap();
        assert!(!is_held(&path).unwrap());
        drop(asker);
    }
}
