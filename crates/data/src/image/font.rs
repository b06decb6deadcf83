//! A bitmap font of 5×7 pixels for labels, so that no font file is needed: printable ASCII.

/// Pixels from one character to the next, and from line to line, at scale 1.
pub(super) const ADVANCE: u32 = 6;
pub(super) const LINE: u32 = 9;

/// Rows of the characters from the space to `~`: five bits a row, the left pixel highest.
#[rustfmt::skip]
const GLYPHS: [[u8; 7]; 95] = [
    [0, 0, 0, 0, 0, 0, 0], [4, 4, 4, 4, 4, 0, 4], [10, 10, 0, 0, 0, 0, 0], [10, 31, 10, 10, 10, 31, 10],
    [4, 15, 20, 14, 5, 30, 4], [25, 25, 2, 4, 8, 19, 19], [12, 18, 20, 8, 21, 18, 13], [4, 4, 0, 0, 0, 0, 0],
    [2, 4, 8, 8, 8, 4, 2], [8, 4, 2, 2, 2, 4, 8], [0, 4, 21, 14, 21, 4, 0], [0, 4, 4, 31, 4, 4, 0],
    [0, 0, 0, 0, 4, 4, 8], [0, 0, 0, 31, 0, 0, 0], [0, 0, 0, 0, 0, 12, 12], [1, 1, 2, 4, 8, 16, 16],
    // 0 to 9
    [14, 17, 19, 21, 25, 17, 14], [4, 12, 4, 4, 4, 4, 14], [14, 17, 1, 6, 8, 16, 31], [30, 1, 1, 14, 1, 1, 30],
    [2, 6, 10, 18, 31, 2, 2], [31, 16, 30, 1, 1, 17, 14], [6, 8, 16, 30, 17, 17, 14], [31, 1, 2, 4, 8, 8, 8],
    [14, 17, 17, 14, 17, 17, 14], [14, 17, 17, 15, 1, 2, 12],
    // : ; < = > ? @
    [0, 12, 12, 0, 12, 12, 0], [0, 12, 12, 0, 12, 4, 8], [2, 4, 8, 16, 8, 4, 2], [0, 0, 31, 0, 31, 0, 0],
    [8, 4, 2, 1, 2, 4, 8], [14, 17, 1, 2, 4, 0, 4], [14, 17, 23, 21, 23, 16, 14],
    // A to Z
    [4, 10, 17, 17, 31, 17, 17], [30, 17, 17, 30, 17, 17, 30], [14, 17, 16, 16, 16, 17, 14], [28, 18, 17, 17, 17, 18, 28],
    [31, 16, 16, 30, 16, 16, 31], [31, 16, 16, 30, 16, 16, 16], [14, 17, 16, 23, 17, 17, 15], [17, 17, 17, 31, 17, 17, 17],
    [14, 4, 4, 4, 4, 4, 14], [7, 2, 2, 2, 2, 18, 12], [17, 18, 20, 24, 20, 18, 17], [16, 16, 16, 16, 16, 16, 31],
    [17, 27, 21, 21, 17, 17, 17], [17, 25, 21, 19, 17, 17, 17], [14, 17, 17, 17, 17, 17, 14], [30, 17, 17, 30, 16, 16, 16],
    [14, 17, 17, 17, 21, 18, 13], [30, 17, 17, 30, 20, 18, 17], [15, 16, 16, 14, 1, 1, 30], [31, 4, 4, 4, 4, 4, 4],
    [17, 17, 17, 17, 17, 17, 14], [17, 17, 17, 17, 17, 10, 4], [17, 17, 17, 21, 21, 27, 17], [17, 17, 10, 4, 10, 17, 17],
    [17, 17, 10, 4, 4, 4, 4], [31, 1, 2, 4, 8, 16, 31],
    // [ \ ] ^ _ `
    [14, 8, 8, 8, 8, 8, 14], [16, 16, 8, 4, 2, 1, 1], [14, 2, 2, 2, 2, 2, 14], [4, 10, 17, 0, 0, 0, 0],
    [0, 0, 0, 0, 0, 0, 31], [8, 4, 0, 0, 0, 0, 0],
    // a to z
    [0, 0, 14, 1, 15, 17, 15], [16, 16, 30, 17, 17, 17, 30], [0, 0, 14, 16, 16, 16, 14], [1, 1, 15, 17, 17, 17, 15],
    [0, 0, 14, 17, 31, 16, 14], [6, 8, 28, 8, 8, 8, 8], [0, 15, 17, 17, 15, 1, 14], [16, 16, 30, 17, 17, 17, 17],
    [4, 0, 12, 4, 4, 4, 14], [2, 0, 6, 2, 2, 18, 12], [16, 16, 18, 20, 24, 20, 18], [12, 4, 4, 4, 4, 4, 14],
    [0, 0, 26, 21, 21, 21, 21], [0, 0, 30, 17, 17, 17, 17], [0, 0, 14, 17, 17, 17, 14], [0, 0, 30, 17, 30, 16, 16],
    [0, 0, 15, 17, 15, 1, 1], [0, 0, 22, 25, 16, 16, 16], [0, 0, 15, 16, 14, 1, 30], [8, 8, 28, 8, 8, 8, 6],
    [0, 0, 17, 17, 17, 17, 15], [0, 0, 17, 17, 17, 10, 4], [0, 0, 17, 17, 21, 21, 10], [0, 0, 17, 10, 4, 10, 17],
    [0, 0, 17, 17, 15, 1, 14], [0, 0, 31, 2, 4, 8, 31],
    // { | } ~
    [2, 4, 4, 8, 4, 4, 2], [4, 4, 4, 4, 4, 4, 4], [8, 4, 4, 2, 4, 4, 8], [0, 0, 8, 21, 2, 0, 0],
];
/// What stands for every other character: an empty box.
const OTHER: [u8; 7] = [31, 17, 17, 17, 17, 17, 31];

