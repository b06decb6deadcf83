//! Groups have their shares with Slurm as they have them on this machine.

use loradeck_core::run::{QueueEntry, RunFolder, State};

use crate::deck::{SlurmDeck, for_slurm, wait_for_end, wait_long};
use crate::support::{starts, status};
use crate::{SMALL, shared};

fn of_group() -> QueueEntry {
    QueueEntry { group: Some("night".into()), ..QueueEntry::default() }
}

fn let_go(run: &RunFolder) {
    std::fs::write(run.path().join("go"), "").unwrap();
}

#[test]
#[ignore = "child: `just test-system` runs it on a real cluster"]
fn not_more_of_a_group_are_with_slurm_than_its_share() {
    let deck = SlurmDeck::new(shared());
    deck.run(&["queue", "slots", "2", "--group", "night"]);
    // The dispatcher that this starts would take the runs one by one.
    let home = || loradeck_core::run::Home::read(&deck.deck.workspace).unwrap();
    wait_long("it has gone again", || home().is_some_and(|home| home.ended));
    deck.wait_until_quiet();
    let grouped = deck.queue_as(&of_group(), &["wait", "wait", "wait"], &for_slurm(SMALL));
    let free = deck.queue(&["finish"], SMALL);
    let mut dispatcher = deck.dispatch();
    wait_long("two of the group train", || grouped[..2].iter().all(|run| starts(run).len() == 1));
    assert_eq!(wait_for_end(&free[0]).state, State::Finished, "the group is nobody else's affair");
    let words = deck.words(&grouped[2]);
    assert!(words.contains("the group 'night' uses all of its slots") && !words.contains("Slurm"), "{words}");
    // A run of this machine finds the share used as well.
    let here = deck.queue_as(&of_group(), &["finish"], "").remove(0);
    deck.run(&["queue"]);
    wait_long("it says why it waits", || deck.words(&here).contains("the group 'night' uses all"));
    assert_eq!(deck.arrays().len(), 1, "one array of what may start: {:?}", deck.arrays());

    let_go(&grouped[0]);
    wait_long("the next one gets the share", || starts(&grouped[2]).len() == 1);
    assert_eq!(status(&grouped[0]).state, State::Finished);
    grouped[1..].iter().for_each(let_go);
    for run in grouped.iter().chain([&here]) {
        assert_eq!(wait_for_end(run).state, State::Finished);
    }
    dispatcher.wait().unwrap();
}

#[test]
#[ignore = "child: `just test-system` runs it on a real cluster"]
fn a_paused_groups_runs_are_held_in_slurm_and_say_so() {
    let deck = SlurmDeck::new(shared());
    let runs =
        deck.queue_as(&of_group(), &["finish"], &for_slurm("{memory: 10M, extra: ['--begin=now+1hour']}"));
    let mut dispatcher = deck.dispatch();
    wait_long("Slurm has it", || deck.words(&runs[0]).contains("BeginTime"));
    deck.run(&["queue", "pause", "--group", "night"]);
    wait_long("Slurm holds it", || deck.words(&runs[0]).contains("JobHeldUser"));
    assert!(deck.words(&runs[0]).contains("the group 'night' is paused"), "{}", deck.words(&runs[0]));
    deck.run(&["queue", "resume", "--group", "night"]);
    let job = deck.job(1);
    assert_eq!(deck.hurry_to_end(&runs[0], &job).state, State::Finished);
    dispatcher.wait().unwrap();
}
