//! Sweeps that make their trials while they run: none is forgotten, none is made twice, whoever dies.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::semicolon_if_nothing_returned)]

mod support;

use std::collections::BTreeSet;

use loradeck_core::run::{QueueEntry, RunFolder, State};
use support::{Deck, starts, state, wait_until};

const RANDOM: &str = "  method: random\n  run_cap: 6\n  parameters: {lora_rank: {min: 1, max: 64}}\n";

fn runs(deck: &Deck) -> Vec<RunFolder> {
    deck.workspace.experiment("x").runs()
}

fn assert_six_trials(deck: &Deck) {
    let runs = runs(deck);
    let trials: Vec<u32> = runs.iter().map(|run| QueueEntry::read(run).unwrap().trial.unwrap()).collect();
    assert_eq!(trials.iter().copied().collect::<BTreeSet<u32>>(), (1..=6).collect(), "{trials:?}");
    assert_eq!(trials.len(), 6, "none is doubled");
    assert!(runs.iter().all(|run| state(run) == State::Finished && starts(run).len() == 1));
    let ranks: BTreeSet<String> = runs.iter().map(|run| run.name()[5..].to_owned()).collect();
    assert_eq!(ranks.len(), 6, "{ranks:?}");
}

#[test]
fn a_random_search_makes_as_many_trials_as_it_may_and_ends() {
    let deck = Deck::new();
    deck.submit_search(RANDOM);
    deck.dispatch().wait().unwrap();
    assert_six_trials(&deck);
    let first: Vec<String> = runs(&deck).iter().map(RunFolder::name).collect();
    // Another one of the same seed draws the same.
    let again = Deck::new();
    again.submit_search(RANDOM);
    again.dispatch().wait().unwrap();
    assert_eq!(runs(&again).iter().map(RunFolder::name).collect::<Vec<_>>(), first);
}

#[test]
fn a_small_grid_of_choices_is_used_up_before_the_cap() {
    let deck = Deck::new();
    deck.submit_search("  method: random\n  run_cap: 50\n  parameters: {lora_rank: {values: [2, 4, 8]}}\n");
    deck.dispatch().wait().unwrap();
    assert_eq!(runs(&deck).len(), 3);
}

#[test]
fn every_point_has_its_seeds() {
    let deck = Deck::new();
    deck.submit_search(
        "  method: random\n  run_cap: 5\n  seeds: 2\n  parameters: {lora_rank: {min: 1, max: 64}}\n",
    );
    deck.dispatch().wait().unwrap();
    let names: Vec<String> = runs(&deck).iter().map(|run| run.name()[5..].to_owned()).collect();
    assert_eq!(names.len(), 5, "{names:?}");
    assert_eq!(names[0].replace("seed-0", ""), names[1].replace("seed-1", ""));
}

#[test]
fn a_paused_search_makes_no_more_and_goes_on_when_told() {
    let deck = Deck::new();
    deck.submit_search(RANDOM);
    assert!(deck.run(&["sweep", "pause", "x"]).status.success());
    wait_until("the dispatcher has gone", || !deck.dispatcher_is_at_work());
    assert!(runs(&deck).is_empty());
    assert!(deck.run(&["sweep", "resume", "x:1"]).status.success());
    wait_until("six trials have finished", || {
        runs(&deck).iter().filter(|run| state(run).is_end()).count() == 6
    });
    assert_six_trials(&deck);
}

#[cfg(feature = "crash-points")]
#[test]
fn a_dispatcher_that_dies_between_draw_and_queue_forgets_nothing_and_doubles_nothing() {
    for point in ["search.after-draw", "submit.before-rename", "submit.after-run", "dispatch.after-claim"] {
        let deck = Deck::new();
        deck.submit_search(RANDOM);
        assert!(deck.dies_at(deck.command(&["dispatch", "--detached"]), point), "{point} was not passed");
        wait_until(point, || {
            assert!(deck.run(&["list"]).status.success());
            runs(&deck).iter().filter(|run| state(run).is_end()).count() == 6 && !deck.dispatcher_is_at_work()
        });
        assert_six_trials(&deck);
    }
}

