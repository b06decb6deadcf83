//! A density estimate: a mixture with one component for each observation and one for the prior, each component the
//! product of one kernel per parameter (the multivariate form of Falkner, Klein and Hutter, "BOHB", ICML 2018, with
//! the univariate bandwidths of `kernel`, as in Optuna 5). It keeps which values go together, which a product of
//! mixtures would lose.

use super::group::Group;
use super::kernel::Kernels;
use crate::draws::Draws;
use crate::space::{Point, Space};

/// The estimate for one group of parameters.
#[derive(Clone, Debug)]
pub(crate) struct Parzen<'a> {
    weights: Vec<f64>,
    log_weights: Vec<f64>,
    columns: Vec<Kernels<'a>>,
}

impl<'a> Parzen<'a> {
    /// The estimate from `points`, oldest first. Points without the group, or outside of its present bounds, say
    /// nothing about it.
    pub(crate) fn new(space: &'a Space, group: &Group, points: &[&Point]) -> Self {
        let within = |place: &usize, point: &Point| {
            point[*place].is_some_and(|value| space.parameters()[*place].dimension.contains(value))
        };
        let known: Vec<&&Point> =
            points.iter().filter(|point| group.places.iter().all(|place| within(place, point))).collect();
        let column = |place: &usize| {
            let values: Vec<f64> = known.iter().filter_map(|point| point[*place]).collect();
            Kernels::new(&space.parameters()[*place].dimension, &values)
        };
        let weights = weights(known.len());
        let total: f64 = weights.iter().sum();
        let log_weights = weights.iter().map(|weight| (weight / total).ln()).collect();
        Self { weights, log_weights, columns: group.places.iter().map(column).collect() }
    }

    /// A value for each parameter of the group.
    pub(crate) fn draw(&self, draws: &mut Draws) -> Vec<f64> {
        let component = draws.pick(&self.weights);
        self.columns.iter().map(|column| column.draw(component, draws)).collect()
    }

    /// ln of the density at `values`.
    pub(crate) fn log_density(&self, values: &[f64]) -> f64 {
        let mut sums = self.log_weights.clone();
        for (column, value) in self.columns.iter().zip(values) {
            column.add_log_densities(*value, &mut sums);
        }
        log_sum(&sums)
    }
}

/// ln Σ eˣ without overflow.
fn log_sum(terms: &[f64]) -> f64 {
    let largest = terms.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    if largest == f64::NEG_INFINITY {
        return largest;
    }
    largest + terms.iter().map(|term| (term - largest).exp()).sum::<f64>().ln()
}

/// The weights of `count` observations, oldest first, and of the prior: 1 each, but beyond 25 observations the older
/// ones fall off linearly to 1/count (Bergstra, Yamins and Cox, ICML 2013; hyperopt's `linear_forgetting_weights`).
fn weights(count: usize) -> Vec<f64> {
    let (recent, least) = (25, 1.0 / count.max(1) as f64);
    let old = count.saturating_sub(recent);
    let weight = |place: usize| match place {
        place if place >= old => 1.0,
        place => least + (1.0 - least) * place as f64 / (old - 1).max(1) as f64,
    };
    (0..count).map(weight).chain([1.0]).collect()
}

#[cfg(test)]
#[allow(clippy::float_cmp)]
mod tests {
    use super::*;
    use crate::draws::Purpose;
    use crate::{Dimension, Parameter};

    #[test]
    fn values_that_were_seen_together_are_drawn_together_and_likely_together() {
        let choice = |name: &str| Parameter {
            name: name.into(),
            dimension: Dimension::Choice { weights: vec![1.0; 4] },
            when: None,
        };
        let space = Space::new(vec![choice("a"), choice("b")]).unwrap();
        let seen: Vec<Point> = (0..40).map(|n| vec![Some(f64::from(n % 4)); 2]).collect();
        let estimate = Parzen::new(&space, &Group { places: vec![0, 1] }, &seen.iter().collect::<Vec<_>>());
        let mut draws = Draws::new(1, 0, Purpose::Candidates, 0, "");
        let equal =
            (0..1000).map(|_| estimate.draw(&mut draws)).filter(|values| values[0] == values[1]).count();
        assert!(equal > 700, "{equal} of 1000 pairs are of one kind; of independent ones a quarter would be");
        assert!(estimate.log_density(&[2.0, 2.0]) > estimate.log_density(&[2.0, 3.0]) + 2.0);
        let all: f64 =
            (0..16).map(|n| estimate.log_density(&[f64::from(n % 4), f64::from(n / 4)]).exp()).sum();
        assert!((all - 1.0).abs() < 1e-12, "{all}");
    }

    #[test]
    fn old_observations_fade() {
        assert_eq!(weights(0), [1.0]);
        assert_eq!(weights(25), [1.0; 26]);
        let faded = weights(40);
        assert_eq!((faded.len(), faded[0], faded[14], faded[15], faded[40]), (41, 1.0 / 40.0, 1.0, 1.0, 1.0));
        assert!(faded[..15].is_sorted_by(|one, other| one < other));
        assert_eq!(weights(26)[..2], [1.0 / 26.0, 1.0]);
    }

    #[test]
    fn sums_of_logarithms_neither_overflow_nor_vanish() {
        assert!((log_sum(&[1000.0, 1000.0]) - (1000.0 + 2.0_f64.ln())).abs() < 1e-12);
        let none = f64::NEG_INFINITY;
        assert_eq!([log_sum(&[none, -3.0]), log_sum(&[none; 2])], [-3.0, none]);
    }
}
