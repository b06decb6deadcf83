//! The last sample pictures of several runs in one picture.

use loradeck_core::error::FileError;
use loradeck_core::file::{self, Durability};
use loradeck_core::run::{ExperimentFolder, RunFolder};
use loradeck_data::image::{Cell, Grid};

use super::Comparison;
use crate::report::inputs::{PictureRow, ReportInputs};
use crate::report::sheet::{column_label, read_picture, small_png};

/// The grid's name beside `comparison.md`.
pub(super) const SAMPLES_GRID: &str = "samples-grid.png";
/// Runs that one grid can hold and still be read.
const RUNS: usize = 12;
/// Prompts likewise.
const PROMPTS: usize = 8;
/// Pixels that a picture is kept at until the grid is drawn.
const KEPT: u32 = 256;

/// Writes the grid: rows are runs in the comparison's order, columns are prompts, each cell is the last picture. Answers
/// the columns' prompts and seeds: none where no run has pictures, and then nothing is drawn.
pub(super) fn write(
    experiment: &ExperimentFolder,
    comparison: &Comparison,
) -> Result<Vec<(String, u64)>, FileError> {
    let runs: Vec<(RunFolder, Vec<PictureRow>)> = comparison
        .runs
        .iter()
        .map(|run| RunFolder::new(experiment.runs_folder().join(&run.name)))
        .filter_map(|run| {
            // A run without a report has nothing to show yet.
            let inputs: ReportInputs = file::read_json(&run.report_inputs()).ok().flatten()?;
            (!inputs.pictures.is_empty()).then_some((run, inputs.pictures))
        })
        .take(RUNS)
        .collect();
    if runs.is_empty() {
        return Ok(Vec::new());
    }
    let columns = columns(runs.iter().map(|(_, rows)| rows.as_slice()));
    let grid = Grid {
        column_labels: columns.iter().map(|(prompt, _)| prompt.clone()).collect(),
        row_labels: runs.iter().map(|(run, _)| run.name()).collect(),
        rows: runs
            .iter()
            .map(|(run, rows)| columns.iter().map(|column| cell(run, rows, column)).collect())
            .collect(),
        ..Grid::default()
    };
    let path = experiment.path().join(SAMPLES_GRID);
    file::replace(&path, &small_png(grid), Durability::Renamed)?;
    Ok(columns)
}

/// Prompts with their seeds, in the order in which runs have them.
fn columns<'a>(runs: impl Iterator<Item = &'a [PictureRow]>) -> Vec<(String, u64)> {
    let mut columns = Vec::new();
    for row in runs.flatten() {
        let column = (row.prompt.clone(), row.seed);
        if !columns.contains(&column) && columns.len() < PROMPTS {
            columns.push(column);
        }
    }
    columns
}

fn cell(run: &RunFolder, rows: &[PictureRow], (prompt, seed): &(String, u64)) -> Cell {
    let last = rows
        .iter()
        .find(|row| row.prompt == *prompt && row.seed == *seed)
        .and_then(|row| row.pictures.last());
    let Some(last) = last else { return Cell::default() };
    let picture = read_picture(&run.samples().join(&last.file));
    Cell {
        picture: picture.map(|picture| picture.fitted(KEPT, KEPT)),
        caption: format!("{}, seed {seed}", column_label(last.step)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_the_prompts_of_all_runs() {
        let row = |prompt: &str, seed| PictureRow { prompt: prompt.into(), seed, ..PictureRow::default() };
        let (first, second) = ([row("a", 1), row("b", 2)], [row("b", 2), row("a", 3)]);
        let found = columns([first.as_slice(), second.as_slice()].into_iter());
        assert_eq!(found, [("a".to_owned(), 1), ("b".to_owned(), 2), ("a".to_owned(), 3)]);
    }
}
