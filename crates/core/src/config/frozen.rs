//! `config.yaml` of a run: all settings with their defaults, and where they came from.

use std::path::Path;

use super::diagnostic::Diagnostics;
use super::emit::push_entry;
use super::keys::{Group, Kind};
use super::place::Problem;
use super::plan::plan_with;
use super::provenance::Provenance;
use super::said::said;
use super::settings::Settings;
use super::task::Recognise;

/// The text of a frozen configuration. It trains the same run again by itself, whatever the defaults have become.
pub fn frozen_text(settings: &Settings, provenance: Option<&Provenance>) -> String {
    let mut out =
        String::from("# The complete configuration of this run. It trains the same run again by itself.\n");
    let said = said(settings);
    for group in Group::ALL {
        let mut given =
            said.iter().filter(|(key, _)| key.group == group && key.kind != Kind::Scalar).peekable();
        if given.peek().is_some() {
            out.extend(["\n# ", group.title(), "\n"]);
        }
        for (key, value) in given {
            push_entry(&mut out, 0, key.name, &value.to_json());
        }
    }
    if !settings.foreign.parameters.is_empty() {
        out.push_str("\n# The command's own.\n");
        push_entry(&mut out, 0, "parameters", &settings.foreign.parameters.clone().into());
    }
    if let Some(json) = provenance.and_then(|provenance| serde_json::to_value(provenance).ok()) {
        out.push_str("\n# Where it came from; not read by the training.\n");
        push_entry(&mut out, 0, "provenance", &json);
    }
    out
}

/// Reads a frozen configuration, changed by the overrides `key=value` in their order.
pub fn read_frozen(
    path: &Path,
    text: &str,
    overrides: &[String],
) -> Result<(Settings, Provenance), Diagnostics> {
    let read = |_: &str| Err("cannot be read here".to_owned());
    let (experiment, plan) = plan_with(path, text, overrides, None, &read, Recognise::Frozen, &|_, _| None)?;
    let is_one = plan.trials.len() == 1 && !plan.sweep && experiment.sweep.is_none();
    match plan.trials.into_iter().next() {
        Some(trial) if is_one => Ok((trial.settings, experiment.provenance.unwrap_or_default())),
        _ => {
            let problem = Problem::new(
                experiment.sweep_place,
                "sweep",
                "is given, but this file describes one training",
            );
            Err(experiment.source.diagnostics(vec![problem.hint("`loradeck run` makes the runs of a sweep")]))
        }
    }
}
