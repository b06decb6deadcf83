//! Cells become bytes: as few as possible, in the colours that the terminal has.
//!
//! A frame without a change is no bytes at all. A frame with one stands between the marks of a synchronized update
//! (mode 2026), which terminals that do not know it ignore. The terminal is never asked anything.
//!
//! ratatui's own backend over crossterm does not stand here: it addresses every run of cells anew, sends colours where
//! there are to be none, and writes to the terminal itself, which a slow link would make the state's thread wait for.

use std::convert::Infallible;
use std::io::Write as _;

use crossterm::cursor::{Hide, Show};
use crossterm::terminal::{self, BeginSynchronizedUpdate, Clear, EndSynchronizedUpdate};
use ratatui::backend::{Backend, ClearType, WindowSize};
use ratatui::buffer::{Cell, CellWidth as _};
use ratatui::layout::{Position, Size};

use super::commands::bytes_of;
use super::pen::{PLAIN, Pen};

/// Pens in a frame above which cells are sent as they stand: a picture has one for nearly every cell.
const MOST_PENS: usize = 24;

/// A ratatui backend that collects the bytes of one frame.
#[derive(Debug)]
pub struct Encoder {
    out: Vec<u8>,
    size: Size,
    colours: bool,
    /// Where the next character would go, if that is known.
    at: Option<Position>,
    style: Pen,
    cursor_shown: bool,
    cursor: Position,
}

impl Encoder {
    /// An encoder for a screen of `size` cells; without `colours` only bold, dim, reverse and the like are sent.
    pub fn new(size: Size, colours: bool) -> Self {
        Self {
            out: Vec::new(),
            size,
            colours,
            at: None,
            style: PLAIN,
            cursor_shown: false,
            cursor: Position::ORIGIN,
        }
    }

    /// The screen has another size now.
    pub fn resize(&mut self, size: Size) {
        self.size = size;
    }

    /// Whether colours are sent.
    pub fn set_colours(&mut self, colours: bool) {
        self.colours = colours;
    }

    /// Somebody else has written to the terminal: nothing is known about its pen and cursor.
    pub fn forget(&mut self) {
        self.at = None;
        self.cursor_shown = false;
        self.out.extend_from_slice(b"\x1b[0m");
        self.style = PLAIN;
    }

    /// Sends bytes that draw nothing and leave the cursor where it is.
    pub fn raw(&mut self, bytes: &[u8]) {
        self.out.extend_from_slice(bytes);
    }

    /// Sends bytes that draw graphics at a place; where the cursor is afterwards is not known.
    pub fn raw_at(&mut self, place: Position, bytes: &[u8]) {
        self.go(place);
        self.out.extend_from_slice(bytes);
        self.at = None;
    }

    /// The frame's bytes, between the marks of a synchronized update; `None` where nothing changed.
    pub fn take_frame(&mut self) -> Option<Vec<u8>> {
        if self.out.is_empty() {
            return None;
        }
        let mut frame = bytes_of(BeginSynchronizedUpdate);
        frame.append(&mut self.out);
        frame.extend(bytes_of(EndSynchronizedUpdate));
        Some(frame)
    }

    fn go(&mut self, to: Position) {
        match self.at {
            Some(at) if at == to => {}
            Some(at) if at.y == to.y && to.x > at.x => match to.x - at.x {
                1 => self.out.extend_from_slice(b"\x1b[C"),
                distance => self.put(format_args!("\x1b[{distance}C")),
            },
            Some(at) if to.x == 0 && to.y == at.y + 1 => self.out.extend_from_slice(b"\r\n"),
            _ if to.x == 0 => self.put(format_args!("\x1b[{}H", to.y + 1)),
            _ => self.put(format_args!("\x1b[{};{}H", to.y + 1, to.x + 1)),
        }
        self.at = Some(to);
    }

    fn put(&mut self, text: std::fmt::Arguments<'_>) {
        // Writing to memory does not fail.
        let _ = self.out.write_fmt(text);
    }

    fn pen(&mut self, wanted: Pen) {
        if wanted != self.style {
            self.put(format_args!("\x1b[{}m", self.style.change_to(wanted)));
            self.style = wanted;
        }
    }

