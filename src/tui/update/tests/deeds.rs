//! Deeds: what is asked first, what is refused, what is reported.

use super::driven;
use crate::store::ShownState;
use crate::tui::deed::Deed;
use crate::tui::message::{Effect, Msg};
use crate::tui::state::Popup;

#[test]
fn stopping_asks_first_and_says_what_will_happen() {
    let mut driven = driven();
    driven.press("s");
    let Some(Popup::Confirm { question, .. }) = &driven.app.popup else { panic!("asks") };
    assert!(question.lines[0].starts_with("format/0004-rank-8-lr-2e-3: writes a checkpoint"), "{question:?}");
    driven.press("n");
    assert!(driven.effects.is_empty() && driven.app.popup.is_none());
    let running = driven.app.run_under_cursor().unwrap();
    driven.press("sy");
    assert_eq!(driven.effects, [Effect::Do(Deed::Stop, vec![running])]);
}

#[test]
fn a_run_that_is_ending_is_not_asked_to_stop_again_but_may_be_killed() {
    use loradeck_core::run::{Deed as Asked, Request, post_request};
    let mut driven = driven();
    let running = driven.app.run_under_cursor().unwrap();
    let folder = driven.app.runs.get(running).unwrap().folder.clone();
    post_request(&folder, &Request { attempt: 1, time: driven.now, deed: Asked::Stop }).unwrap();
    driven.read(&[crate::watch::Change::Run(folder.path().to_path_buf())]);
    assert_eq!(driven.app.runs.get(running).unwrap().state(), ShownState::Ending);
    driven.press("s");
    assert!(driven.app.popup.is_none());
    assert!(driven.app.reports.current(driven.now).unwrap().text.contains("kill ends it at once"));
    driven.press("Ky");
    assert_eq!(driven.effects, [Effect::Do(Deed::Kill, vec![running])]);
}

#[test]
fn the_queue_is_paused_and_waiting_runs_change_places() {
    let mut driven = driven();
    let waiting = driven.app.runs.iter().find(|run| run.state() == ShownState::Queued).unwrap().id;
    assert!(driven.app.runs.queue.waiting_of(waiting).is_some(), "it says what it waits for");
    driven.press("4P");
    assert_eq!(driven.effects, [Effect::PauseQueue(0, true)]);
    driven.effects.clear();
    driven.app.runs.queue.paused.push(0);
    driven.press("P");
    assert_eq!(driven.effects, [Effect::PauseQueue(0, false)]);
    driven.effects.clear();
    assert_eq!(driven.app.queue_rows()[1], waiting);
    driven.press("<Home>j>");
    assert_eq!(driven.effects, [Effect::Do(Deed::Raise, vec![waiting])]);
    driven.effects.clear();
    driven.press("<Home>>");
    assert!(driven.effects.is_empty(), "what runs has no place to change");
    assert!(driven.app.reports.current(driven.now).unwrap().text.contains("is not waiting"));
}

#[test]
fn deeds_on_many_name_those_left_alone() {
    let mut driven = driven();
    driven.press("aK");
    let Some(Popup::Confirm { question, .. }) = &driven.app.popup else { panic!("asks") };
    assert_eq!((question.runs.len(), question.left_alone.len()), (2, 5));
    driven.press("<Enter>");
    assert!(matches!(&driven.effects[..], [Effect::Do(Deed::Kill, runs)] if runs.len() == 2));
}

#[test]
fn harmless_deeds_are_done_at_once_and_impossible_ones_refused_with_a_reason() {
    let mut driven = driven();
    driven.press("R");
    assert!(driven.effects.is_empty());
    assert!(driven.app.reports.current(driven.now).is_some_and(|report| report.error));
    driven.press("kR");
    assert!(matches!(&driven.effects[..], [Effect::Do(Deed::Resume, _)]));
    driven.press("tGHD");
    assert!(matches!(&driven.effects[1..], [Effect::Do(Deed::Retry, _), Effect::Do(Deed::Hold, _)]));
    assert!(
        matches!(&driven.app.popup, Some(Popup::Confirm { question, .. }) if question.deed == Deed::Remove)
    );
}

#[test]
fn what_came_of_a_deed_is_reported_and_errors_stay() {
    let mut driven = driven();
    let done = |result| Msg::Done { deed: Deed::Stop, run: "format/0004".into(), result };
    driven.send(done(Ok("asked to stop".into())));
    driven.send(done(Err("format/0004 is finished: it has ended already".into())));
    driven.now.0 += 3_600_000;
    driven.send(Msg::Tick);
    assert!(
        driven
            .app
            .reports
            .current(driven.now)
            .is_some_and(|report| report.text.contains("has ended already"))
    );
    driven.press("j");
    assert_eq!(driven.app.reports.unseen_errors(), 1);
    driven.press("!");
    assert_eq!(driven.app.reports.unseen_errors(), 0);
    driven.press("q");
    assert!(driven.app.popup.is_none());
}
