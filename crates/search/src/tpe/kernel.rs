//! The kernels of one parameter: what each observation, and the prior, says about where its value is likely.

use crate::dimension::{Axis, Dimension};
use crate::draws::Draws;
use crate::normal;

/// The kernels of one parameter, one for each observation and, last, the prior.
#[derive(Clone, Debug)]
pub(crate) enum Kernels<'a> {
    /// Normal distributions, cut to the axis.
    Numbers(&'a Dimension, Axis, Vec<Bell>),
    /// Probabilities of the choices.
    Choices(Vec<Vec<f64>>),
}

/// A normal distribution on an axis.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Bell {
    mean: f64,
    deviation: f64,
    /// ln of the share that lies on the axis.
    log_share: f64,
}

impl Bell {
    fn new(mean: f64, deviation: f64, axis: Axis) -> Self {
        let share = normal::mass((axis.low - mean) / deviation, (axis.high - mean) / deviation);
        Self { mean, deviation, log_share: share.ln() }
    }

    fn log_density(&self, at: f64) -> f64 {
        normal::log_density((at - self.mean) / self.deviation) - self.deviation.ln() - self.log_share
    }

    fn log_mass(&self, from: f64, to: f64) -> f64 {
        let standard = |at: f64| (at - self.mean) / self.deviation;
        normal::mass(standard(from), standard(to)).ln() - self.log_share
    }
}

impl<'a> Kernels<'a> {
    /// The kernels around `values`, all of `dimension`.
    pub(crate) fn new(dimension: &'a Dimension, values: &[f64]) -> Self {
        match (dimension, dimension.axis()) {
            (Dimension::Choice { weights }, _) => Self::Choices(choice_kernels(weights, values)),
            (_, Some(axis)) => {
                let means: Vec<f64> = values.iter().map(|value| dimension.coordinate(*value)).collect();
                Self::Numbers(dimension, axis, bells(axis, &means))
            }
            // Only a choice has no axis.
            (_, None) => Self::Choices(Vec::new()),
        }
    }

    /// A value from the kernel at `place`.
    pub(crate) fn draw(&self, place: usize, draws: &mut Draws) -> f64 {
        match self {
            Self::Numbers(dimension, axis, bells) => {
                let bell = bells[place];
                dimension.value_at(draws.truncated_normal(bell.mean, bell.deviation, axis.low, axis.high))
            }
            Self::Choices(rows) => draws.pick(&rows[place]) as f64,
        }
    }

    /// Adds to each sum the logarithm of that kernel's density at `value`; of a stepped number and of a choice: of its
    /// probability.
    pub(crate) fn add_log_densities(&self, value: f64, sums: &mut [f64]) {
        match self {
            Self::Numbers(dimension, _, bells) => {
                let (cell, at) = (dimension.cell(value), dimension.coordinate(value));
                for (sum, bell) in sums.iter_mut().zip(bells) {
                    *sum += cell.map_or_else(|| bell.log_density(at), |(from, to)| bell.log_mass(from, to));
                }
            }
            Self::Choices(rows) => {
                for (sum, row) in sums.iter_mut().zip(rows) {
                    *sum += row[value as usize].ln();
                }
            }
        }
    }
}

/// One normal distribution around each mean, then the prior: the axis' centre with its whole width.
///
/// A deviation is the distance to the farther of both neighbours, of the outermost to their only one (Bergstra et al.
/// 2011, section 4.2), kept between width/min(100, n + 2) and the width for n observations: the "magic clip" of
/// hyperopt (`adaptive_parzen_normal`; Watanabe 2023, section 3.3), with the n + 1 kernels counted as in Optuna 5.
fn bells(axis: Axis, means: &[f64]) -> Vec<Bell> {
    let mut order: Vec<usize> = (0..means.len()).collect();
    order.sort_by(|one, other| means[*one].total_cmp(&means[*other]));
    let narrowest = axis.width / (means.len() as f64 + 2.0).min(100.0);
    let mut bells = vec![Bell::new(axis.centre, axis.width, axis); means.len() + 1];
    for (rank, place) in order.iter().enumerate() {
        let gap = |other: Option<&usize>| other.map(|other| (means[*other] - means[*place]).abs());
        let before = gap(rank.checked_sub(1).and_then(|rank| order.get(rank)));
        let after = gap(order.get(rank + 1));
        // A single observation has no neighbour: the ends of the axis stand in.
        let alone = (means[*place] - axis.low).max(axis.high - means[*place]);
        let gap = before.into_iter().chain(after).reduce(f64::max).unwrap_or(alone);
        bells[*place] = Bell::new(means[*place], gap.clamp(narrowest, axis.width), axis);
    }
    bells
}

