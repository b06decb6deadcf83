//! The list: moving, folding, marking, filtering, sorting, news.

use loradeck_core::run::State;

use super::{charted_names, driven, name_under_cursor};
use crate::store::ShownState;
use crate::tui::message::Msg;
use crate::tui::sample::Driven;
use crate::tui::sample::made_up::{self, Plan};
use crate::tui::state::Item;
use crate::watch::Change;

#[test]
fn it_begins_at_the_run_at_work_and_charts_its_experiment() {
    let driven = driven();
    assert_eq!(name_under_cursor(&driven), "0004-rank-8-lr-2e-3");
    assert_eq!(charted_names(&driven), [1, 2, 3, 4, 5]);
    assert_eq!(driven.app.metric(), "eval/loss");
    assert!(!driven.app.loading);
}

#[test]
fn hjkl_arrows_and_pages_move() {
    let mut driven = driven();
    driven.press("<Home>");
    assert_eq!(driven.app.list.items[driven.app.list.cursor], Item::Group(0));
    driven.press("jj<Down>k<Up>");
    assert_eq!(driven.app.list.cursor, 1);
    driven.press("G");
    assert_eq!(name_under_cursor(&driven), "0005-rank-16-lr-2e-3");
    for (keys, cursor) in
        [("<PgUp>", 0), ("<PgDn>", 8), ("<Home>", 0), ("<End>", 8), ("<C-u>", 0), ("<C-d>", 8)]
    {
        driven.press(keys);
        assert_eq!(driven.app.list.cursor, cursor, "{keys}");
    }
}

#[test]
fn folding_hides_runs_and_enter_on_a_heading_toggles_it() {
    let mut driven = driven();
    let all = driven.app.list.items.len();
    driven.press("h");
    assert_eq!(driven.app.list.items.len(), all - 5);
    assert!(matches!(driven.app.list.items[driven.app.list.cursor], Item::Group(_)));
    driven.press("l");
    assert_eq!(driven.app.list.items.len(), all);
    driven.press("<Enter><Enter>");
    assert_eq!(driven.app.list.items.len(), all);
}

#[test]
fn marks_choose_what_is_charted_and_acted_on() {
    let mut driven = driven();
    driven.press("<Home>j<Space>");
    assert_eq!(charted_names(&driven), [1]);
    driven.press("<Space>");
    assert_eq!(charted_names(&driven), [1, 2]);
    driven.press("a");
    assert_eq!(driven.app.charted.len(), 7);
    driven.press("a");
    assert!(driven.app.marked.is_empty());
    driven.press("/finished<Enter>a");
    assert_eq!(driven.app.marked.len(), 4, "all that the filter shows");
    driven.press("<Esc>");
    assert_eq!((driven.app.list.filter_text.as_str(), driven.app.marked.len()), ("", 4));
    driven.press("<Esc>");
    assert!(driven.app.marked.is_empty());
}

#[test]
fn space_on_a_heading_marks_the_experiment() {
    let mut driven = driven();
    driven.press("<Home><Space>");
    assert_eq!(driven.app.marked.len(), 2);
}

#[test]
fn the_filter_holds_while_it_is_typed_and_esc_takes_it_back() {
    let mut driven = driven();
    driven.press("/rank=8");
    assert_eq!(driven.app.list.shown().count(), 2);
    driven.press("<Esc>");
    assert_eq!(driven.app.list.shown().count(), 7);
    driven.press("/lr>=1e-3 !failed<Enter>");
    assert_eq!(driven.app.list.shown().count(), 4);
    assert!(driven.app.prompt.is_none());
}

#[test]
fn a_filter_that_makes_no_sense_says_so_and_the_last_good_one_stays() {
    let mut driven = driven();
    driven.press("/rank=");
    assert!(driven.app.list.filter_error.is_some());
    assert_eq!(driven.app.list.shown().count(), 7);
    driven.press("4");
    assert_eq!((driven.app.list.filter_error.clone(), driven.app.list.shown().count()), (None, 2));
}

#[test]
fn pasted_text_is_typed_only_where_text_is_typed() {
    let mut driven = driven();
    driven.send(Msg::Paste("q".into()));
    assert!(driven.effects.is_empty(), "pasted text is never a key");
    driven.press("/");
    driven.send(Msg::Paste("failed\n".into()));
    assert_eq!(driven.app.list.shown().count(), 1);
}

#[test]
fn orders_go_round_and_turn() {
    let mut driven = driven();
    let first = |driven: &Driven| driven.app.list.groups[1].runs[0];
    let (by_number, numbers) = (first(&driven), driven.sample.ids());
    driven.press("o");
    let best = driven.app.runs.get(first(&driven)).unwrap().best("eval/loss").unwrap();
    let all = numbers.iter().filter_map(|id| driven.app.runs.get(*id));
    let least = all
        .filter(|run| run.experiment == "format")
        .filter_map(|run| run.best("eval/loss"))
        .fold(9.0, f64::min);
    assert!((best - least).abs() < 1e-12);
    driven.press("o");
    assert_eq!(driven.app.runs.get(first(&driven)).unwrap().state(), ShownState::Running);
    driven.press("oo");
    assert_eq!(first(&driven), by_number);
    driven.press("O");
    assert_ne!(first(&driven), by_number);
    assert_eq!(name_under_cursor(&driven), "0004-rank-8-lr-2e-3", "the cursor stays on its run");
}

#[test]
fn news_change_what_is_shown_and_the_cursor_stays() {
    let mut driven = driven();
    let run = driven.app.run_under_cursor().unwrap();
    let folder = driven.app.runs.get(run).unwrap().folder.clone();
    let plan = Plan::new(4, 8, 2e-3).at(State::Running, 70);
    made_up::write_events(&folder, &plan, 63..=70);
    made_up::write_summary(&folder, &plan);
    let new = driven.sample.made_up.add("format", &Plan::new(6, 2, 1e-3).at(State::Queued, 0));
    driven.read(&[Change::Metrics(folder.path().into()), Change::Run(folder.path().into())]);
    driven.read(&[Change::Runs(new.path().parent().unwrap().parent().unwrap().into())]);
    assert_eq!(driven.app.run_under_cursor(), Some(run));
    assert_eq!(driven.app.runs.get(run).unwrap().steps(), Some((70, 96)));
    assert_eq!(driven.app.runs.metrics(run).unwrap().last_step(), Some(70));
    assert_eq!(driven.app.runs.len(), 8);
}

#[test]
fn a_removed_run_leaves_list_marks_and_charts() {
    let mut driven = driven();
    driven.press("<Space>kk<Space>");
    assert_eq!(driven.app.marked.len(), 2);
    let gone = *driven.app.marked.iter().next().unwrap();
    let folder = driven.app.runs.get(gone).unwrap().folder.clone();
    std::fs::rename(folder.path(), driven.sample.folder.path().join("gone")).unwrap();
    driven.read(&[Change::Everything]);
    assert_eq!((driven.app.marked.len(), driven.app.charted.len(), driven.app.runs.len()), (1, 1, 6));
}
