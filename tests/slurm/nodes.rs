//! A cluster whose hosts share a workspace as over NFS: no flock across hosts, no inotify, late visibility.

use std::collections::BTreeSet;
use std::fs;
use std::io::{BufRead, BufReader};
use std::process::Stdio;

use loradeck_core::run::{Home, RunFolder, State, read_attempts};
use portable_pty::CommandBuilder;

use crate::cluster::Cluster;
use crate::deck::{SlurmDeck, wait_for_end, wait_long};
use crate::hosts::Host;
use crate::made_up::{Plan, write_events};
use crate::premises;
use crate::screen::Screen;
use crate::support::{Deck, path_text, starts, status};
use crate::tiny_model;

const EXPERIMENT: &str = "\
base_model: models/tiny
batch_size: 2
max_steps: 10
notes: wait
launcher: slurm
slurm: {memory: 10M, gres: 'gpu:1'}
sweep:
  parameters:
    seed: {values: [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]}
";

pub fn workspace(experiment: &str) -> Deck {
    let deck = Deck::in_git();
    let root = deck.workspace.root().to_path_buf();
    tiny_model::write_model(&root.join("models/tiny"));
    tiny_model::write_data(&root.join("experiments/x/data/train.jsonl"), 12);
    fs::write(root.join("experiments/x/experiment.yaml"), experiment).unwrap();
    deck
}

/// What `host` says to a command that succeeds.
pub fn says(deck: &SlurmDeck<'_>, host: &Host<'_>, arguments: &[&str]) -> String {
    let output = host.command(&deck.command(arguments)).output().unwrap();
    assert!(output.status.success(), "{} {arguments:?}: {output:?}", host.name);
    String::from_utf8(output.stdout).unwrap()
}

fn hosts_of(runs: &[RunFolder]) -> BTreeSet<String> {
    runs.iter().flat_map(read_attempts).map(|attempt| attempt.host.host).collect()
}

/// The Slurm job of the run's first attempt.
fn job_of(run: &RunFolder) -> String {
    read_attempts(run)[0].job.clone().unwrap().id
}

pub fn go(run: &RunFolder) {
    fs::write(run.path().join("go"), "").unwrap();
}

