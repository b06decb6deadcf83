//! A trial as a run that can be queued: its name, its place, what the queue must know of it.

use loradeck_core::config::{Metric, Provenance, Settings, Trial};
use loradeck_core::run::{Needs, QueueEntry};

use super::submit::NewRun;

/// The run of a trial, which is number `trial` of a sweep or alone.
pub(super) fn new_run(
    trial: &Trial,
    number: Option<u32>,
    metric: Option<&Metric>,
    priority: i64,
    mut provenance: Provenance,
) -> NewRun {
    provenance.trial = number;
    if number.is_some() {
        provenance.varied =
            trial.varied.iter().map(|(key, value)| format!("{key}={}", value.plain())).collect();
    }
    provenance.metric = metric.cloned();
    let slug = match (&trial.settings.run_name, trial.varied.is_empty()) {
        (Some(name), true) => name.clone(),
        (None, true) => provenance.overrides.join(" "),
        (Some(name), false) => format!("{name} {}", short_label(trial)),
        (None, false) => short_label(trial),
    };
    let entry = QueueEntry { priority, ..entry_of(&trial.settings) };
    NewRun { slug, settings: trial.settings.clone(), provenance, entry }
}

/// What the queue must know of a run with these settings, so that it never has to read its configuration.
pub(crate) fn entry_of(settings: &Settings) -> QueueEntry {
    let running = &settings.running;
    QueueEntry {
        needs: Needs {
            devices: running.devices.clone(),
            runs_per_gpu: running.runs_per_gpu,
            gpu_memory: running.gpu_memory,
        },
        auto_resume: running.auto_resume,
        stop_sweep_after_failures: running.stop_sweep_after_failures,
        ..QueueEntry::default()
    }
}

/// `rank=8 lr=2e-4`: the usual short names keep folder names readable.
fn short_label(trial: &Trial) -> String {
    let short = |key: &str| match key {
        "learning_rate" => "lr".to_owned(),
        "lora_rank" => "rank".to_owned(),
        "lora_alpha" => "alpha".to_owned(),
        "batch_size" => "bs".to_owned(),
        "max_steps" => "steps".to_owned(),
        other => other.to_owned(),
    };
    let parts: Vec<String> =
        trial.varied.iter().map(|(key, value)| format!("{}={}", short(key), value.plain())).collect();
    parts.join(" ")
}
