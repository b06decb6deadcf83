//! Contact sheets: a run's sample pictures in one picture, small enough to commit.

use std::fs;
use std::path::Path;

use loradeck_core::error::FileError;
use loradeck_core::file::{self, Durability};
use loradeck_core::run::RunFolder;
use loradeck_data::image::{Cell, Grid, Picture, decode};

use super::files::LIMIT;
use super::inputs::PictureRow;
use super::words;

/// The sheet's name in `samples/`.
pub(crate) const CONTACT_SHEET: &str = "contact-sheet.png";
/// Columns a sheet has at most: the first, the last, and some between.
const COLUMNS: usize = 8;
/// Pixels of a cell's square: the first size whose PNG can be committed is taken.
const CELLS: [u32; 5] = [256, 192, 128, 96, 64];
/// The largest sample picture that is read, in bytes.
const MOST_BYTES: u64 = 64 << 20;

/// The steps that get a column, in order.
pub(super) fn columns(rows: &[PictureRow]) -> Vec<u64> {
    let mut steps: Vec<u64> = rows.iter().flat_map(|row| &row.pictures).map(|picture| picture.step).collect();
    steps.sort_unstable();
    steps.dedup();
    let Some(last) = steps.len().checked_sub(1).filter(|last| *last >= COLUMNS) else { return steps };
    (0..COLUMNS).map(|column| steps[column * last / (COLUMNS - 1)]).collect()
}

/// A column's label.
pub(super) fn column_label(step: u64) -> String {
    if step == 0 { "before".into() } else { format!("step {}", words::count(step)) }
}

/// Writes `samples/contact-sheet.png`: rows are prompts, columns are steps. Where a picture is gone, because it was too
/// large to be committed, a sheet that was drawn earlier stays as it is. Answers whether there is a sheet.
pub(super) fn write_contact_sheet(run: &RunFolder, rows: &[PictureRow]) -> Result<bool, FileError> {
    if rows.is_empty() {
        return Ok(false);
    }
    let path = run.samples().join(CONTACT_SHEET);
    let steps = columns(rows);
    let mut grid = Grid {
        column_labels: steps.iter().map(|step| column_label(*step)).collect(),
        row_labels: rows.iter().map(|row| row.number.to_string()).collect(),
        ..Grid::default()
    };
    let mut is_whole = true;
    for row in rows {
        let cell = |step: &u64| {
            let found = row.pictures.iter().find(|picture| picture.step == *step);
            let picture = found.and_then(|found| read_picture(&run.samples().join(&found.file)));
            is_whole &= found.is_none() || picture.is_some();
            Cell {
                picture: picture.map(|picture| picture.fitted(CELLS[0], CELLS[0])),
                caption: String::new(),
            }
        };
        grid.rows.push(steps.iter().map(cell).collect());
    }
    if is_whole || !path.is_file() {
        file::create_folder(&run.samples())?;
        file::replace(&path, &small_png(grid), Durability::Renamed)?;
    }
    Ok(true)
}

/// The picture in a file; `None` where it is none, or too large to be looked at.
pub(super) fn read_picture(path: &Path) -> Option<Picture> {
    let about = fs::metadata(path).ok().filter(|about| about.is_file() && about.len() <= MOST_BYTES);
    about?;
    let decoded = decode(&fs::read(path).ok()?, [255; 3]).ok()?;
    Some(decoded.picture)
}

/// The grid as PNG, with cells as large as what is committed allows.
pub(super) fn small_png(mut grid: Grid) -> Vec<u8> {
    let mut png = Vec::new();
    for cell in CELLS {
        grid.cell = cell;
        png = grid.draw().to_png();
        if png.len() as u64 <= LIMIT {
            break;
        }
    }
    png
}

/// Bytes that no compression makes smaller (xorshift, Marsaglia 2003).
#[cfg(test)]
pub(super) fn noise(count: usize) -> Vec<u8> {
    let mut state = 2_463_534_242_u32;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        (state >> 24) as u8
    };
    (0..count).map(|_| next()).collect()
}

#[cfg(test)]
mod tests {
    use super::super::inputs::PictureAt;
    use super::*;

    fn row(number: u64, steps: &[u64]) -> PictureRow {
        let picture = |step: &u64| PictureAt { step: *step, file: format!("{number}-{step}.png") };
        PictureRow { number, pictures: steps.iter().map(picture).collect(), ..PictureRow::default() }
    }

    #[test]
    fn first_and_last_steps_always_have_a_column() {
        assert_eq!(columns(&[row(1, &[0, 6]), row(2, &[0, 3])]), [0, 3, 6]);
        let many: Vec<u64> = (0..100).collect();
        let shown = columns(&[row(1, &many)]);
        assert_eq!((shown.len(), shown[0], shown[COLUMNS - 1]), (COLUMNS, 0, 99));
        assert_eq!([0, 1500].map(column_label), ["before", "step 1,500"]);
    }

    #[test]
    fn a_sheet_is_drawn_and_stays_when_pictures_are_gone() {
        let folder = tempfile::tempdir().unwrap();
        let run = RunFolder::new(folder.path());
        fs::create_dir_all(run.samples()).unwrap();
        let red = Picture::filled(64, 64, [200, 0, 0]);
        for name in ["1-0.png", "1-6.png"] {
            fs::write(run.samples().join(name), red.to_png()).unwrap();
        }
        let rows = [row(1, &[0, 6])];
        assert!(write_contact_sheet(&run, &rows).unwrap());
        let path = run.samples().join(CONTACT_SHEET);
        let sheet = read_picture(&path).unwrap();
        // Two red cells beside each other.
        let reds = sheet.rgb().chunks(3).filter(|rgb| **rgb == [200, 0, 0]).count();
        assert!(reds >= 2 * 64 * 64, "{reds}");
        let before = fs::read(&path).unwrap();
        fs::remove_file(run.samples().join("1-6.png")).unwrap();
        assert!(write_contact_sheet(&run, &rows).unwrap());
        assert_eq!(fs::read(&path).unwrap(), before);
        assert!(!write_contact_sheet(&run, &[]).unwrap());
    }

    #[test]
    fn a_sheet_of_noise_gets_small_enough_to_commit() {
        let bytes = 256 * 256 * 3;
        let cell =
            |rgb: &[u8]| Cell { picture: Picture::new(256, 256, rgb.to_vec()), caption: String::new() };
        let cells: Vec<Cell> = noise(16 * bytes).chunks(bytes).map(cell).collect();
        let grid = Grid { rows: cells.chunks(4).map(<[Cell]>::to_vec).collect(), ..Grid::default() };
        assert!(Grid { cell: CELLS[0], ..grid.clone() }.draw().to_png().len() as u64 > LIMIT);
        let png = small_png(grid);
        assert!(png.len() as u64 <= LIMIT, "{}", png.len());
    }
}
