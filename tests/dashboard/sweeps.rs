//! Sweeps are seen and steered from the dashboard.

use loradeck::launch::{QueueSettings, SweepFile};
use loradeck_core::run::{QueueEntry, State, Workspace};

use super::screen::Screen;
use super::support::wait_until;
use super::workspace;

#[test]
fn a_sweep_is_seen_paused_let_go_on_and_a_trial_kept() {
    let (folder, _made_up) = workspace(&[(State::Running, 40), (State::Queued, 0)]);
    let found = Workspace::find(folder.path()).unwrap();
    let experiment = found.experiment("format");
    let runs = experiment.runs();
    for (run, trial) in runs.iter().zip(1..) {
        QueueEntry { sweep: Some(1), trial: Some(trial), ..QueueEntry::default() }.write(run).unwrap();
    }
    let path = SweepFile::path_of(&experiment, 1);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(&path, r#"{"format": 1, "method": "grid", "trials": [{}, {}]}"#).unwrap();
    // Nothing may start while this test looks.
    QueueSettings { paused: true, ..QueueSettings::default() }.write(&found).unwrap();
    let is_paused = || SweepFile::read(&experiment, 1).unwrap().unwrap().paused().is_some();
    let mut screen = Screen::dashboard(folder.path(), 140, 40);
    screen.wait_for("0002-rank-8");
    screen.press("5");
    screen.wait_for("format:1");
    screen.wait_for("1 running, 1 queued of 2");
    screen.press("P");
    wait_until("the sweep is paused", is_paused);
    screen.wait_for("format:1 is paused; running trials continue");
    screen.wait_for("1 sweep paused: 5");
    screen.press("\r");
    screen.wait_for("2 of 2");
    // On screen 1 it has a key of its own.
    screen.press("W");
    wait_until("the sweep goes on", || !is_paused());
    screen.wait_until_gone("1 sweep paused");
    screen.press("A");
    wait_until("the trial is kept", || runs.iter().any(|run| QueueEntry::read(run).unwrap().keep));
    screen.press("q");
    assert!(screen.end().success());
    screen.assert_whole();
}
