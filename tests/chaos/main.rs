//! A hundred runs, twenty at a time, while supervisors, dispatchers, dashboards and trainers are killed again and again:
//! nothing is started twice, nothing is lost, and all that finishes is written up and committed. Once with a stand-in
//! that ends on demand, once with real trainings.

#![allow(
    missing_docs,
    unreachable_pub,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::semicolon_if_nothing_returned
)]

#[path = "../support/onlooker.rs"]
mod onlooker;
#[path = "../support/mod.rs"]
mod support;
#[path = "../support/tiny_model.rs"]
mod tiny_model;
mod torment;

use std::collections::HashSet;
use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use loradeck_core::run::{JournalEntry, QueueEntry, RunFolder, State, latest_attempt, read_journal};
use support::{Deck, real_trainer, starts, state, status};
use torment::{ADDED, Dice, ENOUGH, Torment, runs};

const RUNS: usize = 100;
const AT_ONCE: &str = "20";
/// So long a dispatcher may write nothing into its log before it counts as stuck.
const STANDSTILL: Duration = Duration::from_secs(90);
/// And so long it may take in all.
const WRITING: Duration = Duration::from_mins(20);

#[test]
fn a_hundred_runs_under_fire_lose_nothing() {
    let mut deck = Deck::in_git();
    assert!(deck.run(&["queue", "pause"]).status.success());
    let ranks: Vec<String> = (1..=RUNS).map(|rank| rank.to_string()).collect();
    let grid = format!("  method: grid\n  parameters: {{lora_rank: {{values: [{}]}}}}\n", ranks.join(", "));
    deck.submit_search_of("work", &grid);
    let added: Vec<String> = (0..ADDED).map(|index| (RUNS + 1 + index).to_string()).collect();
    let edit = format!("lora_rank={}", added.join(","));
    fire(&mut deck, &edit, 5, Dice(0x5eed_1234_abcd_0001));
    for run in runs(&deck) {
        let attempt = |line: &String| line.split(' ').next().unwrap().parse().unwrap();
        let begun: Vec<u32> = starts(&run).iter().map(attempt).collect();
        assert_each_started_once(&run, &begun);
        assert!(fs::read_to_string(run.train_log()).unwrap().contains("begins"), "{}", run.label());
    }
}

/// 20 ranks by 5 rates; a checkpoint every fifth of 40 steps.
const EXPERIMENT: &str = "\
base_model: models/tiny
batch_size: 2
max_steps: 40
save_steps: 5
eval_split: 0.25
sweep:
  method: grid
  parameters:
    lora_rank: {values: [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20]}
    learning_rate: {values: [1e-3, 2e-3, 5e-3, 1e-2, 2e-2]}
";

#[test]
fn a_hundred_real_trainings_under_fire_lose_nothing_and_come_to_the_same_weights() {
    if real_trainer().is_none() {
        return;
    }
    let mut deck = really_training();
    // One trainer dies right after a checkpoint, whomever the dice hit: its run is resumed for certain.
    let died = deck.slots().join("died-after-a-checkpoint");
    let mut submit = deck.command(&["run", "x", "--yes"]);
    submit.env("LORADECK_CRASH_AT", "checkpoint.after-rename").env("LORADECK_CRASH_MARK", &died);
    let submitted = submit.output().unwrap();
    assert!(submitted.status.success(), "{}", String::from_utf8_lossy(&submitted.stderr));
    let until = Instant::now() + Duration::from_secs(120);
    while !died.exists() {
        assert!(Instant::now() < until, "no trainer has come to a checkpoint");
        std::thread::sleep(Duration::from_millis(10));
    }
    fire(&mut deck, "lora_rank=21", 2, Dice(0x5eed_1234_abcd_0002));
    let calm = really_training();
    let mut compared = 0;
    for run in runs(&deck) {
        // Which attempts began is what the trainer itself wrote down.
        let entries = read_journal(&run).entries;
        let is_trainers =
            |entry: &&JournalEntry| entry.kind == "start" && entry.facts.contains_key("arguments");
        let begun: Vec<u32> = entries.iter().filter(is_trainers).map(|entry| entry.attempt).collect();
        assert_each_started_once(&run, &begun);
        assert!(fs::read_to_string(run.train_log()).unwrap().contains("ended at step 40"), "{}", run.label());
        let has_resumed = entries.iter().any(|entry| entry.kind == "resume");
        if has_resumed && compared < 5 {
            compared += 1;
            let undisturbed = weights(&train_undisturbed(&calm, &run));
            assert!(weights(&run) == undisturbed, "{} has come to other weights", run.label());
        }
    }
    assert!(compared > 0, "no training was interrupted: this was no torment");
}

/// A workspace with real trainings to do.
fn really_training() -> Deck {
    let mut deck = Deck::in_git();
    deck.train_for_real();
    let root = deck.workspace.root().to_path_buf();
    tiny_model::write_model(&root.join("models/tiny"));
    tiny_model::write_data(&root.join("experiments/x/data/train.jsonl"), 12);
    fs::write(root.join("experiments/x/experiment.yaml"), EXPERIMENT).unwrap();
    deck.git(&["add", "."]);
    deck.git(&["commit", "-qm", "an experiment"]);
    assert!(deck.run(&["queue", "slots", AT_ONCE]).status.success());
    deck
}

