//! `kill -9` between the note and sbatch, between sbatch and the note of the job's number, and at every point of an
//! element: nothing is submitted or started twice, nothing is lost.

use loradeck_core::run::{EndReason, State, read_attempts};

use crate::deck::{SlurmDeck, wait_for_end, wait_long};
use crate::support::{kill_9, starts, status, supervisor_pid};
use crate::{SMALL, shared};

/// The dispatcher dies at `point`; somebody looks, as after a reboot.
fn survive(point: &str) {
    let deck = SlurmDeck::new(shared());
    let runs = deck.queue(&["finish", "finish"], SMALL);
    let dispatch = deck.command(&["dispatch", "--detached"]);
    assert!(deck.deck.dies_at(dispatch, point), "{point} was not passed");
    wait_long(&format!("{point}: both end"), || {
        deck.run(&["list"]);
        runs.iter().all(|run| status(run).state.is_end())
    });
    deck.wait_until_quiet();
    for run in &runs {
        assert_eq!(status(run).state, State::Finished, "{point}: {:?}", status(run));
        assert_eq!(starts(run).len(), 1, "{point}: {} was started more or less than once", run.label());
    }
    let expected = if point.starts_with("slurm.element") { 2 } else { 1 };
    assert_eq!(deck.arrays().len(), expected, "{point}");
}

#[test]
#[ignore = "child: `just test-system` runs it on a real cluster"]
fn a_dispatcher_that_dies_after_its_note_submits_once() {
    survive("slurm.after-note");
}

#[test]
#[ignore = "child: `just test-system` runs it on a real cluster"]
fn a_dispatcher_that_dies_after_sbatch_submits_once() {
    survive("slurm.after-sbatch");
}

#[test]
#[ignore = "child: `just test-system` runs it on a real cluster"]
fn a_dispatcher_that_dies_after_the_jobs_number_submits_once() {
    survive("slurm.after-job");
}

#[test]
#[ignore = "child: `just test-system` runs it on a real cluster"]
fn an_element_that_dies_after_its_claim_is_submitted_again_alone() {
    survive("slurm.element-claimed");
}

#[test]
#[ignore = "child: `just test-system` runs it on a real cluster"]
fn an_element_that_dies_before_it_trains_is_submitted_again_alone() {
    survive("slurm.element-starting");
}

#[test]
#[ignore = "child: `just test-system` runs it on a real cluster"]
fn a_killed_supervisors_run_is_lost_and_resumed_alone() {
    let deck = SlurmDeck::new(shared());
    let runs = deck.queue(&["wait", "finish"], SMALL);
    let mut dispatcher = deck.dispatch();
    wait_long("it trains", || starts(&runs[0]).len() == 1);
    kill_9(supervisor_pid(&runs[0]));
    let lost = wait_for_end(&runs[0]);
    assert_eq!((lost.state, lost.reason), (State::Failed, Some(EndReason::Lost)));
    dispatcher.wait().unwrap();
    assert_eq!(status(&runs[1]).state, State::Finished);
    std::fs::write(runs[0].path().join("go"), "").unwrap();
    deck.run(&["resume", &runs[0].label()]);
    wait_long("it has finished", || status(&runs[0]).state == State::Finished);
    deck.wait_until_quiet();
    let jobs: Vec<String> =
        read_attempts(&runs[0]).into_iter().filter_map(|attempt| attempt.job).map(|job| job.id).collect();
    assert_eq!(jobs.len(), 2);
    assert_eq!(deck.arrays().len(), 2, "only the failed element went to Slurm again");
    assert_eq!(starts(&runs[1]).len(), 1);
}
