//! What is searched: named parameters, some of which exist only where another has certain values.

use std::collections::HashMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::dimension::Dimension;

/// One value per parameter of the space, in its order; none where the parameter is not active.
pub type Point = Vec<Option<f64>>;

/// When a parameter exists.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Condition {
    /// The place of the deciding parameter, which comes earlier in the space.
    pub parent: usize,
    /// The deciding parameter's values (of a choice: places in its list) with which this one exists.
    pub values: Vec<f64>,
}

/// One thing that is searched.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Parameter {
    /// Its name, which also fixes its random numbers.
    pub name: String,
    /// What it may be.
    pub dimension: Dimension,
    /// When it exists; always, if none.
    pub when: Option<Condition>,
}

/// A checked list of parameters.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Vec<Parameter>", into = "Vec<Parameter>")]
pub struct Space {
    parameters: Vec<Parameter>,
}

/// Why a space or an observation cannot be used.
#[derive(Clone, Debug, PartialEq)]
pub enum SpaceError {
    /// Two parameters have one name.
    Doubled {
        /// The name.
        name: String,
    },
    /// A dimension holds nothing, or what cannot be drawn from.
    Dimension {
        /// The parameter's name.
        name: String,
        /// What is wrong and what would be right.
        fault: &'static str,
    },
    /// A condition names no earlier parameter.
    Parent {
        /// The parameter's name.
        name: String,
        /// The place that its condition names.
        parent: usize,
    },
    /// A condition lists no value, or one that its deciding parameter never has.
    Value {
        /// The parameter's name.
        name: String,
        /// The deciding parameter's name.
        parent: String,
        /// The value, if one is listed.
        value: Option<f64>,
    },
    /// An observed point does not have one entry per parameter.
    Length {
        /// The trial.
        trial: u64,
        /// Its entries.
        found: usize,
        /// The space's parameters.
        expected: usize,
    },
    /// One trial was observed twice.
    Trial {
        /// The trial.
        trial: u64,
    },
}

impl fmt::Display for SpaceError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Doubled { name } => {
                write!(out, "two parameters are called {name:?}; give each a name of its own")
            }
            Self::Dimension { name, fault } => write!(out, "{name:?} cannot be searched: {fault}"),
            Self::Parent { name, parent } => {
                write!(out, "the condition of {name:?} names parameter {parent}; it must name an earlier one")
            }
            Self::Value { name, parent, value: Some(value) } => {
                write!(out, "the condition of {name:?} lists {value}, which {parent:?} never is")
            }
            Self::Value { name, parent, value: None } => {
                write!(out, "the condition of {name:?} lists no value of {parent:?}, so it would never exist")
            }
            Self::Length { trial, found, expected } => {
                write!(out, "trial {trial} has {found} values and the space {expected} parameters")
            }
            Self::Trial { trial } => write!(out, "trial {trial} was given twice among the observations"),
        }
    }
}

impl std::error::Error for SpaceError {}

impl Condition {
    /// Whether it holds at a point whose entries before the conditional parameter are known.
    fn holds(&self, point: &[Option<f64>]) -> bool {
        point[self.parent].is_some_and(|value| self.values.iter().any(|wanted| is_same(*wanted, value)))
    }
}

/// Equal up to the rounding of a step.
fn is_same(one: f64, other: f64) -> bool {
    (one - other).abs() <= 1e-9 * one.abs().max(other.abs())
}

impl Space {
    /// Checks names, dimensions and conditions.
    pub fn new(parameters: Vec<Parameter>) -> Result<Self, SpaceError> {
        let mut seen = HashMap::new();
        for (place, parameter) in parameters.iter().enumerate() {
            let name = || parameter.name.clone();
            if seen.insert(&parameter.name, place).is_some() {
                return Err(SpaceError::Doubled { name: name() });
            }
            if let Some(fault) = parameter.dimension.fault() {
                return Err(SpaceError::Dimension { name: name(), fault });
            }
            if let Some(condition) = &parameter.when {
                check_condition(parameter, condition, &parameters[..place])?;
            }
        }
        Ok(Self { parameters })
    }

    /// The parameters in their order.
    pub fn parameters(&self) -> &[Parameter] {
        &self.parameters
    }

    /// Whether the parameter at `place` exists, given the entries before it.
    pub(crate) fn is_active(&self, place: usize, point: &[Option<f64>]) -> bool {
        self.parameters[place].when.as_ref().is_none_or(|condition| condition.holds(point))
    }

