//! Whether the run's folder is still where it was: one that was removed must not come back as a ghost of a few files,
//! and one that was moved must not be written to under its old path.

use std::fs::{self, File};
use std::io;
use std::os::fd::AsRawFd;
use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;

use loradeck_core::run::RunFolder;

/// The folder, held open.
#[derive(Debug)]
pub(super) struct HeldFolder {
    path: PathBuf,
    folder: File,
}

/// Where a folder has gone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Displaced {
    /// It was removed.
    Removed,
    /// It is there now.
    Moved(PathBuf),
}

impl HeldFolder {
    pub(super) fn open(run: &RunFolder) -> io::Result<Self> {
        Ok(Self { path: run.path().to_path_buf(), folder: File::open(run.path())? })
    }

    /// Where it has gone, if it is not at its path any more. A file system that does not answer says nothing.
    pub(super) fn look(&self) -> Option<Displaced> {
        let held = self.folder.metadata().ok()?;
        match fs::metadata(&self.path) {
            Ok(now) if (now.dev(), now.ino()) == (held.dev(), held.ino()) => return None,
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(_) => return None,
        }
        let now = fs::read_link(format!("/proc/self/fd/{}", self.folder.as_raw_fd())).ok()?;
        Some(if now.is_dir() { Displaced::Moved(now) } else { Displaced::Removed })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moved_and_a_removed_folder_are_told_apart() {
        let root = tempfile::tempdir().unwrap();
        let root = root.path().canonicalize().unwrap();
        let run = RunFolder::new(root.join("a"));
        fs::create_dir(run.path()).unwrap();
        let held = HeldFolder::open(&run).unwrap();
        assert_eq!(held.look(), None);
        fs::rename(run.path(), root.join("b")).unwrap();
        assert_eq!(held.look(), Some(Displaced::Moved(root.join("b"))));
        fs::create_dir(run.path()).unwrap();
        assert_eq!(held.look(), Some(Displaced::Moved(root.join("b"))), "another one in its place");
        fs::remove_dir(root.join("b")).unwrap();
        assert_eq!(held.look(), Some(Displaced::Removed));
    }
}
