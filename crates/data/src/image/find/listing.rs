//! One folder's entries by kind.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use loradeck_core::config::{Diagnostic, Diagnostics};

const PICTURES: [&str; 5] = ["png", "jpg", "jpeg", "webp", "bmp"];
const OTHER_PICTURES: [&str; 12] =
    ["gif", "avif", "jxl", "heic", "heif", "tif", "tiff", "tga", "psd", "jp2", "svg", "ico"];
const TEXT_DATA: [&str; 6] = ["jsonl", "ndjson", "json", "parquet", "arrow", "csv"];
const ARCHIVES: [&str; 7] = ["zip", "tar", "gz", "tgz", "zst", "7z", "rar"];
/// Files that file managers leave behind.
const LITTER: [&str; 3] = ["thumbs.db", "desktop.ini", "ehthumbs.db"];

/// A folder's entries, each list in order of names. Hidden ones are left out.
#[derive(Clone, Debug, Default)]
pub(super) struct Listing {
    /// Pictures of the formats that are read.
    pub(super) pictures: Vec<PathBuf>,
    /// `NAME.mask.png`.
    pub(super) masks: Vec<PathBuf>,
    /// `.txt` and `.caption`.
    pub(super) captions: Vec<PathBuf>,
    /// Folders, except for `masks`.
    pub(super) folders: Vec<PathBuf>,
    /// Pictures of other formats.
    pub(super) other_pictures: Vec<PathBuf>,
    /// Tables and texts of language models.
    pub(super) text_data: Vec<PathBuf>,
    /// What has to be unpacked.
    pub(super) archives: Vec<PathBuf>,
}

impl Listing {
    /// Reads `folder`, which messages call `shown`.
    pub(super) fn read(folder: &Path, shown: &str) -> Result<Self, Diagnostics> {
        let entries = std::fs::read_dir(folder).and_then(Iterator::collect::<Result<Vec<_>, _>>);
        let entries = entries.map_err(|error| {
            Diagnostics(vec![Diagnostic::of_file(shown, format!("cannot be listed: {error}"))])
        })?;
        let mut paths: Vec<PathBuf> = entries.iter().map(std::fs::DirEntry::path).collect();
        paths.sort();
        let mut listing = Self::default();
        for path in paths {
            listing.sort_in(path);
        }
        Ok(listing)
    }

    fn sort_in(&mut self, path: PathBuf) {
        let name = name_of(&path).to_lowercase();
        if name.starts_with('.') || LITTER.contains(&name.as_str()) {
            return;
        }
        if path.is_dir() {
            // What macOS puts into archives.
            if !matches!(name.as_str(), "masks" | "__macosx") {
                self.folders.push(path);
            }
            return;
        }
        let extension = extension(&path);
        let is_one_of = |known: &[&str]| known.contains(&extension.as_str());
        if is_one_of(&PICTURES) {
            let list = if name.ends_with(".mask.png") { &mut self.masks } else { &mut self.pictures };
            list.push(path);
        } else if is_one_of(&["txt", "caption"]) {
            self.captions.push(path);
        } else if is_one_of(&OTHER_PICTURES) {
            self.other_pictures.push(path);
        } else if is_one_of(&TEXT_DATA) {
            self.text_data.push(path);
        } else if is_one_of(&ARCHIVES) {
            self.archives.push(path);
        }
    }
}

/// The last part of a path, with replacements for what is no UTF-8.
pub(super) fn name_of(path: &Path) -> String {
    path.file_name().map(OsStr::to_string_lossy).unwrap_or_default().into_owned()
}

/// The names of some paths.
pub(super) fn names_of(paths: &[PathBuf]) -> Vec<String> {
    paths.iter().map(|path| name_of(path)).collect()
}

/// The extension in lower case, without its dot.
pub(super) fn extension(path: &Path) -> String {
    path.extension().map(OsStr::to_string_lossy).unwrap_or_default().to_lowercase()
}

/// Whether a file of this name is a picture of a format that is read.
pub(super) fn is_picture(path: &Path) -> bool {
    PICTURES.contains(&extension(path).as_str())
}
