//! Files mapped into memory: the door of `memmap2`, and the only unsafe code of this crate.

use std::fs::{File, Metadata};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use loradeck_core::error::{FileError, WithPath};
use memmap2::Mmap;
use sha2::{Digest, Sha256};

/// A read-only file in memory, paged in on demand.
///
/// The file must not shrink while it is mapped: the system answers a read beyond its new end with SIGBUS. Weight files
/// are replaced by renaming, which leaves an existing map intact.
#[derive(Debug)]
pub struct MappedFile {
    path: PathBuf,
    state: FileState,
    map: Option<Mmap>,
}

/// What the system keeps of a file besides its contents; times in nanoseconds since 1970.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct FileState {
    pub(crate) device: u64,
    pub(crate) inode: u64,
    pub(crate) size: u64,
    /// When its contents were last written.
    pub(crate) modified: i128,
    /// When its contents or what is kept of it last changed, which no program can set.
    pub(crate) changed: i128,
}

impl FileState {
    pub(crate) fn of(metadata: &Metadata) -> Self {
        let time = |seconds: i64, rest: i64| i128::from(seconds) * 1_000_000_000 + i128::from(rest);
        Self {
            device: metadata.dev(),
            inode: metadata.ino(),
            size: metadata.size(),
            modified: time(metadata.mtime(), metadata.mtime_nsec()),
            changed: time(metadata.ctime(), metadata.ctime_nsec()),
        }
    }
}

impl MappedFile {
    /// Maps the whole file; an empty one is an empty slice.
    pub fn open(path: &Path) -> Result<Self, FileError> {
        let file = File::open(path).with_path(path, "open")?;
        let metadata = file.metadata().with_path(path, "look at")?;
        if !metadata.is_file() {
            let not_a_file = std::io::Error::other("it is not a file");
            return Err(FileError::new(path, "read", not_a_file));
        }
        let (path_buf, state) = (path.to_path_buf(), FileState::of(&metadata));
        if metadata.len() == 0 {
            return Ok(Self { path: path_buf, state, map: None });
        }
        let map = map_read_only(&file).with_path(path, "map")?;
        Ok(Self { path: path_buf, state, map: Some(map) })
    }

    /// The file's contents.
    pub fn bytes(&self) -> &[u8] {
        self.map.as_deref().unwrap_or(&[])
    }

    /// What the file was when it was opened.
    pub(crate) fn state(&self) -> FileState {
        self.state
    }

    /// The file mapped here.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

#[allow(unsafe_code)]
fn map_read_only(file: &File) -> std::io::Result<Mmap> {
    // SAFETY: the map is private to this process and only read; see `MappedFile` on files that shrink.
    unsafe { Mmap::map(file) }
}

/// The sha256 of some pieces one after the other, as 64 hexadecimal digits.
pub fn sha256_hex<'a>(pieces: impl IntoIterator<Item = &'a [u8]>) -> String {
    let mut hasher = Sha256::new();
    for piece in pieces {
        hasher.update(piece);
    }
    hex(&hasher.finalize())
}

fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let digit = |nibble: u8| char::from(DIGITS[usize::from(nibble & 15)]);
    bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(*byte)]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_mapped_whole_and_an_empty_one_is_empty() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("weights");
        std::fs::write(&path, b"abc").unwrap();
        assert_eq!(MappedFile::open(&path).unwrap().bytes(), b"abc");
        std::fs::write(&path, b"").unwrap();
        assert_eq!(MappedFile::open(&path).unwrap().bytes(), b"");
        assert!(MappedFile::open(folder.path()).is_err());
    }

    #[test]
    fn the_hash_is_that_of_the_pieces_joined() {
        let whole = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(sha256_hex([b"abc".as_slice()]), whole);
        assert_eq!(sha256_hex([b"a".as_slice(), b"bc"]), whole);
    }
}
