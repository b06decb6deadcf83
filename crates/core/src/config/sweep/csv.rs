//! CSV as RFC 4180 has it, with the place of every cell.

use crate::config::place::Place;

/// One cell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Cell {
    /// Its text, without quotes.
    pub(super) text: String,
    /// Line, from 1.
    pub(super) line: usize,
    /// Column in characters, from 1.
    pub(super) column: usize,
}

/// Where and why a text is no CSV.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct CsvError {
    pub(super) line: usize,
    pub(super) column: usize,
    pub(super) message: &'static str,
}

impl Cell {
    pub(super) fn place(&self) -> Place {
        Place::Cell(self.line as u32, self.column as u32)
    }
}

/// The first `limit` records; empty lines are none.
pub(super) fn read_csv(text: &str, limit: usize) -> Result<Vec<Vec<Cell>>, CsvError> {
    let mut reader = Reader { rest: text.chars().peekable(), line: 1, column: 1 };
    let mut records = Vec::new();
    while records.len() < limit && reader.rest.peek().is_some() {
        let record = reader.record()?;
        let is_empty = matches!(record.as_slice(), [only] if only.text.trim().is_empty());
        if !is_empty {
            records.push(record);
        }
    }
    Ok(records)
}

struct Reader<'a> {
    rest: std::iter::Peekable<std::str::Chars<'a>>,
    line: usize,
    column: usize,
}

impl Reader<'_> {
    fn next(&mut self) -> Option<char> {
        let character = self.rest.next()?;
        if character == '\n' {
            (self.line, self.column) = (self.line + 1, 1);
        } else {
            self.column += 1;
        }
        Some(character)
    }

    fn record(&mut self) -> Result<Vec<Cell>, CsvError> {
        let mut cells = Vec::new();
        loop {
            cells.push(self.cell()?);
            match self.next() {
                Some(',') => {}
                // A line may end in \r\n; a lone \r ends none.
                Some('\r') if self.rest.peek() == Some(&'\n') => {
                    self.next();
                    return Ok(cells);
                }
                Some('\n') | None => return Ok(cells),
                Some(_) => {
                    let column = self.column.saturating_sub(1).max(1);
                    let message = "text follows a closing quote";
                    return Err(CsvError { line: self.line, column, message });
                }
            }
        }
    }

    /// One cell, up to but without what ends it.
    fn cell(&mut self) -> Result<Cell, CsvError> {
        let (line, column) = (self.line, self.column);
        let mut text = String::new();
        if self.rest.peek() == Some(&'"') {
            self.next();
            loop {
                match self.next() {
                    Some('"') if self.rest.peek() == Some(&'"') => {
                        self.next();
                        text.push('"');
                    }
                    Some('"') => return Ok(Cell { text, line, column }),
                    Some(character) => text.push(character),
                    None => return Err(CsvError { line, column, message: "this quote is never closed" }),
                }
            }
        }
        while let Some(character) = self.rest.peek().copied() {
            if character == ',' || character == '\n' {
                break;
            }
            if character == '\r' {
                let mut ahead = self.rest.clone();
                ahead.next();
                if ahead.next() == Some('\n') {
                    break;
                }
            }
            text.push(character);
            self.next();
        }
        Ok(Cell { text, line, column })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(text: &str) -> Result<Vec<Vec<String>>, (usize, usize)> {
        let records = read_csv(text, 100).map_err(|error| (error.line, error.column))?;
        Ok(records.into_iter().map(|record| record.into_iter().map(|cell| cell.text).collect()).collect())
    }

    #[test]
    fn cells_lines_and_quotes() {
        assert_eq!(
            texts("a,b\r\n1,\"x, \"\"y\"\"\"\n\n3,\n").unwrap(),
            [["a", "b"], ["1", "x, \"y\""], ["3", ""]]
        );
        assert_eq!(texts("").unwrap(), Vec::<Vec<String>>::new());
        assert_eq!(texts("a\n\"two\nlines\"").unwrap(), [["a"], ["two\nlines"]]);
    }

    #[test]
    fn cells_know_where_they_stand() {
        let records = read_csv("ä,b\n\"x\ny\",z\n1,2", 100).unwrap();
        let places: Vec<(usize, usize)> =
            records.iter().flatten().map(|cell| (cell.line, cell.column)).collect();
        assert_eq!(places, [(1, 1), (1, 3), (2, 1), (3, 4), (4, 1), (4, 3)]);
    }

    #[test]
    fn what_is_no_csv_is_told_where() {
        assert_eq!(texts("a,b\n1,\"x\n"), Err((2, 3)));
        assert_eq!(texts("a\n\"x\"y\n"), Err((2, 4)));
    }

    proptest::proptest! {
        #[test]
        fn any_cells_read_back(rows in proptest::collection::vec(proptest::collection::vec("[a,\"\n\r ]{0,6}x", 1..4), 1..4)) {
            let quoted = |cell: &String| format!("\"{}\"", cell.replace('"', "\"\""));
            let text: Vec<String> = rows.iter().map(|row| row.iter().map(quoted).collect::<Vec<_>>().join(",")).collect();
            proptest::prop_assert_eq!(texts(&text.join("\n")), Ok(rows));
        }
    }
}
