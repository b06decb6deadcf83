//! The files of a data set: what `train_data_dir` or `eval_data_dir` names, read whole.

use std::path::{Path, PathBuf};

use loradeck_core::config::{DataIdentity, Diagnostic, Diagnostics};
use loradeck_core::file;

use crate::mapped::sha256_hex;

/// Kinds of files that hold data in a form that is not read yet.
const OTHER_FORMS: [(&str, &str); 7] = [
    ("json", "a .json file is not supported yet; write one JSON object per line into a .jsonl file"),
    ("csv", "a table (.csv) is not supported yet; write one JSON object per line into a .jsonl file"),
    ("tsv", "a table (.tsv) is not supported yet; write one JSON object per line into a .jsonl file"),
    ("parquet", "a .parquet file is not supported yet; write one JSON object per line into a .jsonl file"),
    ("arrow", "an .arrow file is not supported yet; write one JSON object per line into a .jsonl file"),
    ("gz", "a compressed file is not supported yet; unpack it"),
    ("zst", "a compressed file is not supported yet; unpack it"),
];
const PICTURES: [&str; 6] = ["png", "jpg", "jpeg", "webp", "bmp", "gif"];

/// One data file, in memory.
#[derive(Clone, Debug)]
pub(super) struct DataFile {
    /// As it is named in messages: what the configuration says, and the file's name in a folder.
    pub(super) name: String,
    /// Where it lies.
    pub(super) path: PathBuf,
    /// Its contents.
    pub(super) bytes: Vec<u8>,
}

/// The files of a data set, in order of their names.
#[derive(Clone, Debug)]
pub(super) struct Files {
    pub(super) files: Vec<DataFile>,
    /// Names of what lies in the folder and is not read.
    pub(super) ignored: Vec<String>,
}

fn fault(file: impl Into<String>, message: impl Into<String>) -> Diagnostics {
    Diagnostics(vec![Diagnostic::of_file(file, message)])
}

/// Reads what `text` names, relative to `root`.
pub(super) fn read(root: &Path, text: &str) -> Result<Files, Diagnostics> {
    let path = file::below(root, text);
    let Ok(metadata) = std::fs::metadata(&path) else {
        let message = format!("there is no such file or folder (looked for {})", path.display());
        return Err(fault(text, message));
    };
    if !metadata.is_dir() {
        return Ok(Files { files: vec![read_file(text.to_owned(), path)?], ignored: Vec::new() });
    }
    read_folder(text, &path)
}

fn read_folder(text: &str, folder: &Path) -> Result<Files, Diagnostics> {
    let listing = std::fs::read_dir(folder).and_then(Iterator::collect::<Result<Vec<_>, _>>);
    let entries = listing.map_err(|error| fault(text, format!("cannot be listed: {error}")))?;
    let mut names: Vec<String> =
        entries.iter().map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
    names.retain(|name| !name.starts_with('.'));
    names.sort();
    let (data, ignored): (Vec<String>, Vec<String>) = names.into_iter().partition(|name| is_json_lines(name));
    if data.is_empty() {
        return Err(nothing_found(text, &ignored));
    }
    let in_folder = |name: &String| format!("{}/{name}", text.trim_end_matches('/'));
    // A folder with data in two forms is ambiguous: leaving one out silently would be wrong.
    if let Some((name, reason)) = ignored.iter().find_map(|name| Some((name, other_form(name)?))) {
        let hint = "or move it out of the folder with the .jsonl files";
        let problem = Diagnostic::of_file(in_folder(name), reason).with_hint(hint);
        return Err(Diagnostics(vec![problem]));
    }
    let files: Result<Vec<DataFile>, Diagnostics> =
        data.iter().map(|name| read_file(in_folder(name), folder.join(name))).collect();
    Ok(Files { files: files?, ignored })
}

fn is_json_lines(name: &str) -> bool {
    matches!(extension(name).as_str(), "jsonl" | "ndjson")
}

