//! Random search: every trial is drawn from the dimensions' own distributions.

use crate::draws::{Draws, Purpose};
use crate::space::{Point, Space};

/// The point of `trial`. It depends on space, seed and trial alone, and each value on its parameter's name and
/// dimension alone: trial 7 is the same whatever happened before it, and stays so when other parameters are added.
pub fn propose(space: &Space, seed: u64, trial: u64) -> Point {
    attempt(space, seed, trial, 0)
}

/// Another random point of the same trial for each `number` above 0.
pub(crate) fn attempt(space: &Space, seed: u64, trial: u64, number: u64) -> Point {
    space.fill(|parameter| {
        let unit = Draws::new(seed, trial, Purpose::Random, number, &parameter.name).unit();
        parameter.dimension.quantile(unit)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dimension::Dimension;
    use crate::space::{Condition, Parameter};

    fn choice(name: &str, weights: &[f64], when: Option<Condition>) -> Parameter {
        Parameter { name: name.into(), dimension: Dimension::Choice { weights: weights.to_vec() }, when }
    }

    #[test]
    fn values_come_as_often_as_their_weights_say() {
        let space = Space::new(vec![choice("a", &[1.0, 0.0, 3.0], None)]).unwrap();
        let counts = (0..4000).fold([0; 3], |mut counts, trial| {
            counts[propose(&space, 5, trial)[0].unwrap() as usize] += 1;
            counts
        });
        assert!(counts[1] == 0 && (900..1100).contains(&counts[0]), "{counts:?}");
    }

    #[test]
    fn a_parameter_keeps_its_values_when_another_is_added() {
        let alone = Space::new(vec![choice("b", &[1.0; 9], None)]).unwrap();
        let both = Space::new(vec![choice("a", &[1.0; 9], None), choice("b", &[1.0; 9], None)]).unwrap();
        for trial in 0..50 {
            assert_eq!(propose(&alone, 1, trial)[0], propose(&both, 1, trial)[1]);
        }
    }
}
