//! A report or comparison being read: its lines for the width at hand, and where the reader is.

use crate::store::RunId;
use crate::tui::markdown::{self, Block, Line};

/// What is read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DocumentOf {
    /// A run's `README.md`.
    Report(RunId),
    /// An experiment's `comparison.md`.
    Comparison {
        /// Which workspace.
        workspace: usize,
        /// The experiment.
        experiment: String,
    },
}

/// The reader's state.
#[derive(Clone, Debug)]
pub struct Document {
    /// What is read.
    pub of: DocumentOf,
    /// Why there is nothing to read, if so.
    pub missing: Option<String>,
    /// Whether it is still being fetched.
    pub loading: bool,
    /// The first line shown.
    pub offset: usize,
    /// The first column shown.
    pub left: usize,
    /// What is searched for.
    pub search: String,
    /// The line found last.
    pub found: Option<usize>,
    blocks: Vec<Block>,
    lines: Vec<Line>,
    laid_out: Option<(usize, bool)>,
}

impl Document {
    /// A document that is being fetched.
    pub fn new(of: DocumentOf) -> Self {
        Self {
            of,
            missing: None,
            loading: true,
            offset: 0,
            left: 0,
            search: String::new(),
            found: None,
            blocks: Vec::new(),
            lines: Vec::new(),
            laid_out: None,
        }
    }

    /// It was read.
    pub fn take(&mut self, text: Result<String, String>) {
        self.loading = false;
        self.laid_out = None;
        (self.blocks, self.missing) = match text {
            Ok(text) => (markdown::read(&text), None),
            Err(why) => (Vec::new(), Some(why)),
        };
    }

    /// Lays it out for this many columns, if it is not already. The reader stays at about the same place.
    pub fn lay_out(&mut self, width: usize, unicode: bool) {
        if self.laid_out == Some((width, unicode)) {
            return;
        }
        let (before, offset) = (self.lines.len().max(1), self.offset);
        self.lines = markdown::lay_out(&self.blocks, width, unicode);
        self.laid_out = Some((width, unicode));
        self.offset = offset * self.lines.len() / before;
        (self.left, self.found) = (0, None);
    }

    /// Its lines.
    pub fn lines(&self) -> &[Line] {
        &self.lines
    }

    /// Scrolls by so many lines; the last line stays at the bottom.
    pub fn scroll(&mut self, by: isize, height: usize) {
        let last = self.lines.len().saturating_sub(height);
        self.offset = self.offset.saturating_add_signed(by).min(last);
    }

    /// Moves along wide lines.
    pub fn sideways(&mut self, by: isize, width: usize) {
        let widest = self.lines.iter().map(Line::width).max().unwrap_or(0);
        self.left = self.left.saturating_add_signed(by).min(widest.saturating_sub(width));
    }

    /// The lines that hold what is searched for, whatever the case.
    pub fn matches(&self) -> Vec<usize> {
        let wanted = self.search.to_lowercase();
        if wanted.is_empty() {
            return Vec::new();
        }
        let holds = |line: &Line| line.text().to_lowercase().contains(&wanted);
        self.lines.iter().enumerate().filter(|(_, line)| holds(line)).map(|(index, _)| index).collect()
    }

    /// Goes to the next or last match, around the ends; whether there is one.
    pub fn find(&mut self, forward: bool, height: usize) -> bool {
        let matches = self.matches();
        let at = self.found.unwrap_or(self.offset);
        let is_new = self.found.is_none();
        let next = if forward {
            matches.iter().find(|line| **line > at || is_new && **line == at).or(matches.first())
        } else {
            matches.iter().rev().find(|line| **line < at).or(matches.last())
        };
        self.found = next.copied();
        let Some(line) = self.found else { return false };
        if !(self.offset..self.offset + height).contains(&line) {
            self.offset = line.saturating_sub(height / 3);
            self.scroll(0, height);
        }
        true
    }
}
