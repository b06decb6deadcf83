//! Hugging Face's image folder: a table beside the pictures names each picture and its caption.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Component, Path, PathBuf};

use loradeck_core::config::{Diagnostic, Diagnostics};
use loradeck_core::text::nearest;

use super::kohya::has_numbered_folder;
use super::listing::{Listing, is_picture, name_of, names_of};
use super::table::{self, Row, Table};
use super::{Found, IntoOne, Layout, PictureFile, Shown, mask_of};
use crate::image::Fault;
use crate::image::caption::{self, Caption, CaptionSource};
use crate::image::words::counted;

const TABLES: [&str; 2] = ["metadata.csv", "metadata.jsonl"];

/// The pictures of the table in `folder`; `None` where there is no table.
pub(super) fn find(folder: &Path, here: &Listing, shown: &Shown) -> Result<Option<Found>, Diagnostics> {
    let tables: Vec<&str> = TABLES.into_iter().filter(|name| folder.join(name).is_file()).collect();
    let name = match tables.as_slice() {
        [] => return Ok(None),
        [name] => *name,
        _ => {
            let message = format!("holds both {}: only one can be right", TABLES.join(" and "));
            return Err(Diagnostic::of_file(&shown.text, message).with_hint("remove one").into_one());
        }
    };
    let table_name = shown.of(name);
    let table = read(&folder.join(name), &table_name)?;
    let mut found = Found::new(Layout::HuggingFace, folder);
    if let Some(column) = table.caption_column.as_deref().filter(|column| *column != "text") {
        found.notes.push(format!("captions are read from the column '{column}' of {table_name}"));
    }
    found.note(&format!("columns of {table_name} that are no part of the captions"), &table.passed_over);
    let mut rows =
        Rows { folder, shown, table_name: &table_name, seen: BTreeMap::new(), repeated: Vec::new() };
    let mut without_caption = Vec::new();
    found.faults = table.faults;
    for row in &table.rows {
        match rows.picture(row) {
            Ok(Some(picture)) => {
                if picture.caption.source == CaptionSource::Missing {
                    without_caption.push(picture.relative.clone());
                }
                found.pictures.push(picture);
            }
            Ok(None) => {}
            Err(problem) => found.faults.push(*problem),
        }
    }
    let repeated = std::mem::take(&mut rows.repeated);
    found.note("rows that repeat an earlier one and are left out", &repeated);
    let what = format!("{} without a caption in {table_name}", counted(without_caption.len(), "picture"));
    found.note(&what, &without_caption);
    tell_rest(&mut found, here, shown)?;
    if found.pictures.is_empty() && found.faults.is_empty() {
        return Err(Diagnostic::of_file(table_name, "has no rows").into_one());
    }
    Ok(Some(found))
}

fn read(path: &Path, name: &str) -> Result<Table, Diagnostics> {
    let bytes = std::fs::read(path)
        .map_err(|error| Diagnostic::of_file(name, format!("cannot be read: {error}")).into_one())?;
    let is_csv = path.extension().is_some_and(|extension| extension == "csv");
    let parse = if is_csv { table::csv } else { table::json_lines };
    caption::utf8(name, &bytes).and_then(|text| parse(name, text)).map_err(|problem| problem.into_one())
}

struct Rows<'a> {
    folder: &'a Path,
    shown: &'a Shown,
    table_name: &'a str,
    /// Pictures named so far, with line and caption.
    seen: BTreeMap<PathBuf, (usize, Option<String>)>,
    repeated: Vec<String>,
}

