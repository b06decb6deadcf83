//! One folder of pictures with caption files beside them.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::path::{Path, PathBuf};

use loradeck_core::config::{Diagnostic, Diagnostics};

use super::listing::{Listing, extension, name_of, names_of};
use super::{Found, Layout, PictureFile, Shown, mask_of};
use crate::image::Fault;
use crate::image::caption::{self, Caption, CaptionSource};

/// What a folder says about all of its pictures.
pub(super) struct Folder<'a> {
    /// Its path within the data set, with a slash at its end; empty for the data set's folder itself.
    pub(super) prefix: String,
    /// Its name.
    pub(super) name: String,
    /// Looks per epoch.
    pub(super) repeats: u32,
    /// The caption of pictures without a file.
    pub(super) class_tokens: Option<String>,
    /// Its entries.
    pub(super) listing: &'a Listing,
}

/// A data set that is one such folder.
pub(super) fn flat(path: &Path, listing: &Listing, shown: &Shown) -> Result<Found, Diagnostics> {
    let mut found = Found::new(Layout::Flat, path);
    let name = std::fs::canonicalize(path).map_or_else(|_| name_of(path), |path| name_of(&path));
    let folder = Folder { prefix: String::new(), name, repeats: 1, class_tokens: None, listing };
    let mut tally = Tally::default();
    gather(&folder, shown, &mut found, &mut tally);
    tally.tell(&mut found);
    tell_inner_folders(&listing.folders, "", shown, &mut found)?;
    Ok(found)
}

/// Names subfolders that hold pictures which are not read.
pub(super) fn tell_inner_folders(
    folders: &[PathBuf],
    prefix: &str,
    shown: &Shown,
    found: &mut Found,
) -> Result<(), Diagnostics> {
    let mut unread = Vec::new();
    for folder in folders {
        let name = format!("{prefix}{}", name_of(folder));
        let count = Listing::read(folder, &shown.of(&name))?.pictures.len();
        if count > 0 {
            unread.push(format!("{name} ({count})"));
        }
    }
    found.note("pictures in subfolders are not read", &unread);
    Ok(())
}

/// What is told about caption files, over all folders of a data set.
#[derive(Debug, Default)]
pub(super) struct Tally {
    no_caption: Vec<String>,
    empty: Vec<String>,
    several_lines: Vec<String>,
    two_captions: Vec<String>,
    shared: Vec<String>,
    lone_captions: Vec<String>,
    lone_masks: Vec<String>,
    not_read: Vec<String>,
}

impl Tally {
    /// Writes the notes.
    pub(super) fn tell(self, found: &mut Found) {
        let fix = if found.layout == Layout::Kohya {
            "pictures without a caption file, for which the folder's name is the caption"
        } else {
            "pictures without a caption (write one into NAME.txt next to the picture)"
        };
        found.note(&format!("{} {fix}", self.no_caption.len()), &self.no_caption);
        found.note("caption files that are empty", &self.empty);
        found.note("caption files with several lines, of which the first is used", &self.several_lines);
        found.note("pictures with a .txt and another .caption, of which .txt is used", &self.two_captions);
        found.note("pictures of one name that share a caption file", &self.shared);
        found.note("caption files without a picture", &self.lone_captions);
        found.note("masks without a picture", &self.lone_masks);
        found.note("formats that are not read (convert them to png)", &self.not_read);
    }
}

/// Adds the pictures of one folder.
pub(super) fn gather(folder: &Folder<'_>, shown: &Shown, found: &mut Found, tally: &mut Tally) {
    let listing = folder.listing;
    let captions = captions_by_stem(&listing.captions);
    let relative = |path: &Path| format!("{}{}", folder.prefix, name_of(path));
    let mut stems = BTreeSet::new();
    for path in &listing.pictures {
        let Some(stem) = path.file_stem().map(OsString::from) else { continue };
        let files = captions.get(&stem).map(Vec::as_slice).unwrap_or_default();
        if !stems.insert(stem) && !files.is_empty() {
            tally.shared.push(relative(path));
        }
        let caption = match caption_of(folder, &relative(path), files, shown, tally) {
            Ok(caption) => caption,
            Err(problem) => {
                found.faults.push(*problem);
                continue;
            }
        };
        found.pictures.push(PictureFile {
            name: shown.of(&relative(path)),
            relative: relative(path),
            path: path.clone(),
            folder: folder.name.clone(),
            repeats: folder.repeats,
            caption,
            mask: mask_of(path),
        });
    }
    let has_picture = |path: &&PathBuf| path.file_stem().is_some_and(|stem| stems.contains(stem));
    let lone = listing.captions.iter().filter(|path| !has_picture(path));
    tally.lone_captions.extend(lone.map(|path| relative(path)));
    let is_masked = |path: &&PathBuf| {
        path.file_stem().map(Path::new).and_then(Path::file_stem).is_some_and(|stem| stems.contains(stem))
    };
    tally.lone_masks.extend(listing.masks.iter().filter(|path| !is_masked(path)).map(|path| relative(path)));
    let not_read = names_of(&listing.other_pictures);
    tally.not_read.extend(not_read.into_iter().map(|name| format!("{}{name}", folder.prefix)));
}

fn captions_by_stem(captions: &[PathBuf]) -> BTreeMap<OsString, Vec<PathBuf>> {
    let mut by_stem: BTreeMap<OsString, Vec<PathBuf>> = BTreeMap::new();
    for path in captions {
        if let Some(stem) = path.file_stem() {
            by_stem.entry(stem.to_os_string()).or_default().push(path.clone());
        }
    }
    // `.txt` before `.caption`.
    for paths in by_stem.values_mut() {
        paths.sort_by_key(|path| extension(path) != "txt");
    }
    by_stem
}

fn caption_of(
    folder: &Folder<'_>,
    picture: &str,
    files: &[PathBuf],
    shown: &Shown,
    tally: &mut Tally,
) -> Result<Caption, Fault> {
    let Some(first) = files.first() else {
        tally.no_caption.push(picture.to_owned());
        return Ok(match &folder.class_tokens {
            Some(text) => Caption { text: text.clone(), source: CaptionSource::FolderName },
            None => Caption { text: String::new(), source: CaptionSource::Missing },
        });
    };
    let name = |path: &Path| shown.of(&format!("{}{}", folder.prefix, name_of(path)));
    let read = |path: &Path| {
        let bytes = std::fs::read(path)
            .map_err(|error| Diagnostic::of_file(name(path), format!("cannot be read: {error}")))?;
        caption::read(&name(path), &bytes)
    };
    let caption = read(first)?;
    let differs = |path: &PathBuf| read(path).map_or(true, |other| other.line != caption.line);
    if files[1..].iter().any(differs) {
        tally.two_captions.push(picture.to_owned());
    }
    let file = format!("{}{}", folder.prefix, name_of(first));
    if caption.more_lines {
        tally.several_lines.push(file.clone());
    }
    if caption.line.is_empty() {
        tally.empty.push(file);
    }
    let source = if extension(first) == "txt" { CaptionSource::Txt } else { CaptionSource::Caption };
    Ok(Caption { text: caption.line, source })
}
