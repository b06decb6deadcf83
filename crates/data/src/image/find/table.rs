//! The rows of `metadata.csv` and `metadata.jsonl`.

use loradeck_core::config::Diagnostic;
use loradeck_core::text::nearest;
use serde_json::{Map, Value};

use crate::image::Fault;

const FILE: &str = "file_name";
const CAPTIONS: [&str; 3] = ["text", "caption", "prompt"];

/// One row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Row {
    /// Its line, from 1.
    pub(super) line: usize,
    /// The picture, relative to the table's folder.
    pub(super) file: String,
    /// The caption; `None` where the row has none.
    pub(super) caption: Option<String>,
}

/// A table read.
#[derive(Clone, Debug, Default)]
pub(super) struct Table {
    /// The rows that make sense.
    pub(super) rows: Vec<Row>,
    /// The column that captions come from.
    pub(super) caption_column: Option<String>,
    /// Columns that are named as captions' columns are, and are not read.
    pub(super) passed_over: Vec<String>,
    /// Rows that do not make sense.
    pub(super) faults: Vec<Diagnostic>,
}

fn at(name: &str, line: usize, message: impl Into<String>) -> Diagnostic {
    Diagnostic { line, column: 1, ..Diagnostic::of_file(name, message) }
}

/// Reads CSV as RFC 4180 has it, the first record being the columns' names. An error means that no row can be told.
pub(super) fn csv(name: &str, text: &str) -> Result<Table, Fault> {
    let mut records = records(name, text)?.into_iter();
    let (line, columns) = records.next().ok_or_else(|| Fault::from(Diagnostic::of_file(name, "is empty")))?;
    let columns: Vec<&str> = columns.iter().map(|column| column.trim()).collect();
    let file = columns
        .iter()
        .position(|column| *column == FILE)
        .ok_or_else(|| without_file(name, line, &columns))?;
    let caption = caption_column(&columns);
    let mut table = Table {
        caption_column: caption.map(|index| columns[index].to_owned()),
        passed_over: passed_over(&columns, caption),
        ..Table::default()
    };
    for (line, record) in records {
        if record.len() != columns.len() {
            let message =
                format!("has {} fields, and the first line names {} columns", record.len(), columns.len());
            let hint = "put a field that contains a comma in double quotes";
            table.faults.push(at(name, line, message).with_hint(hint));
            continue;
        }
        let caption = caption.map(|index| record[index].clone());
        table.rows.push(Row { line, file: record[file].trim().to_owned(), caption });
    }
    Ok(table)
}

fn caption_column(columns: &[&str]) -> Option<usize> {
    let named = |wanted: &&str| columns.iter().position(|column| column == wanted);
    CAPTIONS.iter().find_map(named).or_else(|| columns.iter().position(|column| *column != FILE))
}

/// The columns besides `caption` that could be meant as captions too.
fn passed_over(columns: &[&str], caption: Option<usize>) -> Vec<String> {
    let others = columns.iter().enumerate().filter(|(index, _)| Some(*index) != caption);
    others.filter(|(_, column)| CAPTIONS.contains(column)).map(|(_, column)| (*column).to_owned()).collect()
}

fn without_file(name: &str, line: usize, columns: &[&str]) -> Fault {
    let problem = at(name, line, format!("has no column '{FILE}' (its columns: {})", columns.join(", ")));
    match nearest(FILE, columns.iter().copied()) {
        Some(near) => problem.with_hint(format!("rename '{near}' to '{FILE}'")),
        None => problem.with_hint(format!("'{FILE}' holds each picture's path within this folder")),
    }
    .into()
}

/// Every record with the line it begins in.
fn records(name: &str, text: &str) -> Result<Vec<(usize, Vec<String>)>, Fault> {
    let mut records = Vec::new();
    let (mut record, mut field) = (Vec::new(), String::new());
    let (mut line, mut begun, mut quoted_since) = (1, 1, None);
    let mut characters = text.chars().peekable();
    while let Some(character) = characters.next() {
        line += usize::from(character == '\n');
        match (character, quoted_since) {
            ('"', Some(_)) if characters.peek() == Some(&'"') => {
                characters.next();
                field.push('"');
            }
            ('"', Some(_)) => quoted_since = None,
            (_, Some(_)) => field.push(character),
            ('"', None) if field.is_empty() => quoted_since = Some(line),
            (',', None) => record.push(std::mem::take(&mut field)),
            ('\r', None) if characters.peek() == Some(&'\n') => {}
            ('\n', None) => {
                record.push(std::mem::take(&mut field));
                keep(&mut records, begun, std::mem::take(&mut record));
                begun = line;
            }
            _ => field.push(character),
        }
    }
    if let Some(line) = quoted_since {
        return Err(at(name, line, "has a double quote that is never closed").into());
    }
    record.push(field);
    keep(&mut records, begun, record);
    Ok(records)
}

fn keep(records: &mut Vec<(usize, Vec<String>)>, line: usize, record: Vec<String>) {
    // A blank line is no record.
    if record.len() > 1 || record.iter().any(|field| !field.trim().is_empty()) {
        records.push((line, record));
    }
}

