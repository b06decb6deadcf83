//! Which pictures and captions a folder holds: kohya's `10_name` folders, Hugging Face's `metadata.csv` or
//! `metadata.jsonl`, or pictures with caption files beside them.

mod folder;
mod kohya;
mod layout_errors;
mod listing;
mod metadata;
mod table;

use std::path::{Path, PathBuf};

use loradeck_core::config::{Diagnostic, Diagnostics};
use loradeck_core::file;
use serde::{Deserialize, Serialize};

use super::caption::Caption;
use listing::Listing;

/// How a folder tells which caption belongs to which picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Layout {
    /// Subfolders named `<repeats>_<class tokens>`.
    Kohya,
    /// A table `metadata.csv` or `metadata.jsonl`.
    HuggingFace,
    /// Pictures and caption files side by side.
    Flat,
}

impl Layout {
    /// How it is told in a check.
    pub fn describe(self) -> &'static str {
        match self {
            Self::Kohya => "kohya folders (REPEATS_NAME)",
            Self::HuggingFace => "Hugging Face image folder (metadata table)",
            Self::Flat => "pictures with caption files",
        }
    }
}

/// A picture and its caption, not opened yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PictureFile {
    /// As it is named in messages: what the configuration says, and the path within.
    pub name: String,
    /// The path within the data set's folder.
    pub relative: String,
    /// Where it lies.
    pub path: PathBuf,
    /// Name of the folder it lies in.
    pub folder: String,
    /// Looks per epoch that the folder's name asks for; 1 without one.
    pub repeats: u32,
    /// The caption, without the trigger word.
    pub caption: Caption,
    /// The file with its mask, where there is one.
    pub mask: Option<PathBuf>,
}

/// What a folder holds.
#[derive(Clone, Debug)]
pub struct Found {
    /// How it is laid out.
    pub layout: Layout,
    /// The folder that paths are relative to.
    pub folder: PathBuf,
    /// Pictures that can be opened, in order of their names or the table's rows.
    pub pictures: Vec<PictureFile>,
    /// Pictures that cannot be used because of their caption or row.
    pub faults: Vec<Diagnostic>,
    /// What is allowed but worth knowing, one sentence each.
    pub notes: Vec<String>,
}

impl Found {
    fn new(layout: Layout, folder: &Path) -> Self {
        let folder = folder.to_path_buf();
        Self { layout, folder, pictures: Vec::new(), faults: Vec::new(), notes: Vec::new() }
    }

    /// Adds the note `"{what}: {names}"` unless there is no name.
    fn note(&mut self, what: &str, names: &[String]) {
        if !names.is_empty() {
            self.notes.push(format!("{what}: {}", some_of(names)));
        }
    }
}

/// Finds the pictures that `text` (a value of `train_data_dir`, `eval_data_dir` or `reg_data_dir`) names, relative to
/// `root`. An error means that the folder as a whole is not what it should be; single pictures' problems are in
/// [`Found::faults`].
pub fn find(root: &Path, text: &str) -> Result<Found, Diagnostics> {
    let path = file::below(root, text);
    match std::fs::metadata(&path) {
        Err(error) => return Err(layout_errors::missing(text, &path, &error).into_one()),
        Ok(metadata) if !metadata.is_dir() => return Err(layout_errors::a_file(text, &path).into_one()),
        Ok(_) => {}
    }
    let shown = Shown { text: text.trim_end_matches('/').to_owned() };
    let here = Listing::read(&path, text)?;
    if let Some(found) = metadata::find(&path, &here, &shown)? {
        return Ok(found);
    }
    if kohya::has_numbered_folder(&here) {
        return kohya::find(&path, &here, &shown);
    }
    if here.pictures.is_empty() {
        let inner = path.join("train");
        if inner.is_dir() {
            let listing = Listing::read(&inner, text)?;
            let shown = Shown { text: shown.of("train") };
            if let Some(mut found) = metadata::find(&inner, &listing, &shown)? {
                found.notes.push(format!("the table is in '{}'", shown.text));
                return Ok(found);
            }
        }
        return Err(layout_errors::no_pictures(&path, &here, &shown).into_one());
    }
    if let Some(problem) = layout_errors::child_for_parent(&path, text) {
        return Err(problem.into_one());
    }
    folder::flat(&path, &here, &shown)
}

/// Names as messages show them.
pub(super) struct Shown {
    text: String,
}

impl Shown {
    fn of(&self, relative: &str) -> String {
        format!("{}/{relative}", self.text)
    }
}

trait IntoOne {
    fn into_one(self) -> Diagnostics;
}

impl IntoOne for Diagnostic {
    fn into_one(self) -> Diagnostics {
        Diagnostics(vec![self])
    }
}

/// The first names of a list, and how many more there are.
pub(super) fn some_of(names: &[String]) -> String {
    const MOST: usize = 10;
    let shown = names.iter().take(MOST).map(|name| format!("'{name}'")).collect::<Vec<_>>().join(", ");
    if names.len() > MOST { format!("{shown} and {} more", names.len() - MOST) } else { shown }
}

/// The mask of a picture: `NAME.mask.png` beside it, or `masks/NAME.png`.
fn mask_of(picture: &Path) -> Option<PathBuf> {
    let (folder, stem) = (picture.parent()?, picture.file_stem()?);
    let named = |ending: &str| {
        let mut name = stem.to_os_string();
        name.push(ending);
        name
    };
    let candidates = [folder.join(named(".mask.png")), folder.join("masks").join(named(".png"))];
    candidates.into_iter().find(|candidate| candidate.is_file())
}
