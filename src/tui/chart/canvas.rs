//! A grid of dots, several to a cell.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::{Color, Modifier, Style};

use crate::tui::theme::Glyphs;

/// What a dot is drawn with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ink {
    /// Its colour.
    pub colour: Color,
    /// Whether it stays in the background.
    pub faint: bool,
    /// Whether it stands out.
    pub bold: bool,
    /// The character for one-dot ASCII cells.
    pub letter: char,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct DotCell {
    bits: u8,
    ink: Ink,
}

const EMPTY: DotCell =
    DotCell { bits: 0, ink: Ink { colour: Color::Reset, faint: true, bold: false, letter: ' ' } };

/// The grid.
#[derive(Clone, Debug)]
pub struct Canvas {
    glyphs: Glyphs,
    columns: usize,
    rows: usize,
    cells: Vec<DotCell>,
}

impl Canvas {
    /// An empty grid of `columns` × `rows` cells.
    pub fn new(columns: u16, rows: u16, glyphs: Glyphs) -> Self {
        let (columns, rows) = (usize::from(columns), usize::from(rows));
        Self { glyphs, columns, rows, cells: vec![EMPTY; columns * rows] }
    }

    /// Dots across.
    pub fn width(&self) -> usize {
        self.columns * self.glyphs.dots().0
    }

    /// Dots down.
    pub fn height(&self) -> usize {
        self.rows * self.glyphs.dots().1
    }

    /// Sets the dot `x` from the left and `y` from above; outside is nothing. Faint ink goes under other ink.
    pub fn dot(&mut self, x: usize, y: usize, ink: Ink) {
        let (across, down) = self.glyphs.dots();
        if x >= self.width() || y >= self.height() {
            return;
        }
        let bit = match self.glyphs {
            Glyphs::Braille => braille_bit(x % across, y % down),
            Glyphs::Blocks => 1 << (y % down),
            Glyphs::Dots | Glyphs::Ascii => 1,
        };
        let cell = &mut self.cells[y / down * self.columns + x / across];
        if cell.bits == 0 || (cell.ink.faint && !ink.faint) {
            *cell = DotCell { bits: bit, ink };
        } else if cell.ink.faint == ink.faint {
            cell.bits |= bit;
            cell.ink = ink;
        }
    }

    /// Sets the dots of one column from `top` to `bottom`, both included, in either order.
    pub fn column(&mut self, x: usize, top: usize, bottom: usize, ink: Ink) {
        for y in top.min(bottom)..=top.max(bottom) {
            self.dot(x, y, ink);
        }
    }

    /// Sets the dots of a straight line (Bresenham's).
    pub fn line(&mut self, from: (usize, usize), to: (usize, usize), ink: Ink) {
        let (mut x, mut y) = (from.0 as i64, from.1 as i64);
        let (end_x, end_y) = (to.0 as i64, to.1 as i64);
        let (wide, high) = ((end_x - x).abs(), (end_y - y).abs());
        let (right, down) = ((end_x - x).signum(), (end_y - y).signum());
        let mut error = wide - high;
        loop {
            self.dot(x as usize, y as usize, ink);
            if (x, y) == (end_x, end_y) {
                return;
            }
            let doubled = 2 * error;
            if doubled > -high {
                error -= high;
                x += right;
            }
            if doubled < wide {
                error += wide;
                y += down;
            }
        }
    }

    /// Whether the cell holds any dot.
    pub fn is_set(&self, column: usize, row: usize) -> bool {
        self.cells.get(row * self.columns + column).is_some_and(|cell| cell.bits != 0)
    }

    /// Puts the set cells into `buffer` at `area`; others are left as they are.
    pub fn render(&self, area: Rect, buffer: &mut Buffer) {
        for (index, cell) in self.cells.iter().enumerate().filter(|(_, cell)| cell.bits != 0) {
            let at = (area.x + (index % self.columns) as u16, area.y + (index / self.columns) as u16);
            let Some(target) = buffer.cell_mut(at) else { continue };
            let mut style = Style::new().fg(cell.ink.colour);
            if cell.ink.faint {
                style = style.add_modifier(Modifier::DIM);
            }
            if cell.ink.bold {
                style = style.add_modifier(Modifier::BOLD);
            }
            target.set_char(self.glyph(*cell)).set_style(style);
        }
    }

    fn glyph(&self, cell: DotCell) -> char {
        match self.glyphs {
            Glyphs::Braille => char::from_u32(0x2800 + u32::from(cell.bits)).unwrap_or(' '),
            Glyphs::Blocks => ['▀', '▄', '█'][usize::from(cell.bits.clamp(1, 3)) - 1],
            Glyphs::Dots => '•',
            Glyphs::Ascii if cell.ink.faint => '.',
            Glyphs::Ascii => cell.ink.letter,
        }
    }
}

/// Unicode's order of the eight dots: down the left, down the right, then the lowest two.
fn braille_bit(x: usize, y: usize) -> u8 {
    const BITS: [[u8; 4]; 2] = [[0x01, 0x02, 0x04, 0x40], [0x08, 0x10, 0x20, 0x80]];
    BITS[x][y]
}

#[cfg(test)]
mod tests {
    use super::*;

    const STRONG: Ink = Ink { colour: Color::Cyan, faint: false, bold: false, letter: 'a' };
    const FAINT: Ink = Ink { colour: Color::Cyan, faint: true, bold: false, letter: 'a' };

    fn text(canvas: &Canvas, columns: u16, rows: u16) -> String {
        let area = Rect::new(0, 0, columns, rows);
        let mut buffer = Buffer::empty(area);
        canvas.render(area, &mut buffer);
        buffer.content.iter().map(ratatui::buffer::Cell::symbol).collect()
    }

    #[test]
    fn dots_share_cells() {
        let mut canvas = Canvas::new(2, 1, Glyphs::Braille);
        canvas.column(0, 0, 3, STRONG);
        canvas.dot(3, 0, STRONG);
        canvas.dot(99, 99, STRONG);
        assert_eq!(text(&canvas, 2, 1), "⡇⠈");
    }

    #[test]
    fn faint_ink_goes_under() {
        let mut canvas = Canvas::new(1, 1, Glyphs::Braille);
        canvas.column(0, 0, 3, FAINT);
        canvas.dot(1, 0, STRONG);
        canvas.column(0, 0, 3, FAINT);
        assert_eq!(text(&canvas, 1, 1), "⠈");
    }

    #[test]
    fn every_kind_of_glyph_draws_a_line() {
        for (glyphs, expected) in
            [(Glyphs::Dots, "•• "), (Glyphs::Blocks, "▀▄ "), (Glyphs::Ascii, "aa "), (Glyphs::Braille, "⠑⢄ ")]
        {
            let mut canvas = Canvas::new(3, 1, glyphs);
            let (across, down) = glyphs.dots();
            canvas.line((0, 0), (2 * across - 1, down - 1), STRONG);
            assert_eq!(text(&canvas, 3, 1), expected, "{glyphs:?}");
        }
    }
}
