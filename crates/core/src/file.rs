//! Reading and writing files so that nothing already written is ever lost: replacements are atomic, records are
//! appended whole, and every error names its path.

use std::fs::{self, File, OpenOptions};
use std::hash::{BuildHasher, RandomState};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU64, Ordering};

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::error::{FileError, WithPath};

/// How far a replacement is pushed before the call returns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Durability {
    /// Contents and folder entry reach the disk.
    Synced,
    /// The rename is atomic for other processes; a power cut may lose it.
    Renamed,
}

/// A sibling name that no other process or thread uses, hidden from listings. Process numbers are unique on one host
/// only, where others may share the folder: the random part tells those apart.
pub fn staging_path(path: &Path) -> PathBuf {
    static COUNTER: AtomicU64 = AtomicU64::new(0);
    static OURS: LazyLock<u32> = LazyLock::new(|| RandomState::new().hash_one(0) as u32);
    let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let count = COUNTER.fetch_add(1, Ordering::Relaxed);
    path.with_file_name(format!(".tmp-{name}-{}-{:08x}-{count}", std::process::id(), *OURS))
}

/// Makes `path` with these contents unless it is there: written under another name, then linked, which of all hosts
/// that share a folder one alone succeeds in. Whether it was us.
pub fn make_once(path: &Path, contents: &[u8]) -> Result<bool, FileError> {
    let staged = staging_path(path);
    let linked = write_staged(&staged, contents, Durability::Synced)
        .and_then(|()| link_once(&staged, fs::hard_link(&staged, path)).with_path(path, "link"));
    let _ = fs::remove_file(&staged);
    if linked? { sync_folder_of(path).map(|()| true) } else { Ok(false) }
}

/// Over NFS the answer to a link that was made may be lost, and the repeated call be told that the file exists. The
/// number of names of the staged file tells the truth (`open(2)`, on `O_EXCL`).
fn link_once(staged: &Path, answer: io::Result<()>) -> io::Result<bool> {
    match answer {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(fs::metadata(staged)?.nlink() > 1),
        Err(error) => Err(error),
    }
}

/// Replaces `path` by `contents`: temporary file, sync, rename.
pub fn replace(path: &Path, contents: &[u8], durability: Durability) -> Result<(), FileError> {
    let staged = staging_path(path);
    let written = write_staged(&staged, contents, durability)
        .and_then(|()| fs::rename(&staged, path).with_path(path, "replace"));
    if written.is_err() {
        let _ = fs::remove_file(&staged);
        return written;
    }
    if durability == Durability::Synced { sync_folder_of(path) } else { Ok(()) }
}

fn write_staged(staged: &Path, contents: &[u8], durability: Durability) -> Result<(), FileError> {
    let mut file = File::create(staged).with_path(staged, "create")?;
    file.write_all(contents).with_path(staged, "write")?;
    if durability == Durability::Synced {
        file.sync_all().with_path(staged, "sync")?;
    }
    Ok(())
}

/// Makes the folder entries beside `path` durable.
pub fn sync_folder_of(path: &Path) -> Result<(), FileError> {
    let folder = path.parent().unwrap_or(Path::new("."));
    let handle = File::open(folder).with_path(folder, "open")?;
    match handle.sync_all() {
        // Some network file systems refuse to sync a folder; the rename itself has happened.
        Err(error) if error.kind() == io::ErrorKind::InvalidInput => Ok(()),
        other => other.with_path(folder, "sync"),
    }
}

/// Makes everything durable that was written to the file system of `folder`: for many files at once, much sooner than
/// one by one.
pub fn sync_file_system_of(folder: &Path) -> Result<(), FileError> {
    let handle = File::open(folder).with_path(folder, "open")?;
    rustix::fs::syncfs(&handle).map_err(io::Error::from).with_path(folder, "sync the file system of")
}

/// Replaces `path` by `value` as indented JSON with a final newline.
pub fn replace_json<T: Serialize>(path: &Path, value: &T, durability: Durability) -> Result<(), FileError> {
    let mut text = serde_json::to_vec_pretty(value).map_err(io::Error::from).with_path(path, "encode")?;
    text.push(b'\n');
    replace(path, &text, durability)
}

