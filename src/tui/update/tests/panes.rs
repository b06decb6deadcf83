//! Panes, screens, and what stands above them.

use super::driven;
use super::mouse;
use crate::tui::message::{Effect, Msg};
use crate::tui::sample::made_up;
use crate::tui::sample::{self, Driven};
use crate::tui::screen::{Pane, Screen};
use crate::tui::state::Popup;
use crate::tui::terminal::{MouseButton, MouseEventKind};
use crate::tui::theme::Glyphs;

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
    let click = |column, row| Msg::Mouse(mouse(MouseEventKind::Down(MouseButton::Left), column, row));
    driven.send(click(list.x + 10, list.y + 3));
    assert_eq!((driven.app.list.cursor, driven.app.focus), (1, Pane::List));
    let chart = driven.app.areas().pane(Pane::Chart).unwrap();
    driven.send(click(chart.x + 30, chart.y + 5));
    assert!(driven.app.focus == Pane::Chart && driven.app.charting.cursor.is_some());
    let wheel = |deed, area: ratatui::layout::Rect| Msg::Mouse(mouse(deed, area.x + 3, area.y + 3));
    driven.send(wheel(MouseEventKind::ScrollUp, chart));
    assert!(driven.app.charting.zoom.is_some());
    driven.send(click(21, 0));
    assert_eq!(driven.app.screen, Screen::Charts);
    driven.press("1D");
    driven.send(click(60, 20));
    assert!(driven.app.popup.is_some() && driven.effects.is_empty(), "a click does not say yes");
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