    fn cell(&mut self, at: Position, pen: Pen, symbol: &str) {
        self.go(at);
        self.pen(pen);
        self.out.extend_from_slice(symbol.as_bytes());
        let after = at.x + symbol.cell_width();
        // At the right edge terminals differ, and about the width of some characters too: address afresh then.
        self.at = (after < self.size.width && symbol.chars().all(has_known_width))
            .then_some(Position::new(after, at.y));
    }

    /// Writes cells in whichever order takes fewer bytes: as they stand, or all of one pen before those of the next. In
    /// a frame of a few scattered changes, changing the pen costs more than moving.
    fn cells(&mut self, mut cells: Vec<(Position, Pen, &str)>) {
        let before = (self.at, self.style, self.out.len());
        for (at, pen, symbol) in &cells {
            self.cell(*at, *pen, symbol);
        }
        if cells.windows(2).all(|pair| pair[0].1 == pair[1].1) {
            return;
        }
        let mut pens = vec![before.1];
        for (_, pen, _) in &cells {
            if !pens.contains(pen) {
                pens.push(*pen);
            }
            if pens.len() > MOST_PENS {
                return;
            }
        }
        let after = (self.at, self.style);
        let standing = self.out.split_off(before.2);
        (self.at, self.style) = (before.0, before.1);
        cells.sort_by_key(|(_, pen, _)| pens.iter().position(|known| known == pen));
        for (at, pen, symbol) in &cells {
            self.cell(*at, *pen, symbol);
        }
        if self.out.len() - before.2 >= standing.len() {
            self.out.truncate(before.2);
            self.out.extend_from_slice(&standing);
            (self.at, self.style) = after;
        }
    }
}

/// Whether every terminal draws the character one column wide.
fn has_known_width(character: char) -> bool {
    matches!(character, ' '..='~' | '\u{2500}'..='\u{259f}' | '\u{2800}'..='\u{28ff}')
}

impl Backend for Encoder {
    type Error = Infallible;

    fn draw<'a, I>(&mut self, content: I) -> Result<(), Infallible>
    where
        I: Iterator<Item = (u16, u16, &'a Cell)>,
    {
        let of = |(x, y, cell): (u16, u16, &'a Cell)| {
            (Position::new(x, y), Pen::of(cell, self.colours), cell.symbol())
        };
        let cells: Vec<_> = content.map(of).collect();
        if !cells.is_empty() {
            self.hide_cursor()?;
            self.cells(cells);
        }
        Ok(())
    }

    fn hide_cursor(&mut self) -> Result<(), Infallible> {
        if self.cursor_shown {
            self.out.extend(bytes_of(Hide));
            self.cursor_shown = false;
        }
        Ok(())
    }

    fn show_cursor(&mut self) -> Result<(), Infallible> {
        // Shown where it belongs, by `set_cursor_position`, which follows.
        Ok(())
    }

    fn get_cursor_position(&mut self) -> Result<Position, Infallible> {
        Ok(self.at.unwrap_or_default())
    }

    fn set_cursor_position<P: Into<Position>>(&mut self, position: P) -> Result<(), Infallible> {
        let position = position.into();
        if !self.cursor_shown || self.cursor != position {
            self.go(position);
            if !self.cursor_shown {
                self.out.extend(bytes_of(Show));
            }
            self.cursor_shown = true;
            self.cursor = position;
        }
        Ok(())
    }

    fn clear(&mut self) -> Result<(), Infallible> {
        self.clear_region(ClearType::All)
    }

    fn clear_region(&mut self, clear_type: ClearType) -> Result<(), Infallible> {
        self.pen(PLAIN);
        self.out.extend(bytes_of(Clear(match clear_type {
            ClearType::All => terminal::ClearType::All,
            ClearType::AfterCursor => terminal::ClearType::FromCursorDown,
            ClearType::BeforeCursor => terminal::ClearType::FromCursorUp,
            ClearType::CurrentLine => terminal::ClearType::CurrentLine,
            ClearType::UntilNewLine => terminal::ClearType::UntilNewLine,
        })));
        Ok(())
    }

    fn size(&self) -> Result<Size, Infallible> {
        Ok(self.size)
    }

    fn window_size(&mut self) -> Result<WindowSize, Infallible> {
        Ok(WindowSize { columns_rows: self.size, pixels: Size::ZERO })
    }

    fn flush(&mut self) -> Result<(), Infallible> {
        Ok(())
    }
}

#[cfg(test)]
#[path = "encoder_tests.rs"]
mod tests;
