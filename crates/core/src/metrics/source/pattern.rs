//! A regular expression over the log: its named groups are `step` and metrics. The door of `regex`.

use std::path::Path;

use regex::Regex;

use super::columns::{Cell, step_number};
use super::follow::{Followed, LineReader};
use super::lines::Ending;
use super::spec::SourceSpec;
use super::{Follow, Reading};
use crate::metrics::visible;

/// The group that is the step.
const STEP: &str = "step";

/// Why a pattern cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PatternError {
    /// It is no regular expression, for this reason.
    #[error("no regular expression: {0}")]
    Syntax(String),
    /// It has no named group besides the step's.
    #[error("no group is named as a metric")]
    NoMetric,
}

/// A checked pattern.
#[derive(Clone, Debug)]
pub(super) struct Pattern {
    regex: Regex,
}

impl Pattern {
    pub(super) fn new(text: &str) -> Result<Self, PatternError> {
        let regex = Regex::new(text).map_err(|error| PatternError::Syntax(reason(&error)))?;
        let names_metric = regex.capture_names().flatten().any(|name| name != STEP);
        if names_metric { Ok(Self { regex }) } else { Err(PatternError::NoMetric) }
    }
}

/// What is wrong with a regular expression; `None` where it is one.
pub(crate) fn syntax_problem(text: &str) -> Option<String> {
    Regex::new(text).err().map(|error| reason(&error))
}

/// The error's last line says what is wrong; the others draw the pattern.
fn reason(error: &regex::Error) -> String {
    let text = error.to_string();
    let last = text.lines().last().unwrap_or_default();
    last.trim_start_matches("error: ").to_owned()
}

pub(super) fn open(spec: &SourceSpec, path: &Path) -> Result<Box<dyn Follow>, PatternError> {
    let pattern = Pattern::new(spec.pattern.as_deref().unwrap_or_default())?;
    Ok(Box::new(Followed::new(path, Ending::AnyReturn, LogLines::new(pattern))))
}

#[derive(Debug)]
pub(super) struct LogLines {
    pattern: Pattern,
    matches: u64,
    last_step: Option<u64>,
}

impl LogLines {
    pub(super) fn new(pattern: Pattern) -> Self {
        Self { pattern, matches: 0, last_step: None }
    }

    /// The step that a match says; else the last one said, else the number of the match.
    fn step(&mut self, said: Option<&str>) -> u64 {
        let cell = said.and_then(number).map(Cell::Number);
        let step = cell.as_ref().and_then(step_number);
        self.last_step = step.or(self.last_step);
        self.last_step.unwrap_or(self.matches)
    }
}

impl LineReader for LogLines {
    fn restart(&mut self) {
        (self.matches, self.last_step) = (0, None);
    }

    fn line(&mut self, line: &str, now: f64, found: &mut Vec<Reading>) {
        // Colours stand between a name and its number.
        let line = visible(line.as_bytes());
        let pattern = self.pattern.clone();
        for captures in pattern.regex.captures_iter(&line) {
            self.matches += 1;
            let step = self.step(captures.name(STEP).map(|group| group.as_str()));
            for name in pattern.regex.capture_names().flatten().filter(|name| *name != STEP) {
                if let Some(value) = captures.name(name).and_then(|group| number(group.as_str())) {
                    found.push(Reading { tag: name.to_owned(), step, time: now, value });
                }
            }
        }
    }
}

/// A number in a log: `1,234` and `12%` are numbers to people.
fn number(text: &str) -> Option<f64> {
    let text = text.trim().trim_end_matches(['%', ',', ';']);
    text.parse().ok().or_else(|| text.replace(',', "").parse().ok())
}
