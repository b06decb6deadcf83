//! The user's own keys, from `keys:` of `loradeck.yaml`.

use loradeck_core::config::{Diagnostic, Diagnostics, KeySetting, Placed};
use loradeck_core::text::nearest;

use super::{Binding, Context, Keymap, PICTURES, parse_key, stack};
use crate::tui::action::Action;
use crate::tui::screen::{Pane, Screen};
use crate::tui::terminal::{KeyEvent, key};

/// Leaves whatever else is set: nobody is locked in.
const ALWAYS_QUITS: KeyEvent = key::ctrl('c');

impl Keymap {
    /// The key table with the user's keys in the place of the usual ones.
    ///
    /// # Errors
    /// Every action and key that there is not, and every key that would mean two things on one screen.
    pub fn customised(settings: &[KeySetting]) -> Result<Self, Diagnostics> {
        let mut keymap = Self::default();
        let mut problems = Vec::new();
        let mut given = Vec::new();
        for setting in settings {
            match keymap.apply(setting) {
                Ok(keys) => given.extend(keys),
                Err(found) => problems.extend(found),
            }
        }
        for key in &given {
            problems.extend(keymap.conflict(key));
        }
        keymap.keep_a_way_out();
        Diagnostics::sorted(problems).or(keymap)
    }

    /// Puts one setting's keys in; returns them with their places.
    fn apply(&mut self, setting: &KeySetting) -> Result<Vec<Given>, Vec<Diagnostic>> {
        let (context, name) = match setting.action.text.split_once('.') {
            Some((context, name)) => (Some(context), name),
            None => (None, setting.action.text.as_str()),
        };
        let is_meant = |binding: &Binding| {
            binding.action.name() == name && context.is_none_or(|word| binding.context.word() == word)
        };
        if !self.bindings.iter().any(is_meant) {
            return Err(vec![self.unknown(&setting.action, context, name)]);
        }
        let mut keys = Vec::new();
        let mut problems = Vec::new();
        for placed in &setting.keys {
            match parse_key(&placed.text) {
                Some(key) if key == ALWAYS_QUITS && name != Action::Quit.name() => {
                    problems.push(problem(placed, setting, "always leaves the dashboard"));
                }
                Some(key) => keys.push((key, placed)),
                None => {
                    let hint = "a character, or Space, Enter, Esc, Tab, Up, PgDn, Home, F5, Ctrl-d, Alt-x";
                    problems.push(problem(placed, setting, "is no key").with_hint(hint));
                }
            }
        }
        let mut given = Vec::new();
        for binding in self.bindings.iter_mut().filter(|binding| is_meant(binding)) {
            binding.keys = keys.iter().map(|(key, _)| *key).collect();
            for (key, placed) in &keys {
                let (action, context) = (binding.action, binding.context);
                given.push(Given { key: *key, action, context, problem: problem(placed, setting, "") });
            }
        }
        if problems.is_empty() { Ok(given) } else { Err(problems) }
    }

    fn unknown(&self, action: &Placed, context: Option<&str>, name: &str) -> Diagnostic {
        let contexts: Vec<&str> = self
            .bindings
            .iter()
            .filter(|binding| binding.action.name() == name)
            .map(|binding| binding.context.word())
            .collect();
        let words = Context::ALL.map(Context::word);
        let hint = match context {
            Some(word) if !words.contains(&word) => format!("the places are: {}", words.join(", ")),
            Some(_) if !contexts.is_empty() => format!("'{name}' is there in: {}", contexts.join(", ")),
            _ => nearest(name, self.bindings.iter().map(|binding| binding.action.name())).map_or_else(
                || "`?` in the dashboard lists all actions with their names".to_owned(),
                |near| format!("did you mean '{near}'?"),
            ),
        };
        let message = "is no action of the dashboard";
        Diagnostic { key: Some(format!("keys.{}", action.text)), ..at(action, message) }.with_hint(hint)
    }

    /// What else a given key means on a screen where it holds.
    fn conflict(&self, given: &Given) -> Option<Diagnostic> {
        // Where the usual table lets one place hide another's key, saying so again is no mistake.
        let usual = Self::default();
        let is_usual = |action: Action, context: Context| {
            let of = |binding: &&Binding| binding.action == action && binding.context == context;
            usual.bindings.iter().find(of).is_some_and(|binding| binding.keys.contains(&given.key))
        };
        let restated = is_usual(given.action, given.context);
        let differs = |binding: &&Binding| {
            binding.action != given.action
                && binding.keys.contains(&given.key)
                && !(restated && is_usual(binding.action, binding.context))
        };
        let stacks = all_stacks();
        let mut met = stacks.iter().filter(|stack| stack.contains(&given.context));
        let other = met.find_map(|stack| self.bindings_in(stack).find(differs))?;
        let message = format!("already means '{}' ({})", other.action.name(), other.context.name());
        let hint = format!("give '{}' another key too, or [] for none", other.action.name());
        Some(Diagnostic { message, ..given.problem.clone() }.with_hint(hint))
    }

    fn keep_a_way_out(&mut self) {
        let quit = self.bindings.iter_mut().find(|binding| binding.action == Action::Quit);
        if let Some(quit) = quit.filter(|quit| !quit.keys.contains(&ALWAYS_QUITS)) {
            quit.keys.push(ALWAYS_QUITS);
        }
    }
}

