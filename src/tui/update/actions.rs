//! What each action does.

use super::batch::relist;
use super::moves::{Move, move_focused};
use super::{curves, deeds, document, gallery, popups, prompts};
use crate::tui::action::Action;
use crate::tui::app::App;
use crate::tui::message::Effect;
use crate::tui::screen::{Pane, Screen};
use crate::tui::state::{Popup, PromptKind, SweepId, TextField};

/// Does what an action asks for.
pub(super) fn act(app: &mut App, action: Action, effects: &mut Vec<Effect>) {
    if document::act(app, action, effects) || gallery::act(app, action, effects) {
        return;
    }
    match action {
        Action::Quit => effects.push(Effect::Quit),
        Action::Suspend => effects.push(Effect::Suspend),
        Action::Redraw => effects.push(Effect::Redraw),
        Action::Help => app.popup = Some(Popup::Help { typed: TextField::default(), cursor: 0 }),
        Action::Messages => {
            app.reports.look();
            app.popup = Some(Popup::Messages { offset: 0 });
        }
        Action::Back => back(app),
        Action::Go(screen) => go(app, screen),
        Action::Grid => go(app, if app.screen == Screen::Charts { Screen::Runs } else { Screen::Charts }),
        Action::NextPane => focus(app, app.focus.next()),
        Action::PreviousPane => focus(app, app.focus.previous()),
        Action::Expand => app.expanded = app.screen == Screen::Runs && !app.expanded,
        Action::Freeze => app.frozen = !app.frozen,
        Action::Mouse => {
            app.mouse = !app.mouse;
            effects.push(Effect::Mouse(app.mouse));
            let said = if app.mouse { "mouse: clicks and wheel" } else { "mouse: the terminal selects text" };
            app.reports.add(app.now, false, said);
        }
        Action::Glyphs => {
            app.glyphs = app.glyphs.next();
            app.reports.add(app.now, false, format!("curves in {}", app.glyphs.name()));
        }
        Action::Up => move_focused(app, Move::Lines(-1)),
        Action::Down => move_focused(app, Move::Lines(1)),
        Action::Top => move_focused(app, Move::Top),
        Action::Bottom => move_focused(app, Move::Bottom),
        Action::PageUp => move_focused(app, Move::Halves(-2)),
        Action::PageDown => move_focused(app, Move::Halves(2)),
        Action::HalfUp => move_focused(app, Move::Halves(-1)),
        Action::HalfDown => move_focused(app, Move::Halves(1)),
        Action::Left => sideways(app, -1),
        Action::Right => sideways(app, 1),
        Action::Open => open(app, effects),
        Action::Mark => mark(app),
        Action::MarkAll => mark_all(app),
        Action::Filter => prompts::open(app, prompt_kind(app)),
        Action::Order => order(app),
        Action::Reverse => reverse(app),
        Action::AllSettings => {
            app.settings.all = !app.settings.all;
            app.settings.offset = 0;
        }
        Action::Wrap => app.log.wrap = !app.log.wrap,
        Action::NextMatch => prompts::find(app, true),
        Action::PreviousMatch => prompts::find(app, false),
        Action::BestOrLast => {
            app.table.last = !app.table.last;
            app.table_stale = true;
        }
        Action::Report => document::open(app, effects),
        Action::Pictures => gallery::open(app, effects),
        Action::Copy => copy(app, effects),
        Action::PauseSweep => deeds::pause_sweep(app, effects),
        Action::PauseQueue => deeds::pause_queue(app, effects),
        Action::Do(deed) => deeds::ask(app, deed, effects),
        other => curves::act(app, other),
    }
}

fn prompt_kind(app: &App) -> PromptKind {
    match (app.screen, app.focus) {
        (Screen::Runs, Pane::Log) => PromptKind::Search,
        (Screen::Runs, Pane::Config) => PromptKind::Config,
        _ => PromptKind::Filter,
    }
}

fn go(app: &mut App, screen: Screen) {
    if let Some(run) = app.run_under_cursor().filter(|_| app.screen != screen) {
        // The same run stays chosen from screen to screen.
        app.list.go_to_run(run);
        go_to_sweep_of(app, run);
    }
    (app.document, app.gallery) = (None, None);
    app.screen = screen;
    app.table_stale = true;
}

/// Puts the cursor of the sweeps on a run's.
fn go_to_sweep_of(app: &mut App, run: crate::store::RunId) {
    let sweep = app.runs.get(run).and_then(SweepId::of);
    let at = app.runs.sweeps.iter().position(|known| Some(&known.id) == sweep.as_ref());
    app.sweeps_cursor = at.unwrap_or(app.sweeps_cursor);
}

fn focus(app: &mut App, pane: Pane) {
    if app.screen == Screen::Runs {
        app.focus = pane;
    } else {
        let at = Screen::ALL.iter().position(|screen| *screen == app.screen).unwrap_or(0);
        let step = if pane == app.focus.next() { 1 } else { Screen::ALL.len() - 1 };
        go(app, Screen::ALL[(at + step) % Screen::ALL.len()]);
    }
}

