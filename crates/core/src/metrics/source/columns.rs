//! Which of a line's named values is the step, which the time, and which are metrics.

use super::Reading;
use crate::time::Moment;

/// Names of the step, by how sure they are. Sources: W&B's `_step`, Lightning's `step` and `trainer/global_step`,
/// Hugging Face's `global_step`.
const STEPS: [&str; 8] =
    ["step", "global_step", "_step", "trainer/global_step", "steps", "iteration", "iter", "epoch"];
/// Names of the time.
const TIMES: [&str; 5] = ["wall_time", "_timestamp", "timestamp", "time", "date"];

/// A line's value before it is known what it means.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Cell {
    Number(f64),
    Text(String),
}

/// The name that counts passes over the data: the step of a file that has no other, as long as it is whole.
const EPOCH: &str = "epoch";

/// Where the steps of a file come from. It is decided once, by the first line that has a name for it; only what was
/// taken for want of better gives way to a step's own name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum StepSource {
    /// No line has had a name for it: lines are counted.
    Undecided,
    /// A name of `STEPS`.
    Name(&'static str),
    /// Lines are counted: the epochs are fractions, so that several lines share each whole one.
    Counted,
}

/// Finds step and time in lines of one file.
#[derive(Debug)]
pub(super) struct Columns {
    step: Option<String>,
    source: StepSource,
    rows: u64,
    last_step: Option<u64>,
}

impl Columns {
    /// With the step's name where it is known.
    pub(super) fn new(step: Option<String>) -> Self {
        Self { step, source: StepSource::Undecided, rows: 0, last_step: None }
    }

    pub(super) fn restart(&mut self) {
        (self.rows, self.last_step, self.source) = (0, None, StepSource::Undecided);
    }

    /// Whether `name` may be the step's.
    pub(super) fn is_step(&self, name: &str) -> bool {
        self.step.as_deref().map_or_else(|| STEPS.contains(&name), |step| step == name)
    }

    /// The metrics of one line. Without any step the lines are counted; a line that has none among lines that have
    /// one belongs to the last.
    pub(super) fn readings(&mut self, cells: &[(String, Cell)], now: f64, found: &mut Vec<Reading>) {
        self.decide(cells);
        let step_at = self.step_at(cells);
        let Some(step) = self.step_of(step_at.map(|index| &cells[index].1)) else { return };
        let time = time_of(cells);
        let seconds = time.map_or(now, |(_, seconds)| seconds);
        let before = found.len();
        for (index, (name, cell)) in cells.iter().enumerate() {
            let is_metric = Some(index) != step_at && time.is_none_or(|(at, _)| at != index);
            if let (true, Cell::Number(value)) = (is_metric, cell) {
                found.push(Reading { tag: name.clone(), step, time: seconds, value: *value });
            }
        }
        if found.len() > before {
            self.rows += 1;
        }
    }

    fn decide(&mut self, cells: &[(String, Cell)]) {
        let is_weak = !matches!(self.source, StepSource::Name(name) if name != EPOCH);
        if self.step.is_some() || !is_weak {
            return;
        }
        let cell_of = |name: &str| cells.iter().find(|(known, _)| known == name).map(|(_, cell)| cell);
        let is_step = |name: &&str| cell_of(name).is_some_and(|cell| step_number(cell).is_some());
        let has_fraction =
            matches!(cell_of(EPOCH), Some(cell @ Cell::Number(_)) if step_number(cell).is_none());
        match STEPS.into_iter().find(is_step) {
            Some(name) if name != EPOCH => self.source = StepSource::Name(name),
            _ if has_fraction && self.source != StepSource::Counted => {
                self.source = StepSource::Counted;
                // What was counted by epochs so far lies before.
                self.rows = self.last_step.unwrap_or(self.rows);
            }
            Some(name) if self.source == StepSource::Undecided => self.source = StepSource::Name(name),
            _ => {}
        }
    }

    fn step_at(&self, cells: &[(String, Cell)]) -> Option<usize> {
        let name = match (&self.step, self.source) {
            (Some(name), _) => name.as_str(),
            (None, StepSource::Name(name)) => name,
            _ => return None,
        };
        cells.iter().position(|(known, cell)| known == name && step_number(cell).is_some())
    }

    fn step_of(&mut self, cell: Option<&Cell>) -> Option<u64> {
        match cell.and_then(step_number) {
            Some(step) => {
                self.last_step = Some(step);
                Some(step)
            }
            None if self.step.is_some() => None,
            None if matches!(self.source, StepSource::Name(_)) => {
                Some(self.last_step.unwrap_or(self.rows + 1))
            }
            None => Some(self.rows + 1),
        }
    }
}

