//! Following, stopping, searching.

use super::*;
use crate::tui::sample;

fn change(run: RunId, lines: impl IntoIterator<Item = usize>) -> LogChange {
    LogChange {
        run,
        cleared: false,
        older: Vec::new(),
        added: lines.into_iter().map(|line| format!("line {line}")).collect(),
        unfinished: String::new(),
        has_older: false,
    }
}

fn filled(count: usize) -> (Log, RunId) {
    let run = sample::any_run_id();
    let mut log = Log::default();
    log.show(Some(run));
    log.apply(change(run, 0..count));
    (log, run)
}

#[test]
fn scrolling_up_stops_following_and_the_end_follows_again() {
    let (mut log, run) = filled(100);
    assert_eq!(log.first(10), 90);
    log.scroll(-5, 10);
    log.apply(change(run, 100..120));
    assert_eq!((log.first(10), log.unseen, log.follows()), (85, 20, false));
    log.scroll(1000, 10);
    assert_eq!((log.first(10), log.unseen, log.follows()), (110, 0, true));
}

#[test]
fn older_lines_do_not_move_the_picture() {
    let (mut log, run) = filled(30);
    log.to_top();
    log.has_older = true;
    assert!(log.wants_older(10));
    let shown = log.line(log.first(10)).map(str::to_owned);
    let older = vec!["older".to_owned(); 7];
    log.apply(LogChange { older, has_older: false, ..change(run, []) });
    assert_eq!(log.line(log.first(10)).map(str::to_owned), shown);
}

#[test]
fn a_search_goes_round() {
    let (mut log, _) = filled(100);
    log.search = "LINE 42".into();
    assert!(log.find(true, 10));
    assert_eq!((log.first(10), log.found), (37, Some(42)));
    assert!(log.find(true, 10) && log.found == Some(42));
    log.search = "line 9".into();
    assert!(log.find(true, 10) && log.found == Some(90));
    assert!(log.find(true, 10) && log.found == Some(91));
    assert!(log.find(false, 10) && log.found == Some(90));
    log.search = "absent".into();
    assert!(!log.find(false, 10));
}

#[test]
fn an_unfinished_line_counts_and_foreign_changes_do_not() {
    let (mut log, run) = filled(3);
    log.apply(LogChange { unfinished: "50%".into(), ..change(run, []) });
    assert_eq!((log.len(), log.line(3)), (4, Some("50%")));
    log.show(None);
    log.apply(change(run, 0..5));
    assert!(log.is_empty());
}
