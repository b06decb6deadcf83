//! Writing YAML: plain scalars where no reader could take them for anything but text, else double quotes.

use std::fmt::Write as _;

use super::value::Value;

/// Words that some YAML reader takes for something else than text.
const RESERVED: [&str; 11] = ["null", "true", "false", "yes", "no", "on", "off", "y", "n", "nan", "inf"];

/// `text` as a YAML scalar on one line, which reads back as the same text.
pub(crate) fn scalar_text(text: &str) -> String {
    if is_plain(text) { text.to_owned() } else { quoted(text) }
}

fn is_plain(text: &str) -> bool {
    let starts_well = text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '/' || c == '_')
        || text.starts_with("./")
        || text.starts_with("../");
    starts_well
        && !text.ends_with(' ')
        && text.chars().all(|c| c.is_ascii_alphanumeric() || " _-./+@=()".contains(c))
        && !RESERVED.contains(&text.to_ascii_lowercase().as_str())
}

fn quoted(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for character in text.chars() {
        match character {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\t' => out.push_str("\\t"),
            '\r' => out.push_str("\\r"),
            unsafe_character if !is_printable(unsafe_character) => push_escape(&mut out, unsafe_character),
            other => out.push(other),
        }
    }
    out.push('"');
    out
}

fn push_escape(out: &mut String, character: char) {
    let code = character as u32;
    // Writing to a String cannot fail.
    let _ = match code {
        0..=0xff => write!(out, "\\x{code:02x}"),
        0x100..=0xffff => write!(out, "\\u{code:04x}"),
        _ => write!(out, "\\U{code:08x}"),
    };
}

/// Whether YAML allows the character unescaped, and it neither breaks a line nor turns the writing direction.
fn is_printable(character: char) -> bool {
    !character.is_control()
        && !matches!(character, '\u{2028}' | '\u{2029}' | '\u{feff}' | '\u{fffe}' | '\u{ffff}')
        && !matches!(character, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// Appends `key: value` at `indent` spaces; mappings and lists of mappings as blocks, everything else on one line.
pub(crate) fn push_entry(out: &mut String, indent: usize, key: &str, json: &serde_json::Value) {
    let _ = write!(out, "{:indent$}{}:", "", scalar_text(key));
    match json {
        serde_json::Value::Object(entries) if entries.is_empty() => out.push_str(" {}\n"),
        serde_json::Value::Object(entries) => {
            out.push('\n');
            entries.iter().for_each(|(key, value)| push_entry(out, indent + 2, key, value));
        }
        serde_json::Value::Array(items) if items.iter().any(serde_json::Value::is_string) => {
            out.push('\n');
            for item in items {
                let _ = writeln!(out, "{:indent$}  - {}", "", inline(item));
            }
        }
        other => {
            let _ = writeln!(out, " {}", inline(other));
        }
    }
}

fn inline(json: &serde_json::Value) -> String {
    Value::from_json(json).map_or_else(|| json.to_string(), |value| value.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_and_lines() {
        let json = serde_json::json!({"path": "models/a.gguf", "size": 3, "list": ["a: b"], "none": {}});
        let mut out = String::new();
        push_entry(&mut out, 0, "base_model", &json);
        assert_eq!(
            out,
            "base_model:\n  path: models/a.gguf\n  size: 3\n  list:\n    - \"a: b\"\n  none: {}\n"
        );
    }

    proptest::proptest! {
        #[test]
        fn any_text_reads_back(text in "\\PC*|[\\x00-\\x{2fff}]*|[ -~]{0,12}") {
            let back: String = serde_yaml::from_str(&scalar_text(&text)).unwrap();
            proptest::prop_assert_eq!(&back, &text);
            let typed: serde_yaml::Value = serde_yaml::from_str(&scalar_text(&text)).unwrap();
            proptest::prop_assert!(typed.is_string());
        }
    }
}
