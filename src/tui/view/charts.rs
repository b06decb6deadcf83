//! One small chart per metric.

use loradeck_core::metrics::registry;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use super::{chart, paint};
use crate::tui::app::App;
use crate::tui::format;

pub(super) fn draw(app: &App, body: Rect, buffer: &mut Buffer) {
    if app.metrics.is_empty() {
        let text = if app.loading { "reading…" } else { "no points yet of the runs chosen on screen 1" };
        paint::message(body, &[text], app.theme.faint(), buffer);
        return;
    }
    for (index, area) in app.grid() {
        let Some(metric) = app.metrics.get(index) else { continue };
        let chosen = index == app.chart_cursor;
        let name = paint::name(app.theme, metric, area.width.saturating_sub(16));
        let mut spans = vec![Span::raw(format!(" {name} "))];
        if app.charting.weight() > 0.0 {
            spans.push(Span::styled(format!("{} ", app.charting.weight()), app.theme.faint()));
        }
        let inner = paint::pane(app, area, Line::from(spans), chosen, buffer);
        paint::right_title(area, &value(app, metric), buffer);
        chart::draw_plot(app, metric, inner, buffer);
    }
}

/// The newest value of the run under the cursor, or of the only one.
fn value(app: &App, metric: &str) -> Line<'static> {
    let run = app.list.run().filter(|run| app.charted.contains(run)).or_else(|| app.charted.first().copied());
    let newest = run
        .and_then(|run| app.runs.metrics(run))
        .and_then(|metrics| metrics.get(metric))
        .and_then(loradeck_core::metrics::Series::last_finite);
    let unit = registry::describe(metric).unit;
    Line::raw(newest.map(|point| format!(" {} ", format::metric(point.value, unit))).unwrap_or_default())
}
