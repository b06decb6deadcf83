//! What is drawn in a chart, by name and with its values.

use loradeck_core::metrics::registry;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::{Modifier, Style};

use super::paint;
use crate::store::RunId;
use crate::tui::app::App;
use crate::tui::chart::{band_at, value_at};
use crate::tui::format;
use crate::tui::state::SeedGroup;

/// A line of the legend.
pub(super) enum Entry<'a> {
    /// One run.
    Run(RunId),
    /// Runs that differ only in their seed, drawn as one.
    Group(&'a SeedGroup),
}

impl Entry<'_> {
    /// The run whose look it has.
    fn first(&self) -> Option<RunId> {
        match self {
            Self::Run(id) => Some(*id),
            Self::Group(group) => group.runs.first().copied(),
        }
    }

    fn holds(&self, run: RunId) -> bool {
        match self {
            Self::Run(id) => *id == run,
            Self::Group(group) => group.runs.contains(&run),
        }
    }
}

/// Everything that is drawn, in the order of the list.
pub(super) fn entries(app: &App) -> Vec<Entry<'_>> {
    if app.charting.groups.is_empty() {
        return app.charted.iter().copied().map(Entry::Run).collect();
    }
    let entry = |group| -> Vec<Entry<'_>> {
        let group: &SeedGroup = group;
        if group.is_band() {
            return vec![Entry::Group(group)];
        }
        group.runs.iter().copied().map(Entry::Run).collect()
    };
    app.charting.groups.iter().flat_map(entry).collect()
}

/// Draws as many entries as fit.
pub(super) fn draw(
    app: &App,
    metric: &str,
    entries: &[Entry<'_>],
    area: Rect,
    across: usize,
    buffer: &mut Buffer,
) {
    let room = across * usize::from(area.height);
    let run = app.list.run();
    let chosen = run.and_then(|run| entries.iter().position(|entry| entry.holds(run))).unwrap_or(0);
    // The run under the cursor is always among those shown.
    let first = if chosen < room { 0 } else { (chosen + 1 - room).min(entries.len().saturating_sub(room)) };
    let width = area.width / across.max(1) as u16;
    for (index, entry) in entries.iter().skip(first).take(room).enumerate() {
        let cell = Rect {
            x: area.x + (index % across) as u16 * width,
            y: area.y + (index / across) as u16,
            width,
            height: 1,
        };
        let style = if run.is_some_and(|run| entry.holds(run)) {
            Style::new().add_modifier(Modifier::BOLD)
        } else {
            Style::new()
        };
        draw_entry(app, entry, metric, cell, style, buffer);
    }
}

/// A marker, a name, and the values at the cursor, or the last and the best.
fn draw_entry(app: &App, entry: &Entry<'_>, metric: &str, cell: Rect, style: Style, buffer: &mut Buffer) {
    let Some(look) = entry.first().and_then(|id| app.look(id)) else { return };
    let marker = Style::new().fg(look.colour).add_modifier(Modifier::BOLD);
    paint::text(buffer, cell.x + 1, cell.y, 1, &look.marker.to_string(), marker);
    let (name, values) = match entry {
        Entry::Run(id) => {
            let Some(run) = app.runs.get(*id) else { return };
            (run.name.to_string(), run_values(app, *id, metric))
        }
        Entry::Group(group) => (group.label.clone(), group_values(app, group, metric)),
    };
    let room = cell.width.saturating_sub(values.chars().count() as u16 + 5);
    paint::text(buffer, cell.x + 3, cell.y, room, &paint::name(app.theme, &name, room), style);
    paint::text_right(buffer, cell.x + 3, cell.y, cell.width.saturating_sub(4), &values, style);
}

fn run_values(app: &App, id: RunId, metric: &str) -> String {
    let describe = registry::describe(metric);
    let show = |value: f64| format::metric(value, describe.unit);
    let Some(curve) = app.charting.curve(&app.runs, id, metric) else { return "no points".into() };
    if let Some(at) = app.charting.cursor {
        let Some((point, value)) = value_at(&curve, at) else { return "-".into() };
        let raw =
            if curve.smoothed.is_some() { format!(" (raw {})", show(point.value)) } else { String::new() };
        return format!("{}{raw} @{}", show(value), point.step);
    }
    let last = curve.series.last_finite().map_or_else(|| "NaN".into(), |point| show(point.value));
    let best = describe.goal.and_then(|goal| curve.series.best(goal));
    match best {
        Some(best) => format!("last {last}  best {} @{}", show(best.value), best.step),
        None => format!("last {last}"),
    }
}

/// Mean and deviation at the cursor, or at the last place that all runs have reached.
fn group_values(app: &App, group: &SeedGroup, metric: &str) -> String {
    let unit = registry::describe(metric).unit;
    let curves = app.charting.curves_of(&app.runs, group, metric);
    let ends = curves.iter().filter_map(|curve| curve.series.x_range(curve.axis)).map(|range| range.1);
    let at = app.charting.cursor.or_else(|| ends.reduce(f64::min));
    let Some(spot) = at.and_then(|at| band_at(&curves, at)) else { return "-".into() };
    let deviation = spot.deviation.map(|deviation| format::metric(deviation, unit)).unwrap_or_default();
    let sign = app.theme.text("±", "+-");
    let count = if spot.count < group.runs.len() {
        format!("{} of {}", spot.count, group.runs.len())
    } else {
        spot.count.to_string()
    };
    format!("{} {sign} {deviation}  {count} runs", format::metric(spot.mean, unit))
}
