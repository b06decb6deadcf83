//! What is set and what is swept, once the command line has been laid over the file.

use super::derived::{derived_keys, derived_value, follows};
use super::experiment::{Entry, Experiment};
use super::keys::{Key, find_key};
use super::overrides::{Change, Override};
use super::place::{Place, Problem};
use super::settings::DataType;
use super::sweep::{Draws, Parameter, SweepReader, SweepSpec, read_trials};
use super::task::Scope;
use super::value::Value;

/// What is set and what is swept.
#[derive(Clone, Debug, Default)]
pub(crate) struct Layers {
    /// Keys with one value. Where one of them is swept too, this is its value in trials that leave it out.
    pub(crate) set: Vec<Entry>,
    /// The sweep without its fixed parameters.
    pub(crate) sweep: SweepSpec,
    /// Keys that the command line has settled.
    pub(crate) settled: Vec<&'static str>,
    /// Keys whose value is wrong, so that nobody also calls them missing.
    pub(crate) spoilt: Vec<&'static str>,
    /// What is trained on, once it is settled.
    pub(crate) data_type: DataType,
    scope: Scope,
}

/// Reads a file that a configuration names: its text, or why there is none.
pub(crate) type ReadFile<'a> = &'a dyn Fn(&str) -> Result<String, String>;

impl Layers {
    /// The experiment under the overrides.
    pub(crate) fn new(
        experiment: &Experiment,
        overrides: &[Override],
        problems: &mut Vec<Problem>,
        warnings: &mut Vec<Problem>,
    ) -> Self {
        let mut set = experiment.values.clone();
        if experiment.provenance.is_some() {
            let stale = stale(&set, overrides);
            set.retain(|entry| !stale.contains(&entry.key.name));
        }
        let mut sweep = experiment.sweep.clone().unwrap_or_default();
        settle_fixed(&mut sweep, &mut set);
        let mut layers = Self {
            set,
            sweep,
            settled: Vec::new(),
            spoilt: experiment.spoilt.clone(),
            data_type: DataType::default(),
            scope: experiment.scope,
        };
        for change in overrides {
            match change {
                Override::Key { key, change, place } => layers.apply(key, change, *place),
                // It has become the experiment's sweep.
                Override::SweepFile { .. } => {}
                Override::Field { name, value, place } => {
                    let mut reader = SweepReader::at(*place, experiment.scope, problems, warnings);
                    reader.read_field(&mut layers.sweep, name, value);
                }
            }
        }
        layers.agree_on_seeds(problems);
        layers
    }

    fn apply(&mut self, key: &'static Key, change: &Change, place: Place) {
        let name = key.name;
        self.settled.push(name);
        self.spoilt.retain(|spoilt| *spoilt != name);
        self.sweep.spoilt.retain(|spoilt| *spoilt != name);
        let parameters = &mut self.sweep.parameters;
        let swept_at = parameters.iter().position(|parameter| parameter.key == key);
        match change {
            Change::Fix(entry) => {
                parameters.retain(|parameter| parameter.key != key);
                replace(&mut self.set, entry.clone());
            }
            Change::Reset => {
                parameters.retain(|parameter| parameter.key != key);
                self.set.retain(|entry| entry.key != key);
            }
            Change::Sweep(draws) => {
                let parameter = Parameter { key, draws: draws.clone(), place };
                match swept_at {
                    Some(index) => parameters[index] = parameter,
                    None => parameters.push(parameter),
                }
            }
        }
    }

    /// `seeds: N` and values of the key `seed` exclude each other; the command line wins over the file.
    fn agree_on_seeds(&mut self, problems: &mut Vec<Problem>) {
        if self.sweep.seeds.is_none() {
            return;
        }
        let place = self.sweep.place("seeds");
        let is_typed = matches!(place, Place::Argument(..));
        let swept = self.sweep.parameters.iter().any(|parameter| parameter.key.name == "seed");
        match (is_typed, self.settled.contains(&"seed")) {
            (false, true) => self.sweep.seeds = None,
            (true, false) => self.sweep.parameters.retain(|parameter| parameter.key.name != "seed"),
            (true, true) => problems.push(doubled(place, "the key seed is given too")),
            (false, false) if swept => problems.push(doubled(place, "the key seed is swept too")),
            (false, false) => {}
        }
    }

    /// Reads the file that lists trials, if the sweep has one.
    pub(crate) fn read_trials(&mut self, read: ReadFile<'_>, problems: &mut Vec<Problem>) {
        let Some(trials) = &mut self.sweep.trials else { return };
        match read(&trials.path) {
            Ok(text) => {
                let table = read_trials(&trials.path, &text, (trials.place, self.scope), problems);
                (trials.keys, trials.rows) = (table.keys, table.rows);
            }
            Err(message) => {
                let problem = Problem::new(trials.place, "sweep.trials", message);
                problems.push(problem.value(Some(trials.path.clone())));
            }
        }
        let lists_seed = trials.keys.iter().any(|key| key.name == "seed") && !self.settled.contains(&"seed");
        if self.sweep.seeds.is_some() && lists_seed {
            problems.push(doubled(self.sweep.place("seeds"), "the trials have a column seed too"));
        }
    }

    /// The place in the queue; higher goes first.
    pub(crate) fn priority(&self) -> i64 {
        match self.set_value("priority") {
            Some(Value::Whole(priority)) => i64::try_from(priority).unwrap_or(0),
            _ => 0,
        }
    }

    /// Runs that must have finished first, as they were named.
    pub(crate) fn after(&self) -> Vec<String> {
        match self.set_value("after") {
            Some(Value::List(runs)) => runs.iter().map(Value::plain).collect(),
            _ => Vec::new(),
        }
    }

    /// The value that a key has where nothing varies it; `None` where that follows from others.
    pub(crate) fn set_value(&self, name: &str) -> Option<Value> {
        let entry = self.set.iter().find(|entry| entry.key.name == name);
        entry.map(|entry| entry.value.clone()).or_else(|| {
            let key = find_key(name).filter(|key| key.name == name && key.is_for(self.data_type))?;
            super::default_value(key, self.data_type)
        })
    }
}

fn doubled(place: Place, message: &str) -> Problem {
    Problem::new(place, "sweep.seeds", message).hint("keep one of them")
}

/// A fixed `value:` is a setting that stands among the swept keys.
fn settle_fixed(sweep: &mut SweepSpec, set: &mut Vec<Entry>) {
    for parameter in &sweep.parameters {
        if let Draws::Fixed(entry) = &parameter.draws {
            replace(set, entry.clone());
        }
    }
}

fn replace(set: &mut Vec<Entry>, entry: Entry) {
    match set.iter().position(|known| known.key == entry.key) {
        Some(index) => set[index] = entry,
        None => set.push(entry),
    }
}

/// Frozen keys that are only the default which followed from another key, where that one is changed: they follow again, as
/// they would in the experiment's own file.
fn stale(set: &[Entry], overrides: &[Override]) -> Vec<&'static str> {
    let number = |name: &str| match set.iter().find(|entry| entry.key.name == name)?.value {
        Value::Whole(number) => Some(number as f64),
        Value::Real(number) => Some(number),
        _ => None,
    };
    let is_changed = |name: &str| {
        let follows =
            |change: &Override| matches!(change, Override::Key { key, .. } if follows(name, key.name));
        overrides.iter().any(follows)
    };
    let has_followed = |name: &str| match (derived_value(name, &number), number(name)) {
        (Some(derived), Some(frozen)) => derived.to_string() == Value::Real(frozen).to_string(),
        _ => false,
    };
    derived_keys().filter(|name| is_changed(name) && has_followed(name)).collect()
}
