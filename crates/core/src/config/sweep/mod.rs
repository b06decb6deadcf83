//! What a sweep tries: keys, what they are drawn from, which of them belong together, and the metric that decides.
//!
//! The reader makes a [`SweepSpec`] of `sweep:`, the plan makes axes of it, a grid is expanded, and the frozen
//! [`SearchPlan`] makes trials for as long as the sweep runs.

mod axes;
mod axis;
mod coupling_reader;
mod csv;
mod distribution;
mod distribution_reader;
mod expand;
mod fitting;
mod gate;
mod parameter_reader;
mod quantile;
mod reader;
mod reader_tools;
mod sample;
mod schema;
mod search_plan;
mod stopping;
mod stopping_reader;
mod sweepable;
mod trials_file;
mod words;

use serde::{Deserialize, Serialize};

pub(crate) use axes::axes_of;
pub(crate) use axis::{Axis, Draws as AxisDraws};
pub use distribution::{Bell, Bounds, Distribution};
pub(crate) use expand::{TooMany, combinations};
pub(crate) use fitting::{Ends, fit, fitting};
pub(crate) use reader::SweepReader;
pub(crate) use sample::neat;
pub(crate) use schema::sweep_schema;
pub use search_plan::{Assignment, AxisValues, Condition, SearchAxis, SearchPlan};
pub use stopping::{Stopping, Unit};
pub(crate) use sweepable::{is_sweepable, sweepable};
pub(crate) use trials_file::read_trials;

use super::experiment::Entry;
use super::keys::Key;
use super::place::Place;

/// The most values that a key of a grid may have.
const LISTED_LIMIT: usize = 10_000;

/// What a sweep tries, as a file or a command line says it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SweepSpec {
    /// How its trials are chosen, where it says so.
    pub method: Option<Method>,
    /// What decides which run is best.
    pub metric: Option<Metric>,
    /// The value of the metric at which no further runs are made.
    pub target: Option<f64>,
    /// The swept keys in the file's order.
    pub parameters: Vec<Parameter>,
    /// The most runs that are made of it.
    pub run_cap: Option<u64>,
    /// What draws follow from.
    pub random_seed: u64,
    /// How many seeds each point is run with.
    pub seeds: Option<u64>,
    /// Keys whose values go together.
    pub zip: Vec<Zip>,
    /// Keys that are swept only where others have certain values.
    pub when: Vec<When>,
    /// Which runs end early.
    pub stopping: Vec<Stopping>,
    /// Trials listed in a file of their own.
    pub trials: Option<Trials>,
    /// Where its fields stand.
    pub(crate) places: Vec<(String, Place)>,
    /// Keys whose values are wrong, so that nobody also calls them not swept.
    pub(crate) spoilt: Vec<&'static str>,
}

/// How trials are chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Method {
    /// Every combination.
    Grid,
    /// Drawn independently.
    Random,
    /// Drawn by what earlier trials came to.
    Bayes,
}

/// A metric and which end of it is good.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Metric {
    /// Its tag, such as `eval/loss`.
    pub name: String,
    /// Which end is good.
    pub goal: Goal,
}

/// Which end of a metric is good.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Goal {
    /// Lower is better.
    #[default]
    Minimize,
    /// Higher is better.
    Maximize,
}

/// One key and what it is drawn from.
#[derive(Clone, Debug, PartialEq)]
pub struct Parameter {
    /// Which key.
    pub key: &'static Key,
    /// What it may be.
    pub draws: Draws,
    pub(crate) place: Place,
}

/// What a parameter may be.
#[derive(Clone, Debug, PartialEq)]
pub enum Draws {
    /// One fixed `value:`, which makes it a setting rather than something that varies.
    Fixed(Entry),
    /// These, in order.
    Values {
        /// The values as they were given, repeated ones too.
        values: Vec<Entry>,
        /// How likely each is.
        probabilities: Option<Vec<f64>>,
    },
    /// Numbers.
    Numbers(Distribution),
}

/// Keys that take their first values together, then their second ones, and so on.
#[derive(Clone, Debug, PartialEq)]
pub struct Zip {
    /// The keys.
    pub keys: Vec<&'static Key>,
    pub(crate) place: Place,
}

/// A key that is swept only where another has one of some values.
#[derive(Clone, Debug, PartialEq)]
pub struct When {
    /// The key that depends.
    pub key: &'static Key,
    /// The key it depends on.
    pub parent: &'static Key,
    /// The values of the other at which this one is swept.
    pub values: Vec<Entry>,
    pub(crate) place: Place,
}

/// A file that lists trials.
#[derive(Clone, Debug, PartialEq)]
pub struct Trials {
    /// The file, relative to the workspace's root.
    pub path: String,
    /// Its columns.
    pub keys: Vec<&'static Key>,
    /// Its rows; a trial that leaves a key out has the experiment's own value.
    pub rows: Vec<Vec<Option<Entry>>>,
    pub(crate) place: Place,
}

impl SweepSpec {
    /// Where a field stands, such as `run_cap`.
    pub(crate) fn place(&self, field: &str) -> Place {
        self.places.iter().find(|(name, _)| name == field).map_or(Place::File, |(_, place)| *place)
    }

    /// The parameter of that key.
    pub(crate) fn parameter(&self, key: &Key) -> Option<&Parameter> {
        self.parameters.iter().find(|parameter| parameter.key == key)
    }
}
