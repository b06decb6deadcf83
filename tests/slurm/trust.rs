//! Trust that is taken back: what Slurm has accepted was allowed when it was submitted, and nothing further is handed over.

use loradeck_core::run::{State, has_started};

use crate::deck::{SlurmDeck, wait_for_end, wait_long};
use crate::shared;
use crate::support::{starts, status};

#[test]
#[ignore = "child: `just test-system` runs it on a real cluster"]
fn what_slurm_has_accepted_runs_after_trust_was_taken_back_and_nothing_further_is_submitted() {
    let deck = SlurmDeck::new(shared());
    let accepted = deck.queue(&["finish"], "{memory: 10M, extra: [--begin=now+1hour]}");
    let mut dispatcher = deck.dispatch();
    wait_long("Slurm has it", || deck.words(&accepted[0]).contains("BeginTime"));
    deck.run(&["untrust"]);
    let further = deck.queue(&["finish"], "{memory: 10M}");
    wait_long("it says what it waits for", || deck.words(&further[0]).contains("not trusted"));
    let job = deck.job(1);
    assert_eq!(deck.hurry_to_end(&accepted[0], &job).state, State::Finished);
    assert_eq!(starts(&accepted[0]).len(), 1);
    dispatcher.wait().unwrap();
    assert_eq!((status(&further[0]).state, has_started(&further[0])), (State::Queued, false));
    assert_eq!(deck.arrays().len(), 1, "nothing more was handed to Slurm");
    deck.run(&["trust", "--yes"]);
    deck.run(&["list"]);
    assert_eq!(wait_for_end(&further[0]).state, State::Finished);
    deck.wait_until_quiet();
}
