//! A chart: curves of several runs, axes, legend, value cursor.

use std::borrow::Cow;

use loradeck_core::metrics::{Unit, XAxis, registry};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::{Modifier, Style};
use ratatui::text::{Line, Span};

use super::{legend, paint};
use crate::store::{RunId, ShownState};
use crate::tui::app::App;
use crate::tui::chart::{Canvas, Curve, Frame, Ink, draw_band, draw_curve, time_label, x_ticks};
use crate::tui::format;
use crate::tui::layout::{self, GUTTER};
use crate::tui::screen::Pane;
use crate::tui::state::is_sparse;
use crate::tui::theme::Colours;

/// The pane of the first screen.
pub(super) fn draw_pane(app: &App, area: Rect, buffer: &mut Buffer) {
    let metric = app.metric();
    let inner = paint::pane(app, area, title(app, &metric), app.focus == Pane::Chart, buffer);
    let runs = match (app.charted.len(), app.charting.groups.len()) {
        (1, _) => " 1 run ".to_owned(),
        (count, 0) => format!(" {count} runs "),
        (count, groups) => format!(" {count} runs in {groups} groups "),
    };
    paint::right_title(area, &Line::raw(runs), buffer);
    let entries = legend::entries(app);
    let (across, lines) = layout::legend(inner, entries.len());
    let plot = Rect { height: inner.height.saturating_sub(lines), ..inner };
    draw_plot(app, &metric, plot, buffer);
    let legend_area = Rect { y: plot.bottom(), height: lines, ..inner };
    legend::draw(app, &metric, &entries, legend_area, across, buffer);
    let hidden = entries.len().saturating_sub(across * usize::from(lines));
    if hidden > 0 {
        let what = if app.charting.groups.is_empty() { "runs" } else { "entries" };
        paint::low_title(area, &Line::raw(format!(" {hidden} more {what} ")), buffer);
    }
}

/// The metric and how it is shown.
fn title(app: &App, metric: &str) -> Line<'static> {
    let name = registry::describe(metric).name;
    let name = if name == metric { String::new() } else { format!("{name} ") };
    let mut spans = vec![Span::raw(format!(" {} ", paint::name(app.theme, metric, 32)))];
    let mut flags: Vec<Cow<'static, str>> = Vec::new();
    let charting = &app.charting;
    if charting.weight() > 0.0 {
        flags.push(format!("smooth {}", charting.weight()).into());
    }
    if charting.log {
        flags.push("log".into());
    }
    if charting.band {
        flags.push(app.theme.text("mean ± std", "mean +- std").into());
    }
    if charting.clip {
        flags.push("clipped".into());
    }
    if charting.zoom.is_some() {
        flags.push("zoomed".into());
    }
    if app.solo {
        flags.push("solo".into());
    }
    let flags = if flags.is_empty() { name } else { format!("{} ", flags.join(", ")) };
    spans.push(Span::styled(flags, app.theme.faint()));
    Line::from(spans)
}

/// Axes and curves; the last line of `area` holds the labels of x.
pub(super) fn draw_plot(app: &App, metric: &str, area: Rect, buffer: &mut Buffer) {
    if area.width <= GUTTER + 4 || area.height < 3 {
        return;
    }
    let Some(frame) = app.charting.frame(metric) else {
        let text = if app.loading { "reading…".to_owned() } else { format!("no points of {metric} yet") };
        paint::message(area, &[&text], app.theme.faint(), buffer);
        return;
    };
    let unit = registry::describe(metric).unit;
    let plot = Rect { x: area.x + GUTTER, width: area.width - GUTTER, height: area.height - 1, ..area };
    draw_axes(app, &frame, unit, plot, buffer);
    if let Some(at) = app.charting.cursor {
        draw_cursor(app, &frame, at, plot, buffer);
    }
    let broken = draw_curves(app, metric, &frame, plot, buffer);
    for column in broken {
        let at = plot.x + column as u16;
        paint::text(buffer, at, plot.bottom() - 1, 1, app.theme.text("×", "!"), app.theme.error());
    }
}

