//! The performance table: a run's curve in a few rows, by epoch or by stretches of steps, with notes by stated rules.
//! No IO.

use serde::{Deserialize, Serialize};

use super::notes;
use super::statistics::{mean, median};

/// Rows the table has at most.
const ROWS: u64 = 10;

/// A metric's points by step: (step, value).
pub type Points = Vec<(u64, f64)>;

/// What the table is made from.
#[derive(Clone, Debug, Default)]
pub struct Measured {
    /// Training loss.
    pub train: Points,
    /// Learning rate.
    pub rate: Points,
    /// Validation loss; step 0 is before training.
    pub evaluation: Points,
    /// Passes over the data done.
    pub epoch: Points,
    /// Whether training came to its planned end.
    pub finished: bool,
}

/// One row.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Row {
    /// Which part: an epoch such as `3` or `4–6`, or steps such as `11–20`.
    pub part: String,
    /// First step.
    pub from: u64,
    /// Last step.
    pub to: u64,
    /// Mean of the finite training losses.
    pub average: Option<f64>,
    /// Learning rate at the first step.
    pub rate_from: Option<f64>,
    /// Learning rate at the last step.
    pub rate_to: Option<f64>,
    /// The last validation loss in these steps.
    pub evaluation: Option<f64>,
    /// What stands out.
    pub notes: Vec<String>,
}

/// The table.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Table {
    /// Whether rows are epochs; otherwise stretches of steps.
    pub by_epoch: bool,
    /// The rows by step.
    pub rows: Vec<Row>,
}

/// A stretch of the run before its figures are known.
struct Part {
    name: String,
    from: u64,
    to: u64,
}

/// The table of a run; without a training loss it has no rows.
pub fn table(measured: &Measured) -> Table {
    let Some((last, _)) = measured.train.last() else { return Table::default() };
    let (by_epoch, parts) = match by_epoch(&measured.epoch, *last) {
        Some(parts) => (true, parts),
        None => (false, by_steps(measured.train[0].0.max(1), *last)),
    };
    let mut rows: Vec<Row> = parts.iter().map(|part| row(measured, part)).collect();
    rows.retain(|row| within(&measured.train, row.from, row.to).next().is_some());
    notes::annotate(&mut rows, measured);
    if let Some(before) = measured.evaluation.iter().find(|(step, value)| *step == 0 && value.is_finite()) {
        rows.insert(0, Row { part: "before".into(), evaluation: Some(before.1), ..Row::default() });
    }
    Table { by_epoch, rows }
}

fn row(measured: &Measured, part: &Part) -> Row {
    let losses: Vec<f64> = within(&measured.train, part.from, part.to).map(|(_, value)| value).collect();
    let mut rates = within(&measured.rate, part.from, part.to).map(|(_, value)| value);
    let rate_from = rates.next();
    Row {
        part: part.name.clone(),
        from: part.from,
        to: part.to,
        average: mean(&losses),
        rate_to: rates.last().or(rate_from),
        rate_from,
        evaluation: within(&measured.evaluation, part.from, part.to)
            .map(|(_, value)| value)
            .filter(|value| value.is_finite())
            .last(),
        notes: Vec::new(),
    }
}

/// The points from one step to another, both included.
pub(super) fn within(points: &Points, from: u64, to: u64) -> impl Iterator<Item = (u64, f64)> + '_ {
    points.iter().copied().filter(move |(step, _)| (from..=to).contains(step))
}

/// One row an epoch, or an equal number of epochs a row; `None` where the run has less than two.
fn by_epoch(epoch: &Points, last_step: u64) -> Option<Vec<Part>> {
    let (_, most) = epoch.last()?;
    let epochs = (most - 1e-6).ceil();
    if !(2.0..=1e6).contains(&epochs) {
        return None;
    }
    let epochs = epochs as u64;
    let per_row = epochs.div_ceil(ROWS);
    let mut parts = Vec::new();
    let mut from = 1;
    for first in (1..=epochs).step_by(per_row as usize) {
        let last = (first + per_row - 1).min(epochs);
        let to = if last == epochs {
            last_step
        } else {
            // The last step whose epoch is not beyond this row's.
            epoch.iter().rev().find(|(_, value)| *value <= last as f64 + 1e-6)?.0
        };
        let name = if first == last { first.to_string() } else { format!("{first}–{last}") };
        parts.push(Part { name, from, to });
        from = to + 1;
    }
    Some(parts)
}

/// Stretches of a round number of steps.
fn by_steps(first: u64, last: u64) -> Vec<Part> {
    let width = loradeck_core::metrics::axis::next_nice(last as f64 / ROWS as f64).max(1.0) as u64;
    let begin = (first - 1) / width * width;
    (begin..last)
        .step_by(width as usize)
        .map(|before| {
            let (from, to) = (before + 1, (before + width).min(last));
            let name = if from == to { from.to_string() } else { format!("{from}–{to}") };
            Part { name, from, to }
        })
        .collect()
}

/// Median of a stretch's finite losses.
pub(super) fn median_within(points: &Points, from: u64, to: u64) -> Option<f64> {
    median(&within(points, from, to).map(|(_, value)| value).collect::<Vec<_>>())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn points(values: &[f64]) -> Points {
        (1..).zip(values.iter().copied()).collect()
    }

    #[test]
    fn few_epochs_are_rows_of_their_own() {
        let measured = Measured {
            train: points(&[4.0, 2.0, 1.0, 0.5]),
            epoch: points(&[0.5, 1.0, 1.5, 2.0]),
            rate: points(&[1e-3, 8e-4, 4e-4, 0.0]),
            evaluation: vec![(0, 5.0), (2, 1.5), (4, 0.7)],
            finished: true,
        };
        let table = table(&measured);
        assert!(table.by_epoch);
        let parts: Vec<_> = table.rows.iter().map(|row| (row.part.as_str(), row.from, row.to)).collect();
        assert_eq!(parts, [("before", 0, 0), ("1", 1, 2), ("2", 3, 4)]);
        let second = &table.rows[2];
        assert_eq!((second.average, second.evaluation), (Some(0.75), Some(0.7)));
        assert_eq!((second.rate_from, second.rate_to), (Some(4e-4), Some(0.0)));
    }

    #[test]
    fn many_epochs_share_rows_and_every_step_stands_once() {
        let epoch: Vec<f64> = (1..=250).map(|step| f64::from(step) / 10.0).collect();
        let measured =
            Measured { train: points(&vec![1.0; 250]), epoch: points(&epoch), ..Measured::default() };
        let table = table(&measured);
        assert_eq!(table.rows.first().map(|row| row.part.as_str()), Some("1–3"));
        assert_eq!(table.rows.last().map(|row| (row.part.as_str(), row.to)), Some(("25", 250)));
        assert!(table.rows.windows(2).all(|pair| pair[0].to + 1 == pair[1].from));
    }

    #[test]
    fn one_epoch_is_divided_by_steps() {
        let table =
            table(&Measured { train: points(&[1.0; 24]), epoch: points(&[0.04; 24]), ..Measured::default() });
        assert!(!table.by_epoch);
        let parts: Vec<_> = table.rows.iter().map(|row| row.part.as_str()).collect();
        assert_eq!(parts, ["1–5", "6–10", "11–15", "16–20", "21–24"]);
    }

    #[test]
    fn no_loss_gives_no_table_and_only_bad_losses_a_row_without_average() {
        assert!(table(&Measured::default()).rows.is_empty());
        let table = table(&Measured { train: points(&[f64::NAN]), ..Measured::default() });
        assert_eq!((table.rows.len(), table.rows[0].average), (1, None));
    }
}
