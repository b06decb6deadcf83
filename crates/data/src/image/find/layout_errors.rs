//! Folders that are not what `train_data_dir` should name, each with the fix.

use std::path::Path;

use loradeck_core::config::Diagnostic;
use loradeck_core::text::nearest;

use super::kohya::repeats_and_words;
use super::listing::{Listing, is_picture, name_of, names_of};
use super::{Shown, some_of};

/// Nothing lies there.
pub(super) fn missing(text: &str, path: &Path, error: &std::io::Error) -> Diagnostic {
    if error.kind() != std::io::ErrorKind::NotFound {
        return Diagnostic::of_file(text, format!("cannot be read: {error}"));
    }
    let problem =
        Diagnostic::of_file(text, format!("there is no such folder (looked for {})", path.display()));
    let siblings: Vec<String> = path
        .parent()
        .and_then(|parent| std::fs::read_dir(parent).ok())
        .map(|entries| entries.flatten().map(|entry| name_of(&entry.path())).collect())
        .unwrap_or_default();
    match nearest(&name_of(path), siblings.iter().map(String::as_str)) {
        Some(near) => problem.with_hint(format!("there is '{near}'")),
        None => problem,
    }
}

/// A file lies there.
pub(super) fn a_file(text: &str, path: &Path) -> Diagnostic {
    let what = if is_picture(path) { "is one picture" } else { "is a file" };
    let hint =
        "name the folder that the pictures (and metadata.csv or metadata.jsonl, if there is one) lie in";
    Diagnostic::of_file(text, format!("{what}, and a folder of pictures is needed")).with_hint(hint)
}

/// A kohya folder itself is named instead of the folder that holds it.
pub(super) fn child_for_parent(path: &Path, text: &str) -> Option<Diagnostic> {
    let path = std::fs::canonicalize(path).ok()?;
    let name = name_of(&path);
    if !name.contains('_') {
        return None;
    }
    let (repeats, words) = repeats_and_words(&name)?;
    let trimmed = text.trim_end_matches('/');
    let above = match trimmed.rsplit_once('/') {
        Some(("", _)) => "/".to_owned(),
        Some((above, last)) if last == name => above.to_owned(),
        None if trimmed == name => ".".to_owned(),
        _ => format!("{trimmed}/.."),
    };
    let message = format!(
        "is itself a folder of the form REPEATS_NAME: its pictures would lose their {repeats} repeats and the \
         caption '{words}'"
    );
    let hint = format!(
        "name the folder above it: '{above}'; if '{name}' is no number of repeats, rename the folder to begin without one"
    );
    Some(Diagnostic::of_file(text, message).with_hint(hint))
}

/// No picture lies in the folder itself, nor in a numbered folder in it.
pub(super) fn no_pictures(path: &Path, here: &Listing, shown: &Shown) -> Diagnostic {
    parent_of_parent(here, shown)
        .or_else(|| unnumbered(path, here, shown))
        .or_else(|| text_data(here, shown))
        .unwrap_or_else(|| nothing(here, shown))
}

fn parent_of_parent(here: &Listing, shown: &Shown) -> Option<Diagnostic> {
    here.folders.iter().find_map(|folder| {
        let name = shown.of(&name_of(folder));
        let inner = Listing::read(folder, &name).ok()?;
        let numbered: Vec<String> =
            names_of(&inner.folders).into_iter().filter(|name| repeats_and_words(name).is_some()).collect();
        (!numbered.is_empty()).then(|| {
            let message = format!(
                "holds no pictures; the numbered folders lie one level deeper: {}",
                some_of(&numbered)
            );
            Diagnostic::of_file(&shown.text, message).with_hint(format!("name '{name}'"))
        })
    })
}

fn unnumbered(path: &Path, here: &Listing, shown: &Shown) -> Option<Diagnostic> {
    let with_pictures: Vec<String> = here
        .folders
        .iter()
        .filter(|folder| Listing::read(folder, "").is_ok_and(|inner| !inner.pictures.is_empty()))
        .map(|folder| name_of(folder))
        .collect();
    let first = with_pictures.first()?;
    let message = format!("holds no pictures itself, but its subfolders do: {}", some_of(&with_pictures));
    let hint = format!(
        "name one of them ('{}'), or begin their names with a number of repeats ('{}')",
        shown.of(first),
        path.join(format!("10_{first}")).file_name().unwrap_or_default().to_string_lossy(),
    );
    Some(Diagnostic::of_file(&shown.text, message).with_hint(hint))
}

fn text_data(here: &Listing, shown: &Shown) -> Option<Diagnostic> {
    let files: Vec<String> = names_of(&here.text_data);
    let files = if files.is_empty() { names_of(&here.captions) } else { files };
    (!files.is_empty()).then(|| {
        let message = format!("holds text and no pictures: {}", some_of(&files));
        let hint = "a Stable Diffusion base is trained on pictures; text trains a language model";
        Diagnostic::of_file(&shown.text, message).with_hint(hint)
    })
}

fn nothing(here: &Listing, shown: &Shown) -> Diagnostic {
    let problem = |message: String| Diagnostic::of_file(&shown.text, message);
    if !here.archives.is_empty() {
        return problem(format!("holds no pictures, but {}", some_of(&names_of(&here.archives))))
            .with_hint("unpack it");
    }
    if !here.other_pictures.is_empty() {
        let names = some_of(&names_of(&here.other_pictures));
        return problem(format!("holds only pictures of formats that are not read: {names}"))
            .with_hint("convert them to png");
    }
    problem("holds no pictures (png, jpg, jpeg, webp or bmp)".into())
}