fn nothing_found(text: &str, names: &[String]) -> Diagnostics {
    let reason = names.iter().find_map(|name| Some((name, other_form(name)?)));
    if let Some((name, reason)) = reason {
        return fault(format!("{text}/{name}"), reason);
    }
    let message = if names.is_empty() {
        "the folder is empty".to_owned()
    } else {
        format!("the folder holds no .jsonl file (but {})", some_of(names))
    };
    fault(text, message)
}

fn some_of(names: &[String]) -> String {
    let shown = names.iter().take(3).map(|name| format!("'{name}'")).collect::<Vec<_>>().join(", ");
    if names.len() > 3 { format!("{shown} and {} more", names.len() - 3) } else { shown }
}

fn extension(name: &str) -> String {
    Path::new(name)
        .extension()
        .map(|extension| extension.to_string_lossy().to_lowercase())
        .unwrap_or_default()
}

/// Why a data file of another form is not read; `None` for what is no data or the supported form.
fn other_form(name: &str) -> Option<String> {
    let extension = extension(name);
    // The Hugging Face hub's description of a data set is no data.
    if name == "dataset_info.json" || name == "dataset_infos.json" {
        return None;
    }
    if PICTURES.contains(&extension.as_str()) {
        return Some("a picture; pictures train an image model (data_type: image)".to_owned());
    }
    OTHER_FORMS.iter().find(|(known, _)| *known == extension).map(|(_, reason)| (*reason).to_owned())
}

fn read_file(name: String, path: PathBuf) -> Result<DataFile, Diagnostics> {
    if let Some(reason) = other_form(&name) {
        return Err(fault(name, reason));
    }
    match extension(&name).as_str() {
        "jsonl" | "ndjson" | "" => {}
        "txt" => {
            let reason = "plain text is not supported yet; write one JSON object per line into a .jsonl file";
            return Err(fault(name, reason));
        }
        other => {
            return Err(fault(name, format!("a .{other} file is no data that is known (.jsonl is)")));
        }
    }
    let bytes = std::fs::read(&path).map_err(|error| fault(&name, format!("cannot be read: {error}")))?;
    Ok(DataFile { name, path, bytes })
}

impl Files {
    /// sha256 over each file's name, length and contents; the place of the data set does not count.
    pub(super) fn fingerprint(&self) -> String {
        let mut described = Vec::new();
        for file in &self.files {
            let name = file.path.file_name().unwrap_or_default().to_string_lossy();
            described.push(format!(
                "{name}\0{}\0{}\n",
                file.bytes.len(),
                sha256_hex([file.bytes.as_slice()])
            ));
        }
        sha256_hex(described.iter().map(String::as_bytes))
    }

    /// Bytes in all.
    pub(super) fn size(&self) -> u64 {
        self.files.iter().map(|file| file.bytes.len() as u64).sum()
    }
}

/// What tells a data set from another, for a frozen configuration: needs no model. `samples` counts the lines that
/// are not blank.
pub fn identity(root: &Path, text: &str) -> Result<DataIdentity, Diagnostics> {
    let files = read(root, text)?;
    let lines = files.files.iter().flat_map(|file| file.bytes.split(|byte| *byte == b'\n'));
    let samples = lines.filter(|line| !line.trim_ascii().is_empty()).count() as u64;
    let identity =
        DataIdentity { path: text.to_owned(), samples, size: files.size(), fingerprint: files.fingerprint() };
    Ok(identity)
}

/// Whether a file is read by both data sets, and its name in the second.
pub(super) fn shared(first: &Files, second: &Files) -> Option<String> {
    let canonical = |file: &DataFile| std::fs::canonicalize(&file.path).unwrap_or_else(|_| file.path.clone());
    let in_first: Vec<PathBuf> = first.files.iter().map(canonical).collect();
    second.files.iter().find(|file| in_first.contains(&canonical(file))).map(|file| file.name.clone())
}
