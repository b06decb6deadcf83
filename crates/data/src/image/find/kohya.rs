//! kohya's folders: `<repeats>_<class tokens>/`, as sd-scripts' `generate_dreambooth_subsets_config_by_subdirs` has it.

use std::path::Path;

use loradeck_core::config::{Diagnostic, Diagnostics};

use super::folder::{Folder, Tally, gather, tell_inner_folders};
use super::listing::{Listing, name_of, names_of};
use super::{Found, Layout, Shown};
use crate::image::words::counted;

/// The most looks at one picture in an epoch: beyond, the number is a slip.
const MOST_REPEATS: i64 = 100_000;

/// The number before the first `_`, and the words behind it; `None` where there is no whole number.
pub(super) fn repeats_and_words(name: &str) -> Option<(i64, String)> {
    let (number, words) = name.split_once('_').unwrap_or((name, ""));
    let digits = number.strip_prefix(['-', '+']).unwrap_or(number);
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    // A number that no type holds is still a number, and far too large a one.
    let beyond = if number.starts_with('-') { i64::MIN } else { i64::MAX };
    Some((number.parse().unwrap_or(beyond), words.to_owned()))
}

/// Whether a subfolder is named as kohya's are.
pub(super) fn has_numbered_folder(here: &Listing) -> bool {
    here.folders.iter().any(|folder| repeats_and_words(&name_of(folder)).is_some())
}

/// The pictures of all numbered subfolders.
pub(super) fn find(path: &Path, here: &Listing, shown: &Shown) -> Result<Found, Diagnostics> {
    let mut found = Found::new(Layout::Kohya, path);
    let mut tally = Tally::default();
    let (mut unnumbered, mut zero, mut empty, mut problems) =
        (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for folder in &here.folders {
        let name = name_of(folder);
        let listing = match Listing::read(folder, &shown.of(&name)) {
            Ok(listing) => listing,
            Err(error) => {
                problems.extend(error.0);
                continue;
            }
        };
        let count = listing.pictures.len();
        match repeats_and_words(&name) {
            None => unnumbered.push(format!("{name} ({})", counted(count, "picture"))),
            Some((repeats, _)) if repeats < 1 => zero.push(format!("{name} ({})", counted(count, "picture"))),
            Some((repeats, _)) if repeats > MOST_REPEATS => {
                let number = name.split('_').next().unwrap_or(&name);
                problems.push(too_often(&shown.of(&name), number));
            }

            Some((repeats, words)) => {
                if count == 0 {
                    empty.push(name.clone());
                }
                let prefix = format!("{name}/");
                tell_inner_folders(&listing.folders, &prefix, shown, &mut found)?;
                let class_tokens = (!words.is_empty()).then_some(words);
                let folder =
                    Folder { prefix, name, repeats: repeats as u32, class_tokens, listing: &listing };
                gather(&folder, shown, &mut found, &mut tally);
            }
        }
    }
    tally.tell(&mut found);
    found.note(
        "folders whose name does not begin with a number of repeats, such as 10_name, are not read",
        &unnumbered,
    );
    found.note("folders whose name asks for fewer than 1 repeat are left out", &zero);
    found.note("folders without pictures", &empty);
    found.note("pictures next to the numbered folders are not read", &names_of(&here.pictures));
    if problems.is_empty() && found.pictures.is_empty() && found.faults.is_empty() {
        let message =
            format!("the numbered folders hold no picture that is used ({})", found.notes.join("; "));
        problems.push(Diagnostic::of_file(&shown.text, message));
    }
    Diagnostics(problems).or(found)
}

fn too_often(folder: &str, repeats: &str) -> Diagnostic {
    let hint = "the number before the first '_' of a folder's name says how often an epoch sees each picture";
    let message = format!("asks for {repeats} repeats of each picture; at most {MOST_REPEATS} are taken");
    Diagnostic::of_file(folder, message).with_hint(hint)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_a_number_and_words() {
        assert_eq!(repeats_and_words("10_charlie cat"), Some((10, "charlie cat".into())));
        assert_eq!(repeats_and_words("3_a_b"), Some((3, "a_b".into())));
        assert_eq!(repeats_and_words("7"), Some((7, String::new())));
        assert_eq!(repeats_and_words("-1_x"), Some((-1, "x".into())));
        assert_eq!(repeats_and_words("99999999999999999999_x"), Some((i64::MAX, "x".into())));
        assert_eq!(repeats_and_words("-99999999999999999999_x"), Some((i64::MIN, "x".into())));
        assert_eq!((repeats_and_words("-_x"), repeats_and_words("_x")), (None, None));
        assert_eq!(repeats_and_words("charlie_10"), None);
        assert_eq!(repeats_and_words("10x_charlie"), None);
    }
}
