//! The settings pane: what differs between the charted runs, or everything.

use std::collections::BTreeSet;

use super::Runs;
use crate::store::{RunId, differences};

/// A key with each run's value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SettingRow {
    /// The key.
    pub key: String,
    /// Each run's value, in the order of the runs; `None` where a run has none.
    pub values: Vec<Option<String>>,
    /// Whether the runs do not agree on it.
    pub differs: bool,
}

/// The pane's state.
#[derive(Clone, Debug, Default)]
pub struct Settings {
    /// All keys, or only those that differ.
    pub all: bool,
    /// Only keys that hold this text.
    pub filter: String,
    /// The first line shown.
    pub offset: usize,
    /// The first run shown.
    pub left: usize,
}

impl Settings {
    /// The lines for these runs. With fewer than two runs nothing can differ, so everything is shown.
    pub fn rows(&self, runs: &Runs, shown: &[RunId]) -> Vec<SettingRow> {
        let shown: Vec<&crate::store::Run> = shown.iter().filter_map(|id| runs.get(*id)).collect();
        let differing = differences(&shown);
        let keys: BTreeSet<&str> = if self.all || shown.len() < 2 {
            shown.iter().flat_map(|run| run.config.iter()).map(|(key, _)| key).collect()
        } else {
            differing.iter().map(|difference| difference.key.as_str()).collect()
        };
        let wanted = self.filter.to_lowercase();
        keys.into_iter()
            .filter(|key| key.to_lowercase().contains(&wanted))
            .map(|key| SettingRow {
                key: key.to_owned(),
                values: shown.iter().map(|run| run.config.get(key).map(str::to_owned)).collect(),
                differs: differing.iter().any(|difference| difference.key == key),
            })
            .collect()
    }
}
