//! What was asked for just before leaving is done.

use loradeck_core::run::{QueueEntry, RunFolder, State, Status, Workspace};

use super::screen::Screen;
use super::workspace;

/// A workspace with one run that waits and is held back, so that no dispatcher has work in it.
fn with_a_held_run() -> (tempfile::TempDir, Workspace, RunFolder) {
    let (folder, _made_up) = workspace(&[(State::Queued, 0)]);
    let found = Workspace::find(folder.path()).unwrap();
    let run = found.experiment("format").runs().remove(0);
    QueueEntry { hold: true, ..QueueEntry::default() }.write(&run).unwrap();
    (folder, found, run)
}

#[test]
fn leaving_waits_for_what_was_asked_and_says_so() {
    let (folder, found, run) = with_a_held_run();
    let mut screen = Screen::dashboard(folder.path(), 120, 30);
    screen.wait_for("0001-rank-4");
    // The stop has to wait for this lock.
    let lock = found.queue_lock().unwrap();
    screen.press("s");
    screen.wait_for("leaves the queue");
    screen.press("yq");
    screen.wait_for("finishing before quitting: Stop format/0001-rank-4");
    assert!(!screen.terminal.screen().alternate_screen(), "the shell's screen is back already");
    assert_eq!(Status::read(&run).unwrap().unwrap().state, State::Queued);
    drop(lock);
    assert!(screen.end().success());
    assert_eq!(Status::read(&run).unwrap().unwrap().state, State::Stopped);
    screen.assert_whole();
}

#[test]
fn ctrl_c_ends_the_wait_and_what_was_not_seen_done_is_named() {
    let (folder, found, _run) = with_a_held_run();
    let mut screen = Screen::dashboard(folder.path(), 120, 30);
    screen.wait_for("0001-rank-4");
    let _lock = found.queue_lock().unwrap();
    screen.press("H");
    screen.press("q");
    screen.wait_for("finishing before quitting: Hold or release format/0001");
    screen.press("\u{3}");
    assert!(!screen.end().success());
    assert!(screen.text().contains("the dashboard quit before this was confirmed"), "{}", screen.text());
    screen.assert_whole();
}
