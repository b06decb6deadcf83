//! The queue with real processes: what waits for what, what comes back, what is held and what is given up.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::semicolon_if_nothing_returned)]

mod support;

use loradeck_core::run::{EndReason, QueueEntry, RunFolder, State, read_journal};
use support::{Deck, kill_9, started_pid, starts, state, status, supervisor_pid, wait_for_end, wait_until};

fn change(run: &RunFolder, change: impl FnOnce(&mut QueueEntry)) {
    let mut entry = QueueEntry::read(run).unwrap();
    change(&mut entry);
    entry.write(run).unwrap();
}

fn go(run: &RunFolder) {
    std::fs::write(run.path().join("go"), "").unwrap();
}

/// The reason of waiting of a run, as `loradeck queue --json` tells it.
fn why(deck: &Deck, run: &RunFolder) -> String {
    let said = deck.run(&["queue", "--json"]).stdout;
    let said: serde_json::Value = serde_json::from_slice(&said).unwrap();
    let runs = said["runs"].as_array().unwrap();
    let ours = runs.iter().find(|one| one["run"] == run.label().as_str()).unwrap();
    ours["why"].as_str().unwrap().to_owned()
}

#[test]
fn a_run_waits_for_the_one_it_comes_after() {
    let deck = Deck::new();
    let runs = deck.queue(&["wait", "finish"]);
    // The child stands first in the queue, and must still wait.
    change(&runs[1], |entry| (entry.after, entry.priority) = (vec![runs[0].label()], 9));
    let mut dispatcher = deck.dispatch();
    wait_until("the parent trains", || starts(&runs[0]).len() == 1);
    assert_eq!(why(&deck, &runs[1]), format!("waits for {} to finish", runs[0].label()));
    go(&runs[0]);
    assert_eq!(wait_for_end(&runs[1]).state, State::Finished);
    dispatcher.wait().unwrap();
    let ended = std::fs::read_to_string(runs[0].path().join("ended")).unwrap();
    let begun = starts(&runs[1])[0].split(' ').nth(2).unwrap().parse::<f64>().unwrap();
    assert!(begun >= ended.trim().parse().unwrap());
}

#[test]
fn a_failed_parent_is_said_so_in_the_child_and_its_children() {
    let deck = Deck::new();
    let runs = deck.queue(&["fail", "finish", "finish"]);
    change(&runs[1], |entry| entry.after = vec![runs[0].label()]);
    change(&runs[2], |entry| entry.after = vec![runs[1].label()]);
    deck.dispatch().wait().unwrap();
    for (child, parent) in [(&runs[1], &runs[0]), (&runs[2], &runs[1])] {
        let status = status(child);
        assert_eq!((status.state, status.reason), (State::Failed, Some(EndReason::Parent)));
        assert!(status.message.unwrap().starts_with(&format!("{} is failed", parent.label())));
        assert!(starts(child).is_empty());
    }
}

#[test]
fn a_lost_run_comes_back_as_often_as_it_may() {
    let deck = Deck::new();
    let runs = deck.queue(&["wait"]);
    change(&runs[0], |entry| entry.auto_resume = 1);
    let mut dispatcher = deck.dispatch();
    for attempt in 1..=2 {
        wait_until("it trains", || starts(&runs[0]).len() == attempt);
        let trainer = started_pid(&runs[0]);
        kill_9(supervisor_pid(&runs[0]));
        kill_9(trainer);
        if attempt == 1 {
            wait_until("it waits for its second attempt", || status(&runs[0]).attempt == 2);
        }
    }
    wait_until("it has ended", || state(&runs[0]) == State::Failed && status(&runs[0]).attempt == 2);
    dispatcher.wait().unwrap();
    let entries = read_journal(&runs[0]).entries;
    let message = entries.iter().find(|entry| entry.kind == "auto-resume").unwrap();
    assert!(message.text("message").unwrap().starts_with("resumes automatically in 2 s after: "));
    assert_eq!(QueueEntry::read(&runs[0]).unwrap().comebacks, 1);
}

#[test]
fn a_sweep_that_fails_and_fails_is_paused_and_goes_on_when_told() {
    let deck = Deck::new();
    let runs = deck.queue_sweep(&["fail", "fail", "finish", "finish"]);
    for run in &runs {
        change(run, |entry| entry.stop_sweep_after_failures = Some(2));
    }
    deck.dispatch().wait().unwrap();
    assert_eq!(state(&runs[2]), State::Queued, "the rest of the sweep waits, and the dispatcher has gone");
    let reason = why(&deck, &runs[2]);
    assert!(reason.starts_with("its sweep is paused: 2 runs failed in a row: "), "{reason}");
    assert!(deck.run(&["sweep", "resume", "x"]).status.success());
    for run in &runs[2..] {
        assert_eq!(wait_for_end(run).state, State::Finished);
    }
}