impl Rows<'_> {
    /// The picture of a row; `None` for a row that repeats an earlier one.
    fn picture(&mut self, row: &Row) -> Result<Option<PictureFile>, Fault> {
        let relative = inside(&row.file).map_err(|message| self.fault(row, message))?;
        let path = self.folder.join(&relative);
        if let Some((line, caption)) = self.seen.get(&relative) {
            if *caption == row.caption {
                self.repeated.push(format!("line {} (line {line})", row.line));
                return Ok(None);
            }
            return Err(
                self.fault(row, format!("names a picture that line {line} names with another caption"))
            );
        }
        if !path.is_file() {
            return Err(self.not_there(row, &path));
        }
        if !is_picture(&path) {
            return Err(self.fault(row, "names a file that is no picture (png, jpg, jpeg, webp or bmp)"));
        }
        self.seen.insert(relative.clone(), (row.line, row.caption.clone()));
        let relative = relative.to_string_lossy().into_owned();
        let folder =
            path.parent().map(|parent| std::fs::canonicalize(parent).unwrap_or_else(|_| parent.into()));
        Ok(Some(PictureFile {
            name: self.shown.of(&relative),
            relative,
            folder: folder.map(|folder| name_of(&folder)).unwrap_or_default(),
            repeats: 1,
            caption: caption_of(row),
            mask: mask_of(&path),
            path,
        }))
    }

    fn fault(&self, row: &Row, message: impl Into<String>) -> Fault {
        let (line, column, value) = (row.line, 1, Some(row.file.clone()));
        let key = Some("file_name".to_owned());
        Diagnostic { line, column, key, value, ..Diagnostic::of_file(self.table_name, message) }.into()
    }

    fn not_there(&self, row: &Row, path: &Path) -> Fault {
        let problem = self.fault(row, "names a file that is not there");
        if row.file.contains('\\') {
            return problem.with_hint("folders are separated by '/', not by '\\'").into();
        }
        let beside: Vec<String> = path
            .parent()
            .and_then(|folder| std::fs::read_dir(folder).ok())
            .map(|entries| entries.flatten().map(|entry| name_of(&entry.path())).collect())
            .unwrap_or_default();
        match nearest(&name_of(path), beside.iter().map(String::as_str)) {
            Some(near) => problem.with_hint(format!("there is '{near}'")).into(),
            None => problem,
        }
    }
}

/// The path without `.` parts; why not, where it would leave the folder.
fn inside(file: &str) -> Result<PathBuf, &'static str> {
    let mut path = PathBuf::new();
    for part in Path::new(file).components() {
        match part {
            Component::Normal(name) => path.push(name),
            Component::CurDir => {}
            _ => return Err("is outside of the table's folder, which is not read"),
        }
    }
    if path.as_os_str().is_empty() { Err("names no file") } else { Ok(path) }
}

fn caption_of(row: &Row) -> Caption {
    let text = row.caption.as_deref().unwrap_or_default();
    let line = text.lines().map(str::trim).find(|line| !line.is_empty()).unwrap_or_default();
    let source = if line.is_empty() { CaptionSource::Missing } else { CaptionSource::Metadata };
    Caption { text: line.to_owned(), source }
}

/// Names what lies in the folder and is not used.
fn tell_rest(found: &mut Found, here: &Listing, shown: &Shown) -> Result<(), Diagnostics> {
    let used: BTreeSet<&str> = found.pictures.iter().map(|picture| picture.relative.as_str()).collect();
    let mut unlisted: Vec<String> = names_of(&here.pictures);
    for folder in &here.folders {
        let name = name_of(folder);
        let inner = Listing::read(folder, &shown.of(&name))?;
        unlisted.extend(names_of(&inner.pictures).iter().map(|file| format!("{name}/{file}")));
    }
    unlisted.retain(|name| !used.contains(name.as_str()));
    // A row with a fault names its picture too: that is told once.
    let at_fault: BTreeSet<&str> = found.faults.iter().filter_map(|fault| fault.value.as_deref()).collect();
    unlisted.retain(|name| !at_fault.contains(name.as_str()));
    found.note("pictures that the table does not name are not read", &unlisted);
    found.note("caption files are not read where there is a table", &names_of(&here.captions));
    if has_numbered_folder(here) {
        found.notes.push("numbers in folders' names do not count where there is a table".into());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_paths_within_the_folder_are_taken() {
        assert_eq!(inside("./a/b.png"), Ok(PathBuf::from("a/b.png")));
        for outside in ["../x.png", "a/../../x.png", "/etc/x.png"] {
            assert!(inside(outside).is_err(), "{outside}");
        }
        assert_eq!(inside("."), Err("names no file"));
    }
}