    /// Whether `point` could have been proposed: active parameters have a value of theirs and no other has one.
    pub fn contains(&self, point: &[Option<f64>]) -> bool {
        point.len() == self.parameters.len()
            && self.parameters.iter().enumerate().all(|(place, parameter)| match point[place] {
                Some(value) => self.is_active(place, point) && parameter.dimension.contains(value),
                None => !self.is_active(place, point),
            })
    }

    /// Makes a point by asking `draw` for each active parameter in turn.
    pub(crate) fn fill(&self, mut draw: impl FnMut(&Parameter) -> f64) -> Point {
        let mut point = Point::with_capacity(self.parameters.len());
        for (place, parameter) in self.parameters.iter().enumerate() {
            let value = self.is_active(place, &point).then(|| draw(parameter));
            point.push(value);
        }
        point
    }
}

fn check_condition(
    parameter: &Parameter,
    condition: &Condition,
    earlier: &[Parameter],
) -> Result<(), SpaceError> {
    let name = parameter.name.clone();
    let Some(parent) = earlier.get(condition.parent) else {
        return Err(SpaceError::Parent { name, parent: condition.parent });
    };
    let foreign = condition.values.iter().find(|value| !parent.dimension.contains(**value)).copied();
    if foreign.is_some() || condition.values.is_empty() {
        return Err(SpaceError::Value { name, parent: parent.name.clone(), value: foreign });
    }
    Ok(())
}

impl TryFrom<Vec<Parameter>> for Space {
    type Error = SpaceError;

    fn try_from(parameters: Vec<Parameter>) -> Result<Self, SpaceError> {
        Self::new(parameters)
    }
}

impl From<Space> for Vec<Parameter> {
    fn from(space: Space) -> Self {
        space.parameters
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn choice(name: &str, count: usize, when: impl Into<Option<Condition>>) -> Parameter {
        let when = when.into();
        Parameter { name: name.into(), dimension: Dimension::Choice { weights: vec![1.0; count] }, when }
    }

    fn when(parent: usize, values: &[f64]) -> Condition {
        Condition { parent, values: values.to_vec() }
    }

    #[test]
    fn every_mistake_is_named() {
        let said = |parameters: Vec<Parameter>| Space::new(parameters).unwrap_err().to_string();
        assert!(said(vec![choice("a", 2, None), choice("a", 2, None)]).contains("two parameters"));
        assert!(said(vec![choice("a", 0, None)]).contains("\"a\" cannot be searched: weights"));
        assert!(said(vec![choice("a", 2, when(0, &[0.0]))]).contains("must name an earlier one"));
        assert!(
            said(vec![choice("a", 2, None), choice("b", 2, when(0, &[2.0]))])
                .contains("lists 2, which \"a\"")
        );
        assert!(said(vec![choice("a", 2, None), choice("b", 2, when(0, &[]))]).contains("never exist"));
    }

    #[test]
    fn a_child_of_an_inactive_parameter_is_inactive() {
        let parameters =
            vec![choice("a", 2, None), choice("b", 2, when(0, &[1.0])), choice("c", 2, when(1, &[0.0, 1.0]))];
        let space = Space::new(parameters).unwrap();
        let mut values = [0.0, 1.0].into_iter();
        assert_eq!(space.fill(|_| values.next().unwrap()), [Some(0.0), None, None]);
        assert!(space.contains(&[Some(1.0), Some(0.0), Some(1.0)]));
        assert!(!space.contains(&[Some(0.0), Some(0.0), None]));
        assert!(!space.contains(&[Some(1.0), None, None]));
        assert!(!space.contains(&[Some(0.0), None]));
    }

    #[test]
    fn a_space_read_from_json_is_checked_too() {
        let bad = r#"[{"name": "a", "dimension": {"choice": {"weights": []}}, "when": null}]"#;
        let said = serde_json::from_str::<Space>(bad).unwrap_err().to_string();
        assert!(said.contains("weights"), "{said}");
        let good = Space::new(vec![choice("a", 2, None), choice("b", 3, when(0, &[1.0]))]).unwrap();
        let text = serde_json::to_string(&good).unwrap();
        assert_eq!(serde_json::from_str::<Space>(&text).unwrap(), good);
    }
}
