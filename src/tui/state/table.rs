//! The comparison table: runs × what differs between their settings and what came of it.

use std::cmp::Ordering;
use std::collections::BTreeSet;

use loradeck_core::metrics::{Goal, Unit, registry};

use super::Runs;
use crate::store::{Run, RunId, differences};
use crate::tui::format;

/// What a column holds.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum ColumnKind {
    /// The run's state.
    State,
    /// Its sweep and its number within it.
    Trial,
    /// A setting.
    Setting(String),
    /// A metric.
    Metric(String),
    /// Steps done.
    Steps,
    /// Seconds of training.
    Time,
}

/// A column.
#[derive(Clone, Debug, PartialEq)]
pub struct Column {
    /// What it holds.
    pub kind: ColumnKind,
    /// Its heading.
    pub title: String,
    /// Which way is better, where there is a better.
    pub goal: Option<Goal>,
}

/// A cell.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Cell {
    /// As shown.
    pub text: String,
    /// As sorted, where it is a number.
    pub number: Option<f64>,
    /// Whether it is its column's best.
    pub best: bool,
}

/// A row.
#[derive(Clone, Debug, PartialEq)]
pub struct TableRow {
    /// Whose.
    pub run: RunId,
    /// One cell per column.
    pub cells: Vec<Cell>,
}

/// The table's state and contents.
#[derive(Clone, Debug, Default)]
pub struct Table {
    /// The columns.
    pub columns: Vec<Column>,
    /// The rows, sorted.
    pub rows: Vec<TableRow>,
    /// The row of the cursor.
    pub cursor: usize,
    /// The first row shown.
    pub offset: usize,
    /// The column of the cursor.
    pub column: usize,
    /// Last instead of best values.
    pub last: bool,
    /// What it is sorted by; `None`: the list's order.
    pub sort: Option<(ColumnKind, bool)>,
}

impl Table {
    /// Builds columns and rows for these runs; the cursor stays on its run and column.
    pub fn rebuild(&mut self, runs: &Runs, shown: &[RunId]) {
        let run = self.rows.get(self.cursor).map(|row| row.run);
        let column = self.columns.get(self.column).map(|column| column.kind.clone());
        let shown: Vec<&Run> = shown.iter().filter_map(|id| runs.get(*id)).collect();
        self.columns = columns(&shown);
        self.rows = shown.iter().map(|run| self.row(run)).collect();
        self.mark_best();
        self.sort_rows();
        let found = run.and_then(|run| self.rows.iter().position(|row| row.run == run));
        self.cursor = found.unwrap_or(self.cursor).min(self.rows.len().saturating_sub(1));
        let found = column.and_then(|kind| self.columns.iter().position(|column| column.kind == kind));
        self.column = found.unwrap_or(self.column).min(self.columns.len().saturating_sub(1));
    }

    /// The run under the cursor.
    pub fn run(&self) -> Option<RunId> {
        self.rows.get(self.cursor).map(|row| row.run)
    }

    /// Sorts by the column of the cursor, best or least first; again the other way round; then not at all.
    pub fn sort_by_column(&mut self) {
        let Some(column) = self.columns.get(self.column) else { return };
        self.sort = match &self.sort {
            Some((kind, false)) if *kind == column.kind => Some((column.kind.clone(), true)),
            Some((kind, true)) if *kind == column.kind => None,
            _ => Some((column.kind.clone(), false)),
        };
    }

    fn row(&self, run: &Run) -> TableRow {
        let cells = self.columns.iter().map(|column| cell(run, column, self.last)).collect();
        TableRow { run: run.id, cells }
    }

    fn mark_best(&mut self) {
        if self.rows.len() < 2 {
            return;
        }
        for (index, column) in self.columns.iter().enumerate() {
            let Some(goal) = column.goal else { continue };
            let numbers = self.rows.iter().filter_map(|row| row.cells[index].number);
            let best = match goal {
                Goal::Minimise => numbers.fold(f64::INFINITY, f64::min),
                Goal::Maximise => numbers.fold(f64::NEG_INFINITY, f64::max),
            };
            for row in &mut self.rows {
                let cell = &mut row.cells[index];
                cell.best = cell.number.is_some_and(|number| number.total_cmp(&best).is_eq());
            }
        }
    }

    fn sort_rows(&mut self) {
        let Some((kind, reversed)) = &self.sort else { return };
        let Some(index) = self.columns.iter().position(|column| column.kind == *kind) else { return };
        let descending = (self.columns[index].goal == Some(Goal::Maximise)) != *reversed;
        self.rows.sort_by(|left, right| compare(&left.cells[index], &right.cells[index], descending));
    }
}

/// Numbers by value, then texts; empty cells last whatever the direction.
fn compare(left: &Cell, right: &Cell, descending: bool) -> Ordering {
    let turn = |order: Ordering| if descending { order.reverse() } else { order };
    match (left.number, right.number) {
        (Some(left), Some(right)) => turn(left.total_cmp(&right)),
        (Some(_), None) => Ordering::Less,
        (None, Some(_)) => Ordering::Greater,
        (None, None) => match (left.text.is_empty(), right.text.is_empty()) {
            (false, false) => turn(left.text.cmp(&right.text)),
            (left, right) => left.cmp(&right),
        },
    }
}

