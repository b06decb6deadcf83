//! Reading our files as `git add` would: contents through git's own filters, stat data for the index, and everything
//! that speaks against committing them.

use std::ffi::OsStr;
use std::fs::{self, Metadata};
use std::io::{self, Write};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use git2::{AttrCheckFlags, AttrValue, Index, IndexEntry, IndexTime, Oid, Repository, Tree};
use loradeck_core::error::{FileError, WithPath};

use super::outcome::{CommitError, InGit, Reason, Stop};
use super::paths::relative_to;
use super::secrets;

const MODE_FILE: u32 = 0o100_644;
const MODE_EXECUTABLE: u32 = 0o100_755;
const MODE_LINK: u32 = 0o120_000;

/// One path's new state.
pub(super) struct Change {
    /// Relative to the working tree.
    pub path: PathBuf,
    /// What the index shall hold; `None` removes the path.
    pub entry: Option<IndexEntry>,
}

/// Reads `paths`, writes their blobs, and refuses what must not be committed. Sorted, each path once.
pub(super) fn changes(
    repository: &Repository,
    root: &Path,
    head: Option<&Tree<'_>>,
    paths: &[PathBuf],
) -> Result<Vec<Change>, Stop> {
    let mut relative = paths.iter().map(|path| relative_to(root, path)).collect::<Result<Vec<_>, _>>()?;
    relative.sort();
    relative.dedup();
    let index = repository.index().map_err(|error| unreadable_index(repository, error))?;
    refuse_conflicted(&index, &relative)?;
    let files = relative
        .into_iter()
        .map(|path| Ok((read(&root.join(&path))?, path)))
        .collect::<Result<Vec<_>, Stop>>()?;
    refuse_ignored(repository, &index, head, &files)?;
    refuse_secrets(&files)?;
    files.into_iter().map(|(file, path)| change(repository, root, path, file)).collect()
}

pub(super) fn unreadable_index(repository: &Repository, error: git2::Error) -> Stop {
    if error.message().contains("unsupported") {
        // A split index or a sparse index: rewriting it without understanding it would lose entries.
        return Stop::Waiting(Reason::Unsupported(error.message().to_owned()));
    }
    CommitError::Git { action: "read the index", path: repository.path().to_path_buf(), source: error }.into()
}

/// A file as it was read.
pub(super) struct Read {
    contents: Vec<u8>,
    metadata: Metadata,
}

/// The file at `path`, or `None` where there is none.
pub(super) fn read(path: &Path) -> Result<Option<Read>, CommitError> {
    let metadata = match fs::symlink_metadata(path) {
        Ok(metadata) => metadata,
        Err(error) if is_absence(&error) => return Ok(None),
        Err(error) => return Err(FileError::new(path, "look at", error).into()),
    };
    let contents = if metadata.is_symlink() {
        fs::read_link(path).with_path(path, "read the link")?.into_os_string().as_bytes().to_vec()
    } else if metadata.is_file() {
        fs::read(path).with_path(path, "read")?
    } else {
        return Err(CommitError::NotAFile(path.to_path_buf()));
    };
    Ok(Some(Read { contents, metadata }))
}

fn is_absence(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory)
}

fn change(repository: &Repository, root: &Path, path: PathBuf, file: Option<Read>) -> Result<Change, Stop> {
    let Some(file) = file else { return Ok(Change { path, entry: None }) };
    let id = if file.metadata.is_symlink() {
        repository.blob(&file.contents).in_git("store a link", root)?
    } else {
        refuse_filter_program(repository, &path)?;
        filtered_blob(repository, &path, &file.contents)?
    };
    let entry = entry(&path, &file.metadata, id);
    Ok(Change { path, entry: Some(entry) })
}

/// Stores contents as the blob that `git add` would store (line endings and `$Id$` as attributes and settings say).
fn filtered_blob(repository: &Repository, path: &Path, contents: &[u8]) -> Result<Oid, CommitError> {
    let mut writer = repository.blob_writer(Some(path)).in_git("store a file", path)?;
    writer.write_all(contents).with_path(path, "store")?;
    writer.commit().in_git("store a file", path)
}

