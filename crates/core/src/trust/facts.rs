//! What a workspace's folders are at this moment.

use std::fs::{self, Metadata};
use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;
use std::time::UNIX_EPOCH;

use serde::{Deserialize, Serialize};

use super::record::MARK;
use crate::error::{FileError, WithPath};
use crate::run::Workspace;

/// Which folder it is, whatever its path: a folder that was removed and made again is another one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Identity {
    /// Number of the device. Some file systems get another one at each start of the machine.
    pub device: u64,
    /// Number of the inode. A removed folder's number is often given to the next one that is made.
    pub inode: u64,
    /// When it was made, in nanoseconds since 1970, where the file system keeps that. Nobody can set it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub born: Option<u64>,
}

impl Identity {
    fn of(metadata: &Metadata) -> Self {
        let born = metadata.created().ok().and_then(|time| time.duration_since(UNIX_EPOCH).ok());
        let born = born.and_then(|since| u64::try_from(since.as_nanos()).ok());
        Self { device: metadata.dev(), inode: metadata.ino(), born }
    }
}

/// One of the folders that decide what a workspace's queue holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SeenFolder {
    /// What it is called in messages.
    pub name: &'static str,
    /// The number of the user that owns it.
    pub owner: u32,
    /// Its permission bits.
    pub mode: u32,
}

/// A workspace as it is now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seen {
    /// The canonical path of its root.
    pub path: PathBuf,
    /// Which folder that is.
    pub identity: Identity,
    /// The mark that trusting it left in it, if one is there.
    pub mark: Option<String>,
    /// The root, `.loradeck` and `experiments`, as far as they are there.
    pub folders: Vec<SeenFolder>,
}

/// Looks at a workspace. A folder that cannot be looked at is an error: nothing is known of it then.
pub fn see(workspace: &Workspace) -> Result<Seen, FileError> {
    let path = fs::canonicalize(workspace.root()).with_path(workspace.root(), "find")?;
    let metadata = fs::metadata(&path).with_path(&path, "look at")?;
    let mut folders = vec![seen("the workspace's folder", &metadata)];
    for (name, folder) in
        [(".loradeck", workspace.state_folder()), ("experiments", workspace.experiments_folder())]
    {
        match fs::metadata(&folder) {
            Ok(metadata) => folders.push(seen(name, &metadata)),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
            Err(error) => return Err(FileError::new(&folder, "look at", error)),
        }
    }
    let mark = fs::read_to_string(workspace.state_folder().join(MARK)).ok();
    let mark = mark.map(|text| text.trim().to_owned()).filter(|text| !text.is_empty());
    Ok(Seen { path, identity: Identity::of(&metadata), mark, folders })
}

fn seen(name: &'static str, metadata: &Metadata) -> SeenFolder {
    SeenFolder { name, owner: metadata.uid(), mode: metadata.mode() & 0o7777 }
}

/// The number of the user whose programs these are.
pub fn own_user() -> u32 {
    rustix::process::geteuid().as_raw()
}
