//! The five test functions of `judge/functions.py`, which says what they are, written a second time.

use std::f64::consts::PI;

use loradeck_search::{Condition, Dimension, Parameter, Space};

/// A function with its space.
pub(crate) struct Game {
    pub(crate) name: &'static str,
    pub(crate) space: Space,
    pub(crate) cost: fn(&[f64]) -> f64,
}

fn real(low: f64, high: f64) -> Dimension {
    Dimension::Real { low, high, log: false, step: None }
}

fn choice(count: usize) -> Dimension {
    Dimension::Choice { weights: vec![1.0; count] }
}

fn power(high: i64) -> Dimension {
    Dimension::Whole { low: 1, high, log: true, step: 1 }
}

fn rate() -> Dimension {
    Dimension::Real { low: 1e-6, high: 1.0, log: true, step: None }
}

fn always(name: &str, dimension: Dimension) -> Parameter {
    Parameter { name: name.into(), dimension, when: None }
}

fn under(method: f64, name: &str, dimension: Dimension) -> Parameter {
    let when = Some(Condition { parent: 0, values: vec![method] });
    Parameter { name: name.into(), dimension, when }
}

fn square(low: f64, high: f64, count: usize) -> Vec<Parameter> {
    (0..count).map(|number| always(&format!("x{number}"), real(low, high))).collect()
}

/// All of them.
pub(crate) fn all() -> Vec<Game> {
    let game = |name, parameters, cost| Game { name, space: Space::new(parameters).unwrap(), cost };
    let mixed_space = vec![
        always("learning_rate", rate()),
        always("rank", power(256)),
        always("dropout", Dimension::Real { low: 0.0, high: 0.5, log: false, step: Some(0.05) }),
        always("optimizer", choice(4)),
        always("schedule", choice(3)),
        always("warmup", real(0.0, 0.3)),
    ];
    let conditional_space = vec![
        always("method", choice(3)),
        always("rate", rate()),
        under(0.0, "alpha", power(512)),
        under(1.0, "depth", Dimension::Whole { low: 1, high: 30, log: false, step: 1 }),
        under(2.0, "bottleneck", real(0.0, 1.0)),
    ];
    vec![
        game("branin", vec![always("x0", real(-5.0, 10.0)), always("x1", real(0.0, 15.0))], branin),
        game("hartmann6", square(0.0, 1.0, 6), hartmann),
        game("rosenbrock4", square(-5.0, 10.0, 4), rosenbrock),
        game("mixed", mixed_space, mixed),
        game("conditional", conditional_space, conditional),
    ]
}

pub(crate) fn branin(x: &[f64]) -> f64 {
    let curve = x[1] - 5.1 / (4.0 * PI * PI) * x[0] * x[0] + 5.0 / PI * x[0] - 6.0;
    curve * curve + 10.0 * (1.0 - 1.0 / (8.0 * PI)) * x[0].cos() + 10.0
}

pub(crate) fn hartmann(x: &[f64]) -> f64 {
    const A: [[f64; 6]; 4] = [
        [10.0, 3.0, 17.0, 3.5, 1.7, 8.0],
        [0.05, 10.0, 17.0, 0.1, 8.0, 14.0],
        [3.0, 3.5, 1.7, 10.0, 17.0, 8.0],
        [17.0, 8.0, 0.05, 10.0, 0.1, 14.0],
    ];
    const C: [f64; 4] = [1.0, 1.2, 3.0, 3.2];
    const P: [[f64; 6]; 4] = [
        [0.1312, 0.1696, 0.5569, 0.0124, 0.8283, 0.5886],
        [0.2329, 0.4135, 0.8307, 0.3736, 0.1004, 0.9991],
        [0.2348, 0.1451, 0.3522, 0.2883, 0.3047, 0.6650],
        [0.4047, 0.8828, 0.8732, 0.5743, 0.1091, 0.0381],
    ];
    let distance = |row: usize| (0..6).map(|at| A[row][at] * (x[at] - P[row][at]).powi(2)).sum::<f64>();
    -(0..4).map(|row| C[row] * (-distance(row)).exp()).sum::<f64>()
}

pub(crate) fn rosenbrock(x: &[f64]) -> f64 {
    x.windows(2).map(|pair| 100.0 * (pair[1] - pair[0] * pair[0]).powi(2) + (pair[0] - 1.0).powi(2)).sum()
}

pub(crate) fn mixed(x: &[f64]) -> f64 {
    let (optimizer, schedule) = (x[3] as usize, x[4] as usize);
    let rate = x[0].log10() - [-3.6, -2.4, -4.4, -1.3][optimizer];
    let power = x[1].log2() - 5.0 + 0.8 * rate;
    let late = (x[5] - [0.03, 0.1, 0.2][schedule]) / 0.1;
    let penalty = [0.0, 0.15, 0.1, 0.4][optimizer] + [0.05, 0.0, 0.2][schedule];
    0.8 * rate * rate + 0.06 * power * power + 2.0 * (x[2] - 0.1).powi(2) + 0.05 * late * late + penalty
}

/// Of the five values only those that exist for the method are numbers.
pub(crate) fn conditional(x: &[f64]) -> f64 {
    let rate = x[1].log10();
    match x[0] as usize {
        0 => 0.3 + 0.5 * (rate + 3.0).powi(2) + 0.2 * (x[2].log2() - 5.0).powi(2),
        1 => 0.1 + 0.5 * (rate + 4.0).powi(2) + 0.02 * (x[3] - 9.0).powi(2),
        _ => 0.5 + 0.3 * (rate + 2.0).powi(2) + 3.0 * (x[4] - 0.7).powi(2),
    }
}