fn draw_axes(app: &App, frame: &Frame, unit: Unit, plot: Rect, buffer: &mut Buffer) {
    let faint = app.theme.faint();
    let (line, mark, dot) = (app.theme.text("│", "|"), app.theme.text("┤", "+"), app.theme.text("·", "."));
    for y in plot.top()..plot.bottom() {
        paint::text(buffer, plot.x - 1, y, 1, line, faint);
    }
    let x_labels = x_ticks(frame.x.0, frame.x.1, plot.width, app.charting.time);
    let mut rows = Vec::new();
    let mut last: Option<u16> = None;
    for value in frame.y.ticks() {
        let Some(place) = frame.y.place(value).filter(|place| (-0.001..=1.001).contains(place)) else {
            continue;
        };
        let row = plot.y + ((1.0 - place) * f64::from(plot.height - 1)).round() as u16;
        if last.is_some_and(|last| last.saturating_sub(row) < 2) {
            continue;
        }
        last = Some(row);
        rows.push(row);
        let label = format::tick(value, frame.y.tick.min(value.abs().max(f64::MIN_POSITIVE)), unit);
        paint::text_right(buffer, plot.x - GUTTER, row, GUTTER - 1, &label, Style::new());
        paint::text(buffer, plot.x - 1, row, 1, mark, faint);
    }
    let mut free_from = plot.x.saturating_sub(GUTTER);
    for (at, label) in x_labels {
        let Some(column) = column_of(frame, at, plot.width) else { continue };
        let middle = plot.x + column;
        for row in &rows {
            paint::text(buffer, middle, *row, 1, dot, faint);
        }
        let width = Span::raw(label.as_str()).width() as u16;
        let start = middle.saturating_sub(width / 2).min(plot.right().saturating_sub(width));
        if start >= free_from {
            paint::text(buffer, start, plot.bottom(), width, &label, Style::new());
            free_from = start + width + 1;
        }
    }
    let name = if app.charting.time { "time" } else { "step" };
    paint::text(buffer, plot.x - GUTTER, plot.bottom(), GUTTER - 1, name, faint);
}

/// The column at which `x` stands.
fn column_of(frame: &Frame, x: f64, width: u16) -> Option<u16> {
    let share = (x - frame.x.0) / (frame.x.1 - frame.x.0);
    (-1e-9..=1.0 + 1e-9)
        .contains(&share)
        .then(|| ((share * f64::from(width)) as u16).min(width.saturating_sub(1)))
}

fn draw_cursor(app: &App, frame: &Frame, at: f64, plot: Rect, buffer: &mut Buffer) {
    let Some(column) = column_of(frame, at, plot.width) else { return };
    let line = app.theme.text("│", "|");
    for y in plot.top()..plot.bottom() {
        paint::text(buffer, plot.x + column, y, 1, line, Style::new());
    }
    let label = format!(" {} ", cursor_label(app, at));
    let width = label.chars().count() as u16;
    let start = (plot.x + column).saturating_sub(width / 2).min(plot.right().saturating_sub(width));
    let style = Style::new().add_modifier(Modifier::REVERSED);
    paint::text(buffer, start, plot.bottom(), width, &label, style);
}

fn cursor_label(app: &App, at: f64) -> String {
    if app.charting.time { time_label(at, 1.0) } else { format!("{at:.0}") }
}

/// Draws all curves, the run under the cursor last; returns the columns with values that are no numbers.
fn draw_curves(app: &App, metric: &str, frame: &Frame, plot: Rect, buffer: &mut Buffer) -> Vec<usize> {
    let mut canvas = Canvas::new(plot.width, plot.height, app.glyphs);
    let dots_across = app.glyphs.dots().0;
    let chosen = app.list.run();
    let ends = draw_bands(app, metric, frame, &mut canvas);
    let alone: Vec<RunId> = runs_alone(app);
    let mut order: Vec<RunId> = alone.iter().copied().filter(|id| Some(*id) != chosen).collect();
    order.extend(alone.iter().copied().filter(|id| Some(*id) == chosen));
    let mut broken = Vec::new();
    if app.charting.weight() > 0.0 {
        for id in &order {
            if let Some(curve) = app.charting.raw(&app.runs, *id, metric) {
                draw_curve(&mut canvas, &curve, frame, ink(app, *id, true, false));
            }
        }
    }
    for id in &order {
        if let Some(curve) = app.charting.curve(&app.runs, *id, metric) {
            let bold = order.len() > 1 && Some(*id) == chosen;
            let found = draw_curve(&mut canvas, &curve, frame, ink(app, *id, false, bold));
            broken.extend(found.into_iter().map(|dot| dot / dots_across));
        }
    }
    canvas.render(plot, buffer);
    for (id, (column, row)) in ends {
        draw_marker(app, id, (plot.x + column, plot.y + row), buffer);
    }
    for id in &order {
        if let Some(curve) = app.charting.curve(&app.runs, *id, metric) {
            draw_markers(app, *id, &curve, frame, plot, buffer);
        }
    }
    for id in &order {
        if let Some(curve) = app.charting.curve(&app.runs, *id, metric) {
            mark_given_up(app, *id, &curve, frame, plot, buffer);
        }
    }
    broken.dedup();
    broken
}

