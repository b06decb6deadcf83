//! A frozen sweep as a space to search in, and points of that space as assignments.
//!
//! Numbers are searched by their probability under the distribution they are drawn from: there every distribution is
//! even, a logarithmic one too, and a step of the search is as likely a step anywhere.

use loradeck_core::config::{
    Assignment, AxisValues, Condition as Gate, Distribution, SearchAxis, SearchPlan, Value,
};
use loradeck_search::{Condition, Dimension, Parameter, Point, Space, SpaceError};

/// Whole numbers up to so many are searched one by one; more are as good as even.
const COUNTED: i64 = 1_000;

/// The space of a sweep: a parameter for each of its axes.
pub(super) fn space_of(plan: &SearchPlan) -> Result<Space, SpaceError> {
    let parameter = |(at, axis): (usize, &SearchAxis)| Parameter {
        name: axis.keys.join("+"),
        dimension: dimension(axis),
        when: axis.when.iter().find_map(|gate| condition(plan, at, gate)),
    };
    Space::new(plan.space.iter().enumerate().map(parameter).collect())
}

/// The assignment at a point.
pub(super) fn assignment_at(plan: &SearchPlan, point: &Point) -> Assignment {
    let probability = |(axis, entry): (&SearchAxis, &Option<f64>)| match (entry, &axis.values) {
        (None, _) => 0.5,
        (Some(index), AxisValues::Rows(rows)) => (index + 0.5) / rows.len().max(1) as f64,
        (Some(index), AxisValues::Drawn(Distribution::Categorical { values, probabilities })) => {
            match probabilities {
                Some(probabilities) => middle_of(probabilities, *index as usize),
                None => (index + 0.5) / values.len().max(1) as f64,
            }
        }
        (Some(index), AxisValues::Drawn(Distribution::IntUniform { min, max })) if max - min < COUNTED => {
            (index + 0.5) / (max - min + 1) as f64
        }
        (Some(probability), AxisValues::Drawn(_)) => *probability,
    };
    let probabilities: Vec<f64> = plan.space.iter().zip(point).map(probability).collect();
    plan.point(&probabilities)
}

/// The middle of the share that a value has of all probability.
fn middle_of(probabilities: &[f64], index: usize) -> f64 {
    let total: f64 = probabilities.iter().sum();
    let before: f64 = probabilities.iter().take(index).sum();
    let own = probabilities.get(index).copied().unwrap_or(0.0);
    (before + own / 2.0) / total
}

fn dimension(axis: &SearchAxis) -> Dimension {
    let even = |count: usize| Dimension::Choice { weights: vec![1.0; count] };
    match &axis.values {
        AxisValues::Rows(rows) => even(rows.len()),
        AxisValues::Drawn(Distribution::Categorical { values, probabilities }) => match probabilities {
            Some(probabilities) => Dimension::Choice { weights: probabilities.clone() },
            None => even(values.len()),
        },
        AxisValues::Drawn(Distribution::IntUniform { min, max }) if max - min < COUNTED => {
            Dimension::Whole { low: 0, high: max - min, log: false, step: 1 }
        }
        AxisValues::Drawn(_) => Dimension::Real { low: 0.0, high: 1.0, log: false, step: None },
    }
}

/// The gate as a condition on an earlier choice. Other gates are kept by the assignment, which leaves out what does not
/// vary; the search then only knows less of them.
fn condition(plan: &SearchPlan, at: usize, gate: &Gate) -> Option<Condition> {
    let parent = plan.space[..at].iter().position(|axis| axis.keys.contains(&gate.key))?;
    let axis = &plan.space[parent];
    let choices: Vec<Option<Value>> = match &axis.values {
        AxisValues::Rows(rows) => (0..rows.len()).map(|row| axis.row(row).get(&gate.key).cloned()).collect(),
        AxisValues::Drawn(Distribution::Categorical { values, .. }) => {
            values.iter().cloned().map(Some).collect()
        }
        AxisValues::Drawn(_) => return None,
    };
    let fits = |value: &Option<Value>| value.as_ref().is_some_and(|value| gate.values.contains(value));
    let values: Vec<f64> =
        choices.iter().enumerate().filter(|(_, value)| fits(value)).map(|(index, _)| index as f64).collect();
    (!values.is_empty()).then_some(Condition { parent, values })
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    fn search(sweep: &str) -> SearchPlan {
        let text =
            format!("base_model: m\ntrain_data_dir: d\nsweep:\n  method: random\n  run_cap: 9\n{sweep}");
        let (_, plan) = loradeck_core::config::plan(Path::new("e.yaml"), &text, &[], None).unwrap();
        plan.search.unwrap()
    }

    #[test]
    fn every_choice_and_number_is_reached_from_its_point() {
        let plan = search(
            "  parameters:\n    lora_rank: {values: [4, 8, 16]}\n    batch_size: {min: 1, max: 3}\n    learning_rate: {distribution: log_uniform_values, min: 1e-5, max: 1e-3}\n",
        );
        let space = space_of(&plan).unwrap();
        assert_eq!(space.parameters().len(), 3);
        let at = |point: [f64; 3]| {
            let values = assignment_at(&plan, &point.map(Some).to_vec());
            format!("{} {} {}", values["lora_rank"], values["batch_size"], values["learning_rate"])
        };
        assert_eq!(at([0.0, 0.0, 0.0]), "4 1 1e-5");
        assert_eq!(at([2.0, 2.0, 1.0]), "16 3 1e-3");
        assert_eq!(at([1.0, 1.0, 0.5]), "8 2 1e-4");
    }

    #[test]
    fn likely_values_have_wide_shares_and_gates_become_conditions() {
        let plan = search(
            "  parameters:\n    lr_scheduler: {values: [cosine, constant], probabilities: [0.9, 0.1]}\n    warmup_steps: {values: [1, 2]}\n  when: {warmup_steps: {lr_scheduler: [cosine]}}\n",
        );
        let space = space_of(&plan).unwrap();
        let when = space.parameters()[1].when.as_ref().unwrap();
        assert_eq!((when.parent, when.values.clone()), (0, vec![0.0]));
        let gone = assignment_at(&plan, &vec![Some(1.0), None]);
        assert_eq!(gone["lr_scheduler"].plain(), "constant");
        assert!(!gone.contains_key("warmup_steps"));
        assert_eq!(assignment_at(&plan, &vec![Some(0.0), Some(1.0)])["warmup_steps"].plain(), "2");
    }
}
