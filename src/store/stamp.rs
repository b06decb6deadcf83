//! Reading a small file only when it is not the one read before.

use std::fs::{File, Metadata};
use std::io::{self, Read};
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::time::{Duration, SystemTime};

/// Longer than the steps in which any file system counts times.
const TICK: Duration = Duration::from_secs(2);

/// What tells one version of a file from another: replaced files have another inode, appended ones another size.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Version {
    modified: (i64, i64),
    size: u64,
    inode: u64,
}

/// Which version of a file was read last.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Stamp {
    seen: bool,
    version: Option<Version>,
}

/// What reading found.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Fetched {
    /// The same as the last time.
    Same,
    /// The file is not there.
    Missing,
    /// New contents.
    New(Vec<u8>),
}

impl Stamp {
    /// Reads `path` unless it is the version seen last.
    pub(super) fn fetch(&mut self, path: &Path) -> io::Result<Fetched> {
        if self.seen {
            let now =
                std::fs::metadata(path).map(|metadata| Some(Version::of(&metadata))).or_else(missing)?;
            if now == self.version {
                return Ok(Fetched::Same);
            }
        }
        let found = File::open(path).map(Some).or_else(missing)?;
        self.seen = true;
        let Some(mut file) = found else {
            self.version = None;
            return Ok(Fetched::Missing);
        };
        let version = Version::of(&file.metadata()?);
        let mut contents = Vec::with_capacity(version.size.min(1 << 20) as usize + 1);
        file.read_to_end(&mut contents)?;
        self.version = Some(version);
        Ok(Fetched::New(contents))
    }
}

impl Version {
    fn of(metadata: &Metadata) -> Self {
        Self {
            modified: (metadata.mtime(), metadata.mtime_nsec()),
            size: metadata.size(),
            inode: metadata.ino(),
        }
    }
}

/// Whether a folder's entries may have changed: files that are replaced by renaming change their folder's time.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct FolderStamp {
    settled: Option<Version>,
}

impl FolderStamp {
    /// Whether entries may have come, gone or been replaced since the last time. To be asked *before* they are read.
    ///
    /// A folder that changed just now counts as changed the next time too, because times of files move in ticks.
    pub(super) fn may_have_changed(&mut self, folder: &Path) -> bool {
        let Ok(metadata) = std::fs::metadata(folder) else { return true };
        let now = Version::of(&metadata);
        if self.settled == Some(now) {
            return false;
        }
        let age = metadata.modified().ok().and_then(|time| SystemTime::now().duration_since(time).ok());
        self.settled = age.filter(|age| *age > TICK).map(|_| now);
        true
    }
}

fn missing<T>(error: io::Error) -> io::Result<Option<T>> {
    if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) {
        Ok(None)
    } else {
        Err(error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_another_version_is_read_again() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("status.json");
        let mut stamp = Stamp::default();
        assert_eq!(stamp.fetch(&path).unwrap(), Fetched::Missing);
        assert_eq!(stamp.fetch(&path).unwrap(), Fetched::Same);
        for contents in [b"one".to_vec(), b"two".to_vec()] {
            loradeck_core::file::replace(&path, &contents, loradeck_core::file::Durability::Renamed).unwrap();
            assert_eq!(stamp.fetch(&path).unwrap(), Fetched::New(contents));
            assert_eq!(stamp.fetch(&path).unwrap(), Fetched::Same);
        }
        std::fs::remove_file(&path).unwrap();
        assert_eq!(stamp.fetch(&path).unwrap(), Fetched::Missing);
    }
}
