//! TPE against Optuna's TPE and against random search, by the figures that `judge/judge.py` measured and committed.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod functions;

use functions::Game;
use loradeck_search::{Goal, Observation, Outcome, Point, Tpe, random};

const SEEDS: u64 = 30;
const TRIALS: u64 = 60;

fn cost(game: &Game, point: &Point) -> f64 {
    let values: Vec<f64> = point.iter().map(|value| value.unwrap_or(f64::NAN)).collect();
    (game.cost)(&values)
}

fn best_of_tpe(game: &Game, seed: u64) -> f64 {
    let mut observations: Vec<Observation> = Vec::new();
    for trial in 0..TRIALS {
        let point = Tpe::default().propose(&game.space, Goal::Minimize, seed, trial, &observations).unwrap();
        let outcome = Outcome::Finished { value: cost(game, &point) };
        observations.push(Observation { trial, point, outcome });
    }
    observations.iter().map(|one| cost(game, &one.point)).fold(f64::INFINITY, f64::min)
}

fn best_of_random(game: &Game, seed: u64) -> f64 {
    (0..TRIALS).map(|trial| cost(game, &random::propose(&game.space, seed, trial))).fold(f64::INFINITY, f64::min)
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    f64::midpoint(values[(values.len() - 1) / 2], values[values.len() / 2])
}

#[test]
fn figures() {
    for game in functions::all() {
        let tpe = median((0..SEEDS).map(|seed| best_of_tpe(&game, seed)).collect());
        let random = median((0..SEEDS).map(|seed| best_of_random(&game, seed)).collect());
        println!("{:12} tpe {tpe:.4} random {random:.4}", game.name);
    }
}
