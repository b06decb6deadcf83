//! What is frozen of a sweep when it is submitted: all that is needed to make further trials of it, whatever has become
//! of the experiment's file and of the defaults since.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::gate::{Gated, active};
use super::{Distribution, Method, Metric, Stopping, fit};
use crate::config::keys::find_key;
use crate::config::value::Value;

/// Keys and their values.
pub type Assignment = BTreeMap<String, Value>;

/// A sweep as its `sweep.json` keeps it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SearchPlan {
    /// How trials are chosen.
    pub method: Method,
    /// What decides which run is best.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub metric: Option<Metric>,
    /// No further runs are made once a run's metric is as good as this.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target: Option<f64>,
    /// What draws follow from.
    pub random_seed: u64,
    /// The most runs that are made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run_cap: Option<u64>,
    /// Each point of the space is run with the seeds from 0 to below this.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seeds: Option<u64>,
    /// Which runs end early.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub stopping: Vec<Stopping>,
    /// What all trials share, defaults included.
    pub base: Assignment,
    /// What varies.
    pub space: Vec<SearchAxis>,
}

/// Something that varies by itself.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SearchAxis {
    /// One key, or several that go together.
    pub keys: Vec<String>,
    /// What they are drawn from.
    pub values: AxisValues,
    /// All must hold, else the axis does not vary and its keys are as in the base.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub when: Vec<Condition>,
}

/// What an axis is drawn from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum AxisValues {
    /// Rows with a value for each key; a key without one is as in the base.
    Rows(Vec<Vec<Option<Value>>>),
    /// A distribution for the one key.
    Drawn(Distribution),
}

/// A key must have one of some values.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Condition {
    /// The key.
    pub key: String,
    /// The values.
    pub values: Vec<Value>,
}

impl Gated for SearchAxis {
    fn sets(&self, key: &str) -> bool {
        self.keys.iter().any(|known| known == key)
    }

    fn conditions(&self) -> &[Condition] {
        &self.when
    }
}

impl SearchAxis {
    /// What the axis sets at probability `u`, from 0 to 1.
    pub fn sample(&self, u: f64) -> Assignment {
        match &self.values {
            AxisValues::Drawn(distribution) => {
                let value = distribution.sample(u);
                // As the key has it, so that conditions compare like with like: 2 epochs are the number 2.0.
                let fitted = |key: &String| {
                    // An alias is a parameter of a command here: keys have their own names.
                    find_key(key).filter(|found| found.name == key).and_then(|key| fit(key, &value).ok())
                };
                let value = |key: &String| fitted(key).unwrap_or_else(|| value.clone());
                self.keys.iter().take(1).map(|key| (key.clone(), value(key))).collect()
            }
            AxisValues::Rows(rows) => {
                let index = super::sample::even_index(u, rows.len());
                self.row(index)
            }
        }
    }

    /// What the axis sets in a row; nothing where it has no such row.
    pub fn row(&self, index: usize) -> Assignment {
        let AxisValues::Rows(rows) = &self.values else { return Assignment::new() };
        let cells = rows.get(index).into_iter().flatten();
        self.keys.iter().zip(cells).filter_map(|(key, cell)| Some((key.clone(), cell.clone()?))).collect()
    }
}

impl SearchPlan {
    /// The point at which each axis has the probability that `u` gives it, in order; an axis without one is at its
    /// middle. Axes that do not vary there are left out.
    pub fn point(&self, u: &[f64]) -> Assignment {
        let of = |(index, axis): (usize, &SearchAxis)| axis.sample(u.get(index).copied().unwrap_or(0.5));
        self.without_inactive(self.space.iter().enumerate().flat_map(of).collect())
    }

    /// The assignment without the keys of axes that do not vary, given the others.
    pub fn without_inactive(&self, mut assignment: Assignment) -> Assignment {
        let varies = active(&self.space, &|key| assignment.get(key).or_else(|| self.base.get(key)).cloned());
        for axis in self.space.iter().zip(varies).filter(|(_, varies)| !varies).map(|(axis, _)| axis) {
            for key in &axis.keys {
                assignment.remove(key);
            }
        }
        assignment
    }

    /// The trials of one point: as many as there are seeds, each with one of them.
    pub fn with_seeds(&self, point: &Assignment) -> Vec<Assignment> {
        let Some(seeds) = self.seeds else { return vec![point.clone()] };
        let with = |seed: u64| {
            let mut assignment = point.clone();
            assignment.insert("seed".to_owned(), Value::Whole(seed.into()));
            assignment
        };
        (0..seeds).map(with).collect()
    }

    /// Whether trials are made while the sweep runs, and not all before.
    pub fn is_search(&self) -> bool {
        self.method != Method::Grid
    }
}
