//! `$XDG_STATE_HOME/loradeck/trust.json` (default `~/.local/state/loradeck/trust.json`): which workspaces this user
//! trusts. It is replaced as a whole, under a lock beside it.

use std::env;
use std::fs::{self, DirBuilder, OpenOptions};
use std::hash::{BuildHasher, RandomState};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::decide::{Distrust, decide};
use super::facts::{own_user, see};
use super::record::{Accepted, MARK, TrustRecord};
use crate::error::{FileError, WithPath};
use crate::file::{self, Durability};
use crate::run::{FileLock, Workspace};
use crate::time::Moment;

/// The format of the file that this program writes, and the newest it reads.
const FORMAT: u32 = 1;

/// Why it cannot be said whether a workspace is trusted, or not be recorded. It counts as not trusted.
#[derive(Debug, thiserror::Error)]
pub enum TrustError {
    /// There is no folder for it.
    #[error("neither XDG_STATE_HOME nor HOME names a folder for what you trust (hint: export HOME=…)")]
    NoHome,
    /// Others could have written it.
    #[error(
        "other users can change '{}' (owner {owner}, mode {mode:o}), so its list of trusted workspaces is ignored (hint: chown and chmod go-w, or remove it)",
        .path.display()
    )]
    NotOurs {
        /// The file or folder.
        path: PathBuf,
        /// Its owner's number.
        owner: u32,
        /// Its permission bits.
        mode: u32,
    },
    /// A newer program wrote it.
    #[error("'{}' has format {format}, this program knows {FORMAT} (hint: use a newer loradeck)", .path.display())]
    Newer {
        /// The file.
        path: PathBuf,
        /// Its format.
        format: u32,
    },
    /// A file could not be read or written.
    #[error(transparent)]
    File(#[from] FileError),
}

#[derive(Debug, Serialize, Deserialize)]
struct Contents {
    format: u32,
    #[serde(default)]
    workspaces: Vec<TrustRecord>,
}

/// Where a user's trust is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TrustStore {
    folder: PathBuf,
}

impl TrustStore {
    /// The store of whoever runs this program.
    ///
    /// A relative `XDG_STATE_HOME` is ignored, as the XDG base directory specification has it: it would lie in whatever
    /// folder one is in.
    pub fn of_user() -> Result<Self, TrustError> {
        let state = env::var_os("XDG_STATE_HOME").map(PathBuf::from).filter(|path| path.is_absolute());
        let home = || env::home_dir().filter(|path| path.is_absolute());
        let state = state.or_else(|| home().map(|home| home.join(".local/state")));
        state.map(|state| Self::at(state.join("loradeck"))).ok_or(TrustError::NoHome)
    }

    /// The store in this folder.
    pub fn at(folder: impl Into<PathBuf>) -> Self {
        Self { folder: folder.into() }
    }

    /// The file.
    pub fn file(&self) -> PathBuf {
        self.folder.join("trust.json")
    }

    /// Everything that is recorded; of a file that is not this user's alone, nothing counts.
    pub fn records(&self) -> Result<Vec<TrustRecord>, TrustError> {
        let path = self.file();
        match fs::metadata(&path) {
            Ok(_) => {}
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(FileError::new(&path, "look at", error).into()),
        }
        ours(&self.folder)?;
        ours(&path)?;
        let contents: Option<Contents> = file::read_json(&path)?;
        match contents {
            Some(contents) if contents.format > FORMAT => {
                Err(TrustError::Newer { path, format: contents.format })
            }
            contents => Ok(contents.map(|contents| contents.workspaces).unwrap_or_default()),
        }
    }

    /// Whether `workspace` is trusted now; the inner error says why it is not.
    pub fn verdict(&self, workspace: &Workspace) -> Result<Result<(), Distrust>, TrustError> {
        Ok(decide(&self.records()?, &see(workspace)?, own_user()))
    }

    /// Records that this user trusts the workspace at its path as the folder it is.
    pub fn trust(&self, workspace: &Workspace, accepted: Accepted, by: &str) -> Result<(), TrustError> {
        let mark = leave_mark(workspace)?;
        let seen = see(workspace)?;
        let record = TrustRecord {
            path: seen.path,
            folder: seen.identity,
            mark,
            user: own_user(),
            accepted,
            by: by.to_owned(),
            time: Moment::now(),
        };
        self.change(|records| {
            records.retain(|known| (known.user, &known.path) != (record.user, &record.path));
            records.push(record);
        })
    }

    /// Forgets what is recorded for this canonical path. Whether anything was.
    pub fn forget(&self, path: &Path) -> Result<bool, TrustError> {
        let mut was_known = false;
        self.change(|records| {
            let before = records.len();
            records.retain(|known| known.path != path);
            was_known = records.len() < before;
        })?;
        Ok(was_known)
    }

    fn change(&self, change: impl FnOnce(&mut Vec<TrustRecord>)) -> Result<(), TrustError> {
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(&self.folder)
            .with_path(&self.folder, "create the folder")?;
        ours(&self.folder)?;
        let _lock = FileLock::wait(&self.folder.join("trust.lock"))?;
        let mut records = self.records()?;
        change(&mut records);
        Ok(write_private(&self.file(), &Contents { format: FORMAT, workspaces: records })?)
    }
}

/// Replaces the file, which nobody else could write at any moment.
fn write_private(path: &Path, contents: &Contents) -> Result<(), FileError> {
    let staged = file::staging_path(path);
    let text = serde_json::to_vec_pretty(contents).map_err(io::Error::from).with_path(path, "encode")?;
    let written = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&staged);
    let written = written.and_then(|mut file| file.write_all(&text).and_then(|()| file.sync_all()));
    let replaced = written.and_then(|()| fs::rename(&staged, path)).with_path(path, "replace");
    if replaced.is_err() {
        let _ = fs::remove_file(&staged);
    }
    replaced.and_then(|()| file::sync_folder_of(path))
}

/// Only what this user alone can have written counts.
fn ours(path: &Path) -> Result<(), TrustError> {
    let metadata = fs::metadata(path).with_path(path, "look at")?;
    let (owner, mode) = (metadata.uid(), metadata.mode() & 0o7777);
    // Root may write anything anyway.
    let is_ours = (owner == own_user() || owner == 0) && mode & 0o022 == 0;
    if is_ours { Ok(()) } else { Err(TrustError::NotOurs { path: path.to_path_buf(), owner, mode }) }
}

/// The mark in the workspace, new at each time: a copy made before has another one.
fn leave_mark(workspace: &Workspace) -> Result<String, FileError> {
    let random = || RandomState::new().hash_one(std::process::id());
    let mark = format!("{:016x}{:016x}", random(), random());
    let path = workspace.ensure_state_folder()?.join(MARK);
    file::replace(&path, format!("{mark}\n").as_bytes(), Durability::Synced)?;
    Ok(mark)
}

#[cfg(test)]
#[path = "store_tests.rs"]
mod tests;
