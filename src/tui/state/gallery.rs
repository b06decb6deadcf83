//! Sample pictures in rows and columns: prompts by steps for one run, prompts by runs for several.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::SystemTime;

use loradeck_data::image::HalfBlock;

use crate::report::inputs::PictureRow;
use crate::store::RunId;
use crate::tui::theme::Manner;

/// Drawings that are kept besides those in sight.
const KEPT: usize = 400;

/// A picture's file as it was when it was looked at: a picture drawn again is another one.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct PictureFile {
    /// Where it lies.
    pub path: PathBuf,
    /// Its size in bytes and when it was written; `None` where there is no such file.
    pub stamp: Option<(u64, Option<SystemTime>)>,
}

/// A picture to be drawn, and how.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Wish {
    /// The picture.
    pub file: PictureFile,
    /// At most so many cells of the terminal, across and down.
    pub room: (u16, u16),
    /// With which means.
    pub manner: Manner,
    /// Pixels of a cell; of use to graphics only.
    pub cell: (u16, u16),
}

/// A picture ready for the terminal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Drawing {
    /// Rows of cells.
    Blocks(Vec<Vec<HalfBlock>>),
    /// A sequence that draws the picture at the cursor, and the cells that it covers.
    Graphics {
        /// The sequence.
        text: Arc<str>,
        /// Cells across and down.
        size: (u16, u16),
    },
}

/// A drawing, or the line that says why there is none.
pub type Drawn = Result<Arc<Drawing>, String>;

/// One sample picture.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shot {
    /// Whose.
    pub run: RunId,
    /// The step after which it was drawn; 0 is the base model.
    pub step: u64,
    /// Its name in `samples/`.
    pub name: String,
    /// The file.
    pub file: PictureFile,
}

/// The pictures of a run, as its journal tells.
#[derive(Clone, Debug, PartialEq)]
pub struct RunPictures {
    /// Whose.
    pub run: RunId,
    /// A prompt with its facts (`pictures` is empty), and its pictures by step.
    pub rows: Vec<(PictureRow, Vec<Shot>)>,
}

/// What a column holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Column {
    /// The pictures of a step.
    Step(u64),
    /// The newest pictures of a run.
    Run(RunId),
}

/// A prompt and what was drawn from it, a place for each column.
#[derive(Clone, Debug, PartialEq)]
pub struct GalleryRow {
    /// The prompt and how it was drawn.
    pub prompt: PictureRow,
    /// The pictures.
    pub shots: Vec<Option<Shot>>,
}

/// The gallery: what there is to see, where the user is, and what has been drawn.
#[derive(Clone, Debug)]
pub struct Gallery {
    /// Whose pictures; several stand side by side.
    pub runs: Vec<RunId>,
    /// Whether nothing was read yet.
    pub loading: bool,
    /// Whether it is being read again.
    pub asked: bool,
    /// The columns.
    pub columns: Vec<Column>,
    /// The rows.
    pub rows: Vec<GalleryRow>,
    /// Row and column chosen.
    pub cursor: (usize, usize),
    /// The first row and the first column shown.
    pub offset: (usize, usize),
    /// Whether the chosen picture has the whole screen.
    pub large: bool,
    /// What has been drawn.
    pub drawn: HashMap<Wish, Drawn>,
    /// What was last asked for.
    pub wished: Vec<Wish>,
}

impl Gallery {
    /// A gallery that is being read.
    pub fn new(runs: Vec<RunId>) -> Self {
        Self {
            runs,
            loading: true,
            asked: true,
            columns: Vec::new(),
            rows: Vec::new(),
            cursor: (0, 0),
            offset: (0, 0),
            large: false,
            drawn: HashMap::new(),
            wished: Vec::new(),
        }
    }

    /// It was read. Who looks at the newest column goes on looking at the newest, anybody else at the same one.
    pub fn take(&mut self, read: &[RunPictures]) {
        let before = self.columns.get(self.cursor.1).copied();
        let was_newest = self.cursor.1 + 1 >= self.columns.len();
        (self.columns, self.rows) = if self.runs.len() == 1 { by_step(read) } else { by_run(read) };
        let same = self.columns.iter().position(|column| Some(*column) == before);
        let last = self.columns.len().saturating_sub(1);
        let follows = self.runs.len() == 1 && was_newest;
        let begin = if self.runs.len() == 1 { last } else { 0 };
        self.cursor.1 = if follows { last } else { same.unwrap_or(begin) };
        self.cursor.0 = self.cursor.0.min(self.rows.len().saturating_sub(1));
        (self.loading, self.asked) = (false, false);
    }

    /// The row under the cursor.
    pub fn row(&self) -> Option<&GalleryRow> {
        self.rows.get(self.cursor.0)
    }

    /// The picture under the cursor.
    pub fn shot(&self) -> Option<&Shot> {
        self.row()?.shots.get(self.cursor.1)?.as_ref()
    }

    /// Moves by rows and columns, not beyond the edges.
    pub fn go(&mut self, rows: isize, columns: isize) {
        let moved =
            |at: usize, by: isize, count: usize| at.saturating_add_signed(by).min(count.saturating_sub(1));
        self.cursor =
            (moved(self.cursor.0, rows, self.rows.len()), moved(self.cursor.1, columns, self.columns.len()));
    }

    /// A picture was drawn, or could not be.
    pub fn hang(&mut self, wish: Wish, drawn: Drawn) {
        self.drawn.insert(wish, drawn);
    }

