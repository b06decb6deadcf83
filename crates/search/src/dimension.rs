//! The values that one parameter may take, as numbers.

mod fault;

use serde::{Deserialize, Serialize};

use crate::draws;
use crate::normal;

/// What a parameter may be. A value is always an `f64`: of a choice it is the place in the list.
///
/// A distribution that is not here can be searched through its cumulative function as a real between 0 and 1.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Dimension {
    /// A number from `low` to `high`.
    Real {
        /// The least value.
        low: f64,
        /// The largest value; with a step, the largest `low + n·step` up to it.
        high: f64,
        /// Whether equal ratios are equally likely, not equal differences.
        log: bool,
        /// The distance of neighbouring values, counted from `low`; none: any number. (The q of W&B counts from 0: give
        /// bounds that are multiples of it.)
        step: Option<f64>,
    },
    /// A whole number from `low` to `high`, `low + n·step`.
    Whole {
        /// The least value.
        low: i64,
        /// The largest value, as for a real.
        high: i64,
        /// Whether equal ratios are equally likely.
        log: bool,
        /// The distance of neighbouring values.
        step: u64,
    },
    /// A number from a normal distribution, without bounds.
    Normal {
        /// The mean; with `log`, of the value's natural logarithm.
        mu: f64,
        /// The standard deviation; with `log`, of the value's natural logarithm.
        sigma: f64,
        /// Whether the value is e to the power of what is drawn.
        log: bool,
        /// Values are rounded to the multiples of this; with `log` the least is one step.
        step: Option<f64>,
    },
    /// One of a list. A weight of zero is never proposed, so that a value dropped in mid-sweep keeps its place.
    Choice {
        /// How likely each is at random, in any unit.
        weights: Vec<f64>,
    },
}

/// A dimension of numbers in the coordinate in which it is modelled: the logarithm where the dimension has `log`.
///
/// `low` and `high` include half a step beyond the outermost values, so that each value of a stepped dimension owns a
/// cell (Optuna, `samplers/_tpe/parzen_estimator.py`).
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Axis {
    /// Where the density begins.
    pub(crate) low: f64,
    /// Where it ends.
    pub(crate) high: f64,
    /// The middle of the prior.
    pub(crate) centre: f64,
    /// The width of the prior: the length of a bounded axis, the standard deviation of a normal one.
    pub(crate) width: f64,
}

/// The nearest number with 15 significant digits: 0.3, not `0.1 + 2·0.1`, so that it also reads well.
fn tidy(value: f64) -> f64 {
    format!("{value:.14e}").parse().unwrap_or(value)
}

fn forward(value: f64, log: bool) -> f64 {
    if log { value.ln() } else { value }
}

impl Dimension {
    fn log(&self) -> bool {
        match self {
            Self::Real { log, .. } | Self::Whole { log, .. } | Self::Normal { log, .. } => *log,
            Self::Choice { .. } => false,
        }
    }

    fn step(&self) -> Option<f64> {
        match self {
            Self::Real { step, .. } | Self::Normal { step, .. } => *step,
            Self::Whole { step, .. } => Some(*step as f64),
            Self::Choice { .. } => None,
        }
    }

    /// The least and the largest value.
    fn range(&self) -> (f64, f64) {
        match self {
            Self::Real { low, high, step, .. } => (*low, last(*low, *high, *step)),
            Self::Whole { low, high, step, .. } => {
                (*low as f64, last(*low as f64, *high as f64, Some(*step as f64)))
            }
            Self::Normal { log: false, .. } => (f64::NEG_INFINITY, f64::INFINITY),
            Self::Normal { log: true, step, .. } => (step.unwrap_or(0.0), f64::INFINITY),
            Self::Choice { weights } => (0.0, weights.len() as f64 - 1.0),
        }
    }

    /// Whether `value` may come from here. A stepped dimension takes any number between its bounds: a sweep may have
    /// been edited, or its first trials given by hand.
    pub fn contains(&self, value: f64) -> bool {
        if let Self::Choice { weights } = self {
            return value >= 0.0 && value.fract() == 0.0 && weights.get(value as usize).is_some();
        }
        let (low, high) = self.range();
        let width = high - low;
        let slack = if width.is_finite() { 1e-9 * width } else { 0.0 };
        let is_inside = value.is_finite() && value >= low - slack && value <= high + slack;
        is_inside && (!self.log() || value > 0.0)
    }

    /// The axis of a dimension of numbers; none of a choice.
    pub(crate) fn axis(&self) -> Option<Axis> {
        match self {
            Self::Choice { .. } => None,
            Self::Normal { mu, sigma, .. } => {
                Some(Axis { low: f64::NEG_INFINITY, high: f64::INFINITY, centre: *mu, width: *sigma })
            }
            _ => {
                let (first, last) = self.range();
                let half = self.step().unwrap_or(0.0) / 2.0;
                let (low, high) = (forward(first - half, self.log()), forward(last + half, self.log()));
                // A single number needs some width to be drawn from; every place on it is that number.
                let (low, high) = if high > low { (low, high) } else { (low - 0.5, low + 0.5) };
                Some(Axis { low, high, centre: f64::midpoint(low, high), width: high - low })
            }
        }
    }

    /// Where on the axis `value` lies.
    pub(crate) fn coordinate(&self, value: f64) -> f64 {
        forward(value, self.log())
    }