/// Reads a JSON file; a missing file is `None`, an unreadable one an error.
pub fn read_json<T: DeserializeOwned>(path: &Path) -> Result<Option<T>, FileError> {
    let Some(text) = read_if_exists(path)? else { return Ok(None) };
    serde_json::from_slice(&text).map(Some).map_err(io::Error::from).with_path(path, "understand")
}

/// Reads a whole file; a missing one is `None`.
pub fn read_if_exists(path: &Path) -> Result<Option<Vec<u8>>, FileError> {
    match fs::read(path) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(FileError::new(path, "read", error)),
    }
}

/// Reads a whole file as text.
pub fn read_text(path: &Path) -> Result<String, FileError> {
    fs::read_to_string(path).with_path(path, "read")
}

/// What `text` names below `root`, without the `./` in between that people write and nobody wants to read.
pub fn below(root: &Path, text: &str) -> PathBuf {
    root.join(text).components().collect()
}

/// Creates a folder and its parents.
pub fn create_folder(path: &Path) -> Result<(), FileError> {
    fs::create_dir_all(path).with_path(path, "create the folder")
}

/// An append-only file of whole lines.
///
/// A file that a killed writer left without a final newline gets one first, so that the torn line stays alone.
#[derive(Debug)]
pub struct LineFile {
    path: PathBuf,
    file: File,
}

impl LineFile {
    /// Opens `path` for appending, creating it and its folder where missing.
    pub fn open(path: &Path) -> Result<Self, FileError> {
        if let Some(folder) = path.parent() {
            create_folder(folder)?;
        }
        let mut file =
            OpenOptions::new().read(true).append(true).create(true).open(path).with_path(path, "open")?;
        if !ends_with_newline(&mut file).with_path(path, "read")? {
            file.write_all(b"\n").with_path(path, "append to")?;
        }
        Ok(Self { path: path.to_path_buf(), file })
    }

    /// Appends one line by a single write; line breaks inside `line` become spaces.
    pub fn append(&mut self, line: &str) -> Result<(), FileError> {
        let mut record = line.replace(['\n', '\r'], " ");
        record.push('\n');
        self.file.write_all(record.as_bytes()).with_path(&self.path, "append to")
    }
}

fn ends_with_newline(file: &mut File) -> io::Result<bool> {
    if file.metadata()?.len() == 0 {
        return Ok(true);
    }
    let mut last = [0u8; 1];
    file.seek(SeekFrom::End(-1))?;
    file.read_exact(&mut last)?;
    Ok(last == *b"\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_below_a_folder_has_no_dots_in_between() {
        let at = |text: &str| below(Path::new("/w"), text).display().to_string();
        assert_eq!(["./m/./a.gguf", "m", "../m", "/m"].map(at), ["/w/m/a.gguf", "/w/m", "/w/../m", "/m"]);
    }

    #[test]
    fn a_replacement_leaves_no_staged_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("status.json");
        replace(&path, b"one", Durability::Synced).unwrap();
        replace(&path, b"two", Durability::Renamed).unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"two");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_file_is_made_once_and_a_lost_answer_is_no_refusal() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("01.json");
        assert!(make_once(&path, b"ours").unwrap());
        assert!(!make_once(&path, b"another's").unwrap());
        assert_eq!(fs::read(&path).unwrap(), b"ours");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
        let exists = || Err(io::ErrorKind::AlreadyExists.into());
        let staged = folder.path().join("staged");
        fs::write(&staged, "").unwrap();
        assert!(!link_once(&staged, exists()).unwrap());
        fs::hard_link(&staged, folder.path().join("02.json")).unwrap();
        assert!(link_once(&staged, exists()).unwrap(), "the link was made, its answer lost");
    }

    #[test]
    fn a_torn_last_line_stays_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("journal.jsonl");
        fs::write(&path, b"{\"kind\":\"sta").unwrap();
        LineFile::open(&path).unwrap().append("whole\nline").unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "{\"kind\":\"sta\nwhole line\n");
    }

    #[test]
    fn a_missing_json_file_is_none_and_a_torn_one_an_error() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.json");
        assert!(read_json::<serde_json::Value>(&path).unwrap().is_none());
        fs::write(&path, b"{\"a\":").unwrap();
        let error = read_json::<serde_json::Value>(&path).unwrap_err();
        assert!(error.to_string().starts_with("cannot understand "), "{error}");
    }
}
