//! Text becomes blocks.

use loradeck_core::text::harmless;
use pulldown_cmark::{Alignment, CowStr, Event, Options, Parser, Tag};

use super::block::{Block, Look, Piece, Side};

/// Blocks and looks nested deeper than this are read as plain text: no report is, and the stack is finite.
const DEEPEST: usize = 24;

/// Reads a file's text.
pub fn read(text: &str) -> Vec<Block> {
    let options = Options::ENABLE_TABLES | Options::ENABLE_STRIKETHROUGH | Options::ENABLE_TASKLISTS;
    Reader { events: Parser::new_ext(text, options) }.blocks(0)
}

struct Reader<'a> {
    events: Parser<'a>,
}

impl Reader<'_> {
    /// The blocks up to the end of what holds them.
    fn blocks(&mut self, depth: usize) -> Vec<Block> {
        let mut blocks = Vec::new();
        // Items of tight lists hold text without a paragraph around it.
        let mut loose = Vec::new();
        while let Some(event) = self.events.next() {
            match event {
                Event::End(_) => break,
                Event::Start(tag) if is_inline(&tag) => self.inline(&tag, Look::default(), depth, &mut loose),
                Event::Start(tag) => {
                    take_text(&mut loose, &mut blocks);
                    blocks.extend(self.block(tag, depth));
                }
                Event::Rule => {
                    take_text(&mut loose, &mut blocks);
                    blocks.push(Block::Rule);
                }
                leaf => push_leaf(leaf, Look::default(), &mut loose),
            }
        }
        take_text(&mut loose, &mut blocks);
        blocks
    }

    fn block(&mut self, tag: Tag<'_>, depth: usize) -> Option<Block> {
        if depth >= DEEPEST {
            let text = self.flat();
            return (!text.is_empty()).then(|| Block::Text(vec![Piece { text, look: Look::default() }]));
        }
        Some(match tag {
            Tag::Heading { level, .. } => {
                let look = Look { strong: true, heading: level as u8, ..Look::default() };
                Block::Text(self.text(look, depth))
            }
            Tag::CodeBlock(_) | Tag::HtmlBlock => {
                let text = self.flat_lines();
                Block::Code(text.lines().map(harmless_line).collect())
            }
            Tag::BlockQuote(_) => Block::Quote(self.blocks(depth + 1)),
            Tag::List(first) => Block::List { first, items: self.items(depth + 1) },
            Tag::Table(sides) => self.table(&sides, depth + 1),
            _ => Block::Text(self.text(Look::default(), depth)),
        })
    }

    fn items(&mut self, depth: usize) -> Vec<Vec<Block>> {
        let mut items = Vec::new();
        while let Some(Event::Start(_)) = self.events.next() {
            items.push(self.blocks(depth));
        }
        items
    }

    fn table(&mut self, sides: &[Alignment], depth: usize) -> Block {
        let sides = sides.iter().map(|side| side_of(*side)).collect();
        let (mut header, mut rows) = (Vec::new(), Vec::new());
        while let Some(Event::Start(tag)) = self.events.next() {
            let is_header = tag == Tag::TableHead;
            let look = Look { strong: is_header, ..Look::default() };
            let mut cells = Vec::new();
            while let Some(Event::Start(_)) = self.events.next() {
                cells.push(self.text(look, depth));
            }
            if is_header { header = cells } else { rows.push(cells) }
        }
        Block::Table { sides, header, rows }
    }

    /// Running text up to its end.
    fn text(&mut self, look: Look, depth: usize) -> Vec<Piece> {
        let mut pieces = Vec::new();
        while let Some(event) = self.events.next() {
            match event {
                Event::End(_) => break,
                Event::Start(tag) => self.inline(&tag, look, depth + 1, &mut pieces),
                leaf => push_leaf(leaf, look, &mut pieces),
            }
        }
        pieces
    }

    fn inline(&mut self, tag: &Tag<'_>, look: Look, depth: usize, pieces: &mut Vec<Piece>) {
        if depth >= DEEPEST {
            let text = self.flat();
            return push(&text, look, pieces);
        }
        let inner = match tag {
            Tag::Strong => Look { strong: true, ..look },
            Tag::Emphasis => Look { emphasis: true, ..look },
            Tag::Strikethrough => Look { struck: true, ..look },
            Tag::Link { .. } => Look { link: true, ..look },
            Tag::Image { .. } => Look { emphasis: true, ..look },
            _ => look,
        };
        let inside = self.text(inner, depth);
        let said: String = inside.iter().map(|piece| piece.text.as_str()).collect();
        let faint = Look { faint: true, ..look };
        match tag {
            Tag::Image { dest_url, .. } => {
                push("[picture: ", faint, pieces);
                pieces.extend(inside);
                push(&format!(" ({dest_url})]"), faint, pieces);
            }
            Tag::Link { dest_url, .. } => {
                pieces.extend(inside);
                if said != **dest_url {
                    push(&format!(" ({dest_url})"), faint, pieces);
                }
            }
            _ => pieces.extend(inside),
        }
    }

    /// All text up to the end of what was begun, whatever is nested in it.
    fn flat(&mut self) -> String {
        self.flat_lines().replace('\n', " ")
    }

    fn flat_lines(&mut self) -> String {
        let (mut text, mut open) = (String::new(), 1usize);
        for event in self.events.by_ref() {
            match event {
                Event::Start(_) => open += 1,
                Event::End(_) => open -= 1,
                Event::Text(more) | Event::Code(more) | Event::Html(more) | Event::InlineHtml(more) => {
                    text.push_str(&more);
                }
                Event::SoftBreak | Event::HardBreak => text.push('\n'),
                _ => {}
            }
            if open == 0 {
                break;
            }
        }
        text
    }
}

