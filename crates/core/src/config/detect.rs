//! Whether a training is one on text or on pictures, where nobody says it: from the names of its data and base model.
//!
//! Only names are looked at, in the data's folder and one level below; what is in the files is the check's affair.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use super::settings::DataType;

const PICTURES: [&str; 5] = ["png", "jpg", "jpeg", "webp", "bmp"];
const TEXTS: [&str; 6] = ["jsonl", "ndjson", "json", "csv", "parquet", "txt"];
const HOW_TO_SAY: &str = "set data_type: text or data_type: image";

/// The most names that are looked at: enough to tell, and no wait on a folder with millions.
const NAME_LIMIT: usize = 100_000;

/// Why it cannot be told what is trained on.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message} (hint: {hint})")]
pub struct UnclearDataType {
    /// What was found, such as "holds both pictures (a.png) and text (b.jsonl)".
    pub message: String,
    /// What to do.
    pub hint: String,
}

impl UnclearDataType {
    fn new(message: String) -> Self {
        Self { message, hint: HOW_TO_SAY.to_owned() }
    }
}

/// What a training on `train_data_dir` with `base_model` learns from; both are relative to `root`. A path that leads
/// nowhere is no error here: then the other one decides, and without any it is text.
///
/// # Errors
/// [`UnclearDataType`] where the names tell nothing, or the data is of a kind that the base model cannot take.
pub fn detect_data_type(
    root: &Path,
    base_model: &str,
    train_data_dir: &str,
) -> Result<DataType, UnclearDataType> {
    recognised(root, base_model, train_data_dir).map(Option::unwrap_or_default)
}

/// The same; `None` where a path leads nowhere and the other one does not tell.
pub(crate) fn recognised(
    root: &Path,
    base_model: &str,
    train_data_dir: &str,
) -> Result<Option<DataType>, UnclearDataType> {
    let base = base_of(root, base_model);
    let data = names_in(root, train_data_dir).map(|names| Found::of(&names));
    decided(data.as_ref(), base, base_model)
}

/// What the name of a base model tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Base {
    /// It is of one kind; the text says why.
    Is(DataType, &'static str),
    /// It is there, and could be anything.
    Unknown,
    /// It is not there.
    Missing,
}

/// What the names of a data set tell.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Found {
    /// A picture.
    picture: Option<String>,
    /// A file of text that belongs to no picture.
    text: Option<String>,
    /// A table that is one of captions where there are pictures, and one of text otherwise.
    table: Option<String>,
}

fn decided(data: Option<&Found>, base: Base, base_model: &str) -> Result<Option<DataType>, UnclearDataType> {
    let by_base = match base {
        Base::Is(data_type, _) => Some(data_type),
        Base::Unknown | Base::Missing => None,
    };
    let Some(found) = data else { return Ok(by_base) };
    let by_data = match (&found.picture, &found.text) {
        (Some(_), None) => Some(DataType::Image),
        (None, Some(_)) => Some(DataType::Text),
        (Some(_), Some(_)) => None,
        // A table of captions beside pictures that lie deeper, or of texts.
        (None, None) => by_base.or(found.table.as_ref().map(|_| DataType::Text)),
    };
    match (by_data, base) {
        (Some(wanted), Base::Is(taken, why)) if wanted != taken => Err(unfit(found, wanted, base_model, why)),
        (Some(data_type), _) => Ok(Some(data_type)),
        (None, Base::Is(data_type, _)) => Ok(Some(data_type)),
        (None, Base::Missing) => Ok(None),
        (None, Base::Unknown) => Err(UnclearDataType::new(found.unclear())),
    }
}

/// Data of a kind that the base model cannot take.
fn unfit(found: &Found, wanted: DataType, base_model: &str, why: &str) -> UnclearDataType {
    let named = found.picture.as_ref().or(found.text.as_ref()).or(found.table.as_ref());
    let example = named.map(|name| format!(" ({name})")).unwrap_or_default();
    let message = format!("holds {}{example}, but base_model '{base_model}' {why}", wanted.data());
    let other = if wanted == DataType::Image {
        "pictures need an image model: a diffusers folder or a .safetensors file"
    } else {
        "text needs a language model: a GGUF file or a Hugging Face folder"
    };
    UnclearDataType { message, hint: format!("{other}; {HOW_TO_SAY}") }
}

