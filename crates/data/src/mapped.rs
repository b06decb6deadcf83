//! Files mapped into memory: the door of `memmap2`, and the only unsafe code of this crate.

use std::fs::File;
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
    map: Option<Mmap>,
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
        if metadata.len() == 0 {
            return Ok(Self { path: path.to_path_buf(), map: None });
        }
        let map = map_read_only(&file).with_path(path, "map")?;
        Ok(Self { path: path.to_path_buf(), map: Some(map) })
    }

    /// The file's contents.
    pub fn bytes(&self) -> &[u8] {
        self.map.as_deref().unwrap_or(&[])
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