#[test]
fn a_grid_is_edited_while_it_runs_and_numbers_stay() {
    let deck = Deck::new();
    deck.submit_search(
        "  method: grid\n  parameters: {lora_rank: {values: [2, 4]}, batch_size: {values: [1, 2]}}\n",
    );
    // Its four trials are written down and not queued: whoever was to queue them has died.
    assert!(deck.run(&["queue", "pause"]).status.success());
    assert!(deck.run(&["sweep", "add", "x", "rank=8"]).status.success());
    assert!(deck.run(&["sweep", "add", "x:1", "rank=8", "batch_size=1,4"]).status.success());
    assert!(deck.run(&["queue", "resume"]).status.success());
    let labels = || -> Vec<String> { runs(&deck).iter().map(|run| run.name()[5..].to_owned()).collect() };
    wait_until("seven trials are there", || labels().len() == 7);
    assert_eq!(labels()[..2], ["rank-2-bs-1", "rank-2-bs-2"]);
    assert_eq!(labels()[4..], ["rank-8-bs-1", "rank-8-bs-2", "rank-8-bs-4"], "none is added twice");
    wait_until("they have finished", || runs(&deck).iter().all(|run| state(run) == State::Finished));
    let wrong = deck.run(&["sweep", "add", "x", "rank=eight"]);
    assert_eq!(wrong.status.code(), Some(2), "{}", String::from_utf8_lossy(&wrong.stderr));
}

#[test]
fn a_commands_own_parameters_are_added_dropped_and_set_too() {
    let deck = Deck::new();
    let folder = deck.workspace.experiment("x").path().to_path_buf();
    std::fs::create_dir_all(&folder).unwrap();
    let text = "command: [\"true\", \"${a}\", \"${b}\", \"${c}\"]\nparameters: {a: 1, b: 1, c: 1}\n\
                sweep: {parameters: {a: {values: [1, 2]}, b: {values: [1, 2]}}}\n";
    std::fs::write(folder.join("experiment.yaml"), text).unwrap();
    let edit = |arguments: &[&str]| {
        let output = deck.run(&[&["sweep"], arguments].concat());
        (output.status.code(), String::from_utf8_lossy(&output.stderr).trim_end().to_owned())
    };
    let done = (Some(0), String::new());
    assert!(deck.run(&["queue", "pause"]).status.success());
    assert!(deck.run(&["run", "x"]).status.success());
    assert_eq!(edit(&["drop", "x", "b=2"]), done);
    assert_eq!(edit(&["add", "x", "a=3"]), done);
    assert_eq!(edit(&["add", "x", "b=5"]), done);
    assert_eq!(edit(&["set", "x", "c=7"]), done);
    let told = |arguments: &[&str]| {
        let (code, said) = edit(arguments);
        assert_eq!(code, Some(2), "{said}");
        said
    };
    assert!(told(&["add", "x", "a=3"]).starts_with("these trials are there already"));
    assert_eq!(told(&["drop", "x", "a=77"]), "no trial of this sweep has a=77");
    assert!(told(&["add", "x", "c=2"]).starts_with("c does not vary in this sweep"));
    assert!(told(&["set", "x", "a=2"]).contains("is what the sweep varies"));
    assert!(told(&["set", "x", "run_cap=2"]).starts_with("run_cap: a grid has its trials"));
    assert_eq!(told(&["add", "x:9", "a=2"]), "'x' has no sweep 9 (it has [1])");
    assert!(deck.run(&["queue", "resume"]).status.success());
    wait_until("all have ended", || {
        runs(&deck).len() == 8 && runs(&deck).iter().all(|run| state(run).is_end())
    });
    let made: Vec<(String, State)> =
        runs(&deck).iter().map(|run| (run.name()[5..].to_owned(), state(run))).collect();
    let (finished, stopped) = (State::Finished, State::Stopped);
    let expected = [
        ("a-1-b-1", finished),
        ("a-1-b-2", stopped),
        ("a-2-b-1", finished),
        ("a-2-b-2", stopped),
        ("a-3-b-1", finished),
        ("a-1-b-5", finished),
        ("a-2-b-5", finished),
        ("a-3-b-5", finished),
    ];
    assert_eq!(made, expected.map(|(name, state)| (name.to_owned(), state)));
    for run in runs(&deck).iter().filter(|run| state(run) == finished) {
        let journal = std::fs::read_to_string(run.logs().join("journal/trainer.jsonl")).unwrap();
        assert!(journal.contains("\"7\"]"), "{journal}");
    }
}

