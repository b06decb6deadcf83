//! What keys mean: the key table, as the user's `loradeck.yaml` has changed it.

mod custom;
mod name;
mod table;

use super::action::Action;
use super::screen::{Pane, Screen};
use super::terminal::KeyEvent;
use table::LINES;

pub use name::{key_name, parse_key};

/// Where a binding holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Context {
    /// Everywhere.
    Global,
    /// On every screen, but not in a report.
    Panes,
    /// Wherever runs can be chosen: list, table, queue.
    Runs,
    /// Wherever a curve is shown.
    Curves,
    /// The focused list of runs.
    List,
    /// The focused chart.
    Chart,
    /// The focused log.
    Log,
    /// The focused settings.
    Config,
    /// The table.
    Table,
    /// The small charts.
    Charts,
    /// The queue.
    Queue,
    /// The sweeps.
    Sweeps,
    /// A report or comparison being read.
    Report,
    /// Sample pictures being looked at.
    Pictures,
}

impl Context {
    /// All of them.
    pub const ALL: [Self; 14] = [
        Self::Global,
        Self::Panes,
        Self::Runs,
        Self::Curves,
        Self::List,
        Self::Chart,
        Self::Log,
        Self::Config,
        Self::Table,
        Self::Charts,
        Self::Queue,
        Self::Sweeps,
        Self::Report,
        Self::Pictures,
    ];

    /// The word for it in `loradeck.yaml`.
    pub fn word(self) -> &'static str {
        match self {
            Self::List => "list",
            Self::Charts => "charts",
            other => other.name(),
        }
    }

    /// The heading in the help.
    pub fn name(self) -> &'static str {
        match self {
            Self::Global => "everywhere",
            Self::Panes => "screens",
            Self::Runs => "runs",
            Self::Curves => "curves",
            Self::List => "run list",
            Self::Chart => "chart",
            Self::Log => "log",
            Self::Config => "settings",
            Self::Table => "table",
            Self::Charts => "small charts",
            Self::Queue => "queue",
            Self::Sweeps => "sweeps",
            Self::Report => "report",
            Self::Pictures => "pictures",
        }
    }
}

/// Where keys are looked up in a popup that is only read: as in a report.
pub const POPUP: &[Context] = &[Context::Report, Context::Global];

/// Where keys are looked up while sample pictures are looked at.
pub const PICTURES: &[Context] = &[Context::Pictures, Context::Global];

/// Where keys are looked up on a screen, the innermost first.
pub fn stack(screen: Screen, focus: Pane, reading: bool) -> &'static [Context] {
    use Context as C;
    match (screen, focus) {
        _ if reading => &[C::Report, C::Global],
        (Screen::Runs, Pane::List) => &[C::List, C::Runs, C::Curves, C::Panes, C::Global],
        (Screen::Runs, Pane::Chart) => &[C::Chart, C::Curves, C::Runs, C::Panes, C::Global],
        (Screen::Runs, Pane::Log) => &[C::Log, C::Runs, C::Curves, C::Panes, C::Global],
        (Screen::Runs, Pane::Config) => &[C::Config, C::Runs, C::Curves, C::Panes, C::Global],
        (Screen::Charts, _) => &[C::Charts, C::Curves, C::Runs, C::Panes, C::Global],
        (Screen::Table, _) => &[C::Table, C::Runs, C::Panes, C::Global],
        (Screen::Queue, _) => &[C::Queue, C::Runs, C::Panes, C::Global],
        // What is done to runs is done where they can be seen.
        (Screen::Sweeps, _) => &[C::Sweeps, C::Panes, C::Global],
    }
}

/// Keys with what they do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Binding {
    /// What they do.
    pub action: Action,
    /// Where they hold.
    pub context: Context,
    /// The keys, the first one shown; none where the user took them away.
    pub keys: Vec<KeyEvent>,
    /// A word for the bar at the bottom; empty: only in the help.
    pub hint: &'static str,
    /// A sentence for the help.
    pub help: &'static str,
}

impl Binding {
    /// All its keys as people write them.
    pub fn key_names(&self) -> String {
        let names: Vec<String> = self.keys.iter().map(|key| key_name(*key)).collect();
        names.join(" ")
    }

    /// Its name in `loradeck.yaml`: `log.filter`.
    pub fn full_name(&self) -> String {
        format!("{}.{}", self.context.word(), self.action.name())
    }
}

/// All bindings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Keymap {
    bindings: Vec<Binding>,
}

impl Default for Keymap {
    /// The key table as it is.
    fn default() -> Self {
        let bindings = LINES.iter().map(|line| Binding {
            action: line.action,
            context: line.context,
            keys: line.keys.to_vec(),
            hint: line.hint,
            help: line.help,
        });
        Self { bindings: bindings.collect() }
    }
}

impl Keymap {
    /// All bindings. Within a context, hints stand at the bottom in this order.
    pub fn all(&self) -> &[Binding] {
        &self.bindings
    }

    /// What `key` means in the first of `contexts` that knows it.
    pub fn action_of(&self, key: KeyEvent, contexts: &[Context]) -> Option<Action> {
        contexts.iter().find_map(|context| {
            let holds = |binding: &&Binding| binding.context == *context && binding.keys.contains(&key);
            self.bindings.iter().find(holds).map(|binding| binding.action)
        })
    }

    /// The bindings of `contexts`, in the contexts' order.
    pub fn bindings_in<'a>(&'a self, contexts: &'a [Context]) -> impl Iterator<Item = &'a Binding> {
        contexts
            .iter()
            .flat_map(|context| self.bindings.iter().filter(move |binding| binding.context == *context))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::super::terminal::{KeyCode, key};
    use super::*;

    #[test]
    fn no_key_means_two_things_in_one_context() {
        let mut seen = HashSet::new();
        for binding in Keymap::default().all() {
            for key in &binding.keys {
                let is_new = seen.insert((binding.context, *key));
                assert!(is_new, "{} twice in {:?}", key_name(*key), binding.context);
            }
        }
    }

    #[test]
    fn the_inner_context_wins() {
        use Context as C;
        let keymap = Keymap::default();
        let found = |key, contexts: &[Context]| keymap.action_of(key, contexts);
        assert_eq!(found(key::letter('h'), &[C::Chart, C::Global]), Some(Action::CursorLeft));
        assert_eq!(found(key::letter('h'), &[C::Global]), None);
        assert_eq!(found(key::plain(KeyCode::End), &[C::Log, C::Global]), Some(Action::Bottom));
    }

    #[test]
    fn every_binding_explains_itself_and_has_a_name_of_its_own() {
        let keymap = Keymap::default();
        assert!(keymap.all().iter().all(|binding| !binding.help.is_empty() && !binding.keys.is_empty()));
        let names: HashSet<String> = keymap.all().iter().map(Binding::full_name).collect();
        assert_eq!(names.len(), keymap.all().len());
    }
}
