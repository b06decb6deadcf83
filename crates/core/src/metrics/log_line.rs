//! What a terminal would show of a log line, as harmless text.

use crate::text::harmless;

/// The longest line shown, in characters; what is beyond is cut off with an ellipsis.
const LONGEST: usize = 4096;
/// How much of an unfinished line without carriage returns is kept, in bytes.
const KEPT_BYTES: usize = 4 * LONGEST;

/// The visible state of a raw line (without its line feed): the last state of a line that is redrawn by carriage
/// returns, without colours and other escape sequences, and with every other control character made visible.
pub fn visible(raw: &[u8]) -> String {
    let last = &raw[last_state(raw)..];
    let end = last.iter().rposition(|byte| *byte != b'\r').map_or(0, |index| index + 1);
    let text = String::from_utf8_lossy(&last[..end]);
    let plain = without_escapes(&text);
    let mut shown: String = harmless(&plain).chars().take(LONGEST + 1).collect();
    if shown.chars().count() > LONGEST {
        shown.truncate(shown.char_indices().nth(LONGEST - 1).map_or(shown.len(), |(index, _)| index));
        shown.push('…');
    }
    shown
}

/// Where the last state begins: behind the last carriage return that something follows.
fn last_state(raw: &[u8]) -> usize {
    let end = raw.iter().rposition(|byte| *byte != b'\r').map_or(0, |index| index + 1);
    raw[..end].iter().rposition(|byte| *byte == b'\r').map_or(0, |index| index + 1)
}

/// Drops from an unfinished line what can no longer be seen, so that a progress bar redrawn for hours, or a line
/// without end, takes no more memory than one line.
pub(super) fn shrink(raw: &mut Vec<u8>) {
    let start = last_state(raw);
    raw.drain(..start);
    if raw.len() > KEPT_BYTES && !raw[KEPT_BYTES..].contains(&b'\r') {
        raw.truncate(KEPT_BYTES);
    }
}

/// Takes escape sequences out: CSI (colours, cursor), OSC (titles, links), and two-character ones.
fn without_escapes(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut rest = text.chars();
    while let Some(character) = rest.next() {
        match character {
            '\u{1b}' => skip_escape(&mut rest),
            '\u{9b}' => skip_control_sequence(&mut rest),
            other => plain.push(other),
        }
    }
    plain
}

fn skip_escape(rest: &mut std::str::Chars<'_>) {
    match rest.clone().next() {
        Some('[') => {
            rest.next();
            skip_control_sequence(rest);
        }
        Some(']' | 'P' | 'X' | '^' | '_') => {
            rest.next();
            skip_string(rest);
        }
        Some('(' | ')' | '*' | '+' | '#' | '%' | ' ') => {
            rest.next();
            rest.next();
        }
        Some(other) if !other.is_control() => {
            rest.next();
        }
        _ => {}
    }
}

/// Parameters and intermediates up to the final byte; anything that cannot belong to the sequence ends it.
fn skip_control_sequence(rest: &mut std::str::Chars<'_>) {
    while let Some(next) = rest.clone().next() {
        match next {
            '\u{20}'..='\u{3f}' => {
                rest.next();
            }
            '\u{40}'..='\u{7e}' => {
                rest.next();
                return;
            }
            _ => return,
        }
    }
}

/// Up to the bell or the string terminator; one that never ends swallows the line, as in a terminal.
fn skip_string(rest: &mut std::str::Chars<'_>) {
    while let Some(next) = rest.next() {
        match next {
            '\u{07}' | '\u{9c}' => return,
            '\u{1b}' => {
                if rest.clone().next() == Some('\\') {
                    rest.next();
                }
                return;
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_progress_line_shows_its_last_state() {
        assert_eq!(visible(b"\r 0%|   |\r 10%|#  |\r 20%|## |"), " 20%|## |");
        assert_eq!(visible(b"windows line\r"), "windows line");
        assert_eq!(visible(b"state\r\r"), "state");
        assert_eq!(visible(b"\r"), "");
    }

    #[test]
    fn colours_and_titles_go_and_other_controls_are_seen() {
        assert_eq!(visible(b"\x1b[1;31mred\x1b[0m \x1b]0;title\x07x\x1b]8;;u\x1b\\y\x1b(Bz"), "red xyz");
        assert_eq!(visible("a\u{9b}31mb\x07".as_bytes()), "ab␇");
        assert_eq!(visible(b"\x1b[31"), "");
        assert_eq!(visible(b"bad \xff utf-8"), "bad \u{fffd} utf-8");
    }

    #[test]
    fn endless_lines_are_cut() {
        let shown = visible("ä".repeat(10_000).as_bytes());
        assert_eq!(shown.chars().count(), LONGEST);
        assert!(shown.ends_with('…'));
        let mut raw = b"\r 10%\r 20%".repeat(1000);
        shrink(&mut raw);
        assert_eq!(raw, b" 20%");
        let mut raw = vec![b'x'; 1 << 20];
        shrink(&mut raw);
        assert_eq!(raw.len(), KEPT_BYTES);
    }

    proptest! {
        #[test]
        fn nothing_harmful_gets_through(raw in proptest::collection::vec(any::<u8>(), 0..200)) {
            let shown = visible(&raw);
            prop_assert!(!shown.chars().any(char::is_control));
        }

        #[test]
        fn shrinking_does_not_change_what_is_seen(raw in "[a-z\r]{0,60}") {
            let mut shrunk = raw.clone().into_bytes();
            shrink(&mut shrunk);
            prop_assert_eq!(visible(&shrunk), visible(raw.as_bytes()));
        }
    }
}