/// Leaves the innermost thing.
fn back(app: &mut App) {
    if app.charting.cursor.take().is_some() {
        return;
    }
    if app.expanded {
        app.expanded = false;
    } else if app.charting.zoom.take().is_some() || std::mem::take(&mut app.solo) {
        // One thing at a time.
    } else if !app.settings.filter.is_empty() && app.focus == Pane::Config {
        app.settings.filter.clear();
    } else if !app.list.filter_text.is_empty() {
        app.list.set_filter("");
        relist(app);
    } else if !app.marked.is_empty() {
        app.marked.clear();
        app.table_stale = true;
    } else if app.screen != Screen::Runs {
        go(app, Screen::Runs);
    } else {
        app.focus = Pane::List;
    }
}

fn sideways(app: &mut App, by: isize) {
    match (app.screen, app.focus) {
        (Screen::Runs, Pane::List) if app.list.fold(by < 0) => relist(app),
        (Screen::Runs, Pane::Log) => app.log.left = app.log.left.saturating_add_signed(by * 8).min(4000),
        (Screen::Runs, Pane::Config) => {
            let last = app.charted.len().saturating_sub(1);
            app.settings.left = app.settings.left.saturating_add_signed(by).min(last);
        }
        (Screen::Table, _) => {
            let last = app.table.columns.len().saturating_sub(1);
            app.table.column = app.table.column.saturating_add_signed(by).min(last);
        }
        (Screen::Charts, _) => app.chart_cursor = app.chart_cursor.saturating_add_signed(by),
        _ => {}
    }
}

fn open(app: &mut App, effects: &mut Vec<Effect>) {
    if app.screen == Screen::Charts {
        app.charting.metric = app.metrics.get(app.chart_cursor).cloned();
        (app.screen, app.focus, app.expanded) = (Screen::Runs, Pane::Chart, true);
        return;
    }
    if app.screen == Screen::Sweeps {
        open_trials(app);
        return;
    }
    if let Some(run) = app.run_under_cursor() {
        popups::open_story(app, run, effects);
        return;
    }
    let folded = app.list.group_at(app.list.cursor).is_some_and(|group| group.folded);
    if app.list.fold(!folded) {
        relist(app);
    }
}

/// Shows the trials of the sweep under the cursor, and nothing else, on the first screen.
fn open_trials(app: &mut App) {
    let Ok(sweep) = app.sweep_under_cursor() else { return };
    let (name, number) = (&sweep.id.experiment, sweep.id.number);
    // What the filter's language cannot say is left out of it.
    let filter = if name.contains(['"', ',']) {
        format!("sweep={number}")
    } else {
        format!("experiment=\"{name}\" sweep={number}")
    };
    app.list.set_filter(&filter);
    relist(app);
    go(app, Screen::Runs);
    app.focus = Pane::List;
    let first = app.list.shown().next();
    if let Some(first) = first {
        app.list.go_to_run(first);
    }
}

fn mark(app: &mut App) {
    let chosen = match app.run_under_cursor() {
        Some(run) => vec![run],
        None => app.list.group_at(app.list.cursor).map(|group| group.runs.clone()).unwrap_or_default(),
    };
    toggle(app, &chosen);
    move_focused(app, Move::Lines(1));
}

fn mark_all(app: &mut App) {
    let all: Vec<_> = app.list.shown().collect();
    toggle(app, &all);
}

/// Marks these runs, or unmarks them if all are marked.
fn toggle(app: &mut App, chosen: &[crate::store::RunId]) {
    if chosen.iter().all(|id| app.marked.contains(id)) {
        app.marked.retain(|id| !chosen.contains(id));
    } else {
        app.marked.extend(chosen);
    }
    app.table_stale |= app.screen != Screen::Table;
}

fn order(app: &mut App) {
    if app.screen == Screen::Table {
        app.table.sort_by_column();
        app.table_stale = true;
        return;
    }
    app.list.order = app.list.order.next();
    app.list.reversed = false;
    told_order(app);
}

fn reverse(app: &mut App) {
    if app.screen == Screen::Table {
        if let Some((_, reversed)) = &mut app.table.sort {
            *reversed = !*reversed;
        }
        app.table_stale = true;
        return;
    }
    app.list.reversed = !app.list.reversed;
    told_order(app);
}

fn told_order(app: &mut App) {
    relist(app);
    app.reports.add(app.now, false, format!("sorted by {}", app.list.order.word(app.list.reversed)));
}

fn copy(app: &mut App, effects: &mut Vec<Effect>) {
    let Some(run) = app.run_under_cursor().and_then(|id| app.runs.get(id)) else { return };
    let path = run.path().display().to_string();
    app.reports.add(app.now, false, format!("path: {path}"));
    effects.push(Effect::Copy(path));
}
