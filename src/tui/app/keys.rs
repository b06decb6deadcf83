//! What the user's keys are called.

use super::App;
use crate::tui::action::Action;
use crate::tui::keys::{Context, key_name};
use crate::tui::terminal::KeyEvent;

impl App {
    /// The key for an action, as people write it; the action's name where the user left it none.
    pub fn key_for(&self, action: Action) -> String {
        let mut bound = self.keymap.all().iter().filter(|binding| binding.action == action);
        let key = bound.find_map(|binding| binding.keys.first());
        key.map_or_else(|| action.name().to_owned(), |key| key_name(*key))
    }

    /// The key for an action where the user is, else the one that it has elsewhere.
    pub fn key_here(&self, action: Action) -> String {
        self.key_in(self.contexts(), action)
    }

    /// The key for an action in these contexts, else the one that it has elsewhere.
    pub fn key_in(&self, contexts: &[Context], action: Action) -> String {
        let key = self.keys_in(contexts, action).first().copied();
        key.map_or_else(|| self.key_for(action), key_name)
    }

    /// The key with the shortest name for an action in these contexts, where there is little room.
    pub fn short_key_in(&self, contexts: &[Context], action: Action) -> String {
        let names = self.keys_in(contexts, action).into_iter().map(key_name);
        names.min_by_key(|name| name.chars().count()).unwrap_or_else(|| self.key_for(action))
    }

    fn keys_in(&self, contexts: &[Context], action: Action) -> Vec<KeyEvent> {
        let here = self.keymap.bindings_in(contexts).filter(|binding| binding.action == action);
        here.flat_map(|binding| binding.keys.iter().copied()).collect()
    }
}