fn is_inline(tag: &Tag<'_>) -> bool {
    matches!(tag, Tag::Strong | Tag::Emphasis | Tag::Strikethrough | Tag::Link { .. } | Tag::Image { .. })
}

fn side_of(alignment: Alignment) -> Side {
    match alignment {
        Alignment::None | Alignment::Left => Side::Left,
        Alignment::Center => Side::Middle,
        Alignment::Right => Side::Right,
    }
}

fn take_text(loose: &mut Vec<Piece>, blocks: &mut Vec<Block>) {
    if !loose.is_empty() {
        blocks.push(Block::Text(std::mem::take(loose)));
    }
}

fn push_leaf(event: Event<'_>, look: Look, pieces: &mut Vec<Piece>) {
    let code = Look { code: true, ..look };
    match event {
        Event::Text(text) => push(&text, look, pieces),
        Event::Code(text) => push(&text, code, pieces),
        Event::InlineHtml(text) if is_line_break(&text) => pieces.push(line_break(look)),
        Event::Html(text) | Event::InlineHtml(text) => push(&text, code, pieces),
        Event::SoftBreak => push(" ", look, pieces),
        Event::HardBreak => pieces.push(line_break(look)),
        Event::TaskListMarker(done) => push(if done { "[x] " } else { "[ ] " }, look, pieces),
        _ => {}
    }
}

fn is_line_break(html: &CowStr<'_>) -> bool {
    matches!(html.replace([' ', '/'], "").to_ascii_lowercase().as_str(), "<br>")
}

fn line_break(look: Look) -> Piece {
    Piece { text: "\n".into(), look }
}

fn push(text: &str, look: Look, pieces: &mut Vec<Piece>) {
    let text = harmless(text);
    match pieces.last_mut() {
        Some(last) if last.look == look && last.text != "\n" => last.text.push_str(&text),
        _ if text.is_empty() => {}
        _ => pieces.push(Piece { text: text.into_owned(), look }),
    }
}

/// A line of code: tabs become spaces up to the next stop.
fn harmless_line(line: &str) -> String {
    let mut spaced = String::new();
    for (index, part) in line.split('\t').enumerate() {
        if index > 0 {
            let used = spaced.chars().count();
            spaced.push_str(&" ".repeat(4 - used % 4));
        }
        spaced.push_str(&harmless(part));
    }
    spaced
}
