//! Runs on real Slurm clusters on loopback, with a stand-in trainer: `just test-system`.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::semicolon_if_nothing_returned,
    missing_docs,
    unreachable_pub
)]
#![cfg(feature = "crash-points")]

mod accounting;
mod cluster;
mod crashes;
mod deck;
mod failures;
mod groups;
mod homes;
mod hosts;
#[path = "../support/made_up.rs"]
#[allow(dead_code)]
mod made_up;
mod nodes;
mod premises;
#[path = "../dashboard/screen.rs"]
#[allow(dead_code)]
mod screen;
mod searches;
#[path = "../support/mod.rs"]
mod support;
#[path = "../support/tiny_model.rs"]
mod tiny_model;
mod trainers;
mod trust;

use std::sync::OnceLock;

use cluster::Cluster;
use deck::{SlurmDeck, states, wait_for_end, wait_long};
use loradeck_core::run::{EndReason, State, has_started, read_attempts, read_journal};
use support::{starts, status};

/// One cluster for all tests that leave its node alone; it ends with this process.
fn shared() -> &'static Cluster {
    static CLUSTER: OnceLock<Cluster> = OnceLock::new();
    CLUSTER.get_or_init(Cluster::start)
}

const SMALL: &str = "{memory: 10M}";

#[test]
#[ignore = "child: `just test-system` runs it on a real cluster"]
fn a_sweep_is_one_array_and_runs_to_its_end() {
    let deck = SlurmDeck::new(shared());
    let settings =
        "{partition: main, gres: 'gpu:1', memory: 10M, time: 5, array_parallelism: 2, extra: [--nice=1]}";
    let runs = deck.queue(&["finish", "fail", "finish", "refuse", "finish"], settings);
    deck.dispatch().wait().unwrap();
    let words: Vec<&str> = states(&runs).into_iter().map(State::word).collect();
    assert_eq!(words, ["finished", "failed", "finished", "failed", "finished"]);
    assert_eq!((status(&runs[1]).exit, status(&runs[3]).reason), (Some(1), Some(EndReason::Config)));
    assert_eq!(deck.arrays().len(), 1, "one array for the sweep");
    for (index, run) in (1..).zip(&runs) {
        let [attempt] = read_attempts(run).try_into().unwrap();
        let job = attempt.job.unwrap();
        assert_eq!((job.id, job.restart), (deck.job(index), 0));
        assert!(attempt.devices[0].starts_with("gpu-"), "Slurm's GPU: {:?}", attempt.devices);
        assert!(run.report().exists(), "{} has a report", run.label());
        assert_eq!(starts(run).len(), usize::from(index != 4));
    }
    let at_once = deck.cluster.ask("scontrol", &["show", "job", &deck.job(1)]);
    let shown = String::from_utf8(at_once.stdout).unwrap();
    assert!(shown.contains("ArrayTaskThrottle=2") && shown.contains("TresPerNode=gres:gpu:1"), "{shown}");
}

#[test]
#[ignore = "child: `just test-system` runs it on a real cluster"]
fn running_and_waiting_runs_can_be_stopped_killed_and_dropped() {
    let deck = SlurmDeck::new(shared());
    let runs = deck.queue(&["wait", "wait"], SMALL);
    let waiting = deck.queue(&["finish", "finish"], "{partition: closed}");
    let mut dispatcher = deck.dispatch();
    wait_long("two train", || runs.iter().all(|run| starts(run).len() == 1));
    wait_long("the reason is shown", || deck.words(&waiting[0]).contains("PartitionDown"));
    assert!(deck.text(&["show", &waiting[0].label()]).contains("PartitionDown"));
    deck.run(&["stop", &runs[0].label()]);
    deck.run(&["kill", &runs[1].label()]);
    deck.run(&["queue", "drop", &waiting[0].label()]);
    assert_eq!(status(&waiting[0]).state, State::Stopped, "at once, whatever Slurm does");
    let stopped = wait_for_end(&runs[0]);
    assert_eq!((stopped.state, stopped.exit), (State::Stopped, Some(3)));
    assert_eq!(wait_for_end(&runs[1]).reason, Some(EndReason::Killed));
    // Somebody cancels the other one without us.
    let array = deck.arrays().into_iter().find(|array| {
        let jobs = cluster::submissions(deck.root());
        jobs.iter()
            .flat_map(|id| deck.cluster.jobs(&format!("loradeck-{id}")))
            .any(|job| job.starts_with(&format!("{array}|")) && job.contains("PENDING"))
    });
    deck.cluster.ask("scancel", &[&array.unwrap()]);
    assert_eq!(wait_for_end(&waiting[1]).state, State::Stopped);
    assert!(waiting.iter().all(|run| !run.report().exists() && starts(run).is_empty()));
    assert!(!has_started(&waiting[0]));
    dispatcher.wait().unwrap();
    let alive = deck.arrays().iter().any(|array| {
        let jobs = deck.cluster.ask("squeue", &["-h", "--job", array]);
        !jobs.stdout.is_empty()
    });
    assert!(!alive, "no job is left");
}

