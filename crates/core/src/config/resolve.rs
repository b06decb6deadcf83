//! From checked values to typed settings: defaults, and what must hold between several keys.

use serde_json::{Map, Value as Json};

use super::experiment::Entry;
use super::foreign::complaints;
use super::keys::{Default, Key, Kind, all_keys};
use super::kind::fitted;
use super::place::{Place, Problem};
use super::running::CodeState;
use super::settings::Settings;
use super::slurm::Launcher;
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
    for key in all_keys().filter(|key| key.is_setting()) {
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
                json.extend(default_value(key).map(|value| (key.name.to_owned(), value.to_json())));
            }
        }
    }
    if !is_complete {
        return None;
    }
    derive_alpha(&mut json);
    add_parameters(&mut json, entries);
    match serde_json::from_value::<Settings>(Json::Object(json)) {
        Ok(settings) => {
            let before = problems.len();
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

/// A key's fixed default, checked like a value of a file; `None` where it has none.
pub fn default_value(key: &Key) -> Option<Value> {
    let Default::Fixed(text) = key.default else { return None };
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

fn derive_alpha(json: &mut Map<String, Json>) {
    if json.contains_key("lora_alpha") {
        return;
    }
    let rank = json.get("lora_rank").and_then(Json::as_f64).unwrap_or(0.0);
    json.insert("lora_alpha".to_owned(), Json::from(2.0 * rank));
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
    use super::*;

    #[test]
    fn every_default_fits_its_key() {
        for key in all_keys() {
            assert_eq!(
                default_value(key).is_some(),
                matches!(key.default, Default::Fixed(_)),
                "{}",
                key.name
            );
        }
    }

    #[test]
    fn the_table_and_the_settings_name_the_same_keys() {
        let values = [("base_model", "m"), ("train_data_dir", "d")];
        let entries: Vec<Entry> = values
            .iter()
            .map(|(name, text)| Entry {
                key: super::super::keys::find_key(name).unwrap(),
                value: Value::Text((*text).into()),
                place: Place::File,
            })
            .collect();
        let settings = settings_of(&entries.iter().collect::<Vec<_>>(), &[], &mut Vec::new()).unwrap();
        let Json::Object(json) = serde_json::to_value(&settings).unwrap() else { panic!() };
        let fields: Vec<&str> = json.keys().map(String::as_str).collect();
        let names: Vec<&str> = all_keys().filter(|key| key.is_setting()).map(|key| key.name).collect();
        assert_eq!(fields, names);
    }
}