/// The runs that are drawn each by itself.
fn runs_alone(app: &App) -> Vec<RunId> {
    if app.charting.groups.is_empty() {
        return app.charted.clone();
    }
    app.charting.groups.iter().filter(|group| !group.is_band()).flat_map(|group| group.runs.clone()).collect()
}

/// Draws means and deviations; returns the first run of each group with the cell at which its mean ends.
fn draw_bands(app: &App, metric: &str, frame: &Frame, canvas: &mut Canvas) -> Vec<(RunId, (u16, u16))> {
    let (across, down) = app.glyphs.dots();
    let groups = app.charting.groups.iter().filter(|group| group.is_band());
    let chosen = app.list.run();
    groups
        .filter_map(|group| {
            let first = *group.runs.first()?;
            let curves = app.charting.curves_of(&app.runs, group, metric);
            let bold = chosen.is_some_and(|id| group.runs.contains(&id));
            let (x, y) = draw_band(canvas, &curves, frame, ink(app, first, false, bold))?;
            Some((first, ((x / across) as u16, (y / down) as u16)))
        })
        .collect()
}

fn ink(app: &App, id: RunId, faint: bool, bold: bool) -> Ink {
    let look = app.look(id).unwrap_or_else(|| app.theme.curve(0));
    let letter = app.look_slot(id).map_or('*', |slot| char::from(b'a' + (slot % 26) as u8));
    Ink { colour: look.colour, faint, bold, letter }
}

/// Every point of a curve with few, else its last; without colours some on the way too.
fn draw_markers(app: &App, id: RunId, curve: &Curve<'_>, frame: &Frame, plot: Rect, buffer: &mut Buffer) {
    let inside = curve.series.indices(curve.axis, frame.x.0, frame.x.1);
    let Some(last) = inside.clone().next_back() else { return };
    let many = app.charted.len() > 12;
    let places: Vec<usize> = if is_sparse(curve.series, usize::from(plot.width)) && !many {
        inside.collect()
    } else if app.theme.colours == Colours::None && !many {
        let stride = (inside.len() / 6).max(1);
        let shift = app.look_slot(id).unwrap_or(0) * stride / 5 % stride;
        inside.skip(shift).step_by(stride).chain([last]).collect()
    } else {
        vec![last]
    };
    for index in places {
        if let Some(cell) = cell_of(curve, index, frame, plot) {
            draw_marker(app, id, cell, buffer);
        }
    }
}

/// The cell at which the point at `index` stands; `None` outside the picture.
fn cell_of(curve: &Curve<'_>, index: usize, frame: &Frame, plot: Rect) -> Option<(u16, u16)> {
    let (x, value) = curve.point(index)?;
    let place = frame.y.place(value).filter(|place| (0.0..=1.0).contains(place))?;
    let column = column_of(frame, x, plot.width)?;
    let row = plot.y + ((1.0 - place) * f64::from(plot.height - 1)).round() as u16;
    Some((plot.x + column, row))
}

/// Marks the place at which a trial's sweep gave it up: the first point at or after that step.
fn mark_given_up(app: &App, id: RunId, curve: &Curve<'_>, frame: &Frame, plot: Rect, buffer: &mut Buffer) {
    let Some(step) = app.given_up_at(id) else { return };
    let after = curve.series.indices(XAxis::Step, step as f64, f64::INFINITY);
    let Some(index) = after.clone().next().or(after.start.checked_sub(1)) else { return };
    if let Some((column, row)) = cell_of(curve, index, frame, plot) {
        let (symbol, style) = app.theme.state(ShownState::Pruned);
        let style = style.add_modifier(Modifier::BOLD | Modifier::REVERSED);
        paint::text(buffer, column, row, 1, symbol, style);
    }
}

fn draw_marker(app: &App, id: RunId, (column, row): (u16, u16), buffer: &mut Buffer) {
    let Some(look) = app.look(id) else { return };
    let style = Style::new().fg(look.colour).add_modifier(Modifier::BOLD);
    paint::text(buffer, column, row, 1, &look.marker.to_string(), style);
}
