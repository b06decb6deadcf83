//! A message and a state give a new state and what is to be done outside. No IO, and time comes in.

mod actions;
mod batch;
mod curves;
mod deeds;
mod document;
mod gallery;
mod mouse;
mod moves;
mod popups;
mod prompts;

use loradeck_core::time::Moment;

use super::app::App;
use super::message::{Effect, Interest, Msg};
use super::screen::Screen;
use super::state::{Charting, seed_groups};
use super::terminal::KeyEvent;

/// Takes a message up.
pub fn update(app: &mut App, msg: Msg, now: Moment) -> Vec<Effect> {
    app.now = now;
    let mut effects = Vec::new();
    match msg {
        Msg::Key(key) => take_key(app, key, &mut effects),
        Msg::Mouse(mouse) => mouse::take_mouse(app, mouse, &mut effects),
        Msg::Paste(text) => prompts::paste(app, &text),
        Msg::Resize(columns, rows) => app.size = (columns, rows),
        Msg::Tick => {}
        Msg::Batch(batch) => {
            let changed: Vec<_> = batch.runs.iter().map(|run| run.id).collect();
            batch::take_batch(app, *batch);
            gallery::look_again(app, &changed, &mut effects);
        }
        Msg::Done { deed, run, result } => match result {
            Ok(said) => app.reports.add(now, false, format!("{run}: {said}")),
            Err(why) => app.reports.add(now, true, format!("{}: {why}", deed.verb())),
        },
        Msg::Details(story) => popups::take_story(app, story),
        Msg::Document { of, text } => document::take(app, &of, text),
        Msg::Pictures(read) => gallery::take(app, &read),
        Msg::Drawn(drawn) => {
            if let Some(gallery) = &mut app.gallery {
                gallery.hang(drawn.0, drawn.1);
            }
        }
        Msg::Cell(cell) => app.cell = cell,
        Msg::Queue { result, .. } => match result {
            Ok(said) => app.reports.add(now, false, said),
            Err(why) => app.reports.add(now, true, why),
        },
        Msg::Note(Ok(text)) => app.reports.add(now, false, text),
        Msg::Note(Err(text)) => app.reports.add(now, true, text),
    }
    settle(app, &mut effects);
    effects
}

fn take_key(app: &mut App, key: KeyEvent, effects: &mut Vec<Effect>) {
    app.reports.dismiss();
    if app.popup.is_some() {
        popups::take_key(app, key, effects);
    } else if app.prompt.is_some() {
        prompts::take_key(app, key, effects);
    } else if let Some(action) = app.keymap.action_of(key, app.contexts()) {
        actions::act(app, action, effects);
    }
}

/// Brings everything that follows from something else up to date.
fn settle(app: &mut App, effects: &mut Vec<Effect>) {
    app.charted = app.runs_to_chart();
    app.looks.assign(&app.charted, app.curve_colours());
    app.metrics = Charting::metrics(&app.runs, &app.charted);
    moves::keep_in_sight(app);
    document::settle(app);
    gallery::settle(app, effects);
    app.charting.groups = if app.charting.band { seed_groups(&app.runs, &app.charted) } else { Vec::new() };
    let firsts: Vec<_> = app.charting.groups.iter().filter_map(|group| group.runs.first().copied()).collect();
    app.group_looks.assign(&firsts, app.curve_colours());
    let in_sight = app.metrics_in_sight();
    app.charting.refresh(&app.runs, &app.charted, &in_sight);
    if app.screen == Screen::Table && app.table_stale {
        let shown = if app.marked.is_empty() { app.list.shown().collect() } else { app.targets() };
        app.table.rebuild(&app.runs, &shown);
        app.table_stale = false;
    }
    if app.log.run != app.log_run() {
        app.log.show(app.log_run());
    }
    let interest = Interest { metrics: app.metrics_to_hold(), log: app.log.run };
    if interest != app.interest {
        app.runs.keep_metrics(&interest.metrics);
        app.interest = interest.clone();
        effects.push(Effect::Watch(interest));
    }
    if app.log.wants_older(app.pane_height(super::screen::Pane::Log)) {
        app.log.asked = true;
        effects.push(Effect::OlderLog);
    }
}

#[cfg(test)]
mod tests;
