//! Keys as people write them.

use crate::tui::terminal::{KeyCode, KeyEvent, KeyModifiers, key};

/// Keys that have a name rather than a letter.
const NAMED: [(&str, KeyCode); 16] = [
    ("Space", KeyCode::Char(' ')),
    ("Enter", KeyCode::Enter),
    ("Esc", KeyCode::Esc),
    ("Tab", KeyCode::Tab),
    ("Shift-Tab", KeyCode::BackTab),
    ("Backspace", KeyCode::Backspace),
    ("Del", KeyCode::Delete),
    ("Ins", KeyCode::Insert),
    ("Up", KeyCode::Up),
    ("Down", KeyCode::Down),
    ("Left", KeyCode::Left),
    ("Right", KeyCode::Right),
    ("Home", KeyCode::Home),
    ("End", KeyCode::End),
    ("PgUp", KeyCode::PageUp),
    ("PgDn", KeyCode::PageDown),
];

/// A key as people write it.
pub fn key_name(key: KeyEvent) -> String {
    let named = NAMED.iter().find(|(_, code)| *code == key.code).map(|(name, _)| (*name).to_owned());
    let name = named.unwrap_or_else(|| match key.code {
        KeyCode::F(number) => format!("F{number}"),
        KeyCode::Char(character) => character.to_string(),
        _ => String::new(),
    });
    match (key::has_ctrl(key), key::has_alt(key)) {
        (true, _) => format!("Ctrl-{name}"),
        (_, true) => format!("Alt-{name}"),
        _ => name,
    }
}

/// The key that somebody wrote: a character, or `Enter`, `F5`, `Ctrl-d`, `Alt-x`.
pub fn parse_key(text: &str) -> Option<KeyEvent> {
    let modified = |modifier: &str| {
        let (head, rest) = text.split_at_checked(modifier.len())?;
        head.eq_ignore_ascii_case(modifier).then_some(rest).filter(|rest| !rest.is_empty())
    };
    if let Some(rest) = modified("ctrl-") {
        let key = plain(rest)?;
        // Terminals send letters with Ctrl as one byte, the same for both cases; these four are other keys' bytes
        // (Backspace, Tab, Enter twice).
        let code = match key.code {
            KeyCode::Char('h' | 'H' | 'i' | 'I' | 'j' | 'J' | 'm' | 'M') => return None,
            KeyCode::Char(letter) if letter.is_ascii_alphabetic() => {
                KeyCode::Char(letter.to_ascii_lowercase())
            }
            _ => return None,
        };
        return Some(KeyEvent::new(code, KeyModifiers::CONTROL));
    }
    if let Some(rest) = modified("alt-") {
        return plain(rest).map(key::with_alt);
    }
    plain(text)
}

fn plain(text: &str) -> Option<KeyEvent> {
    let mut characters = text.chars();
    if let (Some(character), None) = (characters.next(), characters.next()) {
        return (!character.is_control()).then(|| key::letter(character));
    }
    if let Some((_, code)) = NAMED.iter().find(|(name, _)| name.eq_ignore_ascii_case(text)) {
        return Some(key::plain(*code));
    }
    let number = text.strip_prefix(['F', 'f'])?.parse().ok()?;
    (1..=12).contains(&number).then(|| key::plain(KeyCode::F(number)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_is_read_as_the_key_it_names() {
        let mut keys: Vec<KeyEvent> = NAMED.iter().map(|(_, code)| key::plain(*code)).collect();
        keys.extend((1..=12).map(|number| key::plain(KeyCode::F(number))));
        keys.extend(['a', 'A', '?', 'ß', '-'].map(key::letter));
        keys.push(key::ctrl('d'));
        keys.push(key::with_alt(key::letter('x')));
        for key in keys {
            assert_eq!(parse_key(&key_name(key)), Some(key), "{}", key_name(key));
        }
        assert_eq!(parse_key("CTRL-D"), Some(key::ctrl('d')));
    }

    #[test]
    fn what_is_no_key_is_none() {
        for text in
            ["", "Entr", "F0", "F13", "Ctrl-", "Ctrl-Enter", "Ctrl-h", "ctrl-M", "ab", "\u{1b}", "Hyper-x"]
        {
            assert_eq!(parse_key(text), None, "{text}");
        }
    }
}