/// The same training, alone and from beginning to end.
fn train_undisturbed(calm: &Deck, like: &RunFolder) -> RunFolder {
    let config = fs::read_to_string(like.config()).unwrap();
    let typed = |key: &str| {
        let line = config.lines().find(|line| line.starts_with(key)).unwrap();
        line.replacen(": ", "=", 1)
    };
    let words = [typed("lora_rank"), typed("learning_rate")];
    let output = calm.run(&["run", "x", "sweep=null", &words[0], &words[1], "--wait", "--plain"]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    runs(calm).pop().unwrap()
}

fn weights(run: &RunFolder) -> Vec<u8> {
    fs::read(run.path().join("checkpoints/adapter_model.safetensors")).unwrap()
}

/// Lets what waits begin, torments it, has what was lost resumed, and looks at what came of it.
fn fire(deck: &mut Deck, edit: &str, trainers: usize, mut dice: Dice) {
    assert!(deck.run(&["queue", "slots", AT_ONCE]).status.success());
    assert!(deck.run(&["queue", "resume"]).status.success());
    let torment = Torment { trials: RUNS, edit, trainers, within: Duration::from_secs(1200) };
    let killed = torment.run(deck, &mut dice);
    let runs = runs(deck);
    let trials: HashSet<u32> = runs.iter().map(|run| QueueEntry::read(run).unwrap().trial.unwrap()).collect();
    assert_eq!((runs.len(), trials.len()), (RUNS + ADDED, RUNS + ADDED), "no trial is lost, none is doubled");
    assert!(killed.supervisors + killed.trainers >= ENOUGH / 4, "{killed:?}: this was no torment");
    let resumed = resume_until_all_finish(deck, &runs);
    wait_for_commits(deck);
    let committed = deck.git(&["ls-files"]);
    for run in &runs {
        assert!(committed.contains(&format!("runs/{}/README.md", run.name())), "{}", run.label());
        assert_eq!(read_journal(run).unreadable, 0, "{}", run.label());
        assert!(latest_attempt(run) == status(run).attempt);
    }
    deck.git(&["fsck", "--strict"]);
    assert!(!deck.workspace.root().join(".git/index.lock").exists());
    assert!(!mentions_a_lock(&deck.workspace.dispatch_log()), "no commit has failed for a lock");
    println!("{killed:?}, {} at random in all; {resumed} runs had to be resumed", killed.all());
}

/// What was lost with its trainer goes on when asked. Processes of the torment may still have a named death before them,
/// so that somebody has to go on looking, and ask again.
fn resume_until_all_finish(deck: &Deck, runs: &[RunFolder]) -> usize {
    let mut hit = HashSet::new();
    let until = Instant::now() + Duration::from_secs(600);
    while !runs.iter().all(|run| state(run) == State::Finished) {
        let states: Vec<(String, State)> = runs.iter().map(|run| (run.name(), state(run))).collect();
        assert!(Instant::now() < until, "not all have finished: {states:?}");
        assert!(deck.run(&["list"]).status.success());
        for run in runs.iter().filter(|run| state(run).is_end() && state(run) != State::Finished) {
            let output = deck.run(&["resume", &run.label()]);
            assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
            hit.insert(run.name());
        }
        std::thread::sleep(Duration::from_millis(100));
    }
    hit.len()
}

/// Each run is written up after each of its ends, one after the other, which on a busy machine takes minutes: as long as
/// the log grows, the dispatcher gets on. One that has nothing more to write and does not go is the defect.
fn wait_for_commits(deck: &Deck) {
    let log = || fs::read_to_string(deck.workspace.dispatch_log()).unwrap_or_default();
    let (began, mut known) = (Instant::now(), log().len());
    let mut until = began + STANDSTILL;
    while deck.dispatcher_is_at_work() || !deck.git(&["status", "--porcelain"]).is_empty() {
        let log = log();
        if log.len() != known {
            (known, until) = (log.len(), Instant::now() + STANDSTILL);
        }
        let last: Vec<&str> = log.lines().rev().take(20).collect();
        assert!(
            Instant::now() < until && began.elapsed() < WRITING,
            "the dispatcher {}, after {:?} not all is written up: {:?}; the newest lines of its log: {last:#?}",
            if deck.dispatcher_is_at_work() { "is at work" } else { "has gone" },
            began.elapsed(),
            deck.git(&["status", "--porcelain"]),
        );
        deck.run(&["list"]);
        std::thread::sleep(Duration::from_millis(100));
    }
    println!("all was written up {:?} after the last end", began.elapsed());
}

fn mentions_a_lock(log: &Path) -> bool {
    fs::read_to_string(log).unwrap_or_default().contains("index.lock")
}

/// No attempt began twice, and each that was claimed began, unless it died before its trainer's first word.
fn assert_each_started_once(run: &RunFolder, begun: &[u32]) {
    let distinct: HashSet<u32> = begun.iter().copied().collect();
    assert_eq!(distinct.len(), begun.len(), "{}: an attempt was started twice: {begun:?}", run.label());
    let attempts = status(run).attempt;
    assert!(distinct.iter().all(|attempt| (1..=attempts).contains(attempt)), "{}: {begun:?}", run.label());
    assert!(distinct.contains(&attempts), "{}: what finished has begun: {begun:?}", run.label());
}