/// Reads one JSON object per line.
pub(super) fn json_lines(name: &str, text: &str) -> Result<Table, Fault> {
    let mut table = Table::default();
    for (index, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
        let number = index + 1;
        let row = match serde_json::from_str::<Map<String, Value>>(line) {
            Ok(row) => row,
            Err(error) => {
                let column = error.column().max(1);
                let message = format!("is no JSON object ({error})");
                table.faults.push(Diagnostic { column, ..at(name, number, message) });
                continue;
            }
        };
        let keys: Vec<&str> = row.keys().map(String::as_str).collect();
        if table.rows.is_empty() && table.faults.is_empty() && !row.contains_key(FILE) {
            return Err(without_file(name, number, &keys));
        }
        if table.caption_column.is_none() {
            let caption = caption_column(&keys);
            table.caption_column = caption.map(|index| keys[index].to_owned());
            table.passed_over = passed_over(&keys, caption);
        }
        match json_row(name, number, &row, table.caption_column.as_deref()) {
            Ok(row) => table.rows.push(row),
            Err(problem) => table.faults.push(*problem),
        }
    }
    if table.rows.is_empty() && table.faults.is_empty() {
        return Err(Fault::from(Diagnostic::of_file(name, "is empty")));
    }
    Ok(table)
}

fn json_row(
    name: &str,
    line: usize,
    row: &Map<String, Value>,
    caption_column: Option<&str>,
) -> Result<Row, Fault> {
    let Some(Value::String(file)) = row.get(FILE) else {
        return Err(at(name, line, format!("has no text under '{FILE}'")).into());
    };
    let caption = match caption_column.and_then(|column| Some((column, row.get(column)?))) {
        None | Some((_, Value::Null)) => None,
        Some((_, Value::String(text))) => Some(text.clone()),
        Some((column, _)) => return Err(at(name, line, format!("has no text under '{column}'")).into()),
    };
    Ok(Row { line, file: file.clone(), caption })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(table: &Table) -> Vec<(usize, &str, Option<&str>)> {
        table.rows.iter().map(|row| (row.line, row.file.as_str(), row.caption.as_deref())).collect()
    }

    #[test]
    fn csv_fields_may_hold_commas_quotes_and_lines() {
        let text = "file_name,text\r\na.png,\"one, \"\"two\"\"\nthree\"\n\nb.png,\nc.png,x,y\n";
        let table = csv("m.csv", text).unwrap();
        assert_eq!(rows(&table), [(2, "a.png", Some("one, \"two\"\nthree")), (5, "b.png", Some(""))]);
        let fault = table.faults[0].to_string();
        assert!(fault.starts_with("m.csv:6:1: has 3 fields, and the first line names 2 columns"), "{fault}");
        assert!(
            csv("m.csv", "file_name,text\na,\"b\n")
                .unwrap_err()
                .to_string()
                .starts_with("m.csv:2:1: has a double")
        );
    }

    #[test]
    fn the_caption_column_is_the_usual_one_or_the_second() {
        let column = |header: &str| csv("m", &format!("{header}\n")).unwrap().caption_column;
        assert_eq!(column("file_name,a,caption,text").as_deref(), Some("text"));
        assert_eq!(column("a,prompt,file_name").as_deref(), Some("prompt"));
        assert_eq!(column("file_name,description,style").as_deref(), Some("description"));
        assert_eq!(column("file_name"), None);
    }

    #[test]
    fn a_second_column_of_captions_is_told() {
        let passed = |header: &str| csv("m", &format!("{header}\n")).unwrap().passed_over;
        assert_eq!(passed("file_name,text,caption"), ["caption"]);
        assert_eq!(passed("file_name,text,text"), ["text"]);
        assert!(passed("file_name,text,style").is_empty());
        let json =
            json_lines("m", "{\"file_name\": \"a.png\", \"text\": \"x\", \"prompt\": \"y\"}\n").unwrap();
        assert_eq!(
            (json.caption_column.as_deref(), json.passed_over),
            (Some("text"), vec!["prompt".to_owned()])
        );
    }

    #[test]
    fn a_table_without_file_names_is_refused_with_the_nearest_column() {
        let error = csv("m.csv", "filename,text\n").unwrap_err().to_string();
        assert!(
            error.contains("has no column 'file_name'") && error.contains("rename 'filename'"),
            "{error}"
        );
        let error = json_lines("m.jsonl", "{\"image\": \"a.png\"}\n").unwrap_err().to_string();
        assert!(error.starts_with("m.jsonl:1:1: has no column 'file_name' (its columns: image)"), "{error}");
        assert!(csv("m.csv", "").is_err() && json_lines("m.jsonl", "\n").is_err());
    }

    #[test]
    fn json_lines_give_the_same_rows() {
        let text = "{\"file_name\": \"a.png\", \"text\": \"x\"}\n\n{\"file_name\": \"b.png\"}\n[1]\n{\"file_name\": 3}\n\
                    {\"file_name\": \"c.png\", \"text\": [\"x\"]}\n";
        let table = json_lines("m.jsonl", text).unwrap();
        assert_eq!(rows(&table), [(1, "a.png", Some("x")), (3, "b.png", None)]);
        let lines: Vec<usize> = table.faults.iter().map(|fault| fault.line).collect();
        assert_eq!(lines, [4, 5, 6]);
    }
}
