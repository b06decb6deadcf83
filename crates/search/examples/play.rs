//! Asks for a search's trials over standard input and output, for `judge/judge.py` and whoever wants to try one.
//!
//! The first line is `{"method": "tpe" | "random", "seed": 1, "space": [PARAMETER…]}`. The answer to each line is the
//! next point; every further line is the value at the last point, to be made small.

#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::io::{BufRead, Write};

use loradeck_search::{Goal, Observation, Outcome, Space, Tpe, random};
use serde::Deserialize;

#[derive(Deserialize)]
struct Game {
    method: String,
    seed: u64,
    space: Space,
}

fn main() {
    let mut lines = std::io::stdin().lock().lines().map(|line| line.expect("a line of UTF-8"));
    let first = lines.next().expect("a first line with method, seed and space");
    let game: Game = serde_json::from_str(&first).expect("method, seed and space");
    let mut observations: Vec<Observation> = Vec::new();
    loop {
        let trial = observations.len() as u64;
        let point = match game.method.as_str() {
            "tpe" => Tpe::default()
                .propose(&game.space, Goal::Minimize, game.seed, trial, &observations)
                .expect("observations of this space"),
            _ => random::propose(&game.space, game.seed, trial),
        };
        println!("{}", serde_json::to_string(&point).expect("a point is plain numbers"));
        std::io::stdout().flush().expect("somebody reads");
        let Some(line) = lines.next() else { return };
        let value = line.trim().parse().expect("a number");
        observations.push(Observation { trial, point, outcome: Outcome::Finished { value } });
    }
}
