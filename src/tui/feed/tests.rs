//! The feed over made-up folders.

use loradeck_core::metrics::EventWriter;
use loradeck_core::run::State;
use loradeck_core::time::Moment;

use super::*;
use crate::tui::message::MetricChange;
use crate::tui::sample::{self, made_up};

fn points(batch: &Batch, tag: &str) -> usize {
    let of_tag = |change: &MetricChange| match change {
        MetricChange::Points { tag: found, points } if **found == *tag => points.len(),
        _ => 0,
    };
    batch.metrics.iter().flat_map(|(_, changes)| changes.iter().map(of_tag)).sum()
}

#[test]
fn the_first_batch_holds_all_runs_and_later_ones_only_news() {
    let mut sample = sample::sweep();
    assert_eq!(sample.runs.len(), 7);
    assert!(sample.feed.collect(&[]).is_empty());
    let run = sample.ids()[0];
    sample.feed.set_interest(Interest { metrics: vec![run], log: Some(run) });
    let first = sample.feed.collect(&[]);
    assert_eq!(points(&first, "train/loss"), 96);
    assert_eq!(first.log.as_ref().map(|log| log.added.len()), Some(97));
    assert!(sample.feed.collect(&[]).is_empty());
}

#[test]
fn appended_points_and_lines_come_alone() {
    let mut sample = sample::sweep();
    let live = sample.runs.iter().find(|run| run.state().is_live()).unwrap();
    let (id, folder) = (live.id, live.folder.clone());
    sample.feed.set_interest(Interest { metrics: vec![id], log: Some(id) });
    sample.feed.collect(&[]);
    let plan = made_up::Plan::new(4, 8, 2e-3).at(State::Running, 65);
    made_up::write_events(&folder, &plan, 63..=65);
    made_up::write_log(&folder, &plan, 63..=65);
    let changes = [Change::Metrics(folder.path().into()), Change::Log(folder.path().into())];
    let news = sample.feed.collect(&changes);
    assert_eq!((points(&news, "train/loss"), news.log.unwrap().added.len()), (3, 3));
}

#[test]
fn a_restart_reaches_the_screen_as_a_purge() {
    let mut sample = sample::sweep();
    let id = sample.ids()[0];
    let logs = sample.runs.get(id).unwrap().folder.logs();
    sample.feed.set_interest(Interest { metrics: vec![id], log: None });
    let mut batch = sample.feed.collect(&[]);
    sample.runs.apply(&mut batch);
    EventWriter::open_for_resume(&logs, "made-up", Moment(0), 50).unwrap();
    let mut batch = sample.feed.collect(&[Change::Everything]);
    sample.runs.apply(&mut batch);
    let series = sample.runs.metrics(id).unwrap().get("train/loss").unwrap();
    assert_eq!(series.last().map(|point| point.step), Some(49));
}

#[test]
fn a_driver_that_never_answers_is_asked_once_and_holds_nothing_up() {
    let mut sample = sample::sweep();
    assert!(sample.feed.question().is_some_and(|question| question.waiting == [0]));
    let live = sample.runs.iter().find(|run| run.state().is_live()).unwrap().folder.clone();
    let plan = made_up::Plan::new(4, 8, 2e-3).at(State::Finished, 96);
    made_up::write_status(&live, &plan);
    let news = sample.feed.collect(&[Change::Run(live.path().into())]);
    assert_eq!(news.runs.len(), 1, "what runs do is told all the same");
    assert!(sample.feed.question().is_none());
}

#[test]
fn an_answer_is_handed_on_and_what_changed_meanwhile_is_asked_again() {
    let mut sample = sample::sweep();
    let waiting = sample.runs.iter().find(|run| run.state().word() == "queued").unwrap().folder.clone();
    let question = sample.feed.question().unwrap();
    let mut looker = Looker::new(vec![Workspace::at(sample.folder.path())]);
    let entry = loradeck_core::run::QueueEntry { hold: true, ..Default::default() };
    entry.write(&waiting).unwrap();
    sample.feed.collect(&[Change::Run(waiting.path().into())]);
    sample.feed.take_answer(looker.look(&question));
    let told = sample.feed.collect(&[]).queue.unwrap();
    assert_eq!((told.waiting.len(), told.slots.is_empty()), (1, false));
    let again = sample.feed.question().unwrap();
    assert!(again.waiting == [0] && again.slots.is_empty(), "{again:?}");
}
