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

/// The best trial where each is proposed when all but the last `at_a_time` - 1 before it have ended.
fn best_of_tpe(game: &Game, seed: u64, at_a_time: usize) -> f64 {
    let mut observations: Vec<Observation> = Vec::new();
    for trial in 0..TRIALS {
        if let Some(ended) = observations.len().checked_sub(at_a_time) {
            observations[ended].outcome = Outcome::Finished { value: cost(game, &observations[ended].point) };
        }
        let point = Tpe::default().propose(&game.space, Goal::Minimize, seed, trial, &observations).unwrap();
        observations.push(Observation { trial, point, outcome: Outcome::Running });
    }
    observations.iter().map(|one| cost(game, &one.point)).fold(f64::INFINITY, f64::min)
}

fn best_of_random(game: &Game, seed: u64) -> f64 {
    (0..TRIALS)
        .map(|trial| cost(game, &random::propose(&game.space, seed, trial)))
        .fold(f64::INFINITY, f64::min)
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    f64::midpoint(values[(values.len() - 1) / 2], values[values.len() / 2])
}

/// What `judge/judge.py --write` measured: Optuna's figure at a quartile (0 the lower, 1 the median, 2 the upper).
fn optuna(method: &str, function: &str, quartile: usize) -> f64 {
    let figures: serde_json::Value = serde_json::from_str(include_str!("../../judge/optuna.json")).unwrap();
    assert_eq!((figures["seeds"].as_u64(), figures["trials"].as_u64()), (Some(SEEDS), Some(TRIALS)));
    figures["functions"][function][method][quartile].as_f64().unwrap()
}

#[test]
fn the_median_search_is_no_worse_than_optunas_upper_quartile_and_better_than_random() {
    let mut failed = Vec::new();
    for game in functions::all() {
        let tpe = median((0..SEEDS).map(|seed| best_of_tpe(&game, seed, 1)).collect());
        let random = median((0..SEEDS).map(|seed| best_of_random(&game, seed)).collect());
        let worst = optuna("tpe", game.name, 2).min(optuna("group", game.name, 2));
        let line = format!("{}: {tpe:.4}; Optuna at most {worst:.4}, random {random:.4}", game.name);
        println!("{line}");
        if !(tpe <= worst && tpe < random && tpe < optuna("random", game.name, 1)) {
            failed.push(line);
        }
    }
    assert!(failed.is_empty(), "{failed:#?}");
}

#[test]
fn eight_trials_at_a_time_still_search_better_than_random() {
    for game in functions::all() {
        let tpe = median((0..SEEDS).map(|seed| best_of_tpe(&game, seed, 8)).collect());
        let random = median((0..SEEDS).map(|seed| best_of_random(&game, seed)).collect());
        println!("{}, 8 at a time: {tpe:.4}; random {random:.4}", game.name);
        assert!(tpe < random, "{}: {tpe} {random}", game.name);
    }
}

#[test]
fn the_functions_have_their_known_minima() {
    let near = |value: f64, known: f64| assert!((value - known).abs() < 1e-5, "{value} and not {known}");
    near(functions::branin(&[std::f64::consts::PI, 2.275]), 0.397_887);
    near(functions::hartmann(&[0.201_69, 0.150_011, 0.476_874, 0.275_332, 0.311_652, 0.657_3]), -3.322_37);
    near(functions::rosenbrock(&[1.0; 4]), 0.0);
    near(functions::mixed(&[10_f64.powf(-3.6), 32.0, 0.1, 0.0, 1.0, 0.1]), 0.0);
    near(functions::conditional(&[1.0, 1e-4, f64::NAN, 9.0, f64::NAN]), 0.1);
}
