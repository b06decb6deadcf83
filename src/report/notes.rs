//! What stands out in each row of the performance table, by rules that the report states. No IO.
//!
//! | note | rule |
//! |---|---|
//! | clear initial drop, slow start | the last quarter of the first row's losses against its first loss: at least 20 % lower, or not |
//! | falling, slowing, levelling off, rising | the mean loss against the row before: at least 10 % lower, 2 to 10 % lower, within 2 to 5 %, over 5 % higher |
//! | converged | levelling off in the last row of a run that came to its end |
//! | oscillating | up and down by over 5 % in three rows one after another |
//! | spike | a loss above three times the row's median |
//! | best validation loss, validation loss rising | the lowest of all rows; over 2 % above the lowest so far |
//! | not finite | a loss that is no number |

use super::performance::{Measured, Row, median_within, within};
use super::statistics::mean;
use super::words;

const CLEAR_DROP: f64 = 0.20;
const FALLING: f64 = 0.10;
const LEVEL: f64 = 0.02;
const RISING: f64 = 0.05;
const SPIKE: f64 = 3.0;
const OVERFIT: f64 = 0.02;

/// The rules in a sentence or two, for the report's readers.
pub(super) const RULES: &str = "Notes follow fixed rules: *falling* means an average loss at least 10 % below the row \
    before, *slowing* 2 to 10 %, *levelling off* less than that, *rising* over 5 % above; a *spike* is a loss above \
    three times its row's median.";

/// Writes notes into `rows`, which are in order of steps.
pub(super) fn annotate(rows: &mut [Row], measured: &Measured) {
    let changes: Vec<Option<f64>> = relative_changes(rows);
    let best_evaluation = best_row(rows);
    let mut lowest = measured.evaluation.first().map(|(_, value)| *value).filter(|value| value.is_finite());
    let last = rows.len().saturating_sub(1);
    for index in 0..rows.len() {
        let mut notes = Vec::new();
        notes.extend(trend(rows, measured, &changes, index, index == last && measured.finished));
        notes.extend(accidents(&rows[index], measured));
        notes.extend(evaluation_note(&rows[index], index, best_evaluation, lowest));
        lowest = [lowest, rows[index].evaluation].into_iter().flatten().reduce(f64::min);
        rows[index].notes = notes;
    }
}

/// Each row's mean loss relative to the one before.
fn relative_changes(rows: &[Row]) -> Vec<Option<f64>> {
    let change = |index: usize| {
        let before = rows.get(index.checked_sub(1)?)?.average?;
        let change = (rows[index].average? - before) / before.abs();
        change.is_finite().then_some(change)
    };
    (0..rows.len()).map(change).collect()
}

fn trend(
    rows: &[Row],
    measured: &Measured,
    changes: &[Option<f64>],
    index: usize,
    is_end: bool,
) -> Option<String> {
    if index == 0 {
        return initial(&rows[0], measured);
    }
    if oscillates(changes, index) {
        return Some("oscillating".into());
    }
    // Single batches differ too much to make a trend.
    if rows[index].to - rows[index].from < 2 {
        return None;
    }
    let change = changes[index]?;
    let word = match change {
        _ if change <= -FALLING => "falling",
        _ if change < -LEVEL => "slowing",
        _ if change > RISING => "rising",
        _ if is_end => "converged",
        _ => "levelling off",
    };
    Some(word.into())
}

fn initial(row: &Row, measured: &Measured) -> Option<String> {
    let losses: Vec<f64> = within(&measured.train, row.from, row.to).map(|(_, value)| value).collect();
    let first = losses.first().copied().filter(|value| value.is_finite())?;
    if losses.len() < 4 {
        return None;
    }
    let end = mean(&losses[losses.len() - losses.len().div_ceil(4)..])?;
    Some(if end <= first * (1.0 - CLEAR_DROP) { "clear initial drop" } else { "slow start" }.into())
}

fn oscillates(changes: &[Option<f64>], index: usize) -> bool {
    let Some(window) = index.checked_sub(2).map(|from| &changes[from..=index]) else { return false };
    let [Some(a), Some(b), Some(c)] = window else { return false };
    let large = [a, b, c].into_iter().all(|change| change.abs() > RISING);
    large && (*a > 0.0) != (*b > 0.0) && (*b > 0.0) != (*c > 0.0)
}

