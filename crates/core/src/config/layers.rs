//! What is set and what is swept, once the command line has been laid over the file.

use super::experiment::{Entry, Experiment};
use super::keys::{Key, find_key};
use super::overrides::{Change, Override};
use super::place::{Place, Problem};
use super::sweep::{Draws, Parameter, SweepReader, SweepSpec, read_trials};
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
        if experiment.provenance.is_some() && follows_rank(&set, overrides) {
            set.retain(|entry| entry.key.name != "lora_alpha");
        }
        let mut sweep = experiment.sweep.clone().unwrap_or_default();
        settle_fixed(&mut sweep, &mut set);
        let mut layers = Self { set, sweep, settled: Vec::new(), spoilt: experiment.spoilt.clone() };
        for change in overrides {
            match change {
                Override::Key { key, change, place } => layers.apply(key, change, *place),
                // It has become the experiment's sweep.
                Override::SweepFile { .. } => {}
                Override::Field { name, value, place } => {
                    SweepReader::at(*place, problems, warnings).read_field(&mut layers.sweep, name, value);
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
                let table = read_trials(&trials.path, &text, trials.place, problems);
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
        entry.map(|entry| entry.value.clone()).or_else(|| super::default_value(find_key(name)?))
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

/// Whether a frozen `lora_alpha` is only the default that followed from the rank, and the rank is changed: it
/// follows again, as it would in the experiment's own file.
fn follows_rank(set: &[Entry], overrides: &[Override]) -> bool {
    let number = |name: &str| match set.iter().find(|entry| entry.key.name == name).map(|entry| &entry.value)
    {
        Some(Value::Whole(number)) => Some(Value::Real(2.0 * *number as f64)),
        other => other.cloned(),
    };
    let is_changed =
        overrides.iter().any(|change| matches!(change, Override::Key { key, .. } if key.name == "lora_rank"));
    is_changed && number("lora_rank").is_some() && number("lora_rank") == number("lora_alpha")
}
