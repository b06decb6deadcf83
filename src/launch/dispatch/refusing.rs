//! Runs whose folder refuses what is to be written in it, read-only ones above all: each is said once, and costs no other
//! run anything.

use std::collections::HashSet;

use loradeck_core::error::FileError;
use loradeck_core::file::LineFile;
use loradeck_core::run::{RunFolder, Workspace};
use loradeck_core::time::Moment;

/// What has been said so far.
#[derive(Debug, Default)]
pub(super) struct Refusing {
    told: HashSet<String>,
}

impl Refusing {
    /// The result of something done in `run`; an error of that very folder is told in the log and `None`, so that the
    /// dispatcher goes on with the others and tries again with its next look.
    pub(super) fn pass_over<T>(
        &mut self,
        workspace: &Workspace,
        run: &RunFolder,
        result: Result<T, FileError>,
    ) -> Result<Option<T>, FileError> {
        match result {
            Err(error) if error.path.starts_with(run.path()) => {
                self.tell(workspace, run, &error);
                Ok(None)
            }
            other => other.map(Some),
        }
    }

    fn tell(&mut self, workspace: &Workspace, run: &RunFolder, error: &FileError) {
        // The path may be that of a temporary file, another one each time.
        let key = format!("{} {} {:?}", run.label(), error.action, error.source.kind());
        if self.told.insert(key)
            && let Ok(mut log) = LineFile::open(&workspace.dispatch_log())
        {
            let _ = log.append(&format!(
                "{} {}: {error} (trying again)",
                Moment::now().to_rfc3339(),
                run.label()
            ));
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Error, ErrorKind};

    use super::*;

    #[test]
    fn a_folders_own_error_is_told_once_and_any_other_stands() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("loradeck.yaml"), "format: 1\n").unwrap();
        let workspace = Workspace::find(folder.path()).unwrap();
        workspace.ensure_state_folder().unwrap();
        let run = RunFolder::new(workspace.experiment("x").runs_folder().join("0001"));
        let mut refusing = Refusing::default();
        let error = |path| FileError::new(path, "create", Error::from(ErrorKind::PermissionDenied));
        for temporary in ["a", "b"] {
            let failed: Result<(), _> = Err(error(run.path().join(temporary)));
            assert_eq!(refusing.pass_over(&workspace, &run, failed).unwrap(), None);
        }
        let log = std::fs::read_to_string(workspace.dispatch_log()).unwrap();
        assert_eq!(log.matches("x/0001: cannot create").count(), 1, "{log}");
        assert_eq!(refusing.pass_over(&workspace, &run, Ok(7)).unwrap(), Some(7));
        let elsewhere: Result<(), _> = Err(error(workspace.root().join("queue.lock")));
        assert!(refusing.pass_over(&workspace, &run, elsewhere).is_err());
    }
}
