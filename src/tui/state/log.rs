//! The log that is shown: it follows its end until somebody scrolls up.

use std::collections::VecDeque;

use crate::store::RunId;
use crate::tui::message::LogChange;

/// Lines held; older ones are dropped while following.
const HELD: usize = 10_000;

/// The shown log.
#[derive(Clone, Debug, Default)]
pub struct Log {
    /// Whose it is.
    pub run: Option<RunId>,
    lines: VecDeque<String>,
    unfinished: String,
    /// The first line shown, where it does not follow.
    top: Option<usize>,
    /// The first column shown of cut lines.
    pub left: usize,
    /// Whether long lines are broken.
    pub wrap: bool,
    /// Whether older lines can be had.
    pub has_older: bool,
    /// Whether older lines were asked for and have not come yet.
    pub asked: bool,
    /// What was last searched for.
    pub search: String,
    /// The line last found.
    pub found: Option<usize>,
    /// Lines that came since it stopped following.
    pub unseen: usize,
}

impl Log {
    /// Shows another run's log, which is yet to come.
    pub fn show(&mut self, run: Option<RunId>) {
        *self = Self { run, wrap: self.wrap, search: std::mem::take(&mut self.search), ..Self::default() };
    }

    /// Takes a change up.
    pub fn apply(&mut self, change: LogChange) {
        if self.run != Some(change.run) {
            return;
        }
        if change.cleared {
            self.lines.clear();
            (self.top, self.found) = (None, None);
            self.unseen = 0;
        }
        if !change.older.is_empty() {
            self.asked = false;
            let older = change.older.len();
            self.top = self.top.map(|top| top + older);
            self.found = self.found.map(|found| found + older);
            change.older.into_iter().rev().for_each(|line| self.lines.push_front(line));
        }
        if self.top.is_some() {
            self.unseen += change.added.len();
        }
        self.lines.extend(change.added);
        self.unfinished = change.unfinished;
        self.has_older = change.has_older;
        while self.top.is_none() && self.lines.len() > HELD {
            self.lines.pop_front();
            self.has_older = true;
            self.found = self.found.and_then(|found| found.checked_sub(1));
        }
    }

    /// How many lines there are, an unfinished one included.
    pub fn len(&self) -> usize {
        self.lines.len() + usize::from(!self.unfinished.is_empty())
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// A line.
    pub fn line(&self, index: usize) -> Option<&str> {
        match self.lines.get(index) {
            Some(line) => Some(line),
            None if index == self.lines.len() && !self.unfinished.is_empty() => Some(&self.unfinished),
            None => None,
        }
    }

    /// Whether the newest line stays in sight.
    pub fn follows(&self) -> bool {
        self.top.is_none()
    }

    /// The first line to show in `height` lines.
    pub fn first(&self, height: usize) -> usize {
        let last_start = self.len().saturating_sub(height);
        self.top.map_or(last_start, |top| top.min(last_start))
    }

    /// Scrolls by `lines` in a pane of `height`; reaching the end follows again.
    pub fn scroll(&mut self, lines: isize, height: usize) {
        let target = self.first(height).saturating_add_signed(lines);
        if target >= self.len().saturating_sub(height) && lines > 0 {
            self.follow();
        } else {
            self.top = Some(target);
        }
    }

    /// To the first line held.
    pub fn to_top(&mut self) {
        self.top = Some(0);
    }

    /// To the end, and on with it.
    pub fn follow(&mut self) {
        self.top = None;
        self.unseen = 0;
    }

    /// Whether the first line held is in sight although older ones exist.
    pub fn wants_older(&self, height: usize) -> bool {
        self.has_older && !self.asked && !self.follows() && self.first(height) == 0
    }

    /// To the next (or last) line that holds what is searched for. Whether there was one.
    pub fn find(&mut self, forward: bool, height: usize) -> bool {
        let wanted = self.search.to_lowercase();
        let holds =
            |index: &usize| self.line(*index).is_some_and(|line| line.to_lowercase().contains(&wanted));
        let here = self.found.unwrap_or_else(|| self.first(height));
        let found = if forward {
            (here + 1..self.len()).find(holds).or_else(|| (0..=here).find(holds))
        } else {
            (0..here).rev().find(holds).or_else(|| (here..self.len()).rev().find(holds))
        };
        self.found = found.filter(|_| !wanted.is_empty());
        if let Some(index) = self.found {
            // In the middle, so that what led to it is seen too.
            self.top = Some(index.saturating_sub(height / 2));
        }
        self.found.is_some()
    }
}

#[cfg(test)]
#[path = "log_tests.rs"]
mod tests;
