//! One line of text being typed.

use crate::tui::terminal::{KeyCode, KeyEvent, key};

/// Longest text taken, in characters.
const LONGEST: usize = 200;

/// The text and the place where the next letter goes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TextField {
    text: String,
    /// In characters.
    at: usize,
}

impl TextField {
    /// A field holding `text`, ready to go on at its end.
    pub fn new(text: &str) -> Self {
        Self { text: text.to_owned(), at: text.chars().count() }
    }

    /// The text.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The text before the place where the next letter goes.
    pub fn before(&self) -> &str {
        &self.text[..self.byte(self.at)]
    }

    /// Puts text in; line breaks and control characters are left out.
    pub fn insert(&mut self, text: &str) {
        for character in text.chars().filter(|character| !character.is_control()) {
            if self.text.chars().count() >= LONGEST {
                return;
            }
            let byte = self.byte(self.at);
            self.text.insert(byte, character);
            self.at += 1;
        }
    }

    /// Takes a key of editing; whether it was one.
    pub fn take(&mut self, key: KeyEvent) -> bool {
        match (key::has_ctrl(key), key.code) {
            (false, KeyCode::Char(character)) if !key::has_alt(key) => {
                self.insert(character.encode_utf8(&mut [0; 4]));
            }
            (false, KeyCode::Backspace) => self.delete(self.at.saturating_sub(1)..self.at),
            (false, KeyCode::Delete) => self.delete(self.at..self.at + 1),
            (false, KeyCode::Left) => self.at = self.at.saturating_sub(1),
            (false, KeyCode::Right) => self.at = (self.at + 1).min(self.text.chars().count()),
            (false, KeyCode::Home) | (true, KeyCode::Char('a')) => self.at = 0,
            (false, KeyCode::End) | (true, KeyCode::Char('e')) => self.at = self.text.chars().count(),
            (true, KeyCode::Char('u')) => self.delete(0..self.at),
            (true, KeyCode::Char('w')) => self.delete(self.word_start()..self.at),
            _ => return false,
        }
        true
    }

    fn delete(&mut self, characters: std::ops::Range<usize>) {
        let (from, to) = (self.byte(characters.start), self.byte(characters.end));
        self.text.replace_range(from..to, "");
        self.at = characters.start.min(self.text.chars().count());
    }

    fn word_start(&self) -> usize {
        let before: Vec<char> = self.before().chars().collect();
        let end = before.iter().rposition(|character| *character != ' ').map_or(0, |last| last + 1);
        before[..end].iter().rposition(|character| *character == ' ').map_or(0, |space| space + 1)
    }

    fn byte(&self, character: usize) -> usize {
        self.text.char_indices().nth(character).map_or(self.text.len(), |(byte, _)| byte)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_edited_by_characters() {
        let mut field = TextField::new("lr größer");
        field.take(key::plain(KeyCode::Left));
        field.take(key::plain(KeyCode::Backspace));
        assert_eq!((field.text(), field.before()), ("lr größr", "lr größ"));
        field.take(key::ctrl('w'));
        assert_eq!(field.text(), "lr r");
        field.take(key::ctrl('u'));
        assert_eq!(field.text(), "r");
        field.insert("a\n\x1bb");
        assert_eq!(field.text(), "abr");
        assert!(!field.take(key::plain(KeyCode::Tab)));
    }
}
