//! Metric, smoothing, axes, zoom and value cursor.

use super::batch::relist;
use crate::tui::action::Action;
use crate::tui::app::App;
use crate::tui::layout;
use crate::tui::screen::{Pane, Screen};
use crate::tui::state::{Popup, SMOOTHING, SeedGroup, TextField, seed_groups};

/// Does an action on curves.
pub(super) fn act(app: &mut App, action: Action) {
    match action {
        Action::NextMetric => step_metric(app, 1),
        Action::PreviousMetric => step_metric(app, -1),
        Action::PickMetric => {
            let shown = app.metric();
            let cursor = app.metrics.iter().position(|metric| *metric == shown).unwrap_or(0);
            app.popup = Some(Popup::Metrics { typed: TextField::default(), cursor });
        }
        Action::Smooth => app.charting.smoothing = (app.charting.smoothing + 1) % SMOOTHING.len(),
        Action::LogScale => app.charting.log = !app.charting.log,
        Action::TimeAxis => {
            app.charting.time = !app.charting.time;
            (app.charting.zoom, app.charting.cursor) = (None, None);
        }
        Action::Band => band(app),
        Action::Solo => app.solo = !app.solo,
        Action::Clip => app.charting.clip = !app.charting.clip,
        Action::CursorLeft => move_cursor(app, -1.0),
        Action::CursorRight => move_cursor(app, 1.0),
        Action::ZoomIn => zoom(app, 0.5),
        Action::ZoomOut => zoom(app, 2.0),
        Action::ZoomAll => app.charting.zoom = None,
        Action::PanLeft => pan(app, -0.25),
        Action::PanRight => pan(app, 0.25),
        _ => {}
    }
}

/// Shows a metric in the large chart and the list.
pub(super) fn choose_metric(app: &mut App, metric: String) {
    app.charting.metric = Some(metric);
    relist(app);
}

fn step_metric(app: &mut App, by: isize) {
    if app.metrics.is_empty() {
        return;
    }
    if app.screen == Screen::Charts {
        let count = app.metrics.len();
        app.chart_cursor = (app.chart_cursor + count).saturating_add_signed(by) % count;
        return;
    }
    let shown = app.metric();
    let at = app.metrics.iter().position(|metric| *metric == shown).unwrap_or(0);
    let count = app.metrics.len();
    let next = (at + count).saturating_add_signed(by) % count;
    choose_metric(app, app.metrics[next].clone());
}

fn band(app: &mut App) {
    app.charting.band = !app.charting.band;
    if app.charting.band && !seed_groups(&app.runs, &app.charted).iter().any(SeedGroup::is_band) {
        app.reports.add(app.now, false, "no two of the charted runs differ only in their seed");
    }
}

/// The metric that zoom and cursor go by.
fn leading_metric(app: &App) -> String {
    if app.screen == Screen::Charts {
        app.metrics.get(app.chart_cursor).cloned().unwrap_or_default()
    } else {
        app.metric()
    }
}

fn range(app: &App) -> Option<(f64, f64)> {
    let metric = leading_metric(app);
    app.charting.frame(&metric).map(|frame| frame.x)
}

fn full(app: &App) -> Option<(f64, f64)> {
    app.charting.full_range(&app.runs, &app.charted, &leading_metric(app))
}

/// How many cells the leading chart is wide.
fn plot_width(app: &App) -> f64 {
    let area = match app.screen {
        Screen::Charts => app.grid().first().map(|(_, area)| *area),
        _ => app.areas().pane(Pane::Chart),
    };
    area.map_or(60.0, |area| f64::from(layout::plot_width(area)))
}

fn move_cursor(app: &mut App, cells: f64) {
    let Some((left, right)) = range(app) else { return };
    let cell = (right - left) / plot_width(app).max(1.0);
    let step = if app.charting.time { cell } else { cell.max(1.0).round() };
    let at = match app.charting.cursor {
        Some(at) => at + step * cells,
        // It comes in from the side it is moved away from.
        None if cells < 0.0 => right,
        None => left,
    };
    let at = if app.charting.time { at } else { at.round() };
    app.charting.cursor = Some(at.clamp(left, right));
}

/// Puts the value cursor on a column of the plot.
pub(super) fn put_cursor(app: &mut App, column: u16, width: u16) {
    let Some((left, right)) = range(app) else { return };
    let at = left + (right - left) * (f64::from(column) + 0.5) / f64::from(width.max(1));
    app.charting.cursor = Some(if app.charting.time { at } else { at.round() }.clamp(left, right));
}

/// Shows a stretch of `factor` the length around the cursor, or towards the newest points.
pub(super) fn zoom(app: &mut App, factor: f64) {
    let (Some(now), Some(full)) = (range(app), full(app)) else { return };
    let length = (now.1 - now.0) * factor;
    let shortest: f64 = if app.charting.time { 1.0 } else { 4.0 };
    if length >= full.1 - full.0 {
        app.charting.zoom = None;
        return;
    }
    let length = length.max(shortest.min(full.1 - full.0));
    let anchor = app.charting.cursor.unwrap_or(now.1);
    let share = ((anchor - now.0) / (now.1 - now.0)).clamp(0.0, 1.0);
    let left = anchor - length * share;
    app.charting.zoom = Some(inside((left, left + length), full));
}

/// Moves the stretch by a share of its length.
fn pan(app: &mut App, share: f64) {
    let (Some(now), Some(full)) = (app.charting.zoom, full(app)) else { return };
    let by = (now.1 - now.0) * share;
    let by = if app.charting.time { by } else { by.abs().max(1.0).copysign(by) };
    app.charting.zoom = Some(inside((now.0 + by, now.1 + by), full));
}

fn inside(stretch: (f64, f64), full: (f64, f64)) -> (f64, f64) {
    let length = stretch.1 - stretch.0;
    let left = stretch.0.min(full.1 - length).max(full.0);
    (left, left + length)
}
