//! The screens' names in the header, each with the key that leads there: drawing and clicks read the same places.

use super::action::Action;
use super::keys::{Keymap, key_name};
use super::screen::Screen;

/// Where the first one stands: after the program's name.
const FIRST: u16 = 10;
/// Columns that the header keeps for what needs attention.
const ATTENTION: u16 = 18;

/// A screen's name in the header.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tab {
    /// The screen.
    pub screen: Screen,
    /// Its first column.
    pub column: u16,
    /// What is shown, with air on both sides.
    pub text: String,
}

impl Tab {
    /// How many columns it has.
    pub fn width(&self) -> u16 {
        self.text.chars().count() as u16
    }
}

/// The tabs of a header of this width. Where not all names fit, only that of the screen shown is spelt out.
pub fn tabs(keymap: &Keymap, shown: Screen, width: u16) -> Vec<Tab> {
    let full = Screen::ALL.map(|screen| text(keymap, screen, true));
    let total: usize = full.iter().map(|text| text.chars().count()).sum();
    if FIRST + ATTENTION + total as u16 <= width {
        return placed(full);
    }
    placed(Screen::ALL.map(|screen| text(keymap, screen, screen == shown)))
}

/// The screen whose name stands at a column of the header.
pub fn tab_at(tabs: &[Tab], column: u16) -> Option<Screen> {
    let holds = |tab: &&Tab| (tab.column..tab.column + tab.width()).contains(&column);
    tabs.iter().find(holds).map(|tab| tab.screen)
}

fn text(keymap: &Keymap, screen: Screen, spelt_out: bool) -> String {
    let mut keys = keymap.all().iter().filter(|binding| binding.action == Action::Go(screen));
    let key = keys.find_map(|binding| binding.keys.first());
    match key.map(|key| key_name(*key)) {
        Some(key) if spelt_out => format!(" {key} {} ", screen.name()),
        Some(key) => format!(" {key} "),
        // Without a key the name is all there is to click at.
        None => format!(" {} ", screen.name()),
    }
}

fn placed(texts: [String; Screen::ALL.len()]) -> Vec<Tab> {
    let mut column = FIRST;
    let mut tabs = Vec::new();
    for (screen, text) in Screen::ALL.into_iter().zip(texts) {
        let tab = Tab { screen, column, text };
        column += tab.width();
        tabs.push(tab);
    }
    tabs
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use loradeck_core::config::read_workspace_settings;

    use super::*;

    fn shown(tabs: &[Tab]) -> String {
        tabs.iter().map(|tab| tab.text.as_str()).collect()
    }

    #[test]
    fn every_column_of_a_name_leads_to_its_screen() {
        for width in [60, 80, 200] {
            let tabs = tabs(&Keymap::default(), Screen::Table, width);
            for tab in &tabs {
                assert_eq!(tab_at(&tabs, tab.column), Some(tab.screen));
                assert_eq!(tab_at(&tabs, tab.column + tab.width() - 1), Some(tab.screen));
            }
            assert_eq!((tab_at(&tabs, FIRST - 1), tab_at(&tabs, width)), (None, None));
        }
    }

    #[test]
    fn where_names_do_not_fit_the_keys_stay() {
        let all = tabs(&Keymap::default(), Screen::Table, 80);
        assert_eq!(shown(&all), " 1 Runs  2 Charts  3 Table  4 Queue  5 Sweeps ");
        let few = tabs(&Keymap::default(), Screen::Table, 60);
        assert_eq!(shown(&few), " 1  2  3 Table  4  5 ");
    }

    #[test]
    fn the_users_own_keys_are_shown() {
        let text = "keys: {charts: F2, table: [], queue: [Q, 4], requeue: []}\n";
        let settings = read_workspace_settings(Path::new("loradeck.yaml"), text).unwrap();
        let keymap = Keymap::customised(&settings.keys).unwrap();
        assert_eq!(shown(&tabs(&keymap, Screen::Runs, 120)), " 1 Runs  F2 Charts  Table  Q Queue  5 Sweeps ");
        assert_eq!(shown(&tabs(&keymap, Screen::Runs, 60)), " 1 Runs  F2  Table  Q  5 ");
    }
}
