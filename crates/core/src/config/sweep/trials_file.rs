//! Reading a file that lists trials: CSV with a header of keys (RFC 4180), or JSONL with one object a line.
//!
//! An empty cell, a null and a key that a line leaves out mean the experiment's own value.

use std::path::Path;

use super::csv::{Cell, read_csv};
use super::sweepable;
use crate::config::experiment::{Entry, checked_value, known_key};
use crate::config::keys::Key;
use crate::config::place::{Place, Problem};
use crate::config::task::Scope;
use crate::config::yaml::{self, Content, Node, locate};

/// The most rows of a file.
const ROW_LIMIT: usize = 10_000;

/// Columns and rows.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Table {
    pub(crate) keys: Vec<&'static Key>,
    pub(crate) rows: Vec<Vec<Option<Entry>>>,
    scope: Scope,
}

/// Reads the text of the file at `path`. Problems have places in that file, but for those of the file as a whole, which
/// stand at `named`, where it is named.
pub(crate) fn read_trials(
    path: &str,
    text: &str,
    (named, scope): (Place, Scope),
    problems: &mut Vec<Problem>,
) -> Table {
    let extension = Path::new(path).extension().map(|extension| extension.to_string_lossy().to_lowercase());
    let whole = |message: &str, hint: &str| {
        Problem::new(named, "sweep.trials", message).value(Some(path.to_owned())).hint(hint)
    };
    let before = problems.len();
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let table = match extension.as_deref() {
        Some("csv") => read_table(text, scope, problems),
        Some("jsonl" | "ndjson") => read_lines(text, scope, problems),
        _ => {
            problems.push(whole("is neither a .csv nor a .jsonl file", "trials: trials.csv"));
            return Table::default();
        }
    };
    if problems.len() == before && table.rows.is_empty() {
        problems.push(whole("lists no trials", "a line of keys, then a line for each trial"));
    }
    if table.rows.len() > ROW_LIMIT {
        problems.push(whole(&format!("lists more than {ROW_LIMIT} trials"), "several sweeps"));
        return Table::default();
    }
    table
}

fn broken(line: usize, column: usize, message: impl Into<String>) -> Problem {
    Problem { key: None, ..Problem::new(Place::Cell(line as u32, column as u32), "", message) }
}

/// The key of a column, once.
fn column_key(
    name: &str,
    place: Place,
    scope: Scope,
    known: &[&'static Key],
) -> Result<&'static Key, Problem> {
    if name.trim().is_empty() {
        return Err(Problem { key: None, ..Problem::new(place, "", "a column without a key") });
    }
    let key = known_key(name.trim(), scope, place).and_then(|key| sweepable(key, name.trim(), place))?;
    if known.contains(&key) {
        return Err(Problem::new(place, name.trim(), "is given twice"));
    }
    Ok(key)
}

fn read_table(text: &str, scope: Scope, problems: &mut Vec<Problem>) -> Table {
    let records = match read_csv(text, ROW_LIMIT + 2) {
        Ok(records) => records,
        Err(error) => {
            problems.push(broken(error.line, error.column, error.message));
            return Table::default();
        }
    };
    let mut records = records.into_iter();
    let mut table = Table { scope, ..Table::default() };
    let Some(header) = records.next() else { return table };
    let before = problems.len();
    for cell in &header {
        match column_key(&cell.text, cell.place(), scope, &table.keys) {
            Ok(key) => table.keys.push(key),
            Err(problem) => problems.push(problem),
        }
    }
    if problems.len() > before {
        return table;
    }
    for record in records {
        if record.len() != header.len() {
            let (line, column) = record.first().map_or((1, 1), |cell| (cell.line, cell.column));
            let message = format!("{} cells are given, but the header has {}", record.len(), header.len());
            problems.push(broken(line, column, message));
            continue;
        }
        let cells = table.keys.iter().zip(&header).zip(&record);
        let row = cells.map(|((key, head), cell)| checked_cell(key, head, cell, problems)).collect();
        table.rows.push(row);
    }
    table
}

fn checked_cell(key: &'static Key, head: &Cell, cell: &Cell, problems: &mut Vec<Problem>) -> Option<Entry> {
    let node = yaml::read_value(&cell.text);
    if node.content == Content::Null {
        return None;
    }
    let checked = checked_value(key, head.text.trim(), &node, cell.place());
    checked.map_err(|problem| problems.push(problem)).ok()
}

fn read_lines(text: &str, scope: Scope, problems: &mut Vec<Problem>) -> Table {
    let mut table = Table { scope, ..Table::default() };
    for (line, text) in
        (1..).zip(text.lines()).filter(|(_, text)| !text.trim().is_empty()).take(ROW_LIMIT + 1)
    {
        let node = match yaml::read(text) {
            Ok(node) => node,
            Err(error) => {
                problems.push(broken(line, error.column, error.message));
                continue;
            }
        };
        match &node.content {
            Content::Map(entries) if text.trim_start().starts_with('{') => {
                let row = read_object(&mut table, text, line, entries, problems);
                table.rows.push(row);
            }
            _ => problems.push(broken(line, 1, "this is no JSON object").hint("{\"lora_rank\": 8}")),
        }
    }
    let width = table.keys.len();
    table.rows.iter_mut().for_each(|row| row.resize(width, None));
    table
}

/// One line's row; keys that no line before had become columns.
fn read_object(
    table: &mut Table,
    text: &str,
    line: usize,
    entries: &[(Node, Node)],
    problems: &mut Vec<Problem>,
) -> Vec<Option<Entry>> {
    let mut own: Vec<&'static Key> = Vec::new();
    let mut row: Vec<Option<Entry>> = vec![None; table.keys.len()];
    let at = |node: &Node| Place::Cell(line as u32, locate(text, node.id).1 as u32);
    for (name, value) in entries {
        // Finding a column means reading the line again, so that is done for problems and for values that stay.
        let key = match column_key(&name.text, at(name), table.scope, &own) {
            Ok(key) => key,
            Err(problem) => {
                problems.push(problem);
                continue;
            }
        };
        own.push(key);
        let column = table.keys.iter().position(|known| *known == key).unwrap_or_else(|| {
            table.keys.push(key);
            table.keys.len() - 1
        });
        row.resize(table.keys.len().max(row.len()), None);
        if value.content == Content::Null {
            continue;
        }
        match checked_value(key, &name.text, value, at(value)) {
            Ok(entry) => row[column] = Some(entry),
            Err(problem) => problems.push(problem),
        }
    }
    row
}
