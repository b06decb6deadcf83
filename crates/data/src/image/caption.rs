//! Captions: read from a file or a table, and the trigger word before them.

use loradeck_core::config::Diagnostic;
use serde::{Deserialize, Serialize};

use super::Fault;

/// Where a caption comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CaptionSource {
    /// A `.txt` file of the picture's name.
    Txt,
    /// A `.caption` file of the picture's name.
    Caption,
    /// `metadata.csv` or `metadata.jsonl`.
    Metadata,
    /// The words in the folder's name (kohya's class tokens).
    FolderName,
    /// There is none.
    Missing,
}

impl CaptionSource {
    /// How it is told: `.txt`, `metadata`, …
    pub fn name(self) -> &'static str {
        match self {
            Self::Txt => ".txt",
            Self::Caption => ".caption",
            Self::Metadata => "metadata",
            Self::FolderName => "folder name",
            Self::Missing => "none",
        }
    }
}

/// A caption as it was read, before any trigger word.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caption {
    /// Its text; `""` where there is none.
    pub text: String,
    /// Where it comes from.
    pub source: CaptionSource,
}

/// The contents of a caption file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct CaptionText {
    /// The first line that is not blank, trimmed.
    pub(super) line: String,
    /// Whether further lines were left out.
    pub(super) more_lines: bool,
}

/// Reads the bytes of the caption file `name`: UTF-8, with or without byte order mark.
pub(super) fn read(name: &str, bytes: &[u8]) -> Result<CaptionText, Fault> {
    let text = utf8(name, bytes)?;
    let mut lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    let line = lines.next().unwrap_or_default().to_owned();
    Ok(CaptionText { line, more_lines: lines.next().is_some() })
}

/// The text of a file in UTF-8, without its byte order mark; else what is wrong, with the byte's position.
pub(super) fn utf8<'a>(name: &str, bytes: &'a [u8]) -> Result<&'a str, Fault> {
    if bytes.starts_with(&[0xFF, 0xFE]) || bytes.starts_with(&[0xFE, 0xFF]) {
        let hint = "save it as UTF-8, such as with: iconv -f UTF-16 -t UTF-8";
        return Err(Diagnostic::of_file(name, "is UTF-16 text, and UTF-8 is read").with_hint(hint).into());
    }
    match std::str::from_utf8(bytes) {
        Ok(text) => Ok(text.strip_prefix('\u{feff}').unwrap_or(text)),
        Err(error) => {
            let at = error.valid_up_to();
            let before = &bytes[..at];
            let line = before.split(|byte| *byte == b'\n').count();
            let line_start = before.iter().rposition(|byte| *byte == b'\n').map_or(0, |newline| newline + 1);
            let column = String::from_utf8_lossy(&before[line_start..]).chars().count() + 1;
            let byte = bytes.get(at).copied().unwrap_or_default();
            let message = format!("is not UTF-8: byte {at}, counted from 0, is 0x{byte:02x}");
            let hint = "save it as UTF-8; if it is Latin-1: iconv -f ISO-8859-1 -t UTF-8";
            Err(Diagnostic { line, column, ..Diagnostic::of_file(name, message) }.with_hint(hint).into())
        }
    }
}

/// `caption` with `trigger` before it, unless it has this word already (in any case).
pub fn with_trigger(caption: &str, trigger: Option<&str>) -> String {
    match trigger.map(str::trim) {
        Some(trigger) if !trigger.is_empty() && !contains_word(caption, trigger) => {
            if caption.is_empty() {
                trigger.to_owned()
            } else {
                format!("{trigger}, {caption}")
            }
        }
        _ => caption.to_owned(),
    }
}

/// Whether `word` stands in `text` by itself, in any case: not as a part of a longer word.
pub(super) fn contains_word(text: &str, word: &str) -> bool {
    let (text, word) = (text.to_lowercase(), word.to_lowercase());
    !word.is_empty()
        && text.match_indices(&word).any(|(at, _)| {
            let before = text[..at].chars().next_back();
            let after = text[at + word.len()..].chars().next();
            [before, after].into_iter().flatten().all(|next| !next.is_alphanumeric())
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_line_that_is_not_blank_counts() {
        let of = |bytes: &[u8]| read("a.txt", bytes).unwrap();
        assert_eq!(
            of(b"\xef\xbb\xbf a, b \r\nmore\n"),
            CaptionText { line: "a, b".into(), more_lines: true }
        );
        assert_eq!(of(b"\n\n one\n\n"), CaptionText { line: "one".into(), more_lines: false });
        assert_eq!(of(b" \n"), CaptionText { line: String::new(), more_lines: false });
    }

    #[test]
    fn other_encodings_are_told_with_their_place() {
        let error = read("d/a.txt", b"first\ncaf\xe9 au lait").unwrap_err().to_string();
        assert!(error.starts_with("d/a.txt:2:4: is not UTF-8: byte 9, counted from 0, is 0xe9"), "{error}");
        assert!(error.contains("iconv -f ISO-8859-1"), "{error}");
        assert!(read("a", b"\xff\xfea\0").unwrap_err().to_string().contains("UTF-16"));
    }

    #[test]
    fn the_trigger_word_is_put_where_it_lacks() {
        let of = |caption| with_trigger(caption, Some("ohwx"));
        assert_eq!(of("a cat"), "ohwx, a cat");
        assert_eq!(of(""), "ohwx");
        assert_eq!(of("photo of OHWX, smiling"), "photo of OHWX, smiling");
        assert_eq!(of("ohwxy cat"), "ohwx, ohwxy cat");
        assert_eq!(with_trigger("a", None), "a");
        assert_eq!(with_trigger("a", Some(" ")), "a");
        assert_eq!(with_trigger("a ohwx man on a hill", Some("ohwx man")), "a ohwx man on a hill");
    }
}