/// An index entry with the stat data by which git sees that the file is unchanged.
fn entry(path: &Path, metadata: &Metadata, id: Oid) -> IndexEntry {
    let mode = if metadata.is_symlink() {
        MODE_LINK
    } else if metadata.permissions().mode() & 0o100 != 0 {
        MODE_EXECUTABLE
    } else {
        MODE_FILE
    };
    IndexEntry {
        ctime: IndexTime::new(metadata.ctime() as i32, metadata.ctime_nsec() as u32),
        mtime: IndexTime::new(metadata.mtime() as i32, metadata.mtime_nsec() as u32),
        dev: metadata.dev() as u32,
        ino: metadata.ino() as u32,
        mode,
        uid: metadata.uid(),
        gid: metadata.gid(),
        file_size: metadata.len() as u32,
        id,
        flags: 0,
        flags_extended: 0,
        path: path.as_os_str().as_bytes().to_vec(),
    }
}

/// Whether an entry's stat data is that of the file as it is now; the test of git's that needs no reading.
pub(super) fn is_unchanged(entry: &IndexEntry, metadata: &Metadata) -> bool {
    entry.file_size == metadata.len() as u32
        && entry.mtime.seconds() == metadata.mtime() as i32
        && entry.mtime.nanoseconds() == metadata.mtime_nsec() as u32
        && entry.ino == metadata.ino() as u32
}

/// An entry's path.
pub(super) fn path_of(entry: &IndexEntry) -> &Path {
    Path::new(OsStr::from_bytes(&entry.path))
}

fn refuse_conflicted(index: &Index, paths: &[PathBuf]) -> Result<(), Stop> {
    let conflicted = |path: &&PathBuf| (1..=3).any(|stage| index.get_path(path, stage).is_some());
    match paths.iter().find(conflicted) {
        Some(path) => Err(Stop::Waiting(Reason::Conflicted(path.clone()))),
        None => Ok(()),
    }
}

/// An ignored file that git does not track yet is left alone; once tracked, rules no longer matter, as in git.
fn refuse_ignored(
    repository: &Repository,
    index: &Index,
    head: Option<&Tree<'_>>,
    files: &[(Option<Read>, PathBuf)],
) -> Result<(), Stop> {
    let mut ignored = Vec::new();
    for (_, path) in files.iter().filter(|(file, _)| file.is_some()) {
        let tracked =
            index.get_path(path, 0).is_some() || head.is_some_and(|tree| tree.get_path(path).is_ok());
        if !tracked && repository.is_path_ignored(path).in_git("read the ignore rules", path)? {
            ignored.push(path.clone());
        }
    }
    if ignored.is_empty() { Ok(()) } else { Err(Stop::Waiting(Reason::Ignored(ignored))) }
}

fn refuse_secrets(files: &[(Option<Read>, PathBuf)]) -> Result<(), Stop> {
    let findings: Vec<_> = files
        .iter()
        .filter_map(|(file, path)| Some((file.as_ref()?, path)))
        .flat_map(|(file, path)| secrets::scan(path, &file.contents))
        .collect();
    if findings.is_empty() { Ok(()) } else { Err(Stop::Waiting(Reason::Secrets(findings))) }
}

/// Filter programs and re-encodings are not done here; storing the raw bytes instead would leave the file modified.
pub(super) fn refuse_filter_program(repository: &Repository, path: &Path) -> Result<(), Stop> {
    for attribute in ["filter", "working-tree-encoding"] {
        let value = repository
            .get_attr_bytes(path, attribute, AttrCheckFlags::FILE_THEN_INDEX)
            .in_git("read the attributes", path)?;
        if let AttrValue::String(name) = AttrValue::from_bytes(value) {
            let filter = name.to_owned();
            return Err(Stop::Waiting(Reason::Filtered { path: path.to_path_buf(), filter }));
        }
    }
    Ok(())
}