fn accidents(row: &Row, measured: &Measured) -> Vec<String> {
    let mut notes = Vec::new();
    if let Some((step, _)) = within(&measured.train, row.from, row.to).find(|(_, value)| !value.is_finite()) {
        notes.push(format!("not finite at step {}", words::count(step)));
    }
    let limit =
        median_within(&measured.train, row.from, row.to).map_or(f64::INFINITY, |median| median * SPIKE);
    let spike = within(&measured.train, row.from, row.to)
        .filter(|(_, value)| value.is_finite() && *value > limit)
        .max_by(|a, b| a.1.total_cmp(&b.1));
    // The first steps of a run are high, and that is no accident.
    if let Some((step, value)) = spike.filter(|_| row.from > 1) {
        notes.push(format!("spike to {} at step {}", words::value(value), words::count(step)));
    }
    notes
}

fn best_row(rows: &[Row]) -> Option<usize> {
    let evaluated = || rows.iter().enumerate().filter_map(|(index, row)| Some((index, row.evaluation?)));
    (evaluated().count() > 1)
        .then(|| evaluated().min_by(|a, b| a.1.total_cmp(&b.1)).map(|(index, _)| index))?
}

fn evaluation_note(row: &Row, index: usize, best: Option<usize>, lowest: Option<f64>) -> Option<String> {
    let evaluation = row.evaluation?;
    if best == Some(index) {
        return Some("best validation loss".into());
    }
    (evaluation > lowest? * (1.0 + OVERFIT)).then(|| "validation loss rising".into())
}

#[cfg(test)]
mod tests {
    use super::super::performance::{Points, table};
    use super::*;

    fn notes_of(averages: &[f64], evaluations: &[f64], finished: bool) -> Vec<Vec<String>> {
        // Ten steps a row make the rows stretches of ten steps.
        let train: Points = averages
            .iter()
            .flat_map(|value| [*value; 10])
            .zip(1..)
            .map(|(value, step)| (step, value))
            .collect();
        let evaluation: Points = evaluations.iter().zip(1..).map(|(value, row)| (row * 10, *value)).collect();
        let table = table(&Measured { train, evaluation, finished, ..Measured::default() });
        assert_eq!(table.rows.len(), averages.len());
        table.rows.into_iter().map(|row| row.notes).collect()
    }

    #[test]
    fn the_story_of_a_good_run() {
        let notes = notes_of(
            &[2.0, 1.0, 0.95, 0.94, 0.94, 0.93, 0.93, 0.93, 0.93, 0.93],
            &[1.9, 1.1, 1.0, 1.0, 0.99, 0.98, 0.98, 0.97, 0.99, 1.1],
            true,
        );
        assert_eq!(notes[0], ["slow start"]);
        assert_eq!(notes[1], ["falling"]);
        assert_eq!(notes[2], ["slowing"]);
        assert_eq!(notes[3], ["levelling off"]);
        assert_eq!(notes[7], ["levelling off", "best validation loss"]);
        assert_eq!(notes[8], ["levelling off", "validation loss rising"]);
        assert_eq!(notes[9], ["converged", "validation loss rising"]);
    }

    #[test]
    fn trouble_is_named() {
        let notes = notes_of(&[1.0, 1.2, 1.0, 1.3, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0], &[], false);
        assert_eq!(notes[1], ["rising"]);
        assert_eq!(notes[3], ["oscillating"]);
        assert_eq!(notes[9], ["levelling off"]);
    }

    #[test]
    fn a_drop_a_spike_and_a_value_that_is_none() {
        let mut train: Points = (1..=100).map(|step| (step, 1.0)).collect();
        train[..5].iter_mut().for_each(|(_, value)| *value = 4.0);
        train[54].1 = 9.0;
        train[72].1 = f64::NAN;
        let table = table(&Measured { train, ..Measured::default() });
        assert_eq!(table.rows[0].notes, ["clear initial drop"]);
        assert!(table.rows[5].notes.contains(&"spike to 9.000 at step 55".to_owned()), "{:?}", table.rows[5]);
        assert!(table.rows[7].notes.contains(&"not finite at step 73".to_owned()));
        assert_eq!(table.rows[7].average, Some(1.0));
    }
}