#[test]
fn a_group_takes_its_share_and_no_more() {
    let deck = Deck::new();
    let runs = deck.queue(&["wait", "wait", "wait"]);
    assert!(deck.run(&["queue", "pause"]).status.success());
    assert!(deck.run(&["queue", "join", "night", "x/1", "x/2", "x/3"]).status.success());
    assert!(deck.run(&["queue", "leave", "x/3"]).status.success());
    let groups = runs.iter().map(|run| QueueEntry::read(run).unwrap().group);
    assert_eq!(groups.collect::<Vec<_>>(), [Some("night".to_owned()), Some("night".to_owned()), None]);
    assert!(deck.run(&["queue", "slots", "1", "--group", "night"]).status.success());
    assert!(deck.run(&["queue", "slots", "3"]).status.success());
    assert!(deck.run(&["queue", "resume"]).status.success());
    let mut dispatcher = deck.dispatch();
    wait_until("two train", || !starts(&runs[0]).is_empty() && !starts(&runs[2]).is_empty());
    assert_eq!(why(&deck, &runs[1]), "the group 'night' uses all of its slots");
    assert!(starts(&runs[1]).is_empty());
    runs.iter().for_each(go);
    for run in &runs {
        assert_eq!(wait_for_end(run).state, State::Finished);
    }
    wait_until("the dispatcher goes", || !deck.dispatcher_is_at_work());
    let _ = dispatcher.wait();
}

#[test]
fn only_what_waits_has_a_place_in_the_queue() {
    let deck = Deck::new();
    let runs = deck.queue(&["finish"]);
    assert!(deck.run(&["queue", "move", "x/1", "-5"]).status.success());
    assert_eq!(QueueEntry::read(&runs[0]).unwrap().priority, -5);
    deck.dispatch().wait().unwrap();
    for change in
        [&["queue", "hold", "x/1"][..], &["queue", "move", "x/1", "3"], &["queue", "join", "g", "x/1"]]
    {
        let refused = deck.run(change);
        assert_eq!(refused.status.code(), Some(2));
        let said = String::from_utf8_lossy(&refused.stderr).into_owned();
        assert!(said.contains("x/0001-finish is finished: only a run that waits"), "{said}");
    }
    let entry = QueueEntry::read(&runs[0]).unwrap();
    assert_eq!((entry.hold, entry.priority), (false, -5));
}

#[test]
fn a_finished_run_is_extended_and_never_shortened() {
    let deck = Deck::new();
    let runs = deck.queue(&["finish"]);
    deck.dispatch().wait().unwrap();
    let refused = deck.run(&["resume", "x/1", "max_steps=1"]);
    let said = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert_eq!(
        (refused.status.code(), said.trim_end()),
        (
            Some(2),
            "x/0001-finish has done these steps: nothing is left to train (hint: a larger max_steps extends it)"
        )
    );
    assert_eq!(state(&runs[0]), State::Finished);
    assert!(deck.run(&["resume", "x/1", "max_steps=9"]).status.success());
    wait_until("it has gone on", || starts(&runs[0]).len() == 2);
    assert_eq!(wait_for_end(&runs[0]).attempt, 2);
}

#[test]
fn who_waits_for_a_removed_run_says_so_and_goes_on_when_it_is_back() {
    let deck = Deck::new();
    let parent = deck.queue(&["finish"]).remove(0);
    deck.dispatch().wait().unwrap();
    wait_until("the dispatcher goes", || !deck.dispatcher_is_at_work());
    let child = deck.queue(&["finish"]).remove(0);
    change(&child, |entry| entry.after = vec![parent.label()]);
    assert!(deck.run(&["remove", "x/1"]).status.success());
    let reason = why(&deck, &child);
    assert_eq!(reason, "waits for x/0001-finish, which is not there (restore brings a removed run back)");
    assert!(deck.run(&["restore", "x/1"]).status.success());
    assert_eq!(wait_for_end(&child).state, State::Finished);
}

#[test]
fn checkpoints_go_only_once_they_are_listed_and_agreed_to() {
    let deck = Deck::new();
    let runs = deck.queue(&["finish"]);
    deck.dispatch().wait().unwrap();
    for step in [1, 2, 3] {
        std::fs::create_dir_all(runs[0].checkpoint(step)).unwrap();
        std::fs::write(runs[0].checkpoint(step).join("state.safetensors"), [0; 2048]).unwrap();
    }
    let used: serde_json::Value = serde_json::from_slice(&deck.run(&["du", "--json"]).stdout).unwrap();
    assert_eq!(used["runs"][0]["checkpoints"], 3 * 2048);
    let unasked = deck.run(&["clean"]);
    assert_eq!((unasked.status.code(), runs[0].checkpoint_steps().len()), (Some(2), 3));
    assert!(String::from_utf8_lossy(&unasked.stdout).contains("checkpoint of step 2"));
    let agreed = deck.run(&["clean", "x", "--keep", "2", "--yes"]);
    assert!(agreed.status.success());
    assert_eq!(runs[0].checkpoint_steps(), [2, 3]);
    assert!(deck.run(&["remove", "x/1"]).status.success());
    assert!(deck.run(&["clean", "--trash", "-y"]).status.success());
    assert!(deck.workspace.experiment("x").removed_runs().is_empty());
}
