//! Foreign text inside Markdown: nothing in a configuration, a sample or a log may become markup, HTML or a broken
//! table. No IO.

use std::fmt::Write as _;

use loradeck_core::text::harmless;

/// Text on one line in which no character is markup, for paragraphs, lists and headings.
pub fn inline(text: &str) -> String {
    let text = harmless(text);
    let characters: Vec<char> = text.trim().chars().collect();
    let mut out = String::new();
    for (index, character) in characters.iter().enumerate() {
        let is_word = |at: Option<usize>| {
            at.and_then(|at| characters.get(at)).is_some_and(|neighbour| neighbour.is_alphanumeric())
        };
        match character {
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '&' => out.push_str("&amp;"),
            // Inside a word an underscore is no markup, and names are full of them.
            '_' if is_word(index.checked_sub(1)) && is_word(Some(index + 1)) => out.push('_'),
            '\\' | '`' | '*' | '_' | '[' | ']' | '|' | '~' | '$' => {
                out.push('\\');
                out.push(*character);
            }
            // GitHub would make a mention or a link of these.
            '@' => out.push_str("&#64;"),
            other => out.push(*other),
        }
    }
    escape_first(out).replace("://", ":&#47;&#47;").replace("www.", "www&#46;")
}

/// At the beginning of a line more characters are markup than inside it.
fn escape_first(text: String) -> String {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let ends_marker = text.as_bytes().get(digits + 1).is_none_or(|next| *next == b' ');
    match text.as_bytes().get(digits) {
        Some(b'.' | b')') if digits > 0 && ends_marker => format!("{}\\{}", &text[..digits], &text[digits..]),
        Some(b'#' | b'+' | b'-' | b'=') if digits == 0 => format!("\\{text}"),
        _ => text,
    }
}

/// Text as a code span; inside a table, bars stay escaped as GFM wants it.
pub fn code(text: &str) -> String {
    let text = harmless(text).into_owned();
    if text.trim().is_empty() {
        return "` `".into();
    }
    let fence = "`".repeat(longest_run(&text, '`') + 1);
    let space = if text.starts_with('`') || text.ends_with('`') { " " } else { "" };
    format!("{fence}{space}{text}{space}{fence}")
}

/// A code span for a table's cell.
pub fn code_cell(text: &str) -> String {
    code(text).replace('|', "\\|")
}

/// Text of several lines as a fenced block that no line of it can close. Long text is cut after `limit` characters.
pub fn block(text: &str, limit: usize) -> String {
    let mut shown: String = text.chars().take(limit).collect();
    if shown.len() < text.len() {
        shown.push('…');
    }
    let lines: Vec<_> = shown.trim_end().lines().map(|line| line.replace('\t', "    ")).collect();
    let lines: Vec<_> = lines.iter().map(|line| harmless(line)).collect();
    let longest = lines.iter().map(|line| longest_run(line, '`')).max().unwrap_or(0);
    let fence = "`".repeat(longest.max(2) + 1);
    format!("{fence}text\n{}\n{fence}", lines.join("\n"))
}

fn longest_run(text: &str, wanted: char) -> usize {
    let mut longest = 0;
    let mut current = 0;
    for character in text.chars() {
        current = if character == wanted { current + 1 } else { 0 };
        longest = longest.max(current);
    }
    longest
}

/// A path as a link's target: whatever could end the target is percent-encoded.
pub fn target(path: &str) -> String {
    let mut out = String::new();
    for byte in path.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'/' | b'.' | b'-' | b'_' | b'=' | b'+' | b',' => {
                out.push(char::from(byte));
            }
            other => {
                // Writing to a String cannot fail.
                let _ = write!(out, "%{other:02X}");
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn markup_is_plain_text() {
        assert_eq!(inline("a|b *c* <img src=x>"), "a\\|b \\*c\\* &lt;img src=x&gt;");
        assert_eq!(inline("# not a\nheading"), "\\# not a heading");
        assert_eq!(inline("1. no list"), "1\\. no list");
        assert_eq!([inline("2026"), inline("0.1.0"), inline("7.")], ["2026", "0.1.0", "7\\."]);
        assert_eq!(inline("\u{1b}[31mred"), "␛\\[31mred");
    }

    #[test]
    fn fences_are_longer_than_what_they_hold() {
        assert_eq!(code("a`b"), "``a`b``");
        assert_eq!(block("x\n```\n<b>", 100), "````text\nx\n```\n<b>\n````");
        assert_eq!(block("abcdef", 3), "```text\nabc…\n```");
        assert_eq!(code_cell("a|b"), "`a\\|b`");
    }

    #[test]
    fn targets_cannot_be_left() {
        assert_eq!(target("runs/a b)(c/README.md"), "runs/a%20b%29%28c/README.md");
    }

    proptest! {
        #[test]
        fn nothing_breaks_a_line_or_opens_a_tag(text in "\\PC*|[\\x00-\\x7f]*") {
            let shown = inline(&text);
            prop_assert!(!shown.contains(['\n', '\r', '<', '>']));
            prop_assert!(!code_cell(&text).contains(['\n', '\r']));
            let bare = shown.match_indices('|').filter(|(at, _)| !shown[..*at].ends_with('\\')).count();
            prop_assert_eq!(bare, 0);
        }

        #[test]
        fn a_block_is_closed_only_by_its_own_fence(text in "[`a\n]*") {
            let shown = block(&text, 1000);
            let fence = shown.lines().last().unwrap().to_owned();
            let closing = shown.lines().skip(1).filter(|line| line.trim_start().starts_with(&fence)).count();
            prop_assert_eq!(closing, 1);
        }
    }
}
