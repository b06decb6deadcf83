//! Folders of files that can be computed again: where they lie, how large they are, and keeping them from growing
//! without end.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// Name of the folder of pictures' latents.
pub const LATENTS: &str = "latents";
/// Name of the folder of base models' hashes.
pub const BASE_HASHES: &str = "base-hashes";

/// The folder `loradeck/NAME` of this user's cache, from the environment; `None` where it names no place.
pub fn of_user(name: &str) -> Option<PathBuf> {
    let variable = |name: &str| std::env::var_os(name);
    folder(variable("XDG_CACHE_HOME").as_deref(), variable("HOME").as_deref(), name)
}

/// The folder `loradeck/NAME` of the user's cache: below `XDG_CACHE_HOME` (given as `xdg`) where that is an absolute
/// path, else below `.cache` in `home`.
pub fn folder(xdg: Option<&OsStr>, home: Option<&OsStr>, name: &str) -> Option<PathBuf> {
    let absolute = |path: Option<&OsStr>| path.map(PathBuf::from).filter(|path| path.is_absolute());
    let base = absolute(xdg).or_else(|| absolute(home).map(|home| home.join(".cache")))?;
    Some(base.join("loradeck").join(name))
}

/// A file of a cache.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CachedFile {
    /// Where it lies.
    pub path: PathBuf,
    /// Its size.
    pub bytes: u64,
    /// When it was last written or marked as used.
    pub used: SystemTime,
}

/// All files in the folder and its subfolders; none where there is no folder. What cannot be read is left out.
pub fn files(folder: &Path) -> Vec<CachedFile> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_path_buf()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).into_iter().flatten().flatten() {
            // Links are not followed: what they name is not the cache's.
            let Ok(metadata) = entry.metadata() else { continue };
            if metadata.is_dir() {
                folders.push(entry.path());
            } else if let Ok(used) = metadata.modified() {
                found.push(CachedFile { path: entry.path(), bytes: metadata.len(), used });
            }
        }
    }
    found
}

/// Removes the files that were not used for the longest time until at most `limit` bytes are left. Returns the bytes
/// removed. Files that cannot be removed stay; a program that reads a removed file reads on.
pub fn trim(folder: &Path, limit: u64) -> u64 {
    let mut files = files(folder);
    files.sort_by(|one, other| (one.used, &one.path).cmp(&(other.used, &other.path)));
    let total: u64 = files.iter().map(|file| file.bytes).sum();
    let mut removed = 0;
    for file in files {
        if total - removed <= limit {
            break;
        }
        if fs::remove_file(&file.path).is_ok() {
            removed += file.bytes;
        }
    }
    removed
}

#[cfg(test)]
mod tests {
    use std::fs::File;
    use std::time::Duration;

    use super::*;

    #[test]
    fn the_folder_follows_the_environment() {
        let of = |xdg: Option<&str>, home: Option<&str>| {
            folder(xdg.map(OsStr::new), home.map(OsStr::new), LATENTS).map(|path| path.display().to_string())
        };
        assert_eq!(of(Some("/c"), Some("/h")).as_deref(), Some("/c/loradeck/latents"));
        assert_eq!(of(None, Some("/h")).as_deref(), Some("/h/.cache/loradeck/latents"));
        // A relative path there is to be ignored (XDG Base Directory Specification).
        assert_eq!(of(Some("c"), Some("/h")).as_deref(), Some("/h/.cache/loradeck/latents"));
        assert_eq!(of(Some(""), None), None);
    }

    #[test]
    fn the_longest_unused_go_first_and_only_as_many_as_must() {
        let root = tempfile::tempdir().unwrap();
        for (age, name) in [(3, "a/old"), (1, "b/new"), (2, "a/middle")] {
            let path = root.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(&path, [0; 100]).unwrap();
            let used = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000 - age);
            File::options().write(true).open(&path).unwrap().set_modified(used).unwrap();
        }
        let names = || {
            let mut names: Vec<_> = files(root.path())
                .into_iter()
                .map(|file| file.path.file_name().unwrap().to_owned())
                .collect();
            names.sort();
            names
        };
        assert_eq!(trim(root.path(), 300), 0);
        assert_eq!(trim(root.path(), 299), 100);
        assert_eq!(names(), ["middle", "new"]);
        assert_eq!(trim(root.path(), 0), 200);
        assert!(names().is_empty());
        assert_eq!(trim(&root.path().join("none"), 0), 0);
    }
}
