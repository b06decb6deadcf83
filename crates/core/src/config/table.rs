//! Settings as rows of text, for reports, configuration panes and comparisons.

use serde_json::Value as Json;

use super::derived::{derived_keys, derived_value};
use super::keys::{Key, Kind, all_keys, find_key};
use super::resolve::default_value;
use super::said::said;
use super::settings::Settings;
use super::task::DATA_TYPE;
use super::value::Value;

/// One setting as text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SettingRow {
    /// The key.
    pub key: &'static str,
    /// Its value: text as it is, everything else as in the file.
    pub value: String,
    /// Whether it is what it would be without being given.
    pub is_default: bool,
}

/// All settings that have a value, in the order of the key table.
pub fn settings_table(settings: &Settings) -> Vec<SettingRow> {
    let rows = said(settings).into_iter().map(|(key, value)| SettingRow {
        key: key.name,
        value: value.plain(),
        is_default: is_default(settings, key, &value),
    });
    rows.collect()
}

/// The value of one key, by its name or an alias; `None` where it has none.
pub fn setting(settings: &Settings, name: &str) -> Option<Value> {
    let said = said(settings);
    let is_there = |wanted: &str| said.iter().find(|(key, _)| key.name == wanted);
    let found = is_there(name).or_else(|| is_there(find_key(name)?.name));
    found.map(|(_, value)| value.clone())
}

/// The keys in which the settings differ, in the order of the key table. One that merely follows from another everywhere,
/// as `lora_alpha` from `lora_rank`, is left out.
pub fn differing_keys(all: &[&Settings]) -> Vec<&'static str> {
    let tables: Vec<Vec<SettingRow>> = all.iter().map(|settings| settings_table(settings)).collect();
    let row = |table: &[SettingRow], key: &str| table.iter().find(|row| row.key == key).cloned();
    let differs = |key: &&str| {
        let mut rows = tables.iter().map(|table| row(table, key));
        let first = rows.next().flatten().map(|row| row.value);
        rows.any(|row| row.map(|row| row.value) != first)
    };
    let is_derived = |key: &str| {
        derived_keys().any(|derived| derived == key)
            && tables.iter().all(|table| row(table, key).is_none_or(|row| row.is_default))
    };
    let mut free: Vec<&'static str> = Vec::new();
    for (key, _) in all.iter().flat_map(|settings| said(settings)) {
        if key.kind == Kind::Scalar && !free.contains(&key.name) {
            free.push(key.name);
        }
    }
    let keys = all_keys().filter(|key| key.is_setting()).map(|key| key.name);
    keys.chain(free).filter(differs).filter(|key| !is_derived(key)).collect()
}

/// What a key is by itself, given the other settings; `None` where it has no value then.
pub fn default_in(settings: &Settings, key: &Key) -> Option<Value> {
    match key.name {
        // It follows from the data.
        DATA_TYPE => Some(Value::Text(settings.data_type().word().to_owned())),
        "eval_batch_size" => Some(Value::Whole(settings.batch_size.into())),
        name if derived_keys().any(|derived| derived == name) => {
            let json = serde_json::to_value(settings).ok()?;
            derived_value(name, &|other| json.get(other).and_then(Json::as_f64))
        }
        _ => default_value(key, settings.data_type()),
    }
}

fn is_default(settings: &Settings, key: &Key, value: &Value) -> bool {
    // A file gives `sample_prompts: []` only to mean nothing.
    default_in(settings, key).is_some_and(|default| default.to_string() == value.to_string())
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::config::plan;

    fn settings(rest: &str) -> Settings {
        let text = format!("base_model: m\ntrain_data_dir: d\n{rest}");
        let (_, plan) = plan(Path::new("e.yaml"), &text, &[], None).unwrap();
        plan.trials.into_iter().next().unwrap().settings
    }

    #[test]
    fn a_row_says_whether_it_is_the_default() {
        let table = settings_table(&settings("lora_rank: 4\nnotes: 'a: b'\nlearning_rate: 0.0002\n"));
        let row =
            |key| table.iter().find(|row| row.key == key).map(|row| (row.value.as_str(), row.is_default));
        assert_eq!(row("lora_rank"), Some(("4", false)));
        assert_eq!(row("lora_alpha"), Some(("8", true)));
        assert_eq!(row("learning_rate"), Some(("2e-4", true)));
        assert_eq!(row("notes"), Some(("a: b", false)));
        assert_eq!(row("max_steps"), None);
    }

    #[test]
    fn only_what_differs_is_named() {
        let (a, b, c) =
            (settings("rank: 4\n"), settings("rank: 8\nmax_steps: 9\n"), settings("rank: 8\nalpha: 8\n"));
        assert_eq!(differing_keys(&[&a, &b]), ["lora_rank", "max_steps"]);
        assert_eq!(differing_keys(&[&b, &c]), ["lora_alpha", "max_steps"]);
        assert_eq!(differing_keys(&[&a, &a]), Vec::<&str>::new());
        assert_eq!(setting(&a, "rank"), Some(Value::Whole(4)));
    }
}
