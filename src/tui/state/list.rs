//! The list of runs: grouped by experiment, filtered, sorted, folded; the cursor stays on its run whatever moves.

use std::collections::{BTreeMap, BTreeSet};

use super::Runs;
use crate::store::{Filter, Run, RunId, ShownState, SortKey};

/// A line of the list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Item {
    /// The heading of a group, by its index.
    Group(usize),
    /// A run.
    Run(RunId),
}

/// An experiment within a workspace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Group {
    /// Which workspace.
    pub workspace: usize,
    /// The experiment.
    pub experiment: String,
    /// Its runs that the filter shows, sorted.
    pub runs: Vec<RunId>,
    /// How many runs it has.
    pub total: usize,
    /// How many of the shown ones are in which state.
    pub states: BTreeMap<ShownState, usize>,
    /// Whether its runs are folded away.
    pub folded: bool,
}

/// The orders that `o` walks through.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Order {
    /// By number.
    #[default]
    Number,
    /// By key metric, best first.
    Best,
    /// By state, live ones first.
    State,
    /// By name.
    Name,
}

impl Order {
    /// The next one.
    #[must_use]
    pub fn next(self) -> Self {
        match self {
            Self::Number => Self::Best,
            Self::Best => Self::State,
            Self::State => Self::Name,
            Self::Name => Self::Number,
        }
    }

    /// The word for it.
    pub fn word(self, reversed: bool) -> &'static str {
        match (self, reversed) {
            (Self::Number, false) => "number",
            (Self::Number, true) => "newest",
            (Self::Best, false) => "best",
            (Self::Best, true) => "worst",
            (Self::State, false) => "state",
            (Self::State, true) => "state, ended first",
            (Self::Name, false) => "name",
            (Self::Name, true) => "name, from z",
        }
    }
}

/// The list.
#[derive(Clone, Debug, Default)]
pub struct List {
    /// Its lines.
    pub items: Vec<Item>,
    /// Its groups.
    pub groups: Vec<Group>,
    /// Where the cursor is, among the lines.
    pub cursor: usize,
    /// The first line shown.
    pub offset: usize,
    /// The order.
    pub order: Order,
    /// The other way round.
    pub reversed: bool,
    /// The filter as typed.
    pub filter_text: String,
    /// The filter in force.
    pub filter: Filter,
    /// What is wrong with the filter as typed.
    pub filter_error: Option<String>,
    folded: BTreeSet<(usize, String)>,
    touched: bool,
}

impl List {
    /// Builds the lines anew; the cursor stays on its run or heading.
    pub fn rebuild(&mut self, runs: &Runs, key_metric: &str) {
        let before = self.items.get(self.cursor).copied();
        let before_group =
            self.group_at(self.cursor).map(|group| (group.workspace, group.experiment.clone()));
        let sort = self.sort_key(key_metric);
        let mut groups: BTreeMap<(usize, &str), (usize, Vec<&Run>)> = BTreeMap::new();
        for run in runs.iter() {
            let group = groups.entry((run.workspace, &run.experiment)).or_default();
            group.0 += 1;
            if self.filter.matches(run) {
                group.1.push(run);
            }
        }
        self.groups.clear();
        self.items.clear();
        for ((workspace, experiment), (total, mut shown)) in groups {
            if shown.is_empty() && !self.filter.is_empty() {
                continue;
            }
            sort.sort(&mut shown);
            let mut states = BTreeMap::new();
            for run in &shown {
                *states.entry(run.state()).or_insert(0) += 1;
            }
            let folded = self.folded.contains(&(workspace, experiment.to_owned()));
            self.items.push(Item::Group(self.groups.len()));
            let ids: Vec<RunId> = shown.iter().map(|run| run.id).collect();
            if !folded {
                self.items.extend(ids.iter().copied().map(Item::Run));
            }
            self.groups.push(Group {
                workspace,
                experiment: experiment.to_owned(),
                runs: ids,
                total,
                states,
                folded,
            });
        }
        self.restore_cursor(before, before_group, runs);
    }

    fn sort_key(&self, key_metric: &str) -> SortKey {
        let field = match self.order {
            Order::Number => "",
            Order::Best => key_metric,
            Order::State => "state",
            Order::Name => "run",
        };
        SortKey { field: field.to_owned(), reversed: self.reversed }
    }

