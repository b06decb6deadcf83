//! The value of a distribution at a given probability, by the inverse of its cumulative distribution.

use super::quantile::{beta_quantile, normal_quantile};
use super::{Bell, Bounds, Distribution};
use crate::config::value::Value;

impl Distribution {
    /// The value below which a draw lies with probability `u`, from 0 to 1; both ends are reached.
    ///
    /// Values of a `q_` distribution are the nearest multiples of `q` (halves to the even one, as numpy rounds), whole
    /// numbers where `q` is whole. Others have six digits: more than any training can tell apart, and short to read.
    pub fn sample(&self, u: f64) -> Value {
        let u = if u.is_nan() { 0.5 } else { u.clamp(0.0, 1.0) };
        match self {
            Self::Categorical { values, probabilities } => {
                let index = match probabilities {
                    Some(probabilities) => weighted_index(u, probabilities),
                    None => even_index(u, values.len()),
                };
                values.get(index).cloned().unwrap_or(Value::List(Vec::new()))
            }
            Self::IntUniform { min, max } => {
                let (min, max) = (i128::from(*min), i128::from(*max));
                let steps = (u * ((max - min + 1) as f64)).floor() as i128;
                Value::Whole((min + steps).min(max))
            }
            _ => match self.q() {
                Some(q) => multiple(self.quantile(u), q),
                None => Value::Real(self.quantile(u) + 0.0),
            },
        }
    }

    /// The number at probability `u` before it is made a multiple of `q`; 0 for those that give no such numbers.
    fn quantile(&self, u: f64) -> f64 {
        let is_exact = self.q().is_some();
        match *self {
            Self::Categorical { .. } | Self::IntUniform { .. } => 0.0,
            Self::Uniform(bounds) => {
                let number = bounds.between(u);
                if is_exact || u <= 0.0 || u >= 1.0 {
                    return number;
                }
                bounds.within(rounded(number, bounds.max - bounds.min))
            }
            Self::LogUniform(bounds) => bounds.map(f64::exp).logarithmic(u, is_exact),
            Self::LogUniformValues(bounds) | Self::InvLogUniformValues(bounds) => {
                bounds.logarithmic(u, is_exact)
            }
            Self::InvLogUniform(bounds) => bounds.inverse().logarithmic(u, is_exact),
            Self::Normal(bell) => {
                let number = bell.at(u);
                if is_exact { number } else { rounded(number, bell.sigma) }
            }
            Self::LogNormal(bell) => {
                let number = bell.at(u).exp();
                if is_exact { number } else { rounded(number, number) }
            }
            Self::Beta { a, b, .. } => {
                let number = beta_quantile(u, a, b);
                if is_exact { number } else { rounded(number, 1.0) }
            }
        }
    }
}

impl Bounds {
    fn map(self, shape: impl Fn(f64) -> f64) -> Self {
        Self { min: shape(self.min), max: shape(self.max), q: self.q }
    }

    /// From `exp(-max)` to `exp(-min)`.
    fn inverse(self) -> Self {
        Self { min: (-self.max).exp(), max: (-self.min).exp(), q: self.q }
    }

    fn within(self, number: f64) -> f64 {
        number.max(self.min).min(self.max)
    }

    fn between(self, u: f64) -> f64 {
        match u {
            0.0 => self.min,
            1.0 => self.max,
            // Each end by its own share: the difference of two large bounds could overflow.
            _ => self.within(self.min * (1.0 - u) + self.max * u),
        }
    }

    fn logarithmic(self, u: f64, is_exact: bool) -> f64 {
        let number = match u {
            0.0 => return self.min,
            1.0 => return self.max,
            _ => self.map(f64::ln).between(u).exp(),
        };
        // Six digits are enough where the bounds are further apart than that.
        let is_wide = self.max / self.min > 1.001;
        self.within(if is_exact || !is_wide { number } else { rounded(number, number) })
    }
}

impl Bell {
    /// Ends that have no finite value are taken as the outermost ones that a random number can reach.
    fn at(self, u: f64) -> f64 {
        let u = u.clamp(f64::EPSILON / 2.0, 1.0 - f64::EPSILON / 2.0);
        self.mu + self.sigma * normal_quantile(u)
    }
}

pub(super) fn even_index(u: f64, count: usize) -> usize {
    ((u * count as f64) as usize).min(count.saturating_sub(1))
}

/// The first value at which the sum of the probabilities passes `u`; they are scaled to 1 together.
fn weighted_index(u: f64, probabilities: &[f64]) -> usize {
    let wanted = u * probabilities.iter().sum::<f64>();
    let mut sum = 0.0;
    let possible = |index: &usize| probabilities.get(*index).is_some_and(|share| *share > 0.0);
    let last = (0..probabilities.len()).rev().find(possible).unwrap_or(0);
    for (index, share) in probabilities.iter().enumerate() {
        sum += share;
        if *share > 0.0 && wanted < sum {
            return index;
        }
    }
    last
}

/// The nearest multiple of `q`, a whole number where `q` is one.
fn multiple(number: f64, q: f64) -> Value {
    let number = (number / q).round_ties_even() * q;
    if q.fract() == 0.0 && number.abs() < 9_007_199_254_740_992.0 {
        return Value::Whole(number as i128);
    }
    Value::Real(neat(number) + 0.0)
}

/// Twelve digits: enough for every setting, and without the dust of binary fractions.
pub(crate) fn neat(value: f64) -> f64 {
    format!("{value:.11e}").parse().unwrap_or(value)
}

/// The number in six digits, for people.
pub(super) fn short_text(number: f64) -> String {
    crate::config::value::number_text(rounded(number, number))
}

/// The number to a millionth of `scale`, which is its size or that of what it is drawn from.
fn rounded(number: f64, scale: f64) -> f64 {
    if !number.is_finite() || scale <= 0.0 || !scale.is_finite() {
        return number;
    }
    let digits = 5 - scale.abs().log10().floor() as i32;
    // Through text, so that the result is the number which that text names.
    match usize::try_from(digits) {
        Ok(decimals) if decimals <= 300 => format!("{number:.decimals$}").parse().unwrap_or(number),
        Ok(_) => number,
        Err(_) => {
            let step = 10f64.powi(-digits);
            (number / step).round() * step
        }
    }
}

#[cfg(test)]
#[path = "distribution_tests.rs"]
mod tests;
