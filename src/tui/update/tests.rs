//! Keys and messages against the state.

use loradeck_core::run::State;

use crate::store::ShownState;
use crate::tui::deed::Deed;
use crate::tui::message::{Effect, Msg};
use crate::tui::sample::made_up::{self, Plan};
use crate::tui::sample::{self, Driven};
use crate::tui::screen::{Pane, Screen};
use crate::tui::state::{Item, Popup};
use crate::tui::terminal::{Mouse, MouseDeed};
use crate::tui::theme::Glyphs;
use crate::watch::Change;

fn driven() -> Driven {
    Driven::new(120, 40)
}

fn name_under_cursor(driven: &Driven) -> String {
    let run = driven.app.run_under_cursor().and_then(|id| driven.app.runs.get(id));
    run.map(|run| run.name.to_string()).unwrap_or_default()
}

fn charted_names(driven: &Driven) -> Vec<u32> {
    driven.app.charted.iter().filter_map(|id| driven.app.runs.get(*id)).map(|run| run.name.number).collect()
}

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
fn metrics_go_round_and_are_picked_by_typing() {
    let mut driven = driven();
    driven.press("m");
    let next = driven.app.metric();
    driven.press("M");
    assert_eq!(driven.app.metric(), "eval/loss");
    assert_ne!(next, "eval/loss");
    driven.press("ptok<Enter>");
    assert_eq!(driven.app.metric(), "train/tokens_per_second");
    driven.press("p<Esc>");
    assert!(driven.app.popup.is_none());
}

#[test]
fn curves_are_smoothed_scaled_and_clipped_by_keys() {
    let mut driven = driven();
    driven.press("S");
    assert!((driven.app.charting.weight() - 0.6).abs() < 1e-9);
    let id = driven.app.charted[0];
    assert!(driven.app.charting.curve(&driven.app.runs, id, "eval/loss").unwrap().smoothed.is_some());
    driven.press("SSS");
    assert!(driven.app.charting.weight() <= 0.0);
    driven.press("yxuz");
    let charting = &driven.app.charting;
    assert!(charting.log && charting.time && charting.clip && driven.app.solo);
    assert_eq!(charted_names(&driven), [4]);
    let frame = charting.frame("eval/loss").unwrap();
    assert_eq!(frame.y.scale, loradeck_core::metrics::Scale::Log);
}

#[test]
fn runs_that_differ_only_in_their_seed_become_one_band() {
    let mut driven = Driven::over(sample::seeds(), 120, 40);
    assert!(driven.app.charting.groups.is_empty());
    driven.press("b");
    let sizes =
        |driven: &Driven| driven.app.charting.groups.iter().map(|group| group.runs.len()).collect::<Vec<_>>();
    assert_eq!(sizes(&driven), [3, 3]);
    assert!(driven.app.reports.current(driven.now).is_none());
    let looks: Vec<_> = driven.sample.ids().iter().map(|id| driven.app.look(*id).unwrap()).collect();
    assert!(looks[0] == looks[2] && looks[3] == looks[5] && looks[0] != looks[3], "a group is one thing");
    let frame = driven.app.charting.frame("eval/loss").unwrap();
    assert!(frame.y.low <= 0.8 && frame.y.high >= 2.8, "{frame:?}");
    driven.press("z");
    assert_eq!(sizes(&driven), [1], "one run alone is no band");
    driven.press("zb");
    assert!(driven.app.charting.groups.is_empty());
    driven.press("zb");
    assert!(driven.app.reports.current(driven.now).unwrap().text.contains("no two of the charted runs"));
}

#[test]
fn g_goes_to_the_small_charts_and_back() {
    let mut driven = driven();
    driven.press("g");
    assert_eq!(driven.app.screen, Screen::Charts);
    driven.press("g");
    assert_eq!(driven.app.screen, Screen::Runs);
}

