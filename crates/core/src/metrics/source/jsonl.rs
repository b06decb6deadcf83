//! One JSON object a line: numbers are metrics, nested ones under `outer/inner`.

use std::path::Path;

use serde_json::Value;

use super::columns::{Cell, Columns};
use super::follow::{Followed, LineReader};
use super::lines::Ending;
use super::pattern::PatternError;
use super::spec::SourceSpec;
use super::{Follow, Reading, python_json};

/// How deep objects may stand in each other.
const DEPTH: usize = 8;

#[allow(clippy::unnecessary_wraps)] // the registry's shape
pub(super) fn open(spec: &SourceSpec, path: &Path) -> Result<Box<dyn Follow>, PatternError> {
    Ok(Box::new(Followed::new(path, Ending::LineFeed, JsonLines::new(spec))))
}

#[derive(Debug)]
pub(super) struct JsonLines {
    columns: Columns,
}

impl JsonLines {
    pub(super) fn new(spec: &SourceSpec) -> Self {
        Self { columns: Columns::new(spec.step.clone()) }
    }
}

impl LineReader for JsonLines {
    fn restart(&mut self) {
        self.columns.restart();
    }

    fn line(&mut self, line: &str, now: f64, found: &mut Vec<Reading>) {
        let Some(Value::Object(entries)) = python_json::read(line.trim()) else { return };
        let mut cells = Vec::new();
        for (name, value) in &entries {
            flatten(name, value, DEPTH, &mut cells);
        }
        self.columns.readings(&cells, now, found);
    }
}

fn flatten(name: &str, value: &Value, depth: usize, cells: &mut Vec<(String, Cell)>) {
    if let Some(number) = python_json::number(value) {
        cells.push((name.to_owned(), Cell::Number(number)));
        return;
    }
    match value {
        Value::String(text) => cells.push((name.to_owned(), Cell::Text(text.clone()))),
        Value::Object(entries) if depth > 0 => {
            for (inner, value) in entries {
                flatten(&format!("{name}/{inner}"), value, depth - 1, cells);
            }
        }
        _ => {}
    }
}