    fn restore_cursor(&mut self, before: Option<Item>, group: Option<(usize, String)>, runs: &Runs) {
        let last = self.items.len().saturating_sub(1);
        if !self.touched {
            // Until a key was pressed: the first run at work, else the newest.
            let live = |item: &Item| matches!(item, Item::Run(id) if runs.get(*id).is_some_and(|run| run.state().is_live()));
            self.cursor = self.items.iter().position(live).unwrap_or(last);
            return;
        }
        let run = match before {
            Some(Item::Run(id)) => self.items.iter().position(|item| *item == Item::Run(id)),
            _ => None,
        };
        let heading = || {
            let (workspace, experiment) = group?;
            let index = self
                .groups
                .iter()
                .position(|group| group.workspace == workspace && group.experiment == experiment)?;
            self.items.iter().position(|item| *item == Item::Group(index))
        };
        let was_heading = matches!(before, Some(Item::Group(_)));
        self.cursor = run.or_else(|| was_heading.then(heading).flatten()).unwrap_or(self.cursor).min(last);
    }

    /// The run under the cursor; `None` on a heading.
    pub fn run(&self) -> Option<RunId> {
        match self.items.get(self.cursor)? {
            Item::Run(id) => Some(*id),
            Item::Group(_) => None,
        }
    }

    /// The group of the line at `index`.
    pub fn group_at(&self, index: usize) -> Option<&Group> {
        let heading = self.items.get(..=index)?.iter().rev().find_map(|item| match item {
            Item::Group(group) => Some(*group),
            Item::Run(_) => None,
        })?;
        self.groups.get(heading)
    }

    /// The runs that the filter shows, in the list's order, folded ones too.
    pub fn shown(&self) -> impl Iterator<Item = RunId> + '_ {
        self.groups.iter().flat_map(|group| group.runs.iter().copied())
    }

    /// Moves the cursor; it stops at the ends.
    pub fn go(&mut self, to: usize) {
        self.touched = true;
        self.cursor = to.min(self.items.len().saturating_sub(1));
    }

    /// Puts the cursor on a run, if it is in the list.
    pub fn go_to_run(&mut self, id: RunId) {
        if let Some(index) = self.items.iter().position(|item| *item == Item::Run(id)) {
            self.go(index);
        }
    }

    /// Folds or unfolds the cursor's group; the cursor goes to its heading. Whether anything changed.
    pub fn fold(&mut self, fold: bool) -> bool {
        let Some(group) = self.group_at(self.cursor) else { return false };
        let key = (group.workspace, group.experiment.clone());
        let changed = if fold { self.folded.insert(key) } else { self.folded.remove(&key) };
        if changed && fold {
            let heading = self.items[..=self.cursor].iter().rposition(|item| matches!(item, Item::Group(_)));
            self.go(heading.unwrap_or(0));
        }
        changed
    }

    /// Scrolls so that the cursor is within `height` lines.
    pub fn scroll_to_cursor(&mut self, height: usize) {
        self.offset = scrolled(self.offset, self.cursor, self.items.len(), height);
    }

    /// Takes a filter as typed. One that cannot be understood is told and the last good one stays.
    pub fn set_filter(&mut self, text: &str) {
        text.clone_into(&mut self.filter_text);
        match Filter::parse(text) {
            Ok(filter) => {
                self.filter = filter;
                self.filter_error = None;
            }
            Err(error) => self.filter_error = Some(error.to_string()),
        }
    }
}

/// The first of `count` lines to show so that `cursor` is within `height` lines, moving as little as possible.
pub fn scrolled(offset: usize, cursor: usize, count: usize, height: usize) -> usize {
    let height = height.max(1);
    let last_start = count.saturating_sub(height);
    offset.min(cursor).max((cursor + 1).saturating_sub(height)).min(last_start)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scrolling_moves_as_little_as_possible() {
        assert_eq!(scrolled(0, 5, 100, 10), 0);
        assert_eq!(scrolled(0, 10, 100, 10), 1);
        assert_eq!(scrolled(50, 10, 100, 10), 10);
        assert_eq!(scrolled(95, 99, 100, 10), 90);
        assert_eq!(scrolled(3, 1, 5, 10), 0);
    }
}
