//! Sweeps of real processes that are given up early, and searches that learn from what their trials have written.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::semicolon_if_nothing_returned)]

mod support;

use std::fs;

use loradeck_core::run::{QueueEntry, RunFolder, State, Summary, read_journal};
use support::{Deck, state, wait_until};

const TRAINER: &str = include_str!("support/falling_loss.py");

fn deck_with(sweep: &str) -> Deck {
    let deck = Deck::in_git();
    let folder = deck.workspace.experiment("search").path().to_path_buf();
    fs::create_dir_all(&folder).unwrap();
    fs::write(folder.join("train.py"), TRAINER).unwrap();
    let file = format!(
        "command: [python3, experiments/search/train.py, '${{x}}', '${{run_dir}}', '${{max_steps}}']\nmetrics: jsonl\nmax_steps: 60\nparameters: {{x: 0.5}}\nsweep:\n  metric: {{name: eval/loss, goal: minimize}}\n{sweep}"
    );
    fs::write(folder.join("experiment.yaml"), file).unwrap();
    deck
}

fn run_to_end(deck: &Deck) -> Vec<RunFolder> {
    let output = deck.run(&["run", "search", "--wait", "--plain"]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    deck.workspace.experiment("search").runs()
}

fn best(run: &RunFolder) -> f64 {
    Summary::read(run).unwrap().unwrap().metrics["eval/loss"].best
}

fn verdicts(run: &RunFolder, verdict: &str) -> usize {
    let entries = read_journal(run).entries;
    entries
        .iter()
        .filter(|entry| entry.kind == "early-stopping" && entry.text("verdict") == Some(verdict))
        .count()
}

#[test]
fn halving_gives_up_what_falls_behind_and_the_winner_survives() {
    let values = "  parameters: {x: {values: [0.3, 0.9, 0.31, 2.0, 0.5, 3.0]}}\n";
    let deck = deck_with(&format!("{values}  asha: {{grace_period: 10, reduction_factor: 2}}\n"));
    assert!(deck.run(&["queue", "slots", "2"]).status.success());
    let runs = run_to_end(&deck);
    assert_eq!(runs.len(), 6);
    let given_up: Vec<&RunFolder> = runs.iter().filter(|run| state(run) == State::Pruned).collect();
    assert!(given_up.len() >= 2, "{:?}", runs.iter().map(state).collect::<Vec<_>>());
    assert_eq!(state(&runs[0]), State::Finished, "the best");
    for run in &given_up {
        assert_eq!(verdicts(run, "pruned"), 1);
        let report = fs::read_to_string(run.report()).unwrap();
        assert!(report.contains("asha"), "{report}");
    }
    assert!(verdicts(&runs[0], "goes on") >= 2);
    assert!(deck.git(&["ls-files"]).contains("comparison.md"));
}

#[test]
fn a_trial_that_is_kept_is_not_given_up() {
    let values = "  parameters: {x: {values: [0.3, 5.0]}}\n";
    let deck = deck_with(&format!("{values}  asha: {{grace_period: 10, reduction_factor: 2}}\n"));
    assert!(deck.run(&["run", "search", "--hold"]).status.success());
    let runs = deck.workspace.experiment("search").runs();
    assert!(deck.run(&["keep", "search/2"]).status.success());
    assert!(QueueEntry::read(&runs[1]).unwrap().keep);
    assert!(deck.run(&["queue", "release", "search/1", "search/2"]).status.success());
    wait_until("both have ended", || runs.iter().all(|run| state(run).is_end()));
    assert!(runs.iter().all(|run| state(run) == State::Finished));
    assert!(verdicts(&runs[1], "kept on request, although the rule prunes it") >= 1);
}

#[test]
fn trials_at_work_are_judged_while_the_queue_is_paused() {
    let values = "  parameters: {x: {values: [0.3, 5.0, 0.4]}}\n";
    let deck = deck_with(&format!("{values}  asha: {{grace_period: 100, reduction_factor: 2}}\n"));
    assert!(deck.run(&["queue", "slots", "2"]).status.success());
    assert!(deck.run(&["run", "search", "max_steps=200"]).status.success());
    let runs = || deck.workspace.experiment("search").runs();
    wait_until("two are at work", || runs().iter().filter(|run| state(run) == State::Running).count() == 2);
    assert!(deck.run(&["queue", "pause"]).status.success());
    let runs = runs();
    assert_eq!(verdicts(&runs[1], "pruned"), 0, "the pause came too late to show anything");
    wait_until("the one that falls behind is pruned", || state(&runs[1]) == State::Pruned);
    wait_until("the other one ends", || state(&runs[0]) == State::Finished);
    assert_eq!(state(&runs[2]), State::Queued);
}

#[test]
fn a_search_by_tpe_looks_where_it_was_good() {
    let sweep = "  method: bayes\n  run_cap: 24\n  parameters: {x: {min: 0.0, max: 10.0}}\n  median_stop: {grace_period: 5, min_runs: 3}\n";
    let deck = deck_with(sweep);
    assert!(deck.run(&["queue", "slots", "2"]).status.success());
    let runs = run_to_end(&deck);
    assert_eq!(runs.len(), 24);
    // An even draw of 24 from 0 to 10 has its best within 0.2 of 0.3 once in three times.
    let near = runs[12..].iter().filter(|run| best(run) < 1.0).count();
    assert!(near >= 6, "only {near} of the last 12 are near the best");
    assert!(runs.iter().any(|run| state(run) == State::Pruned));
}