#[test]
fn a_search_whose_trials_fail_and_fail_is_paused() {
    let deck = Deck::new();
    let folder = deck.workspace.experiment("x").path().to_path_buf();
    std::fs::create_dir_all(&folder).unwrap();
    let text = "command: [\"false\", \"${lr}\"]\nstop_sweep_after_failures: 2\n\
                sweep: {method: random, run_cap: 40, parameters: {lr: {min: 0.1, max: 0.5}}}\n";
    std::fs::write(folder.join("experiment.yaml"), text).unwrap();
    assert!(deck.run(&["run", "x"]).status.success());
    let listed = || String::from_utf8_lossy(&deck.run(&["sweep"]).stdout).into_owned();
    wait_until("the sweep is paused", || {
        assert!(runs(&deck).len() < 10, "it goes on and on");
        listed().contains("paused: ")
    });
    assert!(listed().contains("runs failed in a row: the command exited with code 1"), "{}", listed());
    wait_until("the dispatcher has gone", || !deck.dispatcher_is_at_work());
    // One that was drawn already may wait, and fails first then.
    let count = runs(&deck).len();
    assert!(deck.run(&["sweep", "resume", "x"]).status.success());
    wait_until("it has tried again, and is paused again", || {
        runs(&deck).len() > count && listed().contains("paused: ")
    });
    assert!(runs(&deck).len() < 20);
}

#[test]
fn points_that_a_key_cannot_have_are_told() {
    let deck = Deck::new();
    let folder = deck.workspace.experiment("x").path().to_path_buf();
    std::fs::create_dir_all(&folder).unwrap();
    let text = "command: [\"true\", \"${lr}\"]\n\
                sweep: {method: random, run_cap: 6, parameters: {lr: {distribution: normal, mu: 0.1, sigma: 1}}}\n";
    std::fs::write(folder.join("experiment.yaml"), text).unwrap();
    assert!(deck.run(&["run", "x"]).status.success());
    wait_until("all are drawn", || {
        let listed = String::from_utf8_lossy(&deck.run(&["sweep"]).stdout).into_owned();
        listed.contains(
            "4 of its points were not trained, the first: trial learning_rate=-0.35272: learning_rate:",
        )
    });
    wait_until("the others have finished", || {
        runs(&deck).len() == 2 && runs(&deck).iter().all(|run| state(run) == State::Finished)
    });
}

#[test]
fn a_dropped_value_leaves_the_queue_and_a_raised_budget_reaches_what_waits_and_what_has_finished() {
    let deck = Deck::new();
    deck.submit_search("  method: grid\n  parameters: {lora_rank: {values: [2, 4]}}\n");
    assert!(deck.run(&["sweep", "add", "x", "rank=16,32"]).status.success());
    wait_until("all four have finished", || {
        runs(&deck).len() == 4 && runs(&deck).iter().all(|run| state(run) == State::Finished)
    });
    assert!(deck.run(&["queue", "pause"]).status.success());
    assert!(deck.run(&["sweep", "set", "x", "max_steps=50", "--resume"]).status.success());
    assert!(runs(&deck).iter().all(|run| state(run) == State::Queued));
    assert!(QueueEntry::read(&runs(&deck)[0]).unwrap().overrides.contains(&"max_steps=50".to_owned()));
    assert!(deck.run(&["sweep", "drop", "x", "rank=32"]).status.success());
    assert_eq!([state(&runs(&deck)[2]), state(&runs(&deck)[3])], [State::Queued, State::Stopped]);
    let varied = deck.run(&["sweep", "set", "x", "rank=5"]);
    assert!(String::from_utf8_lossy(&varied.stderr).contains("is what the sweep varies"));
}
