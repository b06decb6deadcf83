//! A hundred runs, twenty at a time, while supervisors, dispatchers and onlookers are killed again and again: nothing
//! is started twice, nothing is lost, and all that finishes is written up and committed.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::semicolon_if_nothing_returned)]

mod support;

use std::collections::HashSet;
use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use loradeck_core::run::{QueueEntry, RunFolder, State, latest_attempt, read_journal};
use support::{Deck, kill_9, starts, state, status};

const RUNS: usize = 100;
/// Trials that are added while the others run.
const ADDED: usize = 5;
const AT_ONCE: &str = "20";

/// Named points at which the onlookers' processes die, where they are compiled in.
const POINTS: [&str; 10] = [
    "dispatch.before-claim",
    "dispatch.after-claim",
    "dispatch.after-starting",
    "supervise.after-lock",
    "supervise.before-spawn",
    "supervise.after-spawn",
    "supervise.before-end",
    "supervise.after-end",
    "report.before",
    "commit.after-index",
];

/// The next number of a sequence that is the same each time (an xorshift generator).
struct Dice(u64);

impl Dice {
    fn throw(&mut self, sides: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % sides as u64) as usize
    }
}

/// Our processes of this test, by the folder of slots in their environment, and what each is.
fn processes(slots: &Path) -> Vec<(u32, String)> {
    let mark = format!("LORADECK_SLOT_LOCKS={}", slots.display());
    let read = |pid: u32, name: &str| fs::read(format!("/proc/{pid}/{name}")).unwrap_or_default();
    let entries = fs::read_dir("/proc").unwrap().flatten();
    let pids = entries.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    pids.filter(|pid| {
        let environment = read(*pid, "environ");
        environment.split(|byte| *byte == 0).any(|variable| variable == mark.as_bytes())
    })
    .map(|pid| {
        let line = read(pid, "cmdline");
        let words: Vec<String> =
            line.split(|byte| *byte == 0).map(|word| String::from_utf8_lossy(word).into_owned()).collect();
        let kind = if words.iter().any(|word| word.ends_with("trainer.sh")) {
            "trainer"
        } else {
            words.get(1).map_or("", String::as_str)
        };
        (pid, kind.to_owned())
    })
    .collect()
}

/// Kills until all runs have ended. Trainers are seldom hit: each such run must be resumed by hand.
fn torment(deck: &mut Deck, dice: &mut Dice) -> usize {
    let (mut killed, mut edited) = (0, false);
    let runs = |deck: &Deck| deck.workspace.experiment("x").runs();
    let until = Instant::now() + Duration::from_secs(150);
    while runs(deck).len() < RUNS + ADDED || !runs(deck).iter().all(|run| state(run).is_end()) {
        if killed >= 10 && !edited {
            edited = true;
            // The program is upgraded under those at work, and somebody adds trials. Killed or not, the trials are
            // written down: whoever comes next queues them.
            deck.upgrade();
            let added: Vec<String> = (0..ADDED).map(|index| (RUNS + 1 + index).to_string()).collect();
            let edit = format!("lora_rank={}", added.join(","));
            assert!(deck.run(&["sweep", "add", "x", &edit]).status.success());
        }
        assert!(
            Instant::now() < until,
            "not all runs have ended: {} are there, {} have, {killed} processes were killed",
            runs(deck).len(),
            runs(deck).iter().filter(|run| state(run).is_end()).count()
        );
        let victims: Vec<u32> = processes(&deck.slots())
            .into_iter()
            .filter(|(_, kind)| match kind.as_str() {
                "supervise" | "dispatch" => true,
                "trainer" => dice.throw(5) == 0,
                _ => false,
            })
            .map(|(pid, _)| pid)
            .collect();
        if !victims.is_empty() {
            kill_9(victims[dice.throw(victims.len())]);
            killed += 1;
        }
        // An onlooker, as somebody who comes back; it starts a dispatcher where none is left, which dies at a named
        // point, as the supervisors that it starts do, once among them.
        let point = POINTS[dice.throw(POINTS.len())];
        let mark = deck.slots().join(format!("crash-{killed}"));
        let mut onlooker = deck.command(&["list"]);
        onlooker.env("LORADECK_CRASH_AT", point).env("LORADECK_CRASH_MARK", mark);
        assert!(onlooker.output().unwrap().status.success());
        std::thread::sleep(Duration::from_millis(50 + dice.throw(250) as u64));
    }
    killed
}

