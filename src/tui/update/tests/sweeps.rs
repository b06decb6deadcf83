//! Sweeps by keys.

use crate::launch::Waiting;
use crate::store::ShownState;
use crate::tui::deed::Deed;
use crate::tui::message::{Effect, Msg};
use crate::tui::sample::made_up::Plan;
use crate::tui::sample::{self, Driven};
use crate::tui::screen::Screen;
use crate::tui::state::{DocumentOf, Popup, Standing, SweepId};

fn driven() -> Driven {
    Driven::over(sample::halving(), 120, 40)
}

fn id(experiment: &str) -> SweepId {
    SweepId { workspace: 0, experiment: experiment.into(), number: 1 }
}

#[test]
fn how_a_sweep_stands_follows_from_its_file_and_its_runs() {
    let driven = driven();
    let sweep = driven.app.runs.sweep(&id("halving")).unwrap();
    assert_eq!((sweep.made, sweep.planned, sweep.word()), (4, Some(6), "open"));
    assert_eq!(
        sweep.rungs.iter().map(|rung| (rung.step, rung.came, rung.given_up)).collect::<Vec<_>>(),
        [(24, 3, 1), (48, 1, 0)]
    );
    let standing = Standing::of(sweep, &driven.app.runs);
    assert_eq!(standing.ended(), 2);
    assert_eq!(standing.states[&ShownState::Pruned], 1);
    let values: Vec<f64> = standing.ranking.iter().map(|(_, value)| *value).collect();
    assert_eq!(values.len(), 3, "what waits has no value");
    assert!(values.is_sorted(), "{values:?}");
}

#[test]
fn the_selected_runs_sweep_is_paused_and_let_go_on() {
    let mut driven = driven();
    driven.press("W");
    assert_eq!(driven.effects, [Effect::PauseSweep(id("halving"), true)]);
    driven.effects.clear();
    driven.press("5jP");
    assert_eq!(driven.effects, [Effect::PauseSweep(id("old"), false)], "it is paused already");
    driven.effects.clear();
    driven.press("1<Home>W");
    assert_eq!(driven.effects, [Effect::PauseSweep(id("halving"), true)], "by its experiment's heading");
    driven.effects.clear();
    driven.press("GW");
    assert!(driven.effects.is_empty());
    assert!(driven.app.reports.current(driven.now).unwrap().text.contains("no trial of a sweep"));
}

#[test]
fn a_sweep_that_is_done_is_not_paused() {
    let mut driven = driven();
    sample::write_sweep(
        driven.sample.folder.path(),
        "halving",
        &serde_json::json!({"closed": true, "paused": "", "trials": []}),
    );
    driven.read(&[crate::watch::Change::States(driven.sample.folder.path().into())]);
    let sweep = driven.app.runs.sweep(&id("halving")).unwrap();
    assert_eq!((sweep.word(), sweep.is_paused()), ("done", false));
    driven.press("5P");
    assert!(driven.effects.is_empty());
    assert!(driven.app.reports.current(driven.now).unwrap().text.contains("halving:1 is done"));
}

#[test]
fn enter_shows_the_trials_alone_and_esc_all_runs_again() {
    let mut driven = driven();
    driven.press("5<Enter>");
    assert_eq!((driven.app.screen, driven.app.list.shown().count()), (Screen::Runs, 4));
    assert_eq!(driven.app.run_under_cursor(), driven.app.list.shown().next());
    driven.press("<Esc>");
    assert_eq!(driven.app.list.shown().count(), 5);
}

#[test]
fn on_the_screen_of_sweeps_nothing_is_done_to_runs_that_are_not_seen() {
    let mut driven = driven();
    driven.press("a5sKDRtHAQ><");
    assert!(driven.effects.is_empty() && driven.app.popup.is_none());
    driven.press("r");
    let of = DocumentOf::Comparison { workspace: 0, experiment: "halving".into() };
    assert_eq!(driven.effects, [Effect::ReadDocument(of)]);
}

#[test]
fn a_trial_is_kept_and_what_is_none_or_has_ended_is_refused() {
    let mut driven = driven();
    let running = driven.app.run_under_cursor().unwrap();
    driven.press("A");
    assert_eq!(driven.effects, [Effect::Do(Deed::Keep, vec![running])]);
    driven.effects.clear();
    for (keys, said) in
        [("kA", "has ended already"), ("GA", "is no trial of a sweep"), ("<Home>jjQ", "a Slurm node")]
    {
        driven.press(keys);
        assert!(driven.effects.is_empty());
        let report = driven.app.reports.current(driven.now).unwrap();
        assert!(report.error && report.text.contains(said), "{keys}: {}", report.text);
    }
    driven.press("aA");
    let Some(Popup::Confirm { question, .. }) = &driven.app.popup else { panic!("asks for several") };
    assert_eq!((question.runs.len(), question.left_alone.len()), (2, 3));
}

#[test]
fn what_came_of_pausing_is_told() {
    let mut driven = driven();
    let what = "Pause the sweep halving:1".to_owned();
    driven.send(Msg::Queue { what, result: Err("halving:1 is gone".into()) });
    assert!(driven.app.reports.current(driven.now).unwrap().error);
}

#[test]
fn the_screen_of_sweeps_opens_at_that_of_the_run() {
    let mut driven = driven();
    driven.press("5j");
    assert_eq!(driven.app.sweep_under_cursor().unwrap().id, id("old"));
    driven.press("15");
    assert_eq!(driven.app.sweep_under_cursor().unwrap().id, id("halving"));
}

#[test]
fn what_somebody_holds_back_stands_after_what_goes_on_by_itself() {
    let mut driven = Driven::new(120, 40);
    let waiting = Plan::new(6, 2, 1e-3).at(loradeck_core::run::State::Queued, 0);
    driven.sample.made_up.add("format", &waiting);
    driven.read(&[crate::watch::Change::Everything]);
    let runs = driven.app.runs.iter().filter(|run| run.state() == ShownState::Queued);
    let [first, second] = runs.map(|run| run.id).collect::<Vec<_>>()[..] else { panic!("two wait") };
    let paused = Waiting::SweepPaused("3 runs failed".into());
    driven.app.runs.queue.waiting = vec![(first, paused), (second, Waiting::Slot)];
    assert_eq!(driven.app.queue_rows()[1..3], [second, first]);
}