/// The rows of a character.
pub(super) fn glyph(character: char) -> [u8; 7] {
    let index = (character as usize).wrapping_sub(' ' as usize);
    GLYPHS.get(index).copied().unwrap_or(OTHER)
}

/// `text` cut to `columns` characters, with an end that tells so.
pub(super) fn cut(text: &str, columns: usize) -> String {
    if text.chars().count() <= columns {
        return text.to_owned();
    }
    let dots = "..".len().min(columns);
    text.chars().take(columns - dots).chain("..".chars().take(dots)).collect()
}

/// `text` in at most `lines` lines of `columns` characters, broken at spaces where there are any.
pub(super) fn wrapped(text: &str, columns: usize, lines: usize) -> Vec<String> {
    let mut out: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        match out.last_mut() {
            Some(line) if line.chars().count() + 1 + word.chars().count() <= columns => {
                line.push(' ');
                line.push_str(word);
            }
            _ => out.push(word.to_owned()),
        }
    }
    if out.len() > lines {
        let rest = out.split_off(lines.saturating_sub(1)).join(" ");
        out.push(rest);
    }
    out.truncate(lines);
    out.iter().map(|line| cut(line, columns)).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_character_has_its_own_glyph_of_five_columns() {
        let all: BTreeSet<[u8; 7]> = GLYPHS.into_iter().chain([OTHER]).collect();
        assert_eq!(all.len(), GLYPHS.len() + 1);
        assert!(GLYPHS.iter().flatten().all(|row| *row < 32));
        assert_eq!(glyph('T'), [31, 4, 4, 4, 4, 4, 4]);
        assert_eq!(glyph('~'), GLYPHS[94]);
        assert_eq!((glyph('ä'), glyph('\n')), (OTHER, OTHER));
    }

    #[test]
    fn text_is_broken_and_cut() {
        assert_eq!(wrapped("a red house beside a tree", 9, 2), ["a red", "house b.."]);
        assert_eq!(wrapped("one two", 20, 2), ["one two"]);
        assert_eq!(cut("abcdef", 4), "ab..");
        assert!(wrapped("", 5, 2).is_empty());
    }
}
