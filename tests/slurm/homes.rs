//! Who acts on a workspace that several hosts see, and what one makes of runs that are at work on another.

use std::process::Output;

use loradeck_core::run::{Home, RunFolder, State, read_attempts};

use crate::cluster::{Cluster, NODE};
use crate::deck::{SlurmDeck, wait_for_end, wait_long};
use crate::hosts::Host;
use crate::nodes::{go, says, workspace};
use crate::support::{path_text, starts, status};

const EXPERIMENT: &str = "\
base_model: models/tiny
batch_size: 2
max_steps: 10
notes: wait
sweep:
  parameters:
    seed: {values: [1, 2]}
";

fn tries(deck: &SlurmDeck<'_>, host: &Host<'_>, arguments: &[&str]) -> Output {
    host.command(&deck.command(arguments)).output().unwrap()
}

/// What `host` says where it must not act.
fn refused(deck: &SlurmDeck<'_>, host: &Host<'_>, arguments: &[&str], why: &str) {
    let output = tries(deck, host, arguments);
    assert!(!output.status.success(), "{arguments:?}: {output:?}");
    assert!(String::from_utf8_lossy(&output.stderr).contains(why), "{arguments:?}: {output:?}");
}

/// Two runs queued on `home`, of which the first is at work there.
fn begin(deck: &SlurmDeck<'_>, home: &Host<'_>) -> Vec<RunFolder> {
    says(deck, home, &["run", "x", "--yes"]);
    let runs = deck.deck.workspace.experiment("x").runs();
    wait_long("it trains", || starts(&runs[0]).len() == 1 && status(&runs[0]).state == State::Running);
    runs
}

fn home_of(deck: &SlurmDeck<'_>) -> Home {
    Home::read(&deck.deck.workspace).unwrap().unwrap()
}

fn has_report(deck: &SlurmDeck<'_>, run: &RunFolder) -> bool {
    !deck.deck.git(&["ls-files", &path_text(&run.report())]).is_empty()
}

#[test]
#[ignore = "child: `just test-system` runs it on real mounts"]
fn one_host_acts_and_another_that_takes_over_leaves_its_trainings_alone() {
    let deck = workspace(EXPERIMENT);
    let cluster = Cluster::of_hosts(deck.workspace.root(), &[NODE], &["home", "desk"]);
    let deck = SlurmDeck { deck, cluster: &cluster };
    let (home, desk) = (cluster.host("home"), cluster.host("desk"));
    let runs = begin(&deck, &home);
    assert!(says(&deck, &desk, &["home"]).contains("'home' is the home host"));
    refused(&deck, &desk, &["queue", "hold", &runs[1].label()], "'home' is the home host");
    says(&deck, &desk, &["stop", &runs[1].label()]);
    assert_eq!(wait_for_end(&runs[1]).state, State::Stopped, "by the dispatcher at home");

    says(&deck, &desk, &["home", "--take-over"]);
    wait_long("the other dispatcher sees it and goes", || !home.has("dispatch --detached"));
    says(&deck, &desk, &["list"]);
    wait_long("its own is at work", || desk.has("dispatch --detached") && home_of(&deck).counter > 0);
    refused(&deck, &home, &["run", "x", "--yes"], "'desk' is the home host");
    refused(&deck, &desk, &["resume", &runs[0].label()], "it trains on another host");
    assert_eq!(status(&runs[0]).state, State::Running, "whose lock is free as seen from here");
    go(&runs[0]);
    assert_eq!(wait_for_end(&runs[0]).state, State::Finished);
    wait_long("its report is committed", || has_report(&deck, &runs[0]));
    wait_long("the dispatcher goes", || !desk.has("dispatch --detached"));
    assert_eq!(starts(&runs[0]).len(), 1);
    assert_eq!((home_of(&deck).host.host.as_str(), home_of(&deck).ended), ("desk", true));
}

#[test]
#[ignore = "child: `just test-system` runs it on real mounts"]
fn a_host_that_died_is_missed_after_a_minute_and_its_run_resumed_on_another() {
    let deck = workspace(EXPERIMENT);
    let cluster = Cluster::of_hosts(deck.workspace.root(), &[NODE], &["home", "desk"]);
    let deck = SlurmDeck { deck, cluster: &cluster };
    let (home, desk) = (cluster.host("home"), cluster.host("desk"));
    let runs = begin(&deck, &home);
    cluster.kill("home");
    let listed = says(&deck, &desk, &["list"]);
    assert!(listed.contains("running"), "nobody can know yet: {listed}");
    assert!(!desk.has("dispatch --detached"), "and looking starts nothing");
    says(&deck, &desk, &["resume", &runs[0].label()]);
    runs.iter().for_each(go);
    wait_long("both end", || runs.iter().all(|run| status(run).state == State::Finished));
    wait_long("all is written up", || runs.iter().all(|run| has_report(&deck, run)));
    wait_long("the dispatcher goes", || !desk.has("dispatch --detached"));
    let hosts: Vec<String> = read_attempts(&runs[0]).into_iter().map(|attempt| attempt.host.host).collect();
    assert_eq!(hosts, ["home", "desk"]);
    assert_eq!((starts(&runs[0]).len(), starts(&runs[1]).len()), (2, 1));
}
