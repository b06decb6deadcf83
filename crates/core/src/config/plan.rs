//! From an experiment and overrides to the runs: sweeps expanded, defaults applied, everything checked.

use std::path::Path;

use super::diagnostic::Diagnostics;
use super::experiment::{Entry, Experiment, read_all};
use super::layers::{Layers, ReadFile};
use super::overrides::{Override, read_overrides};
use super::place::{Place, Problem};
use super::resolve::settings_of;
use super::search::planned_sweep;
use super::settings::Settings;
use super::sweep::{Draws, Metric, SearchPlan};
use super::task::Recognise;
use super::value::Value;

/// The most runs that one sweep may make.
pub const TRIAL_LIMIT: u64 = 10_000;

/// The runs that follow from an experiment.
#[derive(Clone, Debug, PartialEq)]
pub struct Plan {
    /// One per run, in the order in which they are queued. A search makes its own while it runs: it has none here.
    pub trials: Vec<Trial>,
    /// Trials that a search could make, to be checked in their stead: the middle of the space, and one for each further
    /// file or folder that it names. Empty where all trials are known.
    pub examples: Vec<Trial>,
    /// Whether it is a sweep, be it of a single run.
    pub sweep: bool,
    /// What decides which run is best, where the sweep says it.
    pub metric: Option<Metric>,
    /// Place in the queue; higher goes first.
    pub priority: i64,
    /// Runs that must have finished first, as they were named.
    pub after: Vec<String>,
    /// What further trials are made of, where it is a sweep.
    pub search: Option<SearchPlan>,
    /// What is no error, but deserves to be told.
    pub warnings: Diagnostics,
}

impl Plan {
    /// The trials, or the examples that stand for those of a search.
    pub fn checked_trials(&self) -> &[Trial] {
        if self.trials.is_empty() { &self.examples } else { &self.trials }
    }
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

    /// The trial of what is set and what varies; `None` where it contradicts itself.
    pub(super) fn of(
        set: &[Entry],
        chosen: &[&Entry],
        spoilt: &[&'static str],
        problems: &mut Vec<Problem>,
    ) -> Option<Self> {
        let is_chosen = |entry: &&Entry| chosen.iter().any(|other| other.key == entry.key);
        let entries: Vec<&Entry> =
            set.iter().filter(|entry| !is_chosen(entry)).chain(chosen.iter().copied()).collect();
        let settings = settings_of(&entries, spoilt, problems)?;
        let varied = chosen.iter().map(|entry| (entry.key.name, entry.value.clone())).collect();
        let places = entries.iter().map(|entry| (entry.key.name, entry.place)).collect();
        Some(Self { settings, varied, places })
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

/// Reads, overrides and resolves in one go, so that the problems of all three are told at once.
///
/// `data_beside` is the data folder used where neither the file nor an override names one. Nothing is looked at: where no
/// `data_type` is written, it is text.
pub fn plan(
    path: &Path,
    text: &str,
    arguments: &[String],
    data_beside: Option<&str>,
) -> Result<(Experiment, Plan), Diagnostics> {
    let read = |_: &str| Err("cannot be read here".to_owned());
    plan_with(path, text, arguments, data_beside, &read, Recognise::Never, &|_, _| None)
}

/// What is wrong with the path that is the value of a key, and a hint; `None` where nothing is.
pub(crate) type PathComplaint<'a> = &'a dyn Fn(&str, &str) -> Option<(String, Option<String>)>;

/// The same, with a way to read the file in which a sweep lists its trials, and one to tell what is trained on.
pub(crate) fn plan_with(
    path: &Path,
    text: &str,
    arguments: &[String],
    data_beside: Option<&str>,
    read: ReadFile<'_>,
    recognise: Recognise<'_>,
    complaint: PathComplaint<'_>,
) -> Result<(Experiment, Plan), Diagnostics> {
    let (mut experiment, mut problems) = read_all(path, text)?;
    if let Some(folder) = data_beside {
        experiment.set_default("train_data_dir", Value::Text(folder.to_owned()));
    }
    let overrides = read_overrides(arguments, experiment.scope, &mut problems);
    for change in &overrides {
        if let Override::SweepFile { path, place } = change {
            (experiment.sweep, experiment.warnings) = (None, Vec::new());
            experiment.sweep_file = path.clone().map(|path| (path, *place));
        }
    }
    experiment.read_sweep_file(read, &mut problems);
    let mut warnings = experiment.warnings.clone();
    let mut layers = Layers::new(&experiment, &overrides, &mut problems, &mut warnings);
    layers.read_trials(read, &mut problems);
    let recognise = if experiment.provenance.is_some() { Recognise::Frozen } else { recognise };
    layers.settle_data_type(recognise, &mut problems);
    experiment.source.trials = layers.sweep.trials.as_ref().map(|trials| trials.path.clone());
    match planned(&layers, &mut problems, &mut warnings) {
        Some(mut plan) if problems.is_empty() => {
            plan.warnings = experiment.source.diagnostics(warnings);
            Ok((experiment, plan))
        }
        _ => {
            problems.extend(paths_that_are_wrong_too(&layers, complaint));
            Err(experiment.source.diagnostics(problems))
        }
    }
}

/// Paths that lead nowhere, beside other problems: a wrong key does not hide a missing file.
fn paths_that_are_wrong_too(layers: &Layers, complaint: PathComplaint<'_>) -> Vec<Problem> {
    let swept = layers.sweep.parameters.iter().flat_map(|parameter| match &parameter.draws {
        Draws::Values { values, .. } => values.as_slice(),
        _ => &[],
    });
    let problem = |entry: &Entry| {
        let Value::Text(path) = &entry.value else { return None };
        let (message, hint) = complaint(entry.key.name, path)?;
        let problem = Problem::new(entry.place, entry.key.name, message).value(Some(path.clone()));
        Some(Problem { hint, ..problem })
    };
    layers.set.iter().chain(swept).filter_map(problem).collect()
}

fn planned(layers: &Layers, problems: &mut Vec<Problem>, warnings: &mut Vec<Problem>) -> Option<Plan> {
    let sweep = planned_sweep(layers, problems, warnings)?;
    let trial = |chosen: &Vec<Entry>, problems: &mut Vec<Problem>| {
        let chosen: Vec<&Entry> = chosen.iter().collect();
        Trial::of(&layers.set, &chosen, &layers.spoilt, problems)
    };
    let trials: Vec<Trial> = sweep.combinations.iter().filter_map(|chosen| trial(chosen, problems)).collect();
    let examples = sweep.examples.iter().filter_map(|chosen| trial(chosen, problems)).collect();
    Some(Plan {
        trials,
        examples,
        sweep: sweep.search.is_some(),
        metric: layers.sweep.metric.clone(),
        priority: layers.priority(),
        after: layers.after(),
        search: sweep.search,
        warnings: Diagnostics::default(),
    })
}
