//! What a swept key is drawn from, and the value at a given probability.
//!
//! Names and meanings are those of W&B (`wandb/sweeps`, `config/schema.json` and `params.py`); a `q` makes `uniform`
//! into `q_uniform`, and so on.

use serde::{Deserialize, Serialize};

use super::sample::neat;
use crate::config::value::Value;

/// What a key is drawn from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "distribution", rename_all = "snake_case")]
pub enum Distribution {
    /// One of these.
    Categorical {
        /// The values, each once unless they have probabilities.
        values: Vec<Value>,
        /// How likely each is; all alike where it is left out.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        probabilities: Option<Vec<f64>>,
    },
    /// A whole number, both ends included.
    IntUniform {
        /// Smallest.
        min: i64,
        /// Largest.
        max: i64,
    },
    /// A number, evenly.
    Uniform(Bounds),
    /// `exp(x)` with `x` evenly from `min` to `max`: the bounds are exponents of e.
    LogUniform(Bounds),
    /// A number whose logarithm is even; the bounds are values.
    LogUniformValues(Bounds),
    /// `exp(-x)` with `x` evenly from `min` to `max`.
    InvLogUniform(Bounds),
    /// A number whose inverse has an even logarithm, which is the same as [`Self::LogUniformValues`].
    InvLogUniformValues(Bounds),
    /// A normally distributed number.
    Normal(Bell),
    /// `exp(x)` with a normally distributed `x`.
    LogNormal(Bell),
    /// A beta-distributed number from 0 to 1.
    Beta {
        /// The first shape.
        a: f64,
        /// The second shape.
        b: f64,
        /// Draws are rounded to multiples of it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        q: Option<f64>,
    },
}

/// Two bounds.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Bounds {
    /// Smallest.
    pub min: f64,
    /// Largest.
    pub max: f64,
    /// Draws are rounded to multiples of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub q: Option<f64>,
}

/// Mean and standard deviation.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Bell {
    /// The mean.
    pub mu: f64,
    /// The standard deviation.
    pub sigma: f64,
    /// Draws are rounded to multiples of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub q: Option<f64>,
}

impl Distribution {
    /// The step that draws are rounded to.
    pub fn q(&self) -> Option<f64> {
        match self {
            Self::Categorical { .. } | Self::IntUniform { .. } => None,
            Self::Uniform(bounds)
            | Self::LogUniform(bounds)
            | Self::LogUniformValues(bounds)
            | Self::InvLogUniform(bounds)
            | Self::InvLogUniformValues(bounds) => bounds.q,
            Self::Normal(bell) | Self::LogNormal(bell) => bell.q,
            Self::Beta { q, .. } => *q,
        }
    }

    /// All values in order, where they are few enough: `int_uniform`, and `q_uniform` from `min` in steps of `q` to below
    /// `max`, as W&B's grid search lists them.
    pub fn listed(&self, limit: usize) -> Option<Vec<Value>> {
        match self {
            Self::Categorical { values, .. } => Some(values.clone()),
            Self::IntUniform { min, max } => {
                let (min, max) = (i128::from(*min), i128::from(*max));
                (max - min < limit as i128).then(|| (min..=max).map(Value::Whole).collect())
            }
            Self::Uniform(Bounds { min, max, q: Some(q) }) => {
                // A hair less, so that rounding adds no last value.
                let count = ((max - min) / q - 1e-9).ceil().max(1.0);
                let value = |index: usize| {
                    let number = neat(min + index as f64 * q) + 0.0;
                    let is_whole = q.fract() == 0.0 && number.fract() == 0.0 && number.abs() < 9e15;
                    if is_whole { Value::Whole(number as i128) } else { Value::Real(number) }
                };
                (count <= limit as f64).then(|| (0..count as usize).map(value).collect())
            }
            _ => None,
        }
    }

    /// W&B's name of it.
    pub fn name(&self) -> &'static str {
        let (plain, with_q) = match self {
            Self::Categorical { .. } => ("categorical", ""),
            Self::IntUniform { .. } => ("int_uniform", ""),
            Self::Uniform(_) => ("uniform", "q_uniform"),
            Self::LogUniform(_) => ("log_uniform", "q_log_uniform"),
            Self::LogUniformValues(_) => ("log_uniform_values", "q_log_uniform_values"),
            Self::InvLogUniform(_) => ("inv_log_uniform", ""),
            Self::InvLogUniformValues(_) => ("inv_log_uniform_values", ""),
            Self::Normal(_) => ("normal", "q_normal"),
            Self::LogNormal(_) => ("log_normal", "q_log_normal"),
            Self::Beta { .. } => ("beta", "q_beta"),
        };
        if self.q().is_some() && !with_q.is_empty() { with_q } else { plain }
    }
}

impl Bounds {
    /// Bounds without a step.
    pub fn new(min: f64, max: f64) -> Self {
        Self { min, max, q: None }
    }
}
