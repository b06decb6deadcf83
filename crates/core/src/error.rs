//! The error that every file operation answers with: what was being done, to which path, and why it failed.

use std::io;
use std::path::{Path, PathBuf};

/// An input or output error with its path and the action that failed.
///
/// Its words hold the system's answer; so it names no source, which who prints a chain of errors would say once more.
#[derive(Debug)]
pub struct FileError {
    /// The file or folder concerned.
    pub path: PathBuf,
    /// A verb phrase that completes "cannot …", such as `"read"` or `"create the folder"`.
    pub action: &'static str,
    /// The operating system's answer.
    pub source: io::Error,
}

impl std::fmt::Display for FileError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "cannot {} {}: {}", self.action, self.path.display(), self.source)
    }
}

impl std::error::Error for FileError {}

impl FileError {
    /// Wraps `source` with the path and action it happened in.
    pub fn new(path: impl AsRef<Path>, action: &'static str, source: io::Error) -> Self {
        Self { path: path.as_ref().to_path_buf(), action, source }
    }

    /// Whether the file or folder was simply not there.
    pub fn is_not_found(&self) -> bool {
        self.source.kind() == io::ErrorKind::NotFound
    }
}

/// Adds path and action to an [`io::Result`].
pub trait WithPath<T> {
    /// Turns the error into a [`FileError`] for `path`, saying that `action` failed.
    fn with_path(self, path: impl AsRef<Path>, action: &'static str) -> Result<T, FileError>;
}

impl<T> WithPath<T> for io::Result<T> {
    fn with_path(self, path: impl AsRef<Path>, action: &'static str) -> Result<T, FileError> {
        self.map_err(|source| FileError::new(path, action, source))
    }
}
