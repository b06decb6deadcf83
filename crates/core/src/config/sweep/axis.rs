//! An axis of a sweep: one key, or several that go together, with what they are drawn from and when they vary at all.

use super::search_plan::Condition;
use super::{Distribution, Draws as Drawn, Parameter};
use crate::config::experiment::Entry;
use crate::config::keys::Key;
use crate::config::place::Place;

/// Something that varies by itself.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Axis {
    pub(crate) keys: Vec<&'static Key>,
    pub(crate) draws: Draws,
    /// All must hold, else the keys have the experiment's own values.
    pub(crate) when: Vec<Condition>,
    pub(crate) place: Place,
}

/// What an axis is drawn from.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Draws {
    /// Rows with an entry for each key, each row once.
    Rows { rows: Vec<Vec<Option<Entry>>>, probabilities: Option<Vec<f64>> },
    /// Numbers for the one key.
    Numbers(Distribution),
}

impl Axis {
    /// The axis of a single key; `None` where the parameter is fixed.
    pub(crate) fn of(parameter: &Parameter) -> Option<Self> {
        let draws = match &parameter.draws {
            Drawn::Fixed(_) => return None,
            Drawn::Numbers(distribution) => Draws::Numbers(distribution.clone()),
            Drawn::Values { values, probabilities } => {
                let rows = values.iter().map(|entry| vec![Some(entry.clone())]).collect();
                once_each(rows, probabilities.clone())
            }
        };
        Some(Self { keys: vec![parameter.key], draws, when: Vec::new(), place: parameter.place })
    }

    /// The axis of several keys.
    pub(crate) fn coupled(keys: Vec<&'static Key>, rows: Vec<Vec<Option<Entry>>>, place: Place) -> Self {
        Self { keys, draws: once_each(rows, None), when: Vec::new(), place }
    }

    /// How many rows there are; 0 for numbers.
    pub(crate) fn len(&self) -> u64 {
        match &self.draws {
            Draws::Rows { rows, .. } => rows.len() as u64,
            Draws::Numbers(_) => 0,
        }
    }

    /// The entries of a row.
    pub(crate) fn row(&self, index: u64) -> &[Option<Entry>] {
        match &self.draws {
            Draws::Rows { rows, .. } => rows.get(index as usize).map_or(&[], Vec::as_slice),
            Draws::Numbers(_) => &[],
        }
    }
}

/// Rows that say the same stand for one; their probabilities add up. `1`, `1.0` and `"1"` say the same: the command
/// gets one text.
fn once_each(all: Vec<Vec<Option<Entry>>>, shares: Option<Vec<f64>>) -> Draws {
    fn texts(row: &[Option<Entry>]) -> Vec<Option<String>> {
        row.iter().map(|entry| entry.as_ref().map(|entry| entry.value.plain())).collect()
    }
    let mut known: std::collections::HashMap<String, usize> = std::collections::HashMap::new();
    let mut rows: Vec<Vec<Option<Entry>>> = Vec::new();
    let mut probabilities: Vec<f64> = Vec::new();
    let given = shares.is_some();
    let mut shares = shares.into_iter().flatten();
    for row in all {
        let share = shares.next().unwrap_or(0.0);
        let text = format!("{:?}", texts(&row));
        let index = *known.entry(text).or_insert(rows.len());
        if index == rows.len() {
            rows.push(row);
            probabilities.push(0.0);
        }
        probabilities[index] += share;
    }
    Draws::Rows { rows, probabilities: given.then_some(probabilities) }
}
