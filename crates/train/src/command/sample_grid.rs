//! The labelled grid of drawn pictures, and each picture by itself.

use std::path::Path;

use loradeck_core::file::{self, Durability};
use loradeck_data::image::{Cell, Grid, Picture};
use serde_json::json;

use crate::error::TrainError;
use crate::tasks::diffusion::generate::Request;
use crate::tasks::diffusion::png_text::with_text;
use crate::tasks::diffusion::samples::parameters;

/// Pixels of a cell's side in the grid.
const CELL: u32 = 256;

/// A picture of the grid. Its place is a number: labels are for people, and two may be equal.
pub(super) struct Made {
    /// Prompt and seed, counted from 0.
    pub(super) row: usize,
    /// Run and strength, counted from 0.
    pub(super) column: usize,
    pub(super) column_label: String,
    pub(super) request: Request,
    /// None: the base model alone.
    pub(super) weight: Option<f64>,
    pub(super) clip_skip: u32,
    /// The run, as people know it.
    pub(super) run: String,
    pub(super) picture: Picture,
}

/// Writes the grid to `output`, single pictures into `pictures` where they are wanted, and a word about them.
pub(super) fn write(
    output: &Path,
    pictures: Option<&Path>,
    as_json: bool,
    made: &[Made],
) -> Result<(), TrainError> {
    file::replace(output, &grid(made).draw().to_png(), Durability::Renamed)?;
    if let Some(folder) = pictures {
        file::create_folder(folder)?;
        for (number, made) in made.iter().enumerate() {
            let png =
                with_text(&made.picture.to_png(), "parameters", &parameters(&made.request, made.clip_skip));
            let weight = made.weight.map_or_else(|| "base".to_owned(), |weight| format!("weight-{weight}"));
            let name = format!("{:03}-seed-{}-{weight}.png", number + 1, made.request.seed);
            file::replace(&folder.join(name), &png, Durability::Renamed)?;
        }
    }
    if as_json {
        let list: Vec<_> = made
            .iter()
            .map(|made| {
                json!({ "run": made.run, "prompt": made.request.prompt, "seed": made.request.seed,
                        "weight": made.weight, "steps": made.request.steps, "guidance": made.request.guidance })
            })
            .collect();
        println!("{}", json!({ "grid": output, "pictures": list }));
    } else {
        let noun = if made.len() == 1 { "picture" } else { "pictures" };
        println!("{} {noun} in {}", made.len(), output.display());
    }
    Ok(())
}

/// Rows are prompts with seeds, columns runs with strengths.
fn grid(made: &[Made]) -> Grid {
    let (rows, columns) = (count(made, |made| made.row), count(made, |made| made.column));
    let at = |row: usize, column: usize| made.iter().find(|made| made.row == row && made.column == column);
    let cell = |row: usize, column: usize| Cell {
        picture: at(row, column).map(|made| made.picture.clone()),
        caption: String::new(),
    };
    let row_label = |row: usize| {
        let made = made.iter().find(|made| made.row == row);
        made.map_or_else(String::new, |made| format!("{} (seed {})", made.request.prompt, made.request.seed))
    };
    let column_label = |column: usize| {
        let made = made.iter().find(|made| made.column == column);
        made.map_or_else(String::new, |made| made.column_label.clone())
    };
    Grid {
        column_labels: (0..columns).map(column_label).collect(),
        row_labels: (0..rows).map(row_label).collect(),
        rows: (0..rows).map(|row| (0..columns).map(|column| cell(row, column)).collect()).collect(),
        cell: made.first().map_or(CELL, |made| made.picture.width().min(CELL)),
    }
}

fn count(made: &[Made], place: impl Fn(&Made) -> usize) -> usize {
    made.iter().map(|made| place(made) + 1).max().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use loradeck_core::config::SampleScheduler;

    use super::*;

    fn made(row: usize, column: usize, label: &str) -> Made {
        let request = Request {
            prompt: "a tree".into(),
            negative_prompt: String::new(),
            seed: 1,
            scheduler: SampleScheduler::Ddim,
            steps: 1,
            guidance: 1.0,
            width: 1,
            height: 1,
        };
        let picture = Picture::new(1, 1, vec![column as u8; 3]).unwrap();
        let (column_label, run) = (label.to_owned(), label.to_owned());
        Made { row, column, column_label, request, weight: Some(1.0), clip_skip: 1, run, picture }
    }

    #[test]
    fn pictures_with_equal_labels_keep_places_of_their_own() {
        let grid = grid(&[made(0, 0, "0001"), made(0, 1, "0001"), made(1, 1, "0001")]);
        assert_eq!(grid.column_labels, ["0001", "0001"]);
        assert_eq!(grid.row_labels.len(), 2);
        let there: Vec<Vec<bool>> =
            grid.rows.iter().map(|row| row.iter().map(|cell| cell.picture.is_some()).collect()).collect();
        assert_eq!(there, [[true, true], [false, true]]);
        let first = |column: usize| grid.rows[0][column].picture.as_ref().unwrap().rgb()[0];
        assert_ne!(first(0), first(1));
    }
}
