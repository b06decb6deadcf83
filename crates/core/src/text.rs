//! Making foreign text harmless and numbers readable.

use std::borrow::Cow;

/// Text that may be shown on a terminal: control characters, escape sequences' introducers and direction overrides
/// become visible replacements; tabs become a space.
///
/// Log and configuration text is hostile: nothing of it may reach the terminal as a command.
pub fn harmless(text: &str) -> Cow<'_, str> {
    if !text.chars().any(is_harmful) {
        return Cow::Borrowed(text);
    }
    Cow::Owned(text.chars().map(replacement).collect())
}

fn is_harmful(character: char) -> bool {
    character.is_control()
        || matches!(character, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
}

fn replacement(character: char) -> char {
    match character {
        '\t' | '\n' | '\r' => ' ',
        '\u{7f}' => '\u{2421}',
        low if (low as u32) < 0x20 => char::from_u32(0x2400 + low as u32).unwrap_or('\u{fffd}'),
        harmful if is_harmful(harmful) => '\u{fffd}',
        other => other,
    }
}

/// The nearest of `known` to `typed` by edit distance, if it is near enough to be a slip.
pub fn nearest<'a>(typed: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let limit = typed.chars().count().max(3) / 3 + 1;
    known
        .into_iter()
        .map(|candidate| (edit_distance(typed, candidate), candidate))
        .filter(|(distance, _)| *distance <= limit)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// Levenshtein distance in characters.
pub fn edit_distance(left: &str, right: &str) -> usize {
    let right: Vec<char> = right.chars().collect();
    let mut row: Vec<usize> = (0..=right.len()).collect();
    for (i, a) in left.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, b) in right.iter().enumerate() {
            let substituted = diagonal + usize::from(a != *b);
            diagonal = row[j + 1];
            row[j + 1] = substituted.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[right.len()]
}

/// A name usable as one path component: lower case letters, digits and single dashes, at most `limit` bytes.
pub fn slug(text: &str, limit: usize) -> String {
    let mut out = String::new();
    for character in text.chars().flat_map(char::to_lowercase) {
        if character.is_ascii_alphanumeric() || character == '.' {
            out.push(character);
        } else if !out.is_empty() && !out.ends_with('-') {
            out.push('-');
        }
        if out.len() >= limit {
            break;
        }
    }
    out.trim_matches(['-', '.']).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escape_sequences_become_visible() {
        assert_eq!(harmless("a\u{1b}[2Jb\u{9b}31m\u{202e}"), "a␛[2Jb\u{fffd}31m\u{fffd}");
        assert!(matches!(harmless("plain – ä"), Cow::Borrowed(_)));
    }

    #[test]
    fn the_nearest_key_is_offered_only_for_slips() {
        let keys = ["lora_rank", "learning_rate", "batch_size"];
        assert_eq!(nearest("lora_rnk", keys), Some("lora_rank"));
        assert_eq!(nearest("colour", keys), None);
    }

    #[test]
    fn slugs_stay_one_component() {
        assert_eq!(slug("../Etc/Rank 8, lr=2e-4", 40), "etc-rank-8-lr-2e-4");
        assert_eq!(slug("...", 40), "");
    }
}
