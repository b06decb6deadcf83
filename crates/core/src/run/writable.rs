//! Whether a run's folder can be written by its user: a folder that somebody made read-only is no dead process.

use std::fs;
use std::io::{self, ErrorKind};
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use rustix::fs::{Access, access};
use rustix::process::geteuid;

use crate::error::FileError;
use crate::run::RunFolder;

/// Why nothing can be written in `run`, which names the folder in question: the run's own, or one of those in it that
/// every attempt writes to. `None` where it can be, where the folder is missing, or where it is another user's, whose
/// rights cannot be told from ours.
pub fn why_unwritable(run: &RunFolder) -> Option<FileError> {
    let folders = [run.path().to_path_buf(), run.attempts(), run.logs(), run.journal()];
    folders.iter().find_map(|folder| why_not(folder))
}

fn why_not(folder: &Path) -> Option<FileError> {
    let error = io::Error::from(access(folder, Access::WRITE_OK | Access::EXEC_OK).err()?);
    let is_obstacle = match error.kind() {
        ErrorKind::ReadOnlyFilesystem => true,
        ErrorKind::PermissionDenied => is_ours(folder),
        _ => false,
    };
    is_obstacle.then(|| FileError::new(folder, "write into", error))
}

fn is_ours(folder: &Path) -> bool {
    fs::metadata(folder).is_ok_and(|metadata| metadata.uid() == geteuid().as_raw())
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn a_folder_of_ours_without_the_right_to_write_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let run = RunFolder::new(folder.path());
        fs::create_dir_all(run.journal()).unwrap();
        assert!(why_unwritable(&run).is_none());
        fs::set_permissions(run.logs(), fs::Permissions::from_mode(0o555)).unwrap();
        let why = why_unwritable(&run).map(|error| error.to_string());
        fs::set_permissions(run.logs(), fs::Permissions::from_mode(0o755)).unwrap();
        // The superuser may write whatever the mode says.
        let expected = (!geteuid().is_root())
            .then(|| format!("cannot write into {}: Permission denied (os error 13)", run.logs().display()));
        assert_eq!(why, expected);
    }

    #[test]
    fn a_missing_folder_is_another_matter() {
        let folder = tempfile::tempdir().unwrap();
        assert!(why_unwritable(&RunFolder::new(folder.path().join("gone"))).is_none());
    }
}