#[test]
fn zoom_pan_and_the_value_cursor_stay_inside() {
    let mut driven = driven();
    driven.press("m.......");
    let at = driven.app.charting.cursor.unwrap();
    assert!(at > 0.0 && at < 96.0, "{at}");
    driven.press("+++++++++++++");
    let (left, right) = driven.app.charting.zoom.unwrap();
    assert!(left <= at && at <= right && right - left >= 3.9, "{left} {right}");
    driven.press("[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[");
    assert!(driven.app.charting.zoom.unwrap().0.abs() < 1e-9);
    driven.press("----------------------");
    assert_eq!(driven.app.charting.zoom, None);
    driven.press("+0");
    assert_eq!(driven.app.charting.zoom, None);
    driven.press("<Esc>");
    assert_eq!(driven.app.charting.cursor, None);
}

#[test]
fn the_focus_goes_round_and_back() {
    let mut driven = driven();
    driven.press("<Tab><Tab>");
    assert_eq!(driven.app.focus, Pane::Log);
    driven.press("<S-Tab>");
    assert_eq!(driven.app.focus, Pane::Chart);
    driven.press("e");
    assert_eq!(driven.app.areas().pane(Pane::Chart), Some(driven.app.areas().body));
    driven.press("<Esc><Esc>");
    assert_eq!((driven.app.expanded, driven.app.focus), (false, Pane::List));
}

#[test]
fn digits_go_to_screens_and_the_run_stays_chosen() {
    let mut driven = driven();
    driven.press("<Home>jj3");
    assert_eq!(driven.app.screen, Screen::Table);
    driven.press("j");
    let chosen = driven.app.run_under_cursor();
    driven.press("1");
    assert_eq!(driven.app.run_under_cursor(), chosen);
    driven.press("4<Esc>");
    assert_eq!(driven.app.screen, Screen::Runs);
    driven.press("2<Right><Enter>");
    assert_eq!((driven.app.screen, driven.app.focus, driven.app.expanded), (Screen::Runs, Pane::Chart, true));
    assert_eq!(driven.app.metric(), driven.app.metrics[1]);
}

#[test]
fn the_table_is_sorted_by_its_column() {
    let mut driven = driven();
    driven.press("3");
    let loss = driven.app.table.columns.iter().position(|column| column.title == "eval/loss").unwrap();
    driven.press(&"l".repeat(loss));
    driven.press("o");
    assert!(driven.app.table.rows[0].cells[loss].best);
    let best = driven.app.table.rows[0].cells[loss].text.clone();
    driven.press("b");
    assert!(driven.app.table.last);
    driven.press("bO");
    assert_ne!(driven.app.table.rows[0].cells[loss].text, best);
}

#[test]
fn the_log_stops_following_when_scrolled_and_follows_again_at_its_end() {
    let mut driven = driven();
    driven.press("<Tab><Tab>k");
    assert!(!driven.app.log.follows());
    driven.press("<End>");
    assert!(driven.app.log.follows());
    driven.press("/step 7/<Enter>");
    assert_eq!(driven.app.log.found, Some(7));
    driven.press("/nowhere<Enter>");
    assert!(driven.app.reports.current(driven.now).is_some_and(|report| report.text.contains("nowhere")));
}

#[test]
fn settings_show_what_differs_or_all_or_what_is_typed() {
    let mut driven = driven();
    let rows = |driven: &Driven| driven.app.settings.rows(&driven.app.runs, &driven.app.charted);
    let keys: Vec<String> = rows(&driven).into_iter().map(|row| row.key).collect();
    assert_eq!(keys, ["learning_rate", "lora_alpha", "lora_rank"]);
    driven.press("<S-Tab>c");
    assert!(rows(&driven).len() > 8);
    driven.press("/seed<Enter>");
    assert_eq!(rows(&driven).len(), 1);
    driven.press("<Esc>");
    assert!(rows(&driven).len() > 8);
}

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

