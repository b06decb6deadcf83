//! Exponential smoothing as TensorBoard draws it: debiased, so that the first points are not pulled towards zero.
//!
//! Source: tensorboard, `plugins/scalar/vz_line_chart2` (`resmoothDataset`): `last = last·w + (1-w)·value`, shown as
//! `last / (1 - wⁿ)`. Values that are not finite are passed through and do not count.

use super::pyramid::Pyramid;
use super::series::{Column, Series, XAxis};

/// A series' smoothed values, kept up to date point by point.
#[derive(Clone, Debug)]
pub struct Smoothed {
    weight: f64,
    sum: f64,
    count: u32,
    revision: u64,
    values: Pyramid,
}

impl Smoothed {
    /// Smoothing with `weight` from 0 (none) to below 1 (strong); outside values are brought inside.
    pub fn new(weight: f64) -> Self {
        let weight = if weight.is_finite() { weight.clamp(0.0, 0.999_999) } else { 0.0 };
        Self { weight, sum: 0.0, count: 0, revision: 0, values: Pyramid::default() }
    }

    /// The weight.
    pub fn weight(&self) -> f64 {
        self.weight
    }

    /// Takes up what was added to `series`; begins afresh where it was changed otherwise.
    pub fn update(&mut self, series: &Series) {
        if self.revision != series.revision() || self.values.values().len() > series.len() {
            *self = Self { revision: series.revision(), ..Self::new(self.weight) };
        }
        for value in &series.values()[self.values.values().len()..] {
            let smoothed = self.next(f64::from(*value)) as f32;
            self.values.push(smoothed);
        }
    }

    /// The smoothed values, one per point.
    pub fn values(&self) -> &[f32] {
        self.values.values()
    }

    /// The columns of the smoothed curve; `series` is the one last given to [`Smoothed::update`].
    pub fn columns(
        &self,
        series: &Series,
        axis: XAxis,
        from: f64,
        to: f64,
        count: usize,
    ) -> Vec<Option<Column>> {
        series.columns_of(&self.values, axis, from, to, count)
    }

    fn next(&mut self, value: f64) -> f64 {
        if !value.is_finite() {
            return value;
        }
        self.sum = self.sum * self.weight + (1.0 - self.weight) * value;
        self.count = self.count.saturating_add(1);
        self.sum / (1.0 - self.weight.powf(f64::from(self.count)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn series(values: &[f64]) -> Series {
        let mut series = Series::default();
        values.iter().enumerate().for_each(|(step, value)| series.push(step as u64, 0.0, *value));
        series
    }

    #[test]
    fn the_first_points_are_not_pulled_to_zero() {
        let mut smoothed = Smoothed::new(0.6);
        smoothed.update(&series(&[4.0, 2.0, f64::NAN, 1.0]));
        // By hand: 1.6/0.4 = 4; (0.96+0.8)/0.64 = 2.75; skipped; (1.056+0.4)/0.784 = 1.857142…
        let expected = [4.0, 2.75, f32::NAN, 1.857_142_9];
        for (value, expected) in smoothed.values().iter().zip(expected) {
            assert!(
                (value - expected).abs() < 1e-6 || (value.is_nan() && expected.is_nan()),
                "{value} {expected}"
            );
        }
    }

    #[test]
    fn points_added_or_purged_later_give_the_same_curve() {
        let all: Vec<f64> = (0..200).map(|index| f64::from(index % 17)).collect();
        let (mut grown, mut growing) = (Smoothed::new(0.9), series(&all[..50]));
        grown.update(&growing);
        all[50..].iter().enumerate().for_each(|(index, value)| growing.push(50 + index as u64, 0.0, *value));
        grown.update(&growing);
        let mut at_once = Smoothed::new(0.9);
        at_once.update(&series(&all));
        assert_eq!(grown.values(), at_once.values());
        growing.purge(100);
        grown.update(&growing);
        assert_eq!(grown.values(), &at_once.values()[..100]);
    }

    #[test]
    fn weight_zero_changes_nothing() {
        let mut smoothed = Smoothed::new(f64::NAN);
        smoothed.update(&series(&[1.0, 5.0, 2.0]));
        assert_eq!(smoothed.values(), [1.0, 5.0, 2.0]);
    }
}
