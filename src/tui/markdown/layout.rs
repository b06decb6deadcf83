//! Blocks become lines of a width.

use super::block::{Block, Look, Piece};
use super::table;
use super::wrap::{width_of, wrap};

/// One line.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Line {
    /// Its pieces.
    pub pieces: Vec<Piece>,
}

impl Line {
    /// Everything it says.
    pub fn text(&self) -> String {
        self.pieces.iter().map(|piece| piece.text.as_str()).collect()
    }

    /// How many columns it takes.
    pub fn width(&self) -> usize {
        self.pieces.iter().map(|piece| width_of(&piece.text)).sum()
    }

    pub(super) fn push(&mut self, text: &str, look: Look) {
        match self.pieces.last_mut() {
            Some(last) if last.look == look => last.text.push_str(text),
            _ if text.is_empty() => {}
            _ => self.pieces.push(Piece { text: text.to_owned(), look }),
        }
    }

    fn of(text: &str, look: Look) -> Self {
        let mut line = Self::default();
        line.push(text, look);
        line
    }

    /// The same behind something else.
    fn behind(mut self, text: &str, look: Look) -> Self {
        let mut line = Self::of(text, look);
        for piece in self.pieces.drain(..) {
            line.push(&piece.text, piece.look);
        }
        line
    }
}

/// What lines are made with.
#[derive(Clone, Copy, Debug)]
pub(super) struct Strokes {
    rule: &'static str,
    bar: &'static str,
    bullet: &'static str,
}

const FAINT: Look =
    Look { strong: false, emphasis: false, code: false, struck: false, link: false, faint: true, heading: 0 };
/// Running text is not wider than eyes like to read; tables take what there is.
const WIDEST_TEXT: usize = 100;
/// Columns that nesting may take away; what is nested deeper stands at the same indent.
const LEAST_WIDTH: usize = 16;

/// Lays blocks out in lines of at most `width` columns. Code is left as it is, and may be wider.
pub fn lay_out(blocks: &[Block], width: usize, unicode: bool) -> Vec<Line> {
    let strokes = if unicode {
        Strokes { rule: "─", bar: "│ ", bullet: "• " }
    } else {
        Strokes { rule: "-", bar: "| ", bullet: "* " }
    };
    let mut lines = stacked(blocks, width.max(LEAST_WIDTH), strokes, true);
    while lines.last().is_some_and(|line| line.pieces.is_empty()) {
        lines.pop();
    }
    lines
}

/// Blocks one below the other, with an empty line between them where `apart`.
fn stacked(blocks: &[Block], width: usize, strokes: Strokes, apart: bool) -> Vec<Line> {
    let mut lines: Vec<Line> = Vec::new();
    for block in blocks {
        if apart && !lines.is_empty() {
            lines.push(Line::default());
        }
        lines.extend(one(block, width, strokes));
    }
    lines
}

fn one(block: &Block, width: usize, strokes: Strokes) -> Vec<Line> {
    match block {
        Block::Text(pieces) => text(pieces, width, strokes),
        Block::Code(lines) => {
            let look = Look { code: true, ..Look::default() };
            lines.iter().map(|line| Line::of(line, look).behind("  ", Look::default())).collect()
        }
        Block::Quote(blocks) => {
            let inner = stacked(blocks, narrower(width, 2), strokes, true);
            inner.into_iter().map(|line| line.behind(strokes.bar, FAINT)).collect()
        }
        Block::List { first, items } => list(*first, items, width, strokes),
        Block::Table { sides, header, rows } => table::lay_out(sides, header, rows, width, strokes.rule),
        Block::Rule => vec![Line::of(&strokes.rule.repeat(width.min(WIDEST_TEXT)), FAINT)],
    }
}

/// Running text. The first two levels of headings have a line below.
fn text(pieces: &[Piece], width: usize, strokes: Strokes) -> Vec<Line> {
    let mut lines = wrap(pieces, width.min(WIDEST_TEXT));
    if pieces.first().is_some_and(|piece| matches!(piece.look.heading, 1 | 2)) {
        let longest = lines.iter().map(Line::width).max().unwrap_or(0);
        lines.push(Line::of(&strokes.rule.repeat(longest), FAINT));
    }
    lines
}

fn list(first: Option<u64>, items: &[Vec<Block>], width: usize, strokes: Strokes) -> Vec<Line> {
    let marks: Vec<String> = (0..items.len() as u64)
        .map(|index| {
            first.map_or_else(|| strokes.bullet.into(), |first| format!("{}. ", first.saturating_add(index)))
        })
        .collect();
    let indent = marks.iter().map(|mark| width_of(mark)).max().unwrap_or(0);
    // Items of several paragraphs need air; short ones do not.
    let loose =
        items.iter().any(|item| item.iter().filter(|block| matches!(block, Block::Text(_))).count() > 1);
    let mut lines = Vec::new();
    for (item, mark) in items.iter().zip(&marks) {
        if loose && !lines.is_empty() {
            lines.push(Line::default());
        }
        let mut inner = stacked(item, narrower(width, indent), strokes, loose);
        if inner.is_empty() {
            inner.push(Line::default());
        }
        for (index, line) in inner.into_iter().enumerate() {
            let before = if index == 0 { format!("{mark:>indent$}") } else { " ".repeat(indent) };
            lines.push(line.behind(&before, FAINT));
        }
    }
    lines
}

fn narrower(width: usize, by: usize) -> usize {
    width.saturating_sub(by).max(LEAST_WIDTH)
}
