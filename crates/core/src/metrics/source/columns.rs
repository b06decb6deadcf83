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

/// Finds step and time in lines of one file.
#[derive(Debug)]
pub(super) struct Columns {
    step: Option<String>,
    rows: u64,
    last_step: Option<u64>,
}

impl Columns {
    /// With the step's name where it is known.
    pub(super) fn new(step: Option<String>) -> Self {
        Self { step, rows: 0, last_step: None }
    }

    pub(super) fn restart(&mut self) {
        (self.rows, self.last_step) = (0, None);
    }

    /// Whether `name` may be the step's.
    pub(super) fn is_step(&self, name: &str) -> bool {
        self.step.as_deref().map_or_else(|| STEPS.contains(&name), |step| step == name)
    }

    /// The metrics of one line. Without any step the lines are counted; a line that has none among lines that have
    /// one belongs to the last.
    pub(super) fn readings(&mut self, cells: &[(String, Cell)], now: f64, found: &mut Vec<Reading>) {
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

    fn step_at(&self, cells: &[(String, Cell)]) -> Option<usize> {
        let find =
            |name: &str| cells.iter().position(|(known, cell)| known == name && step_number(cell).is_some());
        self.step.as_deref().map_or_else(|| STEPS.into_iter().find_map(find), find)
    }

    fn step_of(&mut self, cell: Option<&Cell>) -> Option<u64> {
        match cell.and_then(step_number) {
            Some(step) => {
                self.last_step = Some(step);
                Some(step)
            }
            None if self.step.is_some() => None,
            None => Some(self.last_step.unwrap_or(self.rows + 1)),
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