    /// The value at a place of the axis: bounds are kept and steps rounded to.
    pub(crate) fn value_at(&self, coordinate: f64) -> f64 {
        let value = if self.log() { coordinate.exp() } else { coordinate };
        let (low, high) = self.range();
        let origin = if low.is_finite() { low } else { 0.0 };
        let rounded =
            self.step().map_or(value, |step| tidy(origin + ((value - origin) / step).round() * step));
        // e to the power of a large number is infinite; a config has no word for that.
        rounded.clamp(low.max(f64::MIN), high.min(f64::MAX)).max(if self.log() {
            f64::MIN_POSITIVE
        } else {
            low
        })
    }

    /// The ends of the cell that the value owns on the axis; none where values are not stepped.
    pub(crate) fn cell(&self, value: f64) -> Option<(f64, f64)> {
        let half = self.step()? / 2.0;
        let (low, _) = self.range();
        let from = if self.log() && value - half <= 0.0 {
            f64::NEG_INFINITY
        } else {
            forward(value - half, self.log())
        };
        // The first of the multiples of a log-normal step also gets everything below.
        let from = if matches!(self, Self::Normal { log: true, .. }) && value <= low {
            f64::NEG_INFINITY
        } else {
            from
        };
        Some((from, forward(value + half, self.log())))
    }

    /// The value at the share `unit` (in (0, 1)) of the dimension's own distribution.
    pub(crate) fn quantile(&self, unit: f64) -> f64 {
        match self {
            Self::Choice { weights } => draws::pick(weights, unit) as f64,
            Self::Normal { mu, sigma, .. } => self.value_at(mu + sigma * normal::quantile(unit)),
            _ => self.axis().map_or(0.0, |axis| self.value_at(axis.low + unit * axis.width)),
        }
    }
}

/// The last of `low + n·step` up to `high`; a step that misses it by rounding alone counts.
fn last(low: f64, high: f64, step: Option<f64>) -> f64 {
    // Tidied, a single value may come out a hair below itself.
    step.map_or(high, |step| tidy(low + ((high - low) / step + 1e-9).floor() * step).max(low))
}

#[cfg(test)]
#[allow(clippy::float_cmp)]
mod tests {
    use super::*;

    fn real(low: f64, high: f64, log: bool, step: Option<f64>) -> Dimension {
        Dimension::Real { low, high, log, step }
    }

    #[test]
    fn steps_read_well_and_end_at_the_last_that_fits() {
        let dropout = real(0.0, 0.5, false, Some(0.05));
        let values: Vec<f64> = (0..11).map(|n| dropout.quantile((f64::from(n) + 0.5) / 11.0)).collect();
        assert_eq!(values, [0.0, 0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.35, 0.4, 0.45, 0.5]);
        let short = real(0.0, 0.5, false, Some(0.3));
        assert_eq!((short.quantile(0.01), short.quantile(0.99)), (0.0, 0.3));
    }

    #[test]
    fn a_log_scale_draws_equal_ratios() {
        let rate = real(1e-6, 1e-2, true, None);
        assert!((rate.quantile(0.5) / 1e-4 - 1.0).abs() < 1e-12);
        let rank = Dimension::Whole { low: 1, high: 256, log: true, step: 1 };
        assert_eq!((rank.quantile(1e-9), rank.quantile(1.0 - 1e-9)), (1.0, 256.0));
        assert!((10.0..13.0).contains(&rank.quantile(0.5)), "{}", rank.quantile(0.5));
    }

    #[test]
    fn cells_of_a_stepped_dimension_tile_its_axis() {
        for dimension in [
            real(0.1, 0.9, false, Some(0.2)),
            real(0.1, 0.9, true, Some(0.1)),
            Dimension::Whole { low: 2, high: 9, log: true, step: 3 },
        ] {
            let axis = dimension.axis().unwrap();
            let mut at = axis.low;
            while at < axis.high - 1e-9 {
                let (from, to) = dimension.cell(dimension.value_at(at + 1e-6)).unwrap();
                assert!((from - at).abs() < 1e-9 && to > from, "{dimension:?} {at} {from} {to}");
                at = to;
            }
        }
    }

    #[test]
    fn a_normal_one_is_centred_and_stays_finite() {
        let rate = Dimension::Normal { mu: -7.0, sigma: 2.0, log: true, step: None };
        assert!((rate.quantile(0.5).ln() + 7.0).abs() < 1e-12);
        let wild = Dimension::Normal { mu: 0.0, sigma: 1e300, log: true, step: None };
        assert!(wild.quantile(0.99).is_finite() && wild.quantile(0.01) > 0.0);
        let stepped = Dimension::Normal { mu: 0.0, sigma: 1.0, log: true, step: Some(0.5) };
        let (from, to) = stepped.cell(0.5).unwrap();
        assert_eq!([stepped.quantile(1e-6), from, to], [0.5, f64::NEG_INFINITY, 0.75_f64.ln()]);
    }

    #[test]
    fn only_places_of_the_list_are_choices() {
        let choice = Dimension::Choice { weights: vec![1.0, 0.0] };
        let taken: Vec<bool> =
            [0.0, 1.0, 2.0, -1.0, 0.5, f64::NAN].map(|value| choice.contains(value)).into();
        assert_eq!(taken, [true, true, false, false, false, false]);
    }
}
