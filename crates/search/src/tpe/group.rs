//! Which parameters are modelled together.

use crate::space::Space;

/// Parameters that exist under the same condition, and so always together: their values are estimated jointly, as in
/// Optuna's `group` (`TPESampler(multivariate=True, group=True)`), but known from the space and not from the trials.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Group {
    /// Their places in the space, ascending.
    pub(crate) places: Vec<usize>,
}

impl Group {
    /// All groups of a space; each comes after the group of the parameter that decides whether it exists.
    pub(crate) fn all(space: &Space) -> Vec<Self> {
        let parameters = space.parameters();
        let mut groups: Vec<Self> = Vec::new();
        for (place, parameter) in parameters.iter().enumerate() {
            match groups.iter_mut().find(|group| parameters[group.places[0]].when == parameter.when) {
                Some(group) => group.places.push(place),
                None => groups.push(Self { places: vec![place] }),
            }
        }
        groups
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dimension::Dimension;
    use crate::space::{Condition, Parameter};

    #[test]
    fn parameters_of_one_condition_form_a_group() {
        let when = |value: f64| Some(Condition { parent: 0, values: vec![value] });
        let conditions = [None, when(0.0), when(1.0), None, when(0.0)];
        let parameters = conditions.into_iter().enumerate().map(|(place, when)| Parameter {
            name: format!("p{place}"),
            dimension: Dimension::Choice { weights: vec![1.0; 2] },
            when,
        });
        let groups = Group::all(&Space::new(parameters.collect()).unwrap());
        let places: Vec<Vec<usize>> = groups.into_iter().map(|group| group.places).collect();
        assert_eq!(places, [vec![0, 3], vec![1, 4], vec![2]]);
    }
}