/// For each observed choice the prior with weight c/(n + 1) plus one for the choice itself, scaled to 1, for c
/// choices; then the prior alone (Optuna, `_calculate_categorical_distributions`).
fn choice_kernels(weights: &[f64], values: &[f64]) -> Vec<Vec<f64>> {
    let total: f64 = weights.iter().sum();
    let prior: Vec<f64> = weights.iter().map(|weight| weight / total).collect();
    let share = weights.len() as f64 / (values.len() as f64 + 1.0);
    let row = |value: &f64| {
        let mut row: Vec<f64> = prior.iter().map(|weight| weight * share / (share + 1.0)).collect();
        // A choice that was dropped since keeps its weight of zero.
        row[*value as usize] += if prior[*value as usize] > 0.0 { 1.0 / (share + 1.0) } else { 0.0 };
        row
    };
    values.iter().map(row).chain([prior.clone()]).collect()
}

#[cfg(test)]
#[allow(clippy::float_cmp)]
mod tests {
    use super::*;

    fn density(kernels: &Kernels<'_>, place: usize, count: usize, value: f64) -> f64 {
        let mut sums = vec![0.0; count];
        kernels.add_log_densities(value, &mut sums);
        sums[place].exp()
    }

    #[test]
    fn every_kernel_of_numbers_integrates_to_one() {
        let dimension = Dimension::Real { low: -1.0, high: 3.0, log: false, step: None };
        let kernels = Kernels::new(&dimension, &[-1.0, 2.9, 0.5]);
        for place in 0..4 {
            let cells = 4000;
            let width = 4.0 / f64::from(cells);
            let middle = |cell: i32| -1.0 + (f64::from(cell) + 0.5) * width;
            let sum: f64 = (0..cells).map(|cell| density(&kernels, place, 4, middle(cell)) * width).sum();
            assert!((sum - 1.0).abs() < 1e-5, "kernel {place}: {sum}");
        }
    }

    #[test]
    fn probabilities_of_steps_and_of_choices_sum_to_one() {
        let rank = Dimension::Whole { low: 1, high: 64, log: true, step: 1 };
        let kernels = Kernels::new(&rank, &[1.0, 64.0, 8.0]);
        for place in 0..4 {
            let sum: f64 = (1..=64).map(|value| density(&kernels, place, 4, f64::from(value))).sum();
            assert!((sum - 1.0).abs() < 1e-12, "kernel {place}: {sum}");
        }
        let choice = Dimension::Choice { weights: vec![1.0, 0.0, 3.0] };
        let kernels = Kernels::new(&choice, &[2.0, 0.0]);
        for place in 0..3 {
            let sum: f64 = (0..3).map(|value| density(&kernels, place, 3, f64::from(value))).sum();
            assert!((sum - 1.0).abs() < 1e-12, "kernel {place}: {sum}");
            assert_eq!(density(&kernels, place, 3, 1.0), 0.0);
        }
    }

    #[test]
    fn deviations_reach_to_the_farther_neighbour_and_are_clipped() {
        let axis = Axis { low: 0.0, high: 10.0, centre: 5.0, width: 10.0 };
        let deviations =
            |means: &[f64]| bells(axis, means).iter().map(|bell| bell.deviation).collect::<Vec<_>>();
        assert_eq!(deviations(&[4.0]), [6.0, 10.0]);
        assert_eq!(deviations(&[9.0, 0.0, 3.0]), [6.0, 3.0, 6.0, 10.0]);
        // 10/min(100, 2 + 2) is the least.
        assert_eq!(deviations(&[3.0, 3.1]), [2.5, 2.5, 10.0]);
        let endless = Axis { low: f64::NEG_INFINITY, high: f64::INFINITY, centre: 0.0, width: 2.0 };
        assert_eq!(bells(endless, &[7.0])[0].deviation, 2.0);
    }

    #[test]
    fn a_dropped_choice_is_not_drawn_though_it_was_good() {
        let choice = Dimension::Choice { weights: vec![1.0, 0.0] };
        let kernels = Kernels::new(&choice, &[1.0]);
        assert_eq!((density(&kernels, 0, 2, 0.0), density(&kernels, 0, 2, 1.0)), (0.5, 0.0));
    }
}
