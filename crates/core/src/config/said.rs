//! The settings of a run as keys with values: what is frozen, shown and compared.

use super::foreign::{free_key, shows};
use super::keys::{Key, all_keys};
use super::resolve::default_value;
use super::settings::{DataType, Settings};
use super::value::Value;

/// All settings that have a value and matter to the run, in the order of the key table, then the command's parameters.
pub fn said(settings: &Settings) -> Vec<(&'static Key, Value)> {
    let json = serde_json::to_value(settings).unwrap_or_default();
    let keys = all_keys().filter(|key| key.is_setting());
    let settings_said = keys
        .filter_map(|key| Some((key, json.get(key.name)?)))
        .filter(|(key, value)| !is_unsaid(key, value))
        .filter_map(|(key, json)| Some((key, Value::from_json(json)?)))
        .filter(|(key, value)| shows(settings, key, value));
    let parameters = &settings.foreign.parameters;
    let parameters =
        parameters.iter().filter_map(|(name, json)| Some((free_key(name)?, Value::from_json(json)?)));
    settings_said.chain(parameters).collect()
}

/// How a run is started is told only where it was asked for: it changes nothing of what is trained.
fn is_unsaid(key: &Key, value: &serde_json::Value) -> bool {
    key.is_running() && default_value(key, DataType::Text).is_some_and(|default| default.to_json() == *value)
}