/// A key that the user gave to an action in one place.
struct Given {
    key: KeyEvent,
    action: Action,
    context: Context,
    /// A problem of it that says nothing yet.
    problem: Diagnostic,
}

fn at(placed: &Placed, message: &str) -> Diagnostic {
    let (line, column) = (placed.line, placed.column);
    Diagnostic { line, column, ..Diagnostic::of_file(placed.file.clone(), message) }
}

fn problem(placed: &Placed, setting: &KeySetting, message: &str) -> Diagnostic {
    Diagnostic {
        key: Some(format!("keys.{}", setting.action.text)),
        value: Some(placed.text.clone()),
        ..at(placed, message)
    }
}

fn all_stacks() -> Vec<&'static [Context]> {
    let screens = Screen::ALL.into_iter().flat_map(|screen| Pane::ALL.map(|pane| stack(screen, pane, false)));
    let mut all: Vec<&'static [Context]> = screens.collect();
    all.push(stack(Screen::default(), Pane::default(), true));
    all.push(PICTURES);
    all
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use loradeck_core::config::read_workspace_settings;

    use super::*;
    use crate::tui::deed::Deed;

    fn customised(keys: &str) -> Result<Keymap, String> {
        let settings = read_workspace_settings(Path::new("loradeck.yaml"), keys).unwrap();
        Keymap::customised(&settings.keys).map_err(|problems| problems.to_string())
    }

    fn list() -> &'static [Context] {
        stack(Screen::Runs, Pane::List, false)
    }

    #[test]
    fn given_keys_take_the_place_of_the_usual_ones() {
        let keymap = customised(
            "keys:\n  stop: X\n  grid: [F2, Ctrl-g]\n  copy: []\n  log.filter: t\n  table.mark: '#'\n",
        )
        .unwrap_err();
        assert!(keymap.contains("5:15: keys.log.filter: 't' already means"), "{keymap}");
        let keymap = customised("keys: {stop: X, grid: [F2, Ctrl-g], copy: [], table.mark: '#'}\n").unwrap();
        let found = |key: &str, stack: &[Context]| keymap.action_of(parse_key(key).unwrap(), stack);
        assert_eq!(found("X", list()), Some(Action::Do(Deed::Stop)));
        assert_eq!((found("s", list()), found("Y", list()), found("g", list())), (None, None, None));
        assert_eq!(found("Ctrl-g", list()), Some(Action::Grid));
        assert_eq!(found("Space", list()), Some(Action::Mark), "only the table's was changed");
        assert_eq!(found("#", stack(Screen::Table, Pane::List, false)), Some(Action::Mark));
    }

    #[test]
    fn a_key_with_two_meanings_is_an_error_at_its_place() {
        for (keys, said) in [
            (
                "keys: {stop: t}\n",
                "loradeck.yaml:1:14: keys.stop: 't' already means 'retry' (runs)\n  hint: give 'retry' another key too",
            ),
            ("keys: {mark: q}\n", "'q' already means 'quit' (everywhere)"),
            ("keys: {stop: Space}\n", "'Space' already means 'mark' (run list)"),
            ("keys: {stop: x, kill: x}\n", "keys.kill: 'x' already means"),
            ("keys: {grid: Ctrl-C}\n", "'Ctrl-C' always leaves the dashboard"),
        ] {
            let found = customised(keys).unwrap_err();
            assert!(found.contains(said), "{keys}: {found}");
        }
        assert!(customised("keys: {stop: t, retry: s}\n").is_ok(), "exchanged");
        assert!(customised("keys: {grid: [g, F2]}\n").is_ok(), "g is the log's already, as usual");
        assert!(customised("keys: {log.next-match: b}\n").is_err(), "curves are in sight beside the log");
        assert!(customised("keys: {report.next-match: b}\n").is_ok(), "but not in a report");
    }

    #[test]
    fn unknown_names_are_told_all_at_once() {
        let found =
            customised("keys:\n  stopp: x\n  grid: Entre\n  log.stop: y\n  logg.filter: z\n").unwrap_err();
        for said in [
            "loradeck.yaml:2:3: keys.stopp: is no action of the dashboard\n  hint: did you mean 'stop'?",
            "3:9: keys.grid: 'Entre' is no key",
            "4:3: keys.log.stop: is no action of the dashboard\n  hint: 'stop' is there in: runs",
            "hint: the places are: everywhere, screens, runs",
        ] {
            assert!(found.contains(said), "{said}: {found}");
        }
    }

    #[test]
    fn the_example_of_the_readme_is_a_right_one() {
        let readme = include_str!("../../../README.md");
        let block = readme.split("```yaml\n").find(|block| block.starts_with("theme:")).unwrap();
        assert!(customised(block.split("```").next().unwrap()).is_ok());
    }

    #[test]
    fn nobody_is_locked_in() {
        let keymap = customised("keys: {quit: []}\n").unwrap();
        assert_eq!(keymap.action_of(ALWAYS_QUITS, list()), Some(Action::Quit));
        assert_eq!(customised(""), Ok(Keymap::default()));
    }
}