    /// What is still to be drawn of what is in sight; `None` where that was asked for already.
    pub fn wishes(&mut self, in_sight: Vec<Wish>) -> Option<Vec<Wish>> {
        if self.drawn.len() > KEPT {
            self.drawn.retain(|wish, _| in_sight.contains(wish));
        }
        let missing: Vec<Wish> = in_sight.into_iter().filter(|wish| !self.drawn.contains_key(wish)).collect();
        if missing.iter().all(|wish| self.wished.contains(wish)) {
            return None;
        }
        self.wished.clone_from(&missing);
        Some(missing)
    }
}

/// One run: a column for each step.
fn by_step(read: &[RunPictures]) -> (Vec<Column>, Vec<GalleryRow>) {
    let rows: Vec<&(PictureRow, Vec<Shot>)> = read.iter().flat_map(|run| &run.rows).collect();
    let mut steps: Vec<u64> = rows.iter().flat_map(|(_, shots)| shots).map(|shot| shot.step).collect();
    steps.sort_unstable();
    steps.dedup();
    let row = |(prompt, shots): &(PictureRow, Vec<Shot>)| GalleryRow {
        prompt: prompt.clone(),
        shots: steps.iter().map(|step| shots.iter().find(|shot| shot.step == *step).cloned()).collect(),
    };
    let rows = rows.into_iter().map(row).collect();
    (steps.into_iter().map(Column::Step).collect(), rows)
}

/// Several runs: a column for each, its newest pictures. Prompts stand in one row only where all that made the pictures is
/// the same.
fn by_run(read: &[RunPictures]) -> (Vec<Column>, Vec<GalleryRow>) {
    let read: Vec<&RunPictures> = read.iter().filter(|run| !run.rows.is_empty()).collect();
    let mut rows: Vec<GalleryRow> = Vec::new();
    for (column, run) in read.iter().enumerate() {
        for (prompt, shots) in &run.rows {
            let same =
                |row: &GalleryRow| PictureRow { number: prompt.number, ..row.prompt.clone() } == *prompt;
            let at = rows.iter().position(same).unwrap_or_else(|| {
                rows.push(GalleryRow { prompt: prompt.clone(), shots: vec![None; read.len()] });
                rows.len() - 1
            });
            rows[at].shots[column] = shots.iter().max_by_key(|shot| shot.step).cloned();
        }
    }
    (read.iter().map(|run| Column::Run(run.run)).collect(), rows)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tui::sample::run_ids;

    fn shot(run: RunId, step: u64) -> Shot {
        let file = PictureFile { path: format!("{step}.png").into(), stamp: Some((step, None)) };
        Shot { run, step, name: format!("{step}.png"), file }
    }

    fn pictures(run: RunId, seed: u64, steps: &[u64]) -> RunPictures {
        let prompt = PictureRow { number: 1, prompt: "a tree".into(), seed, ..PictureRow::default() };
        RunPictures { run, rows: vec![(prompt, steps.iter().map(|step| shot(run, *step)).collect())] }
    }

    #[test]
    fn the_newest_step_is_followed_and_an_older_one_is_kept() {
        let run = run_ids(1)[0];
        let mut gallery = Gallery::new(vec![run]);
        gallery.take(&[pictures(run, 1, &[0, 10])]);
        assert_eq!(gallery.shot().unwrap().step, 10);
        gallery.take(&[pictures(run, 1, &[0, 10, 20])]);
        assert_eq!(gallery.shot().unwrap().step, 20);
        gallery.go(0, -1);
        gallery.take(&[pictures(run, 1, &[0, 5, 10, 20, 30])]);
        assert_eq!(gallery.shot().unwrap().step, 10);
        gallery.go(9, 9);
        assert_eq!(gallery.cursor, (0, 4));
        gallery.take(&[]);
        assert!(gallery.shot().is_none());
    }

    #[test]
    fn runs_stand_side_by_side_where_everything_that_made_the_pictures_is_equal() {
        let runs = run_ids(3);
        let mut gallery = Gallery::new(runs.clone());
        gallery.take(&[
            pictures(runs[0], 1, &[0, 10]),
            RunPictures { run: runs[1], rows: Vec::new() },
            pictures(runs[2], 1, &[0, 7]),
        ]);
        let steps = |row: &GalleryRow| -> Vec<Option<u64>> {
            row.shots.iter().map(|shot| shot.as_ref().map(|shot| shot.step)).collect()
        };
        assert_eq!(gallery.columns, [Column::Run(runs[0]), Column::Run(runs[2])]);
        assert_eq!(gallery.rows.iter().map(steps).collect::<Vec<_>>(), [[Some(10), Some(7)]]);
        gallery.take(&[pictures(runs[0], 1, &[10]), pictures(runs[2], 2, &[7])]);
        assert_eq!(gallery.rows.iter().map(steps).collect::<Vec<_>>(), [[Some(10), None], [None, Some(7)]]);
    }

    #[test]
    fn what_was_asked_for_is_not_asked_for_again() {
        let wish = |name: &str| Wish {
            file: PictureFile { path: name.into(), stamp: None },
            room: (8, 4),
            manner: Manner::Blocks,
            cell: (10, 20),
        };
        let mut gallery = Gallery::new(Vec::new());
        let all = vec![wish("a"), wish("b")];
        assert_eq!(gallery.wishes(all.clone()), Some(all.clone()));
        gallery.hang(wish("a"), Err("broken".into()));
        assert_eq!(gallery.wishes(all), None);
        assert_eq!(gallery.wishes(vec![wish("b"), wish("c")]), Some(vec![wish("b"), wish("c")]));
        gallery.hang(wish("c"), Err("broken".into()));
        assert_eq!(gallery.wishes(vec![wish("c")]), None);
    }
}
