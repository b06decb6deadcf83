//! Which files of a run folder are committed, and which are too large for that.

use std::fs;
use std::path::{Path, PathBuf};

use loradeck_core::run::RunFolder;

use crate::vcs::COMMITTED_IN_RUN;

/// What a file may have at most to be committed, in bytes.
pub(super) const LIMIT: u64 = 1_000_000;
/// The same for the patch of uncommitted code.
const PATCH_LIMIT: u64 = 256_000;

/// The files of a run that are committed, as far as they exist, sorted.
pub fn committed_files(run: &RunFolder) -> Vec<PathBuf> {
    named_files(run).into_iter().filter(|path| !is_too_large(path)).collect()
}

/// The files that would be committed if they were smaller, sorted.
pub(super) fn large_files(run: &RunFolder) -> Vec<PathBuf> {
    named_files(run).into_iter().filter(|path| is_too_large(path)).collect()
}

fn named_files(run: &RunFolder) -> Vec<PathBuf> {
    existing(run.path(), &COMMITTED_IN_RUN)
}

/// The files in `folder` that `names` names, as far as they exist, sorted; a name that ends in `/` is a folder with
/// the files directly in it.
pub(super) fn existing(folder: &Path, names: &[&str]) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for name in names {
        let path = folder.join(name.trim_end_matches('/'));
        if name.ends_with('/') {
            files.extend(files_in(&path));
        } else if path.is_file() {
            files.push(path);
        }
    }
    files.sort();
    files
}

fn is_too_large(path: &Path) -> bool {
    let limit = if path.ends_with("code.patch") { PATCH_LIMIT } else { LIMIT };
    fs::metadata(path).is_ok_and(|metadata| metadata.len() > limit)
}

/// The files directly in a folder, those being staged left out.
pub(super) fn files_in(folder: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
    let is_hidden =
        |path: &PathBuf| path.file_name().is_none_or(|name| name.to_string_lossy().starts_with('.'));
    entries.flatten().map(|entry| entry.path()).filter(|path| path.is_file() && !is_hidden(path)).collect()
}
