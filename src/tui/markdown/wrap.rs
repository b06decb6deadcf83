//! Running text broken at spaces.

use ratatui::text::Span;

use super::block::Piece;
use super::layout::Line;

/// How many columns a text takes.
pub(super) fn width_of(text: &str) -> usize {
    Span::raw(text).width()
}

/// Breaks running text into lines of at most `width` columns; a word that is longer is cut.
pub(super) fn wrap(pieces: &[Piece], width: usize) -> Vec<Line> {
    let mut lines = Wrapper { width: width.max(1), lines: vec![Line::default()], used: 0, gap: None };
    for word in words(pieces) {
        lines.take(word);
    }
    lines.lines
}

#[derive(Clone, Copy)]
enum Word<'a> {
    /// Letters of one look; several in a row without a gap belong together.
    Letters(&'a Piece, &'a str),
    Gap(&'a Piece),
    Break,
}

fn words(pieces: &[Piece]) -> impl Iterator<Item = Word<'_>> {
    pieces.iter().flat_map(|piece| {
        let mut found = Vec::new();
        if piece.text == "\n" {
            found.push(Word::Break);
            return found;
        }
        for (index, word) in piece.text.split(' ').enumerate() {
            if index > 0 {
                found.push(Word::Gap(piece));
            }
            if !word.is_empty() {
                found.push(Word::Letters(piece, word));
            }
        }
        found
    })
}

struct Wrapper<'a> {
    width: usize,
    lines: Vec<Line>,
    used: usize,
    /// A space that is drawn only if another word follows on the same line.
    gap: Option<&'a Piece>,
}

impl<'a> Wrapper<'a> {
    fn take(&mut self, word: Word<'a>) {
        match word {
            Word::Break => self.next_line(),
            Word::Gap(piece) => self.gap = (self.used > 0).then_some(piece),
            Word::Letters(piece, text) => self.letters(piece, text),
        }
    }

    fn letters(&mut self, piece: &Piece, text: &str) {
        let gap = usize::from(self.gap.is_some());
        if self.used > 0 && self.gap.is_some() && self.used + gap + width_of(text) > self.width {
            self.next_line();
        }
        if let Some(space) = self.gap.take() {
            self.put(space, " ");
        }
        let mut rest = text;
        while self.used + width_of(rest) > self.width {
            let cut = fitting(rest, self.width - self.used);
            if cut == 0 && self.used > 0 {
                self.next_line();
                continue;
            }
            // A character wider than the line is let through: nothing may be lost.
            let cut = if cut == 0 { rest.chars().next().map_or(0, char::len_utf8) } else { cut };
            self.put(piece, &rest[..cut]);
            rest = &rest[cut..];
            if rest.is_empty() {
                return;
            }
            self.next_line();
        }
        self.put(piece, rest);
    }

    fn put(&mut self, piece: &Piece, text: &str) {
        self.used += width_of(text);
        if let Some(line) = self.lines.last_mut() {
            line.push(text, piece.look);
        }
    }

    fn next_line(&mut self) {
        self.lines.push(Line::default());
        (self.used, self.gap) = (0, None);
    }
}

/// How many bytes of `text` fit into `room` columns.
fn fitting(text: &str, room: usize) -> usize {
    let mut used = 0;
    for (at, character) in text.char_indices() {
        used += width_of(character.encode_utf8(&mut [0; 4]));
        if used > room {
            return at;
        }
    }
    text.len()
}
