//! Where a value came from, and problems that wait for their line and column.
//!
//! Positions are looked up only for what is reported: finding one means reading the text again.

use super::diagnostic::{COMMAND_LINE, Diagnostic, Diagnostics};
use super::kind::Misfit;
use super::yaml::{NodeId, locate};

/// The most problems that are reported at once.
const PROBLEM_LIMIT: usize = 50;

/// Where a key or value stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// The beginning of the file: for what is missing.
    File,
    /// A node of the file.
    Node(NodeId),
    /// The command line: number of the argument and column in it, from 1.
    Argument(usize, usize),
    /// A node of the file that holds the sweep.
    SweepNode(NodeId),
    /// Line and column in that file, where it is no YAML.
    SweepText(u32, u32),
    /// Line and column in the file that lists trials.
    Cell(u32, u32),
}

/// A problem before its position is known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Problem {
    pub(crate) place: Place,
    pub(crate) key: Option<String>,
    pub(crate) value: Option<String>,
    pub(crate) message: String,
    pub(crate) hint: Option<String>,
}

impl Problem {
    pub(crate) fn new(place: Place, key: impl Into<String>, message: impl Into<String>) -> Self {
        Self { place, key: Some(key.into()), value: None, message: message.into(), hint: None }
    }

    pub(crate) fn of_value(place: Place, key: impl Into<String>, misfit: Misfit) -> Self {
        let Misfit { id, value, message, hint } = misfit;
        let place = match place {
            Place::Node(_) => Place::Node(id),
            Place::SweepNode(_) => Place::SweepNode(id),
            other => other,
        };
        Self { place, key: Some(key.into()), value, message, hint }
    }

    pub(crate) fn value(mut self, value: Option<String>) -> Self {
        self.value = value;
        self
    }

    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}

/// A file's name and text, in which places are found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Source {
    pub(crate) file: String,
    pub(crate) text: String,
    /// Name and text of the file that holds the sweep, where it is one of its own.
    pub(crate) sweep: Option<(String, String)>,
    /// The file that lists trials, where there is one.
    pub(crate) trials: Option<String>,
}

impl Source {
    /// File, line and column of a place.
    pub(crate) fn position(&self, place: Place) -> (String, usize, usize) {
        match place {
            Place::File => (self.file.clone(), 1, 1),
            Place::Argument(argument, column) => (COMMAND_LINE.to_owned(), argument, column),
            Place::Cell(line, column) => {
                (self.trials.clone().unwrap_or_default(), line as usize, column as usize)
            }
            Place::Node(id) => {
                let (line, column) = locate(&self.text, id);
                (self.file.clone(), line, column)
            }
            Place::SweepText(line, column) => {
                let file = self.sweep.as_ref().map(|(file, _)| file.clone());
                (file.unwrap_or_default(), line as usize, column as usize)
            }
            Place::SweepNode(id) => {
                let (file, text) = self.sweep.clone().unwrap_or_default();
                let (line, column) = locate(&text, id);
                (file, line, column)
            }
        }
    }

    /// The problems with their positions, in order, each once.
    pub(crate) fn diagnostics(&self, problems: Vec<Problem>) -> Diagnostics {
        let mut seen: Vec<Problem> = Vec::new();
        for problem in problems {
            if seen.len() < PROBLEM_LIMIT && !seen.contains(&problem) {
                seen.push(problem);
            }
        }
        Diagnostics::sorted(seen.into_iter().map(|problem| self.diagnostic(problem)).collect())
    }

    fn diagnostic(&self, problem: Problem) -> Diagnostic {
        let (file, line, column) = self.position(problem.place);
        let Problem { key, value, message, hint, .. } = problem;
        Diagnostic { file, line, column, key, value, message, hint }
    }
}
