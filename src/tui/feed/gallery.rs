//! The sample pictures of runs, as their journals name them.

use std::fs;

use loradeck_core::run::{RunFolder, read_journal};

use crate::report::inputs::PictureRow;
use crate::report::sample_pictures;
use crate::store::RunId;
use crate::tui::state::{PictureFile, RunPictures, Shot};

/// Reads the journal of a run, and looks at the files that it names. No picture is read.
pub fn read_pictures(id: RunId, run: &RunFolder) -> RunPictures {
    let of_row = |mut row: PictureRow| {
        let pictures = std::mem::take(&mut row.pictures);
        let shots = pictures.into_iter().map(|picture| {
            let path = run.samples().join(&picture.file);
            let about = fs::metadata(&path).ok();
            let stamp = about.map(|about| (about.len(), about.modified().ok()));
            Shot { run: id, step: picture.step, name: picture.file, file: PictureFile { path, stamp } }
        });
        (row, shots.collect())
    };
    let rows = sample_pictures(&read_journal(run).entries);
    RunPictures { run: id, rows: rows.into_iter().map(of_row).collect() }
}