fn columns(runs: &[&Run]) -> Vec<Column> {
    let plain = |kind, title: &str| Column { kind, title: title.to_owned(), goal: None };
    let mut columns = vec![plain(ColumnKind::State, "state")];
    if runs.iter().any(|run| run.queue.sweep.is_some()) {
        columns.push(plain(ColumnKind::Trial, "trial"));
    }
    for difference in differences(runs) {
        columns.push(plain(ColumnKind::Setting(difference.key.clone()), &difference.key));
    }
    let tags: BTreeSet<&String> = runs
        .iter()
        .filter_map(|run| run.summary.as_ref())
        .flat_map(|summary| summary.metrics.keys())
        .collect();
    let mut tags: Vec<&String> = tags.into_iter().filter(|tag| is_result(tag)).collect();
    tags.sort_by_key(|tag| (registry::rank(tag), tag.as_str()));
    columns.extend(tags.into_iter().map(|tag| Column {
        kind: ColumnKind::Metric(tag.clone()),
        title: tag.clone(),
        goal: registry::describe(tag).goal,
    }));
    columns.push(plain(ColumnKind::Steps, "steps"));
    columns.push(plain(ColumnKind::Time, "time"));
    columns
}

/// Whether a metric says something about the outcome rather than about the way there.
fn is_result(tag: &str) -> bool {
    !matches!(registry::canonical(tag), "train/epoch" | "train/learning_rate")
}

fn cell(run: &Run, column: &Column, last: bool) -> Cell {
    let text = |text: &str| Cell { text: text.to_owned(), ..Cell::default() };
    let number = |number: f64, text: String| Cell { text, number: Some(number), best: false };
    match &column.kind {
        ColumnKind::State => text(run.state().word()),
        ColumnKind::Trial => trial(run),
        ColumnKind::Setting(key) => run.config.get(key).map_or_else(Cell::default, |value| Cell {
            text: value.to_owned(),
            number: value.parse().ok(),
            best: false,
        }),
        ColumnKind::Metric(tag) => {
            let value = if last { run.last(tag) } else { run.best(tag) };
            let unit = registry::describe(tag).unit;
            value.map_or_else(Cell::default, |value| number(value, shown(value, unit)))
        }
        ColumnKind::Steps => run.steps().map_or_else(Cell::default, |(step, total)| {
            let text = if step == total { step.to_string() } else { format!("{step}/{total}") };
            number(step as f64, text)
        }),
        ColumnKind::Time => run
            .summary
            .as_ref()
            .map_or_else(Cell::default, |summary| number(summary.seconds, format::duration(summary.seconds))),
    }
}

/// `2:14`: the fourteenth trial of the second sweep.
fn trial(run: &Run) -> Cell {
    let Some(sweep) = run.queue.sweep else { return Cell::default() };
    let trial = run.queue.trial.unwrap_or_default();
    Cell {
        text: if trial > 0 { format!("{sweep}:{trial}") } else { sweep.to_string() },
        number: Some(f64::from(sweep) * 1e6 + f64::from(trial)),
        best: false,
    }
}

fn shown(value: f64, unit: Unit) -> String {
    format::metric(value, unit)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tui::sample;

    fn table() -> (Table, sample::Sample) {
        let sample = sample::sweep();
        let mut table = Table::default();
        table.rebuild(&sample.runs, &sample.ids());
        (table, sample)
    }

    fn column(table: &Table, title: &str) -> usize {
        table.columns.iter().position(|column| column.title == title).unwrap()
    }

    #[test]
    fn only_what_differs_and_what_came_of_it_are_columns() {
        let (table, _) = table();
        let titles: Vec<&str> = table.columns.iter().map(|column| column.title.as_str()).collect();
        assert!(titles.contains(&"lora_rank") && titles.contains(&"learning_rate"), "{titles:?}");
        assert!(!titles.contains(&"batch_size") && !titles.contains(&"train/epoch"), "{titles:?}");
        let loss = column(&table, "eval/loss");
        assert_eq!(table.rows.iter().filter(|row| row.cells[loss].best).count(), 1);
    }

    #[test]
    fn trials_are_numbered_within_their_sweep() {
        let sample = sample::sweep();
        let run = sample.runs.get(sample.ids()[6]).unwrap().folder.clone();
        let entry = loradeck_core::run::QueueEntry { sweep: Some(2), trial: Some(14), ..Default::default() };
        entry.write(&run).unwrap();
        let mut feed =
            crate::tui::feed::Feed::new(vec![loradeck_core::run::Workspace::at(sample.folder.path())]);
        let mut runs = Runs::default();
        runs.apply(&mut feed.collect(&[crate::watch::Change::Everything]));
        let mut table = Table::default();
        let ids: Vec<RunId> = runs.iter().map(|run| run.id).collect();
        table.rebuild(&runs, &ids);
        let trial = column(&table, "trial");
        assert_eq!(
            (table.rows[6].cells[trial].text.as_str(), table.rows[0].cells[trial].text.as_str()),
            ("2:14", "")
        );
    }

    #[test]
    fn sorting_goes_there_back_and_away() {
        let (mut table, sample) = table();
        let ids = sample.ids();
        table.column = column(&table, "eval/loss");
        let mut firsts = Vec::new();
        for _ in 0..3 {
            table.sort_by_column();
            table.rebuild(&sample.runs, &ids);
            firsts.push(table.rows[0].clone());
        }
        let loss = table.column;
        assert!(firsts[0].cells[loss].best && !firsts[1].cells[loss].best);
        assert_eq!(firsts[2].run, ids[0]);
        assert!(table.rows.iter().all(|row| row.cells.len() == table.columns.len()));
    }
}
