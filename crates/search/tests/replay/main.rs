//! ASHA and median stopping on whole curves: what they save, and whether the best trial lives through it.
//!
//! Every `tests/curves/*.csv` (`trial,step,value`; one file a sweep) is replayed, and two sweeps that were made up.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod schedule;
mod sweep;

use std::fmt::Write;
use std::fs;
use std::path::Path;

use loradeck_search::{Asha, MedianStop};
use schedule::{Rules, replay};
use sweep::{Sweep, made_up};

const ORDERS: u64 = 20;
const AT_A_TIME: [usize; 8] = [1, 2, 3, 4, 5, 6, 7, 8];

/// Half of what is there at half of the budget goes on: by then even trials with a long warm-up have come from behind,
/// and what is clearly behind was given up long before by the median. On the recorded curves an earlier rung loses the
/// best trial, and either rule alone saves less or loses more (`-- --ignored --nocapture` prints it).
fn asha(sweep: &Sweep) -> Asha {
    Asha { grace_period: sweep.budget() / 2, reduction_factor: 2, max_t: sweep.budget(), brackets: 1 }
}

fn median(sweep: &Sweep) -> MedianStop {
    MedianStop { grace_period: sweep.budget() / 27, min_trials: 3 }
}

/// Mean share of steps saved, and in how many of the orders the best trial, or one within 1 % of its loss, survived.
fn outcome(sweep: &Sweep, rules: &Rules, workers: usize) -> (f64, usize) {
    let replays: Vec<_> = (0..ORDERS).map(|order| replay(sweep, rules, order, workers)).collect();
    let saved = replays.iter().map(|one| one.saved).sum::<f64>() / ORDERS as f64;
    let near = sweep.best() + 0.01 * sweep.best().abs();
    (saved, replays.iter().filter(|one| one.best <= near).count())
}

/// What is too little: of the steps saved on the whole, and of the orders survived at each number at a time.
fn failures(sweep: &Sweep, name: &str, rules: &Rules) -> Vec<String> {
    let outcomes = AT_A_TIME.map(|workers| outcome(sweep, rules, workers));
    let saved = outcomes.iter().map(|one| one.0).sum::<f64>() / outcomes.len() as f64;
    let survived = outcomes.map(|one| one.1);
    let line = format!(
        "{} {name}: {:.1} % saved; {AT_A_TIME:?} at a time: survived {survived:?} of {ORDERS} orders",
        sweep.name,
        100.0 * saved
    );
    println!("{line}");
    let is_enough = saved >= 0.6 && survived.iter().all(|orders| *orders >= 18);
    if is_enough { Vec::new() } else { vec![line] }
}

fn recorded() -> Vec<Sweep> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/curves");
    let mut files: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.retain(|path| path.extension().is_some_and(|extension| extension == "csv"));
    files.sort();
    let read = |path: &Path| Sweep::read(&path.to_string_lossy(), &fs::read_to_string(path).unwrap());
    files.iter().map(|path| read(path)).collect()
}

fn sweeps() -> Vec<Sweep> {
    let made_up = (0..2).map(|set| Sweep::read(&format!("made-up-{set}"), &made_up(set, 48, 81)));
    made_up.chain(recorded()).collect()
}

#[test]
fn each_rule_saves_most_steps_and_keeps_the_best() {
    let mut failed = Vec::new();
    for sweep in sweeps() {
        let crossing = sweep.crossing(median(&sweep).grace_period);
        let later = sweep.crossing(asha(&sweep).grace_period);
        println!(
            "{}: {:.0} % of pairs cross after the first look, {:.0} % after the first rung",
            sweep.name,
            100.0 * crossing,
            100.0 * later
        );
        assert!(crossing >= 0.15 && sweep.curves.len() >= 24, "{}: {crossing}", sweep.name);
        let both = Rules { asha: Some(asha(&sweep)), median: Some(median(&sweep)) };
        failed.extend(failures(&sweep, "asha and median together", &both));
    }
    assert!(failed.is_empty(), "{failed:#?}");
}

#[test]
#[ignore = "bench: prints what other schedules would come to, for whoever adds recorded curves"]
fn other_schedules() {
    for sweep in sweeps() {
        let budget = sweep.budget();
        for (part, reduction_factor) in
            [(27, 3), (9, 3), (6, 3), (5, 3), (8, 2), (6, 2), (8, 4), (5, 4), (4, 4)]
        {
            let asha = Asha { grace_period: (budget / part).max(1), reduction_factor, ..asha(&sweep) };
            let name = format!("asha from 1/{part}, η = {reduction_factor}");
            failures(&sweep, &name, &Rules { asha: Some(asha), median: None });
        }
        for (part, reduction_factor) in [(2, 3), (2, 2), (3, 2), (3, 3)] {
            for grace in [27, 5] {
                let asha = Asha { grace_period: (budget / part).max(1), reduction_factor, ..asha(&sweep) };
                let median = MedianStop { grace_period: budget / grace, ..median(&sweep) };
                let name = format!("asha from 1/{part}, η = {reduction_factor}, with median from 1/{grace}");
                failures(&sweep, &name, &Rules { asha: Some(asha), median: Some(median) });
            }
        }
        for part in [27, 9, 5, 3] {
            let median = MedianStop { grace_period: budget / part, ..median(&sweep) };
            failures(&sweep, &format!("median from 1/{part}"), &Rules { asha: None, median: Some(median) });
        }
    }
}

#[test]
fn without_a_rule_nothing_is_saved_and_nothing_lost() {
    let sweep = &sweeps()[0];
    let (saved, survived) = outcome(sweep, &Rules::default(), 3);
    assert_eq!((saved, survived), (0.0, 20));
}

#[test]
fn a_best_trial_that_begins_worst_is_lost() {
    // Every pair crosses late: no rule that looks early can keep the winner, and the replay must say so.
    let mut text = String::from("trial,step,value\n");
    for trial in 0..48 {
        for step in 1..=81 {
            let value = if step < 80 { f64::from(trial) } else { f64::from(60 - trial) };
            writeln!(text, "{trial},{step},{value}").unwrap();
        }
    }
    let sweep = Sweep::read("reversed", &text);
    assert!((sweep.crossing(16) - 1.0).abs() < 1e-12);
    assert!(!failures(&sweep, "asha", &Rules { asha: Some(asha(&sweep)), median: None }).is_empty());
}

#[test]
#[should_panic(expected = "bad.csv:3: \"0,2\" is not trial,step,value")]
fn a_bad_line_is_named() {
    Sweep::read("bad.csv", "trial,step,value\n0,1,2.5\n0,2\n");
}