/// A step is a whole number from 0; 2^53 bounds what a float says exactly.
pub(super) fn step_number(cell: &Cell) -> Option<u64> {
    match cell {
        Cell::Number(number) if *number >= 0.0 && *number < 9.0e15 && number.fract() == 0.0 => {
            Some(*number as u64)
        }
        _ => None,
    }
}

/// Where the time stands, and in seconds since 1970. A number that is no date is a metric like any other.
fn time_of(cells: &[(String, Cell)]) -> Option<(usize, f64)> {
    TIMES.iter().find_map(|name| {
        let index = cells.iter().position(|(known, _)| known == name)?;
        let seconds = match &cells[index].1 {
            // From 2001 to 2100, in seconds or in milliseconds.
            Cell::Number(number) if (1.0e9..4.2e9).contains(number) => *number,
            Cell::Number(number) if (1.0e12..4.2e12).contains(number) => number / 1000.0,
            Cell::Number(_) => return None,
            Cell::Text(text) => Moment::parse(text)?.seconds(),
        };
        Some((index, seconds))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(columns: &mut Columns, cells: &[(&str, f64)]) -> Vec<(String, u64, f64)> {
        let cells: Vec<(String, Cell)> =
            cells.iter().map(|(name, value)| ((*name).to_owned(), Cell::Number(*value))).collect();
        let mut found = Vec::new();
        columns.readings(&cells, 7.0, &mut found);
        found.into_iter().map(|reading| (reading.tag, reading.step, reading.time)).collect()
    }

    #[test]
    fn the_step_is_found_by_its_usual_names_or_the_given_one() {
        let mut columns = Columns::new(None);
        assert_eq!(
            read(&mut columns, &[("epoch", 1.0), ("step", 20.0), ("loss", 2.0)]),
            [("epoch".to_owned(), 20, 7.0), ("loss".to_owned(), 20, 7.0)]
        );
        assert_eq!(read(&mut columns, &[("val_loss", 2.0)]), [("val_loss".to_owned(), 20, 7.0)]);
        let mut columns = Columns::new(Some("n".into()));
        assert_eq!(read(&mut columns, &[("n", 3.0), ("loss", 2.0)]), [("loss".to_owned(), 3, 7.0)]);
        assert_eq!(read(&mut columns, &[("step", 3.0), ("loss", 2.0)]), []);
    }

    #[test]
    fn lines_without_a_step_are_counted() {
        let mut columns = Columns::new(None);
        assert_eq!(read(&mut columns, &[("loss", 2.0)])[0].1, 1);
        assert_eq!(read(&mut columns, &[("loss", 2.0)])[0].1, 2);
    }

    #[test]
    fn fractions_of_epochs_are_no_steps_and_no_line_is_lost() {
        let steps = |epochs: &[f64]| -> Vec<u64> {
            let mut columns = Columns::new(None);
            let line = |epoch: &f64| read(&mut columns, &[("epoch", *epoch), ("loss", 2.0)])[0].1;
            epochs.iter().map(line).collect()
        };
        assert_eq!(steps(&[0.25, 0.5, 0.75, 1.0, 1.25]), [1, 2, 3, 4, 5]);
        assert_eq!(steps(&[1.0, 1.5, 2.0, 2.5]), [1, 2, 3, 4], "a whole one first");
        assert_eq!(steps(&[0.0, 0.5, 1.0]), [0, 1, 2]);
        assert_eq!(steps(&[1.0, 2.0, 3.0]), [1, 2, 3], "whole ones are steps");
    }

    #[test]
    fn a_step_of_its_own_name_comes_before_an_epoch_that_stood_first() {
        let mut columns = Columns::new(None);
        assert_eq!(read(&mut columns, &[("epoch", 0.0), ("val_loss", 2.0)])[0].1, 0);
        assert_eq!(read(&mut columns, &[("step", 10.0), ("loss", 2.0)])[0].1, 10);
        assert_eq!(read(&mut columns, &[("epoch", 1.0), ("val_loss", 2.0)])[0].1, 10, "the last step's");
    }

    #[test]
    fn dates_are_times_and_other_numbers_are_not() {
        let mut columns = Columns::new(None);
        assert_eq!(
            read(&mut columns, &[("step", 1.0), ("time", 1_700_000_000_500.0), ("loss", 2.0)]),
            [("loss".to_owned(), 1, 1_700_000_000.5)]
        );
        assert_eq!(
            read(&mut columns, &[("step", 2.0), ("time", 0.25)]),
            [("time".to_owned(), 2, 7.0)],
            "seconds of a step are a metric"
        );
    }
}