#[test]
#[ignore = "child: `just test-system` runs it on a real cluster"]
fn a_sweep_on_hosts_that_share_nothing_but_files_loses_nothing_and_starts_nothing_twice() {
    let deck = workspace(EXPERIMENT);
    let cluster = Cluster::of_hosts(deck.workspace.root(), &["node1", "node2"], &["home", "desk"]);
    let deck = SlurmDeck { deck, cluster: &cluster };
    let root = deck.root().to_path_buf();
    let (home, desk) = (cluster.host("home"), cluster.host("desk"));
    premises::locks_do_not_reach_across(&home, &desk, &root);
    premises::changes_are_not_announced(&home, &desk, &root);
    premises::changes_are_seen_late(&home, &desk, &root);

    says(&deck, &home, &["run", "x", "--yes"]);
    let runs = deck.deck.workspace.experiment("x").runs();
    assert_eq!(runs.len(), 12);
    wait_long("eight train", || runs.iter().filter(|run| starts(run).len() == 1).count() == 8);
    assert_eq!(hosts_of(&runs), BTreeSet::from(["node1".into(), "node2".into()]));

    let mut refused = desk.command(&deck.command(&["run", "x", "--yes"]));
    let refused = refused.stderr(Stdio::piped()).spawn().unwrap();
    let node = read_attempts(&runs[0])[0].host.host.clone();
    follow(&deck, &desk, &cluster.host(&node), &runs[0]);

    let [asked_to_stop, cancelled] = on("node2", &runs)[..2] else { panic!("four runs on each node") };
    says(&deck, &desk, &["stop", &asked_to_stop.label()]);
    let dropped = &runs[11];
    let told = says(&deck, &desk, &["stop", &dropped.label()]);
    assert!(told.contains("the home host's dispatcher removes it"), "{told}");
    assert_eq!(wait_for_end(asked_to_stop).state, State::Stopped);
    assert_eq!(wait_for_end(dropped).state, State::Stopped);
    cluster.ask("scancel", &[&job_of(cancelled)]);
    assert_eq!(wait_for_end(cancelled).state, State::Stopped);
    let refused = refused.wait_with_output().unwrap();
    assert_eq!(refused.status.code(), Some(1), "{refused:?}");
    assert!(String::from_utf8_lossy(&refused.stderr).contains("'home' is the home host"), "{refused:?}");

    let on_node1: Vec<RunFolder> = on("node1", &runs).into_iter().cloned().collect();
    home.kill_9("dispatch --detached");
    cluster.kill("node1");
    says(&deck, &desk, &["list"]);
    assert!(!desk.has("dispatch --detached"), "looking from another host starts nothing");
    says(&deck, &home, &["list"]);
    runs.iter().for_each(go);
    wait_long("what was on the dead node goes on", || {
        for run in &on_node1 {
            cluster.hurry(&job_of(run));
        }
        on_node1.iter().all(|run| status(run).state.is_end())
    });
    cluster.start_again("node1");
    wait_long("all end", || runs.iter().all(|run| status(run).state.is_end()));
    wait_long("the dispatcher goes", || !home.has("dispatch --detached"));
    for run in &runs {
        let is_stopped = [asked_to_stop, cancelled, dropped].contains(&run);
        let expected = if is_stopped { State::Stopped } else { State::Finished };
        assert_eq!(status(run).state, expected, "{}: {:?}", run.label(), status(run));
        let times = if run == dropped { 0 } else { 1 + usize::from(on_node1.contains(run)) };
        assert_eq!(starts(run).len(), times, "{}: {:?}", run.label(), starts(run));
        let is_committed = !deck.deck.git(&["ls-files", &path_text(&run.report())]).is_empty();
        assert_eq!(is_committed, run != dropped, "{}", run.label());
        let changed = deck.deck.git(&["status", "--porcelain", &path_text(run.path())]);
        assert!(changed.is_empty() || run == dropped, "{changed}");
    }
    let end = Home::read(&deck.deck.workspace).unwrap().unwrap();
    assert_eq!((end.host.host.as_str(), end.ended), ("home", true));
}

/// The runs whose newest attempt is at work on `host`.
fn on<'a>(host: &str, runs: &'a [RunFolder]) -> Vec<&'a RunFolder> {
    let is_there = |run: &&RunFolder| {
        let last = read_attempts(run).pop();
        status(run).state == State::Running && last.is_some_and(|attempt| attempt.host.host == host)
    };
    runs.iter().filter(is_there).collect()
}

/// What a run writes on its node is seen in a dashboard and by `logs --follow` of another host.
fn follow(deck: &SlurmDeck<'_>, desk: &Host<'_>, node: &Host<'_>, run: &RunFolder) {
    let mut logs = desk.command(&deck.command(&["logs", "--follow", &run.label()]));
    let mut logs = logs.stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(logs.stdout.take().unwrap()).lines();
    assert_eq!(lines.next().unwrap().unwrap(), "attempt 1 begins");
    let mut screen = dashboard(deck, desk);
    screen.wait_for("attempt 1 begins");
    node.says(run.path(), "echo 'a word of the node' >> logs/train.log");
    assert_eq!(lines.next().unwrap().unwrap(), "a word of the node");
    screen.wait_for("a word of the node");
    let plan = Plan::new(1, 4, 1e-3);
    write_events(run, &plan, 1..=40);
    screen.wait_for("last 1.25");
    screen.press("q");
    assert!(screen.end().success());
    logs.kill().unwrap();
    logs.wait().unwrap();
}

fn dashboard(deck: &SlurmDeck<'_>, host: &Host<'_>) -> Screen {
    let inner = deck.command(&[]);
    let mut command = CommandBuilder::new("nsenter");
    command.args(&host.words(deck.root())[1..]);
    command.arg(inner.get_program());
    for (name, value) in inner.get_envs() {
        match value {
            Some(value) => command.env(name, value),
            None => command.env_remove(name),
        }
    }
    command.env("TERM", "xterm-256color");
    command.env("LANG", "C.UTF-8");
    Screen::run(command, 140, 40)
}
