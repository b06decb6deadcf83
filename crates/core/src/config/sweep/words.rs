//! A sweep's space in words, as `check` shows it.

use std::fmt;

use super::sample::short_text;
use super::{AxisValues, Bell, Bounds, Condition, Distribution, Method, SearchAxis, Stopping, Unit};
use crate::config::value::{Value, number_text};

/// How many values of a list are named.
const NAMED: usize = 12;

impl fmt::Display for Method {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Grid => "grid",
            Self::Random => "random",
            Self::Bayes => "bayes",
        })
    }
}

/// `4, 8, 16`, or `1e-5 to 1e-3 (log_uniform_values)`.
impl fmt::Display for Distribution {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = self.name();
        match self {
            Self::Categorical { values, probabilities: None } => f.write_str(&listed(values)),
            Self::Categorical { values, probabilities: Some(shares) } => {
                let parts: Vec<String> = values
                    .iter()
                    .zip(shares)
                    .map(|(value, share)| {
                        format!("{} ({} %)", value.plain(), number_text(super::neat(100.0 * share)))
                    })
                    .collect();
                f.write_str(&parts.join(", "))
            }
            Self::IntUniform { min, max } => write!(f, "{min} to {max} ({name})"),
            Self::Uniform(bounds) | Self::LogUniformValues(bounds) | Self::InvLogUniformValues(bounds) => {
                write!(
                    f,
                    "{} to {} ({name}{})",
                    number_text(bounds.min),
                    number_text(bounds.max),
                    step(self.q())
                )
            }
            Self::LogUniform(Bounds { min, max, .. }) | Self::InvLogUniform(Bounds { min, max, .. }) => {
                let (low, high) = (end_text(&self.sample(0.0)), end_text(&self.sample(1.0)));
                let exponents = format!("exponents {} to {}", number_text(*min), number_text(*max));
                write!(f, "{low} to {high} ({name}, {exponents}{})", step(self.q()))
            }
            Self::Normal(Bell { mu, sigma, .. }) | Self::LogNormal(Bell { mu, sigma, .. }) => {
                write!(f, "{name} (mu {}, sigma {}{})", number_text(*mu), number_text(*sigma), step(self.q()))
            }
            Self::Beta { a, b, .. } => {
                write!(f, "{name} (a {}, b {}{})", number_text(*a), number_text(*b), step(self.q()))
            }
        }
    }
}

/// An end of what is drawn, in six digits.
pub(super) fn end_text(value: &Value) -> String {
    match value {
        Value::Real(number) => short_text(*number),
        other => other.to_string(),
    }
}

fn step(q: Option<f64>) -> String {
    q.map_or_else(String::new, |q| format!(", q {}", number_text(q)))
}

fn listed(values: &[Value]) -> String {
    let mut parts: Vec<String> = values.iter().take(NAMED).map(Value::plain).collect();
    if values.len() > NAMED {
        parts.push(format!("… ({} values)", values.len()));
    }
    parts.join(", ")
}

/// `lora_rank: 4, 8`, and for keys that go together `lora_rank + learning_rate: 4 + 1e-4, 8 + 2e-4`.
impl fmt::Display for SearchAxis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: ", self.keys.join(" + "))?;
        match &self.values {
            AxisValues::Drawn(distribution) => write!(f, "{distribution}")?,
            AxisValues::Rows(rows) => {
                let cell = |cell: &Option<Value>| cell.as_ref().map_or_else(|| "—".to_owned(), Value::plain);
                let row = |row: &Vec<Option<Value>>| row.iter().map(cell).collect::<Vec<_>>().join(" + ");
                let mut parts: Vec<String> = rows.iter().take(NAMED).map(row).collect();
                if rows.len() > NAMED {
                    parts.push(format!("… ({} rows)", rows.len()));
                }
                f.write_str(&parts.join(", "))?;
            }
        }
        for (index, condition) in self.when.iter().enumerate() {
            let word = if index == 0 { " where" } else { " and" };
            write!(f, "{word} {condition}")?;
        }
        Ok(())
    }
}

/// `lora_rank is 8 or 16`.
impl fmt::Display for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let values: Vec<String> = self.values.iter().map(Value::plain).collect();
        write!(f, "{} is {}", self.key, values.join(" or "))
    }
}

/// `asha: from step 100 on the best of every 3 go on at each rung, three times as far`.
impl fmt::Display for Stopping {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Asha { unit, grace_period, reduction_factor, max_t, by_best } => {
                let unit = match unit {
                    Unit::Steps => "steps",
                    Unit::Values => "values of the metric",
                };
                let (first, factor) = (number_text(grace_period.floor()), reduction_factor);
                write!(
                    f,
                    "asha: after {first} {unit} and each {factor} times as many one run of {factor} continues"
                )?;
                max_t.map_or(Ok(()), |max_t| write!(f, ", up to {max_t}"))?;
                f.write_str(if *by_best { ", by its best value so far" } else { "" })
            }
            Self::MedianStop { grace_period, min_runs } => write!(
                f,
                "median_stop: from step {grace_period} on a run ends that is worse than the median of {min_runs} or more others"
            ),
        }
    }
}
