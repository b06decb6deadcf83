//! From an experiment and overrides to the runs: sweeps expanded, defaults applied, everything checked.

use std::path::Path;

use super::diagnostic::Diagnostics;
use super::expand::{combination, count};
use super::experiment::{Entry, Experiment, read_all};
use super::overrides::{Change, Override, read_overrides};
use super::place::{Place, Problem};
use super::resolve::settings_of;
use super::settings::Settings;
use super::sweep::{Metric, Parameter};
use super::value::Value;

/// The most runs that one sweep may make.
pub const TRIAL_LIMIT: u64 = 10_000;

/// The runs that follow from an experiment.
#[derive(Clone, Debug, PartialEq)]
pub struct Plan {
    /// One per run, in the order in which they are queued.
    pub trials: Vec<Trial>,
    /// Whether it is a sweep, be it of a single run.
    pub sweep: bool,
    /// What decides which run is best, where the sweep says it.
    pub metric: Option<Metric>,
    /// Place in the queue; higher goes first.
    pub priority: i64,
    /// Runs that must have finished first, as they were named.
    pub after: Vec<String>,
}

/// One run to be made.
#[derive(Clone, Debug, PartialEq)]
pub struct Trial {
    /// All settings.
    pub settings: Settings,
    /// What differs between the trials of the sweep, in order.
    pub varied: Vec<(&'static str, Value)>,
    places: Vec<(&'static str, Place)>,
}

impl Trial {
    /// A run that comes from no file.
    pub fn new(settings: Settings, varied: Vec<(&'static str, Value)>) -> Self {
        Self { settings, varied, places: Vec::new() }
    }

    /// Where a key's value was given.
    pub(crate) fn place(&self, key: &str) -> Place {
        self.places.iter().find(|(name, _)| *name == key).map_or(Place::File, |(_, place)| *place)
    }

    /// What differs, as `lora_rank=8 learning_rate=2e-4`; empty for a single run.
    pub fn label(&self) -> String {
        let parts: Vec<String> =
            self.varied.iter().map(|(key, value)| format!("{key}={}", value.plain())).collect();
        parts.join(" ")
    }
}

/// The runs of an experiment with the overrides of a command line, which [`parse_overrides`] reads.
pub fn resolve(experiment: &Experiment, overrides: &[Override]) -> Result<Plan, Diagnostics> {
    let mut problems = Vec::new();
    match planned(experiment, overrides, &mut problems) {
        Some(plan) if problems.is_empty() => Ok(plan),
        _ => Err(experiment.source.diagnostics(problems)),
    }
}

/// Reads overrides such as `lora_rank=4,8`; all problems at once.
pub fn parse_overrides(arguments: &[String]) -> Result<Vec<Override>, Diagnostics> {
    let mut problems = Vec::new();
    let overrides = read_overrides(arguments, &mut problems);
    let source = super::place::Source { file: String::new(), text: String::new() };
    if problems.is_empty() { Ok(overrides) } else { Err(source.diagnostics(problems)) }
}

/// Reads, overrides and resolves in one go, so that the problems of all three are told at once.
///
/// `data_beside` is the data folder used where neither the file nor an override names one.
pub fn plan(
    path: &Path,
    text: &str,
    arguments: &[String],
    data_beside: Option<&str>,
) -> Result<(Experiment, Plan), Diagnostics> {
    let (mut experiment, mut problems) = read_all(path, text)?;
    if let Some(folder) = data_beside {
        experiment.set_default("train_data_dir", Value::Text(folder.to_owned()));
    }
    let overrides = read_overrides(arguments, &mut problems);
    match planned(&experiment, &overrides, &mut problems) {
        Some(plan) if problems.is_empty() => Ok((experiment, plan)),
        _ => Err(experiment.source.diagnostics(problems)),
    }
}

/// What is set and what is swept, after the overrides.
struct Layers {
    set: Vec<Entry>,
    swept: Vec<Parameter>,
    spoilt: Vec<&'static str>,
}

fn planned(experiment: &Experiment, overrides: &[Override], problems: &mut Vec<Problem>) -> Option<Plan> {
    let layers = layered(experiment, overrides);
    let wanted = count(&layers.swept);
    let cap = experiment.sweep.as_ref().and_then(|sweep| sweep.run_cap).unwrap_or(u64::MAX);
    if wanted.min(cap) > TRIAL_LIMIT {
        problems.push(too_many(&layers.swept, wanted));
        return None;
    }
    let mut trials = Vec::new();
    for index in 0..wanted.min(cap) {
        let chosen = combination(&layers.swept, index);
        let effective: Vec<&Entry> = layers.set.iter().chain(chosen.iter().copied()).collect();
        let settings = settings_of(&effective, &layers.spoilt, problems);
        let varied = varied(&layers.swept, &chosen);
        let places = effective.iter().map(|entry| (entry.key.name, entry.place)).collect();
        trials.extend(settings.map(|settings| Trial { settings, varied, places }));
    }
    let sweep = layers.swept.iter().any(|parameter| !parameter.is_fixed);
    let metric = experiment.sweep.as_ref().and_then(|sweep| sweep.metric.clone());
    Some(Plan { trials, sweep, metric, priority: priority(&layers.set), after: after(&layers.set) })
}

fn too_many(swept: &[Parameter], wanted: u64) -> Problem {
    let place = swept.first().map_or(Place::File, |parameter| parameter.place);
    let message = format!("this sweep has {wanted} runs, more than {TRIAL_LIMIT}");
    Problem::new(place, "sweep", message).hint(format!("run_cap: {TRIAL_LIMIT} takes the first ones"))
}

fn varied(swept: &[Parameter], chosen: &[&Entry]) -> Vec<(&'static str, Value)> {
    let varying = swept.iter().zip(chosen).filter(|(parameter, _)| !parameter.is_fixed);
    varying.map(|(parameter, entry)| (parameter.key.name, entry.value.clone())).collect()
}

fn priority(set: &[Entry]) -> i64 {
    let value = set.iter().find(|entry| entry.key.name == "priority").map(|entry| &entry.value);
    match value {
        Some(Value::Whole(priority)) => i64::try_from(*priority).unwrap_or(0),
        _ => 0,
    }
}

fn after(set: &[Entry]) -> Vec<String> {
    let value = set.iter().find(|entry| entry.key.name == "after").map(|entry| &entry.value);
    match value {
        Some(Value::List(runs)) => runs.iter().map(Value::plain).collect(),
        _ => Vec::new(),
    }
}

fn layered(experiment: &Experiment, overrides: &[Override]) -> Layers {
    let swept = experiment.sweep.as_ref().map_or_else(Vec::new, |sweep| sweep.parameters.clone());
    let mut set = experiment.values.clone();
    set.retain(|entry| !swept.iter().any(|parameter| parameter.key == entry.key));
    if experiment.provenance.is_some() && follows_rank(&set, overrides) {
        set.retain(|entry| entry.key.name != "lora_alpha");
    }
    let mut layers = Layers { set, swept, spoilt: experiment.spoilt.clone() };
    for change in overrides {
        layers.apply(change);
    }
    layers
}

/// Whether a frozen `lora_alpha` is only the default that followed from the rank, and the rank is changed: it
/// follows again, as it would in the experiment's own file.
fn follows_rank(set: &[Entry], overrides: &[Override]) -> bool {
    let number = |name: &str| match set.iter().find(|entry| entry.key.name == name).map(|entry| &entry.value)
    {
        Some(Value::Whole(number)) => Some(Value::Real(2.0 * *number as f64)),
        other => other.cloned(),
    };
    let is_changed = overrides.iter().any(|change| change.key.name == "lora_rank");
    is_changed && number("lora_rank").is_some() && number("lora_rank") == number("lora_alpha")
}

impl Layers {
    fn apply(&mut self, change: &Override) {
        let key = change.key;
        self.spoilt.retain(|spoilt| *spoilt != key.name);
        let set_at = self.set.iter().position(|entry| entry.key == key);
        let swept_at = self.swept.iter().position(|parameter| parameter.key == key);
        match &change.change {
            Change::Fix(entry) => {
                self.swept.retain(|parameter| parameter.key != key);
                match set_at {
                    Some(index) => self.set[index] = entry.clone(),
                    None => self.set.push(entry.clone()),
                }
            }
            Change::Reset => {
                self.swept.retain(|parameter| parameter.key != key);
                self.set.retain(|entry| entry.key != key);
            }
            Change::Sweep(values) => {
                self.set.retain(|entry| entry.key != key);
                let parameter =
                    Parameter { key, values: values.clone(), is_fixed: false, place: change.place };
                match swept_at {
                    Some(index) => self.swept[index] = parameter,
                    None => self.swept.push(parameter),
                }
            }
        }
    }
}
