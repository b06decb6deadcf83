//! Labelled grids of pictures in one picture: contact sheets of a data set, and grids of samples in reports.

use loradeck_core::config::Diagnostics;

use super::draw::View;
use super::font::{ADVANCE, LINE, cut, glyph, wrapped};
use super::picture::{Picture, Rgb};
use super::pixels::load_crop;
use super::sample::ImageSample;

const PAPER: Rgb = [250; 3];
const INK: Rgb = [30; 3];
const EMPTY: Rgb = [225; 3];
/// Pixels between cells.
const GAP: u32 = 8;
/// Lines of a caption below a cell.
const CAPTION_LINES: usize = 2;

/// One place of a grid.
#[derive(Clone, Debug, Default)]
pub struct Cell {
    /// The picture; a grey field without one.
    pub picture: Option<Picture>,
    /// What stands below it, in at most two lines.
    pub caption: String,
}

/// A grid of pictures.
#[derive(Clone, Debug, Default)]
pub struct Grid {
    /// What stands above the columns; none where empty.
    pub column_labels: Vec<String>,
    /// What stands to the left of the rows; none where empty.
    pub row_labels: Vec<String>,
    /// The cells, row by row.
    pub rows: Vec<Vec<Cell>>,
    /// Pixels of a cell's square.
    pub cell: u32,
}

/// Where things stand in a grid, in pixels.
struct Layout {
    scale: u32,
    left: u32,
    top: u32,
    step_x: u32,
    step_y: u32,
    width: u32,
    height: u32,
}

impl Grid {
    /// The grid as one picture. Cells keep their pictures' shapes; the same grid gives the same pixels.
    pub fn draw(&self) -> Picture {
        let layout = self.layout();
        let cell = self.cell.max(1);
        let mut canvas = Picture::filled(layout.width, layout.height, PAPER);
        let columns = (cell / (ADVANCE * layout.scale)).max(1) as usize;
        for (column, label) in self.column_labels.iter().enumerate() {
            let x = layout.left + column as u32 * layout.step_x;
            write(&mut canvas, &cut(label, columns), x, GAP, layout.scale);
        }
        for (row, cells) in self.rows.iter().enumerate() {
            let y = layout.top + row as u32 * layout.step_y;
            if let Some(label) = self.row_labels.get(row) {
                write(&mut canvas, label, GAP, y, layout.scale);
            }
            for (column, content) in cells.iter().enumerate() {
                let x = layout.left + column as u32 * layout.step_x;
                let picture = match &content.picture {
                    Some(picture) => picture.fitted(cell, cell),
                    None => Picture::filled(cell, cell, EMPTY),
                };
                let inner = |length: u32| (cell - length.min(cell)) / 2;
                canvas.paste(&picture, x + inner(picture.width()), y + inner(picture.height()));
                for (line, text) in wrapped(&content.caption, columns, CAPTION_LINES).iter().enumerate() {
                    let below = y + cell + 2 + line as u32 * LINE * layout.scale;
                    write(&mut canvas, text, x, below, layout.scale);
                }
            }
        }
        canvas
    }

    fn layout(&self) -> Layout {
        let cell = self.cell.max(1);
        let scale = (cell / 256).clamp(1, 4);
        let columns = self.rows.iter().map(Vec::len).max().unwrap_or(0).max(1) as u32;
        let rows = self.rows.len().max(1) as u32;
        let longest = self.row_labels.iter().map(|label| label.chars().count()).max().unwrap_or(0) as u32;
        let left = if longest == 0 { GAP } else { 2 * GAP + longest * ADVANCE * scale };
        let top = if self.column_labels.is_empty() { GAP } else { 2 * GAP + LINE * scale };
        let lines = self.rows.iter().flatten().any(|cell| !cell.caption.is_empty());
        let below = if lines { 2 + CAPTION_LINES as u32 * LINE * scale } else { 0 };
        let (step_x, step_y) = (cell + GAP, cell + below + GAP);
        Layout {
            scale,
            left,
            top,
            step_x,
            step_y,
            width: left + columns * step_x,
            height: top + rows * step_y,
        }
    }
}

fn write(canvas: &mut Picture, text: &str, x: u32, y: u32, scale: u32) {
    for (index, character) in text.chars().enumerate() {
        let left = x + index as u32 * ADVANCE * scale;
        for (row, bits) in glyph(character).into_iter().enumerate() {
            for column in (0..5).filter(|column| bits >> (4 - column) & 1 == 1) {
                fill(canvas, left + column * scale, y + row as u32 * scale, scale);
            }
        }
    }
}

fn fill(canvas: &mut Picture, x: u32, y: u32, side: u32) {
    for down in 0..side {
        for right in 0..side {
            canvas.set(x + right, y + down, INK);
        }
    }
}

/// The centre crops of some samples as training sees them, `columns` beside each other, with bucket, file name
/// and caption below: the picture that `preview` shows. A picture that cannot be read any more is an error.
pub fn contact_sheet(
    samples: &[&ImageSample],
    background: Rgb,
    columns: usize,
    cell: u32,
) -> Result<Picture, Diagnostics> {
    let cells: Result<Vec<Cell>, Diagnostics> = samples
        .iter()
        .map(|sample| {
            let crop = load_crop(sample, View::centre(&sample.fit()), background)?;
            let name = sample.relative.rsplit('/').next().unwrap_or_default();
            let caption = format!("{} {name}: {}", sample.bucket, sample.caption);
            // Small at once, so that memory holds no more than the sheet.
            Ok(Cell { picture: Some(crop.fitted(cell, cell)), caption })
        })
        .collect();
    let rows = cells?.chunks(columns.max(1)).map(<[Cell]>::to_vec).collect();
    Ok(Grid { rows, cell, ..Grid::default() }.draw())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_grid_has_its_pictures_and_labels_in_place() {
        let red = Picture::filled(20, 10, [200, 0, 0]);
        let grid = Grid {
            column_labels: vec!["0.6".into(), "1.0".into()],
            row_labels: vec!["a".into()],
            rows: vec![vec![Cell { picture: Some(red), caption: "one".into() }, Cell::default()]],
            cell: 40,
        };
        let sheet = grid.draw();
        assert_eq!((sheet.width(), sheet.height()), (2 * 8 + 6 + 2 * 48, 2 * 8 + 9 + 40 + 2 + 18 + 8));
        // The wide picture lies in the middle of its square, the empty cell is grey.
        assert_eq!(sheet.pixel(22 + 20, 25 + 20), [200, 0, 0]);
        assert_eq!(sheet.pixel(22 + 20, 25 + 3), PAPER);
        assert_eq!(sheet.pixel(22 + 48 + 20, 25 + 20), EMPTY);
        // The top bar of the caption's `n` is ink; its left stem begins at the second character.
        assert_eq!(sheet.pixel(22 + 6, 25 + 42 + 2), INK);
        assert_eq!(sheet, grid.draw());
    }

    #[test]
    fn an_empty_grid_is_a_picture_too() {
        let sheet = Grid::default().draw();
        assert!(sheet.width() > 0 && sheet.height() > 0);
    }
}
