//! The hash of whole weight files, remembered from one start to the next. A file counts as the one that was hashed while
//! nothing about it has changed that the system keeps: place, device, inode, size, and both times to the nanosecond.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::time::{Duration, SystemTime};

use loradeck_core::cache;
use loradeck_core::file::{self, Durability};

use crate::mapped::{FileState, MappedFile, sha256_hex};

/// Bytes of remembered hashes that are kept; one takes a few hundred.
const LIMIT: u64 = 4 << 20;

/// A change this soon after another can leave the times as they are: file systems round them, some to two seconds.
const SETTLED_AFTER: Duration = Duration::from_secs(3);

/// sha256 of the files one after the other, in hexadecimal. It comes from `folder` where it is known there, and is
/// kept there otherwise; what cannot be read or written there is as if it were not there.
pub(super) fn of(files: &[&MappedFile], folder: Option<&Path>, now: SystemTime) -> String {
    let before = folder.zip(key(files, now));
    if let Some(known) = before.as_ref().and_then(|(folder, key)| recall(folder, key)) {
        return known;
    }
    let hash = sha256_hex(files.iter().map(|file| file.bytes()));
    // A file that was written to in the meantime has another key now, or none.
    if let Some((folder, before)) = before.filter(|(_, before)| key(files, now).as_ref() == Some(before)) {
        remember(folder, &before, &hash);
    }
    hash
}

/// What the files are known by; `None` where one is no longer what was opened, or changed just before `now`.
fn key(files: &[&MappedFile], now: SystemTime) -> Option<String> {
    let mut key = String::new();
    for file in files {
        let state = file.state();
        let place = fs::canonicalize(file.path()).ok()?;
        if FileState::of(&fs::metadata(&place).ok()?) != state || !is_settled(state, now) {
            return None;
        }
        write_line(&mut key, &place, state);
    }
    Some(key)
}

fn is_settled(state: FileState, now: SystemTime) -> bool {
    let now = now.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    let settled = now.saturating_sub(SETTLED_AFTER).as_nanos() as i128;
    state.modified < settled && state.changed < settled
}

/// The path stands as its hash: one line, whatever its bytes.
fn write_line(key: &mut String, place: &Path, state: FileState) {
    let FileState { device, inode, size, modified, changed } = state;
    let place = sha256_hex([place.as_os_str().as_encoded_bytes()]);
    let _ =
        writeln!(key, "{place} device {device} inode {inode} size {size} mtime {modified} ctime {changed}");
}

fn entry(folder: &Path, key: &str) -> std::path::PathBuf {
    folder.join(sha256_hex([key.as_bytes()]))
}

fn recall(folder: &Path, key: &str) -> Option<String> {
    let text = fs::read_to_string(entry(folder, key)).ok()?;
    let (hash, of) = text.split_once('\n')?;
    let is_hash = hash.len() == 64 && hash.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    (is_hash && of == key).then(|| hash.to_owned())
}

fn remember(folder: &Path, key: &str, hash: &str) {
    let written = file::create_folder(folder).and_then(|()| {
        file::replace(&entry(folder, key), format!("{hash}\n{key}").as_bytes(), Durability::Renamed)
    });
    if written.is_ok() {
        cache::trim(folder, LIMIT);
    }
}

#[cfg(test)]
#[path = "known_hash_tests.rs"]
mod tests;
