//! From checked values to typed settings: defaults, and what must hold between several keys.

use serde_json::{Map, Value as Json};

use super::derived::{derived_keys, derived_value};
use super::experiment::Entry;
use super::foreign::complaints;
use super::keys::{Default, Key, Kind, all_keys, find_key};
use super::kind::fitted;
use super::place::{Place, Problem};
use super::running::CodeState;
use super::settings::{DataType, Settings};
use super::slurm::Launcher;
use super::task::DATA_TYPE;
use super::task_rules::{contradictions_of_task, is_known, refuse_other_keys};
use super::value::Value;
use super::yaml;

/// Keys that say that the built-in trainer does not make the run.
const MAKERS: [&str; 2] = ["command", "adopted"];

/// The settings that follow from the entries; `None` where a required key is missing or the settings contradict
/// each other. Keys in `spoilt` have been complained about and are not called missing.
pub(crate) fn settings_of(
    entries: &[&Entry],
    spoilt: &[&'static str],
    problems: &mut Vec<Problem>,
) -> Option<Settings> {
    let mut json = Map::new();
    let mut is_complete = true;
    let is_foreign =
        spoilt.contains(&"command") || entries.iter().any(|entry| MAKERS.contains(&entry.key.name));
    let data_type = data_type_of(entries);
    for key in all_keys().filter(|key| key.is_setting() && key.is_for(data_type)) {
        match entries.iter().find(|entry| entry.key == key) {
            Some(entry) => {
                json.insert(key.name.to_owned(), entry.value.to_json());
            }
            None if key.default == Default::Required && is_foreign => {}
            None if key.default == Default::Required => {
                is_complete = false;
                if !spoilt.contains(&key.name) {
                    problems.push(missing(key));
                }
            }
            None => {
                json.extend(
                    default_value(key, data_type).map(|value| (key.name.to_owned(), value.to_json())),
                );
            }
        }
    }
    let before = problems.len();
    if is_known(spoilt) {
        refuse_other_keys(entries, data_type, is_foreign, problems);
    }
    if !is_complete {
        return None;
    }
    json.insert(DATA_TYPE.to_owned(), Json::from(data_type.word()));
    keep_old_split(&mut json, entries, is_foreign);
    derive(&mut json, data_type);
    add_parameters(&mut json, entries);
    match serde_json::from_value::<Settings>(Json::Object(json)) {
        Ok(settings) => {
            if !is_foreign {
                contradictions(&settings, entries, spoilt, problems);
            }
            // What a wrong command uses nobody knows.
            if !spoilt.contains(&"command") {
                complaints(&settings, entries, problems);
            }
            (problems.len() == before).then_some(settings)
        }
        Err(error) => {
            problems.push(Problem::new(Place::File, "settings", format!("cannot be put together: {error}")));
            None
        }
    }
}

/// The data type that the entries say. Those without it are of a configuration of before there were others than text.
fn data_type_of(entries: &[&Entry]) -> DataType {
    let entry = entries.iter().find(|entry| entry.key.name == DATA_TYPE);
    entry.and_then(|entry| DataType::of_word(&entry.value.plain())).unwrap_or_default()
}

/// A key's fixed default in a training on that data, checked like a value of a file; `None` where it has none.
pub fn default_value(key: &Key, data_type: DataType) -> Option<Value> {
    let text = match key.default {
        Default::Fixed(text) => text,
        Default::ByTask { image, .. } if data_type == DataType::Image => image,
        Default::ByTask { text, .. } => text,
        Default::Required | Default::Nothing | Default::Derived(_) => return None,
    };
    fitted(key.kind, &yaml::read(text).ok()?).ok()
}

/// Settings of the command's own, which are keys like any other until here.
fn add_parameters(json: &mut Map<String, Json>, entries: &[&Entry]) {
    let mut free: Vec<&&Entry> = entries.iter().filter(|entry| entry.key.kind == Kind::Scalar).collect();
    free.sort_by_key(|entry| entry.key.name);
    let parameters: Map<String, Json> =
        free.into_iter().map(|entry| (entry.key.name.to_owned(), entry.value.to_json())).collect();
    if !parameters.is_empty() {
        json.insert("parameters".to_owned(), Json::Object(parameters));
    }
}

fn missing(key: &Key) -> Problem {
    Problem::new(Place::File, key.name, "is missing").hint(format!("{}: {}", key.name, key.about))
}

/// A configuration of before `data_type` and `split_seed` held out what its `seed` said, and goes on doing so.
fn keep_old_split(json: &mut Map<String, Json>, entries: &[&Entry], is_foreign: bool) {
    let is_given = |name: &str| entries.iter().any(|entry| entry.key.name == name);
    if is_foreign || is_given(DATA_TYPE) || is_given("split_seed") {
        return;
    }
    if let Some(seed) = json.get("seed").cloned() {
        json.insert("split_seed".to_owned(), seed);
    }
}

/// Defaults that follow from other keys.
fn derive(json: &mut Map<String, Json>, data_type: DataType) {
    for name in derived_keys() {
        let is_wanted = find_key(name).is_some_and(|key| key.is_for(data_type)) && !json.contains_key(name);
        let value = derived_value(name, &|other| json.get(other).and_then(Json::as_f64));
        if let (true, Some(value)) = (is_wanted, value) {
            json.insert(name.to_owned(), value.to_json());
        }
    }
}

/// What single values cannot show.
fn contradictions(settings: &Settings, entries: &[&Entry], spoilt: &[&str], problems: &mut Vec<Problem>) {
    let place = |name: &str| {
        entries.iter().find(|entry| entry.key.name == name).map_or(Place::File, |entry| entry.place)
    };
    if settings.running.code == CodeState::Snapshot && settings.foreign.command.is_none() {
        let problem = Problem::new(place("code"), "code", "is for runs with a command of their own");
        let problem = problem.value(Some("snapshot".to_owned()));
        problems.push(problem.hint("the built-in trainer runs no code of the repository; remove it"));
    }
    let has_held_out = settings.eval_data_dir.is_some() || settings.eval_split > 0.0;
    if settings.eval_data_dir.is_some() && settings.eval_split > 0.0 {
        let message = "is given together with eval_data_dir";
        let problem = Problem::new(place("eval_split"), "eval_split", message);
        problems.push(problem.hint("keep one: a share of the training data, or data of its own"));
    }
    let held_out_is_spoilt = ["eval_data_dir", "eval_split"].iter().any(|name| spoilt.contains(name));
    for (name, is_given) in [
        ("eval_steps", settings.eval_steps.is_some()),
        ("eval_batch_size", settings.eval_batch_size.is_some()),
    ] {
        if is_given && !has_held_out && !held_out_is_spoilt {
            let problem = Problem::new(place(name), name, "is given, but there is no held-out data");
            problems.push(problem.hint("eval_split: 0.1 holds a tenth of the training data out"));
        }
    }
    contradictions_of_launcher(settings, place, problems);
    if is_known(spoilt) {
        contradictions_of_task(settings, &place, problems);
    }
    if settings.max_steps.is_some_and(|steps| settings.warmup_steps > steps) {
        let message = format!("is more than the {} steps of the run", settings.max_steps.unwrap_or(0));
        problems.push(
            Problem::new(place("warmup_steps"), "warmup_steps", message)
                .value(Some(settings.warmup_steps.to_string())),
        );
    }
}

/// What only one of the launchers acts on.
fn contradictions_of_launcher(
    settings: &Settings,
    place: impl Fn(&str) -> Place,
    problems: &mut Vec<Problem>,
) {
    let running = &settings.running;
    if running.launcher == Launcher::Local && running.slurm.is_some() {
        let problem = Problem::new(place("slurm"), "slurm", "is given, but this machine starts the run");
        problems.push(problem.hint("launcher: slurm"));
    }
    let local = [("devices", !running.devices.is_empty()), ("gpu_memory", running.gpu_memory.is_some())];
    for (name, is_given) in local {
        if is_given && running.launcher == Launcher::Slurm {
            let problem = Problem::new(place(name), name, "is given, but Slurm chooses the devices");
            problems.push(problem.hint("slurm: {gres: \"gpu:1\", memory: 16G} asks for them"));
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_default_fits_its_key() {
        for (key, data_type) in all_keys().flat_map(|key| [(key, DataType::Text), (key, DataType::Image)]) {
            let is_fixed = matches!(key.default, Default::Fixed(_) | Default::ByTask { .. });
            assert_eq!(default_value(key, data_type).is_some(), is_fixed, "{}", key.name);
        }
    }

    #[test]
    fn the_table_and_the_settings_name_the_same_keys() {
        for data_type in [DataType::Text, DataType::Image] {
            let values = [("base_model", "m"), ("train_data_dir", "d"), (DATA_TYPE, data_type.word())];
            let entry = |(name, text): (&str, &str)| Entry {
                key: find_key(name).unwrap(),
                value: Value::Text(text.into()),
                place: Place::File,
            };
            let entries = values.map(entry);
            let settings = settings_of(&entries.iter().collect::<Vec<_>>(), &[], &mut Vec::new()).unwrap();
            let Json::Object(json) = serde_json::to_value(&settings).unwrap() else { panic!() };
            let fields: BTreeSet<&str> = json.keys().map(String::as_str).collect();
            let keys = all_keys().filter(|key| key.is_setting() && key.is_for(data_type));
            assert_eq!(fields, keys.map(|key| key.name).collect::<BTreeSet<_>>());
            let back: Settings = serde_json::from_value(Json::Object(json)).unwrap();
            assert_eq!((back.data_type(), back), (data_type, settings));
        }
    }
}