/// The spans in which a run's trainer was at work must not overlap: each attempt started once, one after the other.
fn assert_started_once(run: &RunFolder) {
    let attempts: Vec<String> =
        starts(run).iter().map(|line| line.split(' ').next().unwrap().to_owned()).collect();
    let distinct: HashSet<&String> = attempts.iter().collect();
    assert_eq!(distinct.len(), attempts.len(), "{}: an attempt was started twice: {attempts:?}", run.label());
}

#[test]
fn a_hundred_runs_under_fire_lose_nothing() {
    let mut deck = Deck::in_git();
    assert!(deck.run(&["queue", "pause"]).status.success());
    let ranks: Vec<String> = (1..=RUNS).map(|rank| rank.to_string()).collect();
    let grid = format!("  method: grid\n  parameters: {{lora_rank: {{values: [{}]}}}}\n", ranks.join(", "));
    deck.submit_search_of("work", &grid);
    assert!(deck.run(&["queue", "slots", AT_ONCE]).status.success());
    assert!(deck.run(&["queue", "resume"]).status.success());
    let mut dice = Dice(0x5eed_1234_abcd_0001);
    let killed = torment(&mut deck, &mut dice);
    let runs = deck.workspace.experiment("x").runs();
    let trials: HashSet<u32> = runs.iter().map(|run| QueueEntry::read(run).unwrap().trial.unwrap()).collect();
    assert_eq!((runs.len(), trials.len()), (RUNS + ADDED, RUNS + ADDED), "no trial is lost, none is doubled");
    assert!(killed >= 20, "only {killed} processes were killed: this was no torment");
    // What was lost with its trainer goes on when asked. Processes of the torment may still have a named death before
    // them, so that somebody has to go on looking, and ask again.
    let mut hit = HashSet::new();
    let until = Instant::now() + Duration::from_secs(60);
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
    let until = Instant::now() + Duration::from_secs(60);
    while deck.dispatcher_is_at_work() || !deck.git(&["status", "--porcelain"]).is_empty() {
        assert!(Instant::now() < until, "not all is written up: {}", deck.git(&["status", "--porcelain"]));
        deck.run(&["list"]);
        std::thread::sleep(Duration::from_millis(100));
    }
    let committed = deck.git(&["ls-files"]);
    for run in &runs {
        assert_started_once(run);
        assert_eq!(starts(run).len(), status(run).attempt as usize - idle_attempts(run), "{}", run.label());
        assert!(committed.contains(&format!("runs/{}/README.md", run.name())), "{}", run.label());
        assert!(fs::read_to_string(run.train_log()).unwrap().contains("begins"), "{}", run.label());
        assert_eq!(read_journal(run).unreadable, 0, "{}", run.label());
        assert!(latest_attempt(run) == status(run).attempt);
    }
    deck.git(&["fsck", "--strict"]);
    assert!(!deck.workspace.root().join(".git/index.lock").exists());
    println!("{killed} processes were killed, {} runs had to be resumed", hit.len());
}

/// Attempts that were claimed, but whose trainer never came to its first word.
fn idle_attempts(run: &RunFolder) -> usize {
    let begun: HashSet<String> =
        starts(run).iter().map(|line| line.split(' ').next().unwrap().to_owned()).collect();
    (1..=status(run).attempt).filter(|attempt| !begun.contains(&attempt.to_string())).count()
}
