//! Where a sweep's file lies, and who may change it.

use std::path::PathBuf;

use loradeck_core::error::FileError;
use loradeck_core::run::{ExperimentFolder, Workspace};

use crate::launch::sweep_file::SweepFile;

/// One sweep of a workspace.
#[derive(Clone, Copy, Debug)]
pub(super) struct SweepAt<'a> {
    pub(super) workspace: &'a Workspace,
    pub(super) experiment: &'a ExperimentFolder,
    pub(super) number: u32,
}

impl SweepAt<'_> {
    pub(super) fn path(self) -> PathBuf {
        SweepFile::path_of(self.experiment, self.number)
    }

    /// As [`SweepFile::change`].
    pub(super) fn change(self, change: impl FnOnce(&mut SweepFile)) -> Result<bool, FileError> {
        SweepFile::change(self.workspace, self.experiment, self.number, change)
    }
}
