//! The queue is steered from the dashboard, and says why each run waits.

use loradeck::launch::QueueSettings;
use loradeck_core::run::{QueueEntry, State, Workspace};
use loradeck_core::trust::{Accepted, TrustStore};

use super::screen::{Screen, state_home};
use super::support::wait_until;
use super::workspace;

#[test]
fn waiting_runs_say_why_are_raised_and_the_queue_is_paused() {
    let (folder, _made_up) = workspace(&[(State::Queued, 0), (State::Queued, 0)]);
    let found = Workspace::find(folder.path()).unwrap();
    let runs = found.experiment("format").runs();
    for (run, after) in runs.iter().zip([vec![], vec!["format/1".to_owned()]]) {
        QueueEntry { hold: after.is_empty(), after, sweep: Some(2), trial: Some(7), ..QueueEntry::default() }
            .write(run)
            .unwrap();
    }
    let store = TrustStore::at(state_home(folder.path()).join("loradeck"));
    store.trust(&found, Accepted::default(), "trust").unwrap();
    // Nothing may start while this test looks.
    QueueSettings { paused: true, ..QueueSettings::default() }.write(&found).unwrap();
    let paused = || QueueSettings::read(&found).unwrap().paused;
    let mut screen = Screen::dashboard(folder.path(), 140, 30);
    screen.wait_for("0002-rank-8");
    screen.press("4");
    screen.wait_for("held: H releases it");
    screen.wait_for("#1  the queue is paused");
    screen.wait_for("P resumes it");
    // The first of those that wait comes first, the held one after it.
    screen.press(">");
    wait_until("the priority is written", || QueueEntry::read(&runs[1]).unwrap().priority == 1);
    screen.wait_for("priority 1");
    screen.press("\r");
    screen.wait_for("2, trial 7");
    screen.wait_for("format/1");
    screen.press("q");
    screen.wait_until_gone("trial 7");
    // The other one is held, so that nothing starts when the queue goes on.
    screen.press("H");
    wait_until("both are held", || QueueEntry::read(&runs[1]).unwrap().hold);
    screen.press("P");
    wait_until("the queue is resumed", || !paused());
    screen.wait_until_gone("P resumes it");
    screen.press("Pq");
    assert!(screen.end().success());
    assert!(paused(), "what was asked for before leaving is done");
}