#[test]
#[ignore = "child: `just test-system` runs it on a real cluster"]
fn a_hold_is_slurms_hold_and_the_queue_tells_it() {
    let deck = SlurmDeck::new(shared());
    let runs = deck.queue(&["finish"], "{memory: 10M, extra: ['--dependency=singleton', --begin=now+1hour]}");
    let mut dispatcher = deck.dispatch();
    wait_long("Slurm has it", || deck.words(&runs[0]).contains("BeginTime"));
    assert!(deck.words(&runs[0]).contains("expected to start"), "{}", deck.words(&runs[0]));
    deck.run(&["queue", "hold", &runs[0].label()]);
    wait_long("Slurm holds it", || deck.words(&runs[0]).contains("JobHeldUser"));
    deck.cluster.hurry(&deck.job(1));
    deck.run(&["queue", "release", &runs[0].label()]);
    assert_eq!(wait_for_end(&runs[0]).state, State::Finished);
    dispatcher.wait().unwrap();
}

#[test]
#[ignore = "child: `just test-system` runs it on a real cluster"]
fn before_the_time_limit_it_writes_a_checkpoint_and_goes_on_in_the_same_run() {
    let deck = SlurmDeck::new(shared());
    let runs = deck.queue(&["wait"], "{memory: 10M, time: 1}");
    let mut dispatcher = deck.dispatch();
    wait_long("it trains", || starts(&runs[0]).len() == 1);
    wait_long("the time limit is near", || status(&runs[0]).state == State::Queued);
    assert_eq!(runs[0].checkpoint_steps(), [1]);
    std::fs::write(runs[0].path().join("go"), "").unwrap();
    let job = deck.job(1);
    assert_eq!(deck.hurry_to_end(&runs[0], &job).state, State::Finished);
    dispatcher.wait().unwrap();
    let attempts = read_attempts(&runs[0]);
    let restarts: Vec<(String, u32)> = attempts
        .iter()
        .map(|attempt| attempt.job.as_ref().map(|job| (job.id.clone(), job.restart)).unwrap())
        .collect();
    let journal = read_journal(&runs[0]).entries;
    assert_eq!(restarts, [(job.clone(), 0), (job, 1)], "one element, started again by Slurm: {journal:#?}");
    assert_eq!(starts(&runs[0]).len(), 2);
    let kinds: Vec<String> = journal.into_iter().map(|entry| entry.kind).collect();
    assert!(kinds.contains(&"interrupt".to_owned()) && kinds.contains(&"requeue".to_owned()), "{kinds:?}");
    assert!(runs[0].report().exists());
}

#[test]
#[ignore = "child: `just test-system` runs it on a real cluster"]
fn a_run_goes_back_into_the_queue_on_request() {
    let deck = SlurmDeck::new(shared());
    let runs = deck.queue(&["wait"], SMALL);
    let refused = deck.command(&["queue", "requeue", &runs[0].label()]).output().unwrap();
    assert_eq!(refused.status.code(), Some(2), "it is not at work: {refused:?}");
    let mut dispatcher = deck.dispatch();
    wait_long("it trains", || starts(&runs[0]).len() == 1 && status(&runs[0]).state == State::Running);
    deck.run(&["queue", "requeue", &runs[0].label()]);
    wait_long("it waits again", || status(&runs[0]).state == State::Queued);
    let job = deck.job(1);
    std::fs::write(runs[0].path().join("go"), "").unwrap();
    let end = deck.hurry_to_end(&runs[0], &job);
    assert_eq!((end.state, end.attempt), (State::Finished, 2));
    dispatcher.wait().unwrap();
}

#[test]
#[ignore = "child: `just test-system` runs it on a real cluster"]
fn what_slurm_refuses_is_told_and_costs_nothing_else() {
    let deck = SlurmDeck::new(shared());
    let refused = deck.queue(&["finish"], "{partition: nowhere}");
    let taken = deck.queue(&["finish"], SMALL);
    deck.dispatch().wait().unwrap();
    let status_of = status(&refused[0]);
    assert_eq!((status_of.state, status_of.reason), (State::Failed, Some(EndReason::Config)));
    assert!(status_of.message.unwrap().contains("nowhere") || deck.arrays().len() == 1);
    assert_eq!(status(&taken[0]).state, State::Finished);
}
