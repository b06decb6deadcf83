//! Keys as people write them.

use crate::tui::terminal::{Code, Key};

/// Keys that have a name rather than a letter.
const NAMED: [(&str, Code); 16] = [
    ("Space", Code::Char(' ')),
    ("Enter", Code::Enter),
    ("Esc", Code::Esc),
    ("Tab", Code::Tab),
    ("Shift-Tab", Code::BackTab),
    ("Backspace", Code::Backspace),
    ("Del", Code::Delete),
    ("Ins", Code::Insert),
    ("Up", Code::Up),
    ("Down", Code::Down),
    ("Left", Code::Left),
    ("Right", Code::Right),
    ("Home", Code::Home),
    ("End", Code::End),
    ("PgUp", Code::PageUp),
    ("PgDn", Code::PageDown),
];

/// A key as people write it.
pub fn key_name(key: Key) -> String {
    let named = NAMED.iter().find(|(_, code)| *code == key.code).map(|(name, _)| (*name).to_owned());
    let name = named.unwrap_or_else(|| match key.code {
        Code::F(number) => format!("F{number}"),
        Code::Char(character) => character.to_string(),
        _ => String::new(),
    });
    match (key.ctrl, key.alt) {
        (true, _) => format!("Ctrl-{name}"),
        (_, true) => format!("Alt-{name}"),
        _ => name,
    }
}

/// The key that somebody wrote: a character, or `Enter`, `F5`, `Ctrl-d`, `Alt-x`.
pub fn parse_key(text: &str) -> Option<Key> {
    let modified = |modifier: &str| {
        let (head, rest) = text.split_at_checked(modifier.len())?;
        head.eq_ignore_ascii_case(modifier).then_some(rest).filter(|rest| !rest.is_empty())
    };
    if let Some(rest) = modified("ctrl-") {
        let key = plain(rest)?;
        // Terminals send letters with Ctrl as one byte, the same for both cases; these four are other keys' bytes
        // (Backspace, Tab, Enter twice).
        let code = match key.code {
            Code::Char('h' | 'H' | 'i' | 'I' | 'j' | 'J' | 'm' | 'M') => return None,
            Code::Char(letter) if letter.is_ascii_alphabetic() => Code::Char(letter.to_ascii_lowercase()),
            _ => return None,
        };
        return Some(Key { code, ctrl: true, alt: false });
    }
    if let Some(rest) = modified("alt-") {
        return plain(rest).map(|key| Key { alt: true, ..key });
    }
    plain(text)
}

fn plain(text: &str) -> Option<Key> {
    let mut characters = text.chars();
    if let (Some(character), None) = (characters.next(), characters.next()) {
        return (!character.is_control()).then(|| Key::char(character));
    }
    if let Some((_, code)) = NAMED.iter().find(|(name, _)| name.eq_ignore_ascii_case(text)) {
        return Some(Key::plain(*code));
    }
    let number = text.strip_prefix(['F', 'f'])?.parse().ok()?;
    (1..=12).contains(&number).then(|| Key::plain(Code::F(number)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_is_read_as_the_key_it_names() {
        let mut keys: Vec<Key> = NAMED.iter().map(|(_, code)| Key::plain(*code)).collect();
        keys.extend((1..=12).map(|number| Key::plain(Code::F(number))));
        keys.extend(['a', 'A', '?', 'ß', '-'].map(Key::char));
        keys.push(Key::ctrl('d'));
        keys.push(Key { alt: true, ..Key::char('x') });
        for key in keys {
            assert_eq!(parse_key(&key_name(key)), Some(key), "{}", key_name(key));
        }
        assert_eq!(parse_key("CTRL-D"), Some(Key::ctrl('d')));
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