#[test]
fn help_is_searched_and_runs_what_is_chosen() {
    let mut driven = driven();
    driven.press("?logarithmic<Enter>");
    assert!(driven.app.charting.log && driven.app.popup.is_none());
    driven.press("?last values<Enter>");
    assert!(driven.app.reports.current(driven.now).is_some_and(|report| report.text.ends_with("table")));
    driven.press("?choose a metric<Enter>");
    assert!(matches!(driven.app.popup, Some(Popup::Metrics { .. })), "an action may open a popup itself");
}

#[test]
fn a_story_is_asked_for_and_shown_for_its_own_run_only() {
    let mut driven = driven();
    driven.press("<Enter>");
    let run = driven.app.run_under_cursor().unwrap();
    assert_eq!(driven.effects, [Effect::ReadDetails(run)]);
    let folder = driven.app.runs.get(run).unwrap().folder.clone();
    let other = driven.app.charted[0];
    driven.send(Msg::Details(Box::new(crate::tui::feed::read_story(other, &folder))));
    assert!(matches!(driven.app.popup, Some(Popup::Details { story: None, .. })));
    driven.send(Msg::Details(Box::new(crate::tui::feed::read_story(run, &folder))));
    assert!(matches!(driven.app.popup, Some(Popup::Details { story: Some(_), .. })));
}

#[test]
fn everything_else_that_keys_ask_for() {
    let mut driven = driven();
    driven.press("fB<C-l><C-z>vYq");
    assert!(driven.app.frozen);
    assert_eq!(driven.app.glyphs, Glyphs::Dots);
    let path =
        driven.app.runs.get(driven.app.run_under_cursor().unwrap()).unwrap().path().display().to_string();
    assert_eq!(
        driven.effects,
        [Effect::Redraw, Effect::Suspend, Effect::Mouse(false), Effect::Copy(path), Effect::Quit]
    );
    driven.press("/<C-c>");
    assert_eq!(driven.effects.last(), Some(&Effect::Quit));
}

#[test]
fn clicks_choose_and_the_wheel_scrolls() {
    let mut driven = driven();
    let list = driven.app.areas().pane(Pane::List).unwrap();
    let click = |column, row| Msg::Mouse(Mouse { deed: MouseDeed::Click, column, row });
    driven.send(click(list.x + 10, list.y + 3));
    assert_eq!((driven.app.list.cursor, driven.app.focus), (1, Pane::List));
    let chart = driven.app.areas().pane(Pane::Chart).unwrap();
    driven.send(click(chart.x + 30, chart.y + 5));
    assert!(driven.app.focus == Pane::Chart && driven.app.charting.cursor.is_some());
    let wheel =
        |deed, area: ratatui::layout::Rect| Msg::Mouse(Mouse { deed, column: area.x + 3, row: area.y + 3 });
    driven.send(wheel(MouseDeed::WheelUp, chart));
    assert!(driven.app.charting.zoom.is_some());
    driven.send(click(21, 0));
    assert_eq!(driven.app.screen, Screen::Charts);
    driven.press("1D");
    driven.send(click(60, 20));
    assert!(driven.app.popup.is_some() && driven.effects.is_empty(), "a click does not say yes");
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

#[test]
fn an_empty_workspace_takes_every_key() {
    let folder = tempfile::tempdir().unwrap();
    let made_up = made_up::MadeUp::new(folder.path());
    let mut driven = Driven::over(sample::of(folder, made_up), 80, 24);
    for screen in ["1", "2", "3", "4"] {
        driven.press(screen);
        for character in (' '..='~').filter(|character| !"q1234/?:p!".contains(*character)) {
            driven.press(&character.to_string());
        }
        driven.press("<Tab><S-Tab><Enter><Esc><Up><Down><Left><Right><PgUp><PgDn><Home><End><C-u><C-d>/x<Enter>p<Enter>?<Esc>!<Esc>");
    }
    assert!(driven.app.charted.is_empty());
}