impl Found {
    /// What `names` are, each of them relative to the data's folder with '/' between the parts.
    fn of(names: &BTreeSet<String>) -> Self {
        let pictures: BTreeSet<&str> =
            names.iter().filter(|name| is_one_of(name, &PICTURES)).map(|name| stem(name)).collect();
        let picture = names.iter().find(|name| is_one_of(name, &PICTURES)).cloned();
        let mut found = Self { picture, ..Self::default() };
        for name in names.iter().filter(|name| is_one_of(name, &TEXTS)) {
            let is_caption = is_one_of(name, &["txt"]) && pictures.contains(stem(name));
            let place = if is_table_of_captions(name) { &mut found.table } else { &mut found.text };
            if !is_caption && place.is_none() {
                *place = Some(name.clone());
            }
        }
        found
    }

    fn unclear(&self) -> String {
        match (&self.picture, &self.text) {
            (Some(picture), Some(text)) => {
                format!(
                    "holds both pictures ({picture}) and text ({text}), and the base model does not decide which is meant"
                )
            }
            _ => {
                "holds neither pictures nor text that is known by its name, and the base model does not decide what is meant"
                    .to_owned()
            }
        }
    }
}

/// `metadata.csv` and `metadata.jsonl`, which Hugging Face's image folders have beside their pictures.
fn is_table_of_captions(name: &str) -> bool {
    let file = name.rsplit('/').next().unwrap_or(name);
    ["metadata.csv", "metadata.jsonl"].iter().any(|known| file.eq_ignore_ascii_case(known))
}

fn extension(name: &str) -> Option<String> {
    Path::new(name).extension().map(|extension| extension.to_string_lossy().to_ascii_lowercase())
}

fn is_one_of(name: &str, extensions: &[&str]) -> bool {
    extension(name).is_some_and(|extension| extensions.contains(&extension.as_str()))
}

/// The name without its extension.
fn stem(name: &str) -> &str {
    name.rsplit_once('.').map_or(name, |(stem, _)| stem)
}

/// The names of the files in a data set: in its folder and one level below, or its own; hidden ones do not count.
/// `None` where there is none that can be looked at.
fn names_in(root: &Path, text: &str) -> Option<BTreeSet<String>> {
    let path = root.join(text);
    if text.is_empty() || !path.exists() {
        return None;
    }
    if !path.is_dir() {
        return Some(path.file_name().map(|name| name.to_string_lossy().into_owned()).into_iter().collect());
    }
    let mut names = BTreeSet::new();
    for (name, is_folder) in entries(&path)? {
        if is_folder {
            let below = entries(&path.join(&name)).into_iter().flatten();
            names.extend(below.filter(|(_, is_folder)| !is_folder).map(|(file, _)| format!("{name}/{file}")));
        } else {
            names.insert(name);
        }
        if names.len() > NAME_LIMIT {
            break;
        }
    }
    Some(names)
}

/// Names in a folder that are not hidden, in order, each with whether it is a folder.
fn entries(folder: &Path) -> Option<Vec<(String, bool)>> {
    let names = fs::read_dir(folder).ok()?.flatten().take(NAME_LIMIT);
    let mut entries: Vec<(String, bool)> = names
        .map(|entry| (entry.file_name().to_string_lossy().into_owned(), entry.path().is_dir()))
        .filter(|(name, _)| !name.starts_with('.'))
        .collect();
    entries.sort();
    Some(entries)
}

/// What the base model's name tells, and what stands in its folder. One that is not there still has a name.
fn base_of(root: &Path, text: &str) -> Base {
    let path = root.join(text);
    match extension(text).as_deref() {
        _ if text.is_empty() => Base::Missing,
        _ if path.is_dir() => base_of_folder(&path),
        Some("gguf") => Base::Is(DataType::Text, "is a GGUF file: a language model"),
        Some("safetensors") => Base::Is(DataType::Image, "is a single .safetensors file: an image model"),
        _ if path.exists() => Base::Unknown,
        _ => Base::Missing,
    }
}

fn base_of_folder(folder: &Path) -> Base {
    if folder.join("model_index.json").exists() {
        Base::Is(DataType::Image, "is a diffusers folder: an image model")
    } else if folder.join("config.json").exists() {
        Base::Is(DataType::Text, "is a Hugging Face folder without model_index.json: a language model")
    } else {
        Base::Unknown
    }
}

#[cfg(test)]
#[path = "detect_tests.rs"]
mod tests;
