//! `kill -9` at every named point of submitter, dispatcher, supervisor and report: what is left is right.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::semicolon_if_nothing_returned)]
#![cfg(feature = "crash-points")]

mod support;

use loradeck_core::run::{EndReason, RunFolder, State};
use support::{Deck, starts, state, status, wait_until};

/// Points of the processes that own a queue with two runs, and whether the run that was hit must be resumed by hand.
const POINTS: [(&str, bool); 12] = [
    ("dispatch.before-claim", false),
    ("dispatch.after-claim", false),
    ("dispatch.after-starting", false),
    ("supervise.after-lock", false),
    ("supervise.before-spawn", true),
    ("supervise.after-spawn", false),
    ("supervise.before-end", false),
    ("supervise.after-end", false),
    ("report.before", false),
    ("report.after", false),
    ("commit.after-index", false),
    ("never", false),
];

fn survive(point: &str, needs_resume: bool) {
    let deck = Deck::in_git();
    let runs = deck.queue(&["finish", "finish"]);
    let dispatch = deck.command(&["dispatch", "--detached"]);
    assert_eq!(deck.dies_at(dispatch, point), point != "never", "{point} was not passed");
    // Somebody looks, as after a reboot.
    let look = || assert!(deck.run(&["list"]).status.success());
    let over = |run: &RunFolder| state(run).is_end();
    wait_until(&format!("{point}: both end"), || {
        look();
        runs.iter().all(over)
    });
    if needs_resume {
        let hit = runs.iter().find(|run| state(run) == State::Failed).unwrap();
        assert_eq!(status(hit).reason, Some(EndReason::Lost), "{point}");
        assert!(deck.run(&["resume", &hit.label()]).status.success());
    }
    wait_until(&format!("{point}: all is written up"), || {
        look();
        runs.iter().all(|run| state(run) == State::Finished)
            && deck.git(&["ls-files"]).matches("README.md").count() == 2
            && deck.git(&["ls-files"]).contains("comparison.md")
            && !deck.dispatcher_is_at_work()
    });
    for run in &runs {
        assert_eq!(starts(run).len(), 1, "{point}: {} was started more or less than once", run.label());
    }
    let untracked = deck.git(&["status", "--porcelain"]);
    assert_eq!(untracked, "", "{point}");
    deck.git(&["fsck", "--strict"]);
    let commits = deck.git(&["log", "--format=%s"]);
    assert_eq!(commits.lines().count(), 4 + 2 * usize::from(needs_resume), "{point}: {commits}");
}

#[test]
fn a_death_at_any_point_costs_nothing() {
    for (point, needs_resume) in POINTS {
        survive(point, needs_resume);
    }
}

#[test]
fn a_submitter_that_dies_leaves_only_whole_runs_and_skips_numbers() {
    let deck = Deck::in_git();
    let folder = deck.workspace.experiment("x").runs_folder();
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join("next"), "5\n").unwrap();
    std::fs::create_dir_all(folder.join(".tmp-0004-half-1-0")).unwrap();
    let runs = deck.queue(&["finish"]);
    assert_eq!(runs[0].name(), "0005-finish");
    deck.dispatch().wait().unwrap();
    assert_eq!(state(&runs[0]), State::Finished);
}

/// The command's parent dies: what it has written of the command's end holds, and the command does not outlive it.
#[test]
fn a_foreign_command_survives_no_death_of_its_parent_and_loses_no_end() {
    for (point, expected) in [
        ("exec.after-spawn", State::Failed),
        ("exec.before-exit", State::Failed),
        ("exec.after-exit", State::Finished),
        ("exec.before-outcome", State::Finished),
    ] {
        let deck = Deck::new();
        let folder = deck.workspace.experiment("y").path().to_path_buf();
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(folder.join("experiment.yaml"), "command: [sh, -c, 'echo begun']\n").unwrap();
        let mark = deck.workspace.root().join(".loradeck/crash-mark");
        let mut queue = deck.command(&["run", "y"]);
        queue.env("LORADECK_CRASH_AT", point).env("LORADECK_CRASH_MARK", &mark);
        assert!(queue.status().unwrap().success());
        let run = deck.workspace.experiment("y").runs().remove(0);
        wait_until("the run ends", || state(&run).is_end());
        assert!(mark.exists(), "{point} was not passed");
        assert_eq!(state(&run), expected, "{point}: {:?}", status(&run));
    }
}
