//! What a sweep tries: keys, their values, and the metric that decides.

use serde::{Deserialize, Serialize};

use super::experiment::Entry;
use super::keys::Key;
use super::place::Place;

/// What a sweep tries.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SweepSpec {
    /// What decides which run is best.
    pub metric: Option<Metric>,
    /// The swept keys in the file's order.
    pub parameters: Vec<Parameter>,
    /// The most runs that are made of it.
    pub run_cap: Option<u64>,
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

/// One key and the values it takes.
#[derive(Clone, Debug, PartialEq)]
pub struct Parameter {
    /// Which key.
    pub key: &'static Key,
    /// Its values in order, each once.
    pub values: Vec<Entry>,
    /// Whether it was given as one fixed `value:`, which makes it a setting rather than something that varies.
    pub is_fixed: bool,
    pub(crate) place: Place,
}
