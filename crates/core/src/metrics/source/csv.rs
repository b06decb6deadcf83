//! A table with a header, such as Lightning's `CSVLogger` writes: empty cells are nothing, a header that comes again
//! (a resumed trainer appends to its file) holds from there on.

use std::path::Path;

use super::columns::{Cell, Columns};
use super::follow::{Followed, LineReader};
use super::lines::Ending;
use super::pattern::PatternError;
use super::spec::SourceSpec;
use super::{Follow, Reading};

#[allow(clippy::unnecessary_wraps)] // the registry's shape
pub(super) fn open(spec: &SourceSpec, path: &Path) -> Result<Box<dyn Follow>, PatternError> {
    Ok(Box::new(Followed::new(path, Ending::LineFeed, CsvTable::new(spec))))
}

#[derive(Debug)]
pub(super) struct CsvTable {
    columns: Columns,
    header: Vec<String>,
    separator: char,
}

impl CsvTable {
    pub(super) fn new(spec: &SourceSpec) -> Self {
        Self { columns: Columns::new(spec.step.clone()), header: Vec::new(), separator: ',' }
    }
}

impl LineReader for CsvTable {
    fn restart(&mut self) {
        self.columns.restart();
        self.header.clear();
    }

    fn line(&mut self, line: &str, now: f64, found: &mut Vec<Reading>) {
        let line = line.trim_start_matches('\u{feff}');
        if line.trim().is_empty() {
            return;
        }
        if self.header.is_empty() {
            self.separator = [',', '\t', ';'].into_iter().find(|c| line.contains(*c)).unwrap_or(',');
        }
        let cells = split(line, self.separator);
        if self.header.is_empty() || self.is_header(&cells) {
            self.header = cells;
            return;
        }
        let named =
            self.header.iter().zip(cells).filter_map(|(name, cell)| Some((name.clone(), value(cell)?)));
        self.columns.readings(&named.collect::<Vec<_>>(), now, found);
    }
}

impl CsvTable {
    /// A header that comes again holds a step's name and no number; a row may hold the word `epoch` beside its numbers.
    fn is_header(&self, cells: &[String]) -> bool {
        cells.iter().any(|cell| self.columns.is_step(cell))
            && cells.iter().all(|cell| cell.parse::<f64>().is_err())
    }
}

fn value(cell: String) -> Option<Cell> {
    match cell.parse() {
        Ok(number) => Some(Cell::Number(number)),
        Err(_) => (!cell.is_empty()).then_some(Cell::Text(cell)),
    }
}

/// The cells of one row (RFC 4180, one line a row): quotes are taken off, doubled ones are one.
fn split(line: &str, separator: char) -> Vec<String> {
    let mut cells = vec![String::new()];
    let mut characters = line.chars().peekable();
    let mut in_quotes = false;
    while let Some(character) = characters.next() {
        let is_empty = cells.last().is_none_or(|cell| cell.trim().is_empty());
        match character {
            '"' if in_quotes && characters.peek() == Some(&'"') => {
                characters.next();
                push(&mut cells, '"');
            }
            '"' if in_quotes => in_quotes = false,
            '"' if is_empty => in_quotes = true,
            other if other == separator && !in_quotes => cells.push(String::new()),
            other => push(&mut cells, other),
        }
    }
    cells.iter().map(|cell| cell.trim().to_owned()).collect()
}

fn push(cells: &mut [String], character: char) {
    if let Some(cell) = cells.last_mut() {
        cell.push(character);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_with_the_word_epoch_is_a_row_and_a_header_again_is_a_header() {
        let mut table = CsvTable::new(&SourceSpec::new(super::super::spec::SourceKind::Csv));
        let mut found = Vec::new();
        let lines = ["step,loss,interval", "1,3.0,epoch", "2,2.0,epoch", "step,acc", "3,0.5"];
        for line in lines {
            table.line(line, 7.0, &mut found);
        }
        let told: Vec<(&str, u64, f64)> = found.iter().map(|r| (r.tag.as_str(), r.step, r.value)).collect();
        assert_eq!(told, [("loss", 1, 3.0), ("loss", 2, 2.0), ("acc", 3, 0.5)]);
    }

    #[test]
    fn quotes_keep_separators() {
        assert_eq!(split(r#"a,"b,c", "d ""e""",,"f"#, ','), ["a", "b,c", r#"d "e""#, "", "f"]);
    }
}
