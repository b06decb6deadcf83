//! What is wrong with a configuration, each with file, line and column: `experiment.yaml:7:12: lora_rank: 'eight' …`.
//!
//! All problems are told at once. Overrides are lines of the file `command line`: the line is the argument's number.

use std::fmt;

use serde::Serialize;

use crate::error::FileError;
use crate::text::harmless;

/// The file name that overrides are reported under.
pub const COMMAND_LINE: &str = "command line";

/// How much of a quoted value is shown, in characters.
const QUOTE_LIMIT: usize = 80;

/// One problem of a configuration.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Diagnostic {
    /// The file as it was named, or [`COMMAND_LINE`].
    pub file: String,
    /// Line, from 1; on the command line the argument's number; 0 where the whole file is meant.
    pub line: usize,
    /// Column in characters, from 1; 0 where the whole file is meant.
    pub column: usize,
    /// The key concerned, where there is one.
    pub key: Option<String>,
    /// The text that was read, where there is one.
    pub value: Option<String>,
    /// What is wrong with it, continuing "key: 'value' …".
    pub message: String,
    /// What would be right.
    pub hint: Option<String>,
}

impl Diagnostic {
    /// A problem of a whole file, such as one that cannot be read.
    pub fn of_file(file: impl Into<String>, message: impl Into<String>) -> Self {
        let (file, message) = (file.into(), message.into());
        Self { file, line: 0, column: 0, key: None, value: None, message, hint: None }
    }

    /// The same with a hint.
    #[must_use]
    pub fn with_hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}

impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", harmless(&self.file))?;
        if self.line > 0 {
            write!(f, ":{}:{}", self.line, self.column)?;
        }
        write!(f, ": ")?;
        if let Some(key) = &self.key {
            write!(f, "{}: ", harmless(key))?;
        }
        if let Some(value) = &self.value {
            write!(f, "'{}' ", harmless(&shortened(value)))?;
        }
        write!(f, "{}", harmless(&self.message))?;
        match &self.hint {
            Some(hint) => write!(f, "\n  hint: {}", harmless(hint)),
            None => Ok(()),
        }
    }
}

fn shortened(value: &str) -> String {
    if value.chars().count() <= QUOTE_LIMIT {
        return value.to_owned();
    }
    value.chars().take(QUOTE_LIMIT - 1).chain(['…']).collect()
}

/// All problems of a configuration, by position. Never empty where it is an error.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Diagnostics(pub Vec<Diagnostic>);

impl Diagnostics {
    /// The problems in order of file, line and column, each once.
    pub fn sorted(mut problems: Vec<Diagnostic>) -> Self {
        problems.sort_by(|a, b| position(a).cmp(&position(b)));
        problems.dedup();
        Self(problems)
    }

    /// Whether there is nothing to complain about.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// `Ok(value)` where there is no problem.
    pub fn or<T>(self, value: T) -> Result<T, Self> {
        if self.is_empty() { Ok(value) } else { Err(self) }
    }
}

fn position(of: &Diagnostic) -> (bool, &str, usize, usize) {
    (of.file == COMMAND_LINE, &of.file, of.line, of.column)
}

impl From<FileError> for Diagnostics {
    fn from(error: FileError) -> Self {
        let file = error.path.display().to_string();
        Self(vec![Diagnostic::of_file(file, format!("cannot {} this: {}", error.action, error.source))])
    }
}

impl fmt::Display for Diagnostics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, diagnostic) in self.0.iter().enumerate() {
            if index > 0 {
                writeln!(f)?;
            }
            write!(f, "{diagnostic}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Diagnostics {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_diagnostic_reads_as_one_line_and_a_hint() {
        let diagnostic = Diagnostic {
            file: "experiment.yaml".into(),
            line: 7,
            column: 12,
            key: Some("lora_rank".into()),
            value: Some("ei\u{1b}[2Jght".into()),
            message: "is no whole number".into(),
            hint: Some("such as 8".into()),
        };
        assert_eq!(
            diagnostic.to_string(),
            "experiment.yaml:7:12: lora_rank: 'ei␛[2Jght' is no whole number\n  hint: such as 8"
        );
    }

    #[test]
    fn the_command_line_comes_last() {
        let at = |file: &str, line| Diagnostic { line, ..Diagnostic::of_file(file, "x") };
        let sorted = Diagnostics::sorted(vec![at(COMMAND_LINE, 1), at("x.yaml", 2), at("x.yaml", 1)]);
        let lines: Vec<_> = sorted.0.iter().map(|d| (d.file.as_str(), d.line)).collect();
        assert_eq!(lines, [("x.yaml", 1), ("x.yaml", 2), (COMMAND_LINE, 1)]);
    }
}
