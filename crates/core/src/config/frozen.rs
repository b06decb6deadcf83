//! `config.yaml` of a run: all settings with their defaults, and where they came from.

use std::path::Path;

use super::diagnostic::Diagnostics;
use super::emit::push_entry;
use super::keys::{Group, Key, all_keys};
use super::place::Problem;
use super::plan::plan;
use super::provenance::Provenance;
use super::resolve::default_value;
use super::settings::Settings;

/// The text of a frozen configuration. It trains the same run again by itself, whatever the defaults have become.
pub fn frozen_text(settings: &Settings, provenance: Option<&Provenance>) -> String {
    let json = serde_json::to_value(settings).unwrap_or_default();
    let mut out =
        String::from("# The complete configuration of this run. It trains the same run again by itself.\n");
    for group in Group::ALL {
        let keys = all_keys().filter(|key| key.group == group && key.is_setting());
        let given: Vec<_> = keys
            .filter_map(|key| Some((key, json.get(key.name)?)))
            .filter(|(key, value)| !value.is_null() && !is_unsaid(key, value))
            .map(|(key, value)| (key.name, value))
            .collect();
        if given.is_empty() {
            continue;
        }
        out.extend(["\n# ", group.title(), "\n"]);
        for (name, value) in given {
            push_entry(&mut out, 0, name, value);
        }
    }
    if let Some(json) = provenance.and_then(|provenance| serde_json::to_value(provenance).ok()) {
        out.push_str("\n# Where it came from; not read by the training.\n");
        push_entry(&mut out, 0, "provenance", &json);
    }
    out
}

/// How a run is started is told only where it was asked for: it changes nothing of what is trained.
pub(super) fn is_unsaid(key: &Key, value: &serde_json::Value) -> bool {
    key.is_running() && default_value(key).is_some_and(|default| default.to_json() == *value)
}

/// Reads a frozen configuration, changed by the overrides `key=value` in their order.
pub fn read_frozen(
    path: &Path,
    text: &str,
    overrides: &[String],
) -> Result<(Settings, Provenance), Diagnostics> {
    let (experiment, plan) = plan(path, text, overrides, None)?;
    let is_one = plan.trials.len() == 1 && !plan.sweep && experiment.sweep.is_none();
    match plan.trials.into_iter().next() {
        Some(trial) if is_one => Ok((trial.settings, experiment.provenance.unwrap_or_default())),
        _ => {
            let problem =
                Problem::new(experiment.sweep_place, "sweep", "stands here, but this is one training");
            Err(experiment.source.diagnostics(vec![problem.hint("`loradeck run` makes the runs of a sweep")]))
        }
    }
}
