//! The list of runs.

use loradeck_core::metrics::registry;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::{Modifier, Style};
use ratatui::text::{Line, Span};

use super::{paint, queue};
use crate::store::{Run, RunId, ShownState};
use crate::tui::action::Action;
use crate::tui::app::App;
use crate::tui::deed::Deed;
use crate::tui::format;
use crate::tui::screen::Pane;
use crate::tui::state::{Group, Item};

/// Pointer, mark, marker, space, state, space.
pub(super) const PREFIX: u16 = 6;

/// Where the columns on the right stand; a width of 0 is not shown.
struct Columns {
    name: u16,
    bar: u16,
    share: u16,
    time: u16,
    metric: u16,
}

impl Columns {
    fn of(width: u16) -> Self {
        let (bar, share, time, metric) = match width {
            72.. => (11, 5, 8, 10),
            42.. => (0, 5, 7, 9),
            _ => (0, 5, 0, 9),
        };
        let name = width.saturating_sub(PREFIX + bar + share + time + metric);
        Self { name, bar, share, time, metric }
    }
}

pub(super) fn draw(app: &App, area: Rect, buffer: &mut Buffer) {
    let focused = app.focus == Pane::List;
    let inner = paint::pane(app, area, title(app), focused, buffer);
    right_title(app, area, buffer);
    if app.list.items.is_empty() {
        empty(app, inner, buffer);
        return;
    }
    let columns = Columns::of(inner.width);
    headings(app, inner, &columns, buffer);
    let rows = Rect { y: inner.y + 1, height: inner.height.saturating_sub(1), ..inner };
    let shown = app.list.items.iter().enumerate().skip(app.list.offset).take(usize::from(rows.height));
    for (line, (index, item)) in shown.enumerate() {
        let row = Rect { y: rows.y + line as u16, height: 1, ..rows };
        let under_cursor = index == app.list.cursor;
        match item {
            Item::Group(group) => {
                if let Some(group) = app.list.groups.get(*group) {
                    draw_group(app, group, row, under_cursor, buffer);
                }
            }
            Item::Run(id) => {
                if let Some(run) = app.runs.get(*id) {
                    draw_run(app, run, row, &columns, under_cursor, buffer);
                }
            }
        }
        if under_cursor {
            paint::text(buffer, row.x, row.y, 1, app.theme.text("▸", ">"), Style::new());
            paint::line_style(buffer, row, app.theme.cursor(focused));
        }
    }
    let more = app.list.items.len().saturating_sub(app.list.offset + usize::from(rows.height));
    low_title(app, area, (app.list.offset, more), buffer);
}

fn title(app: &App) -> Line<'static> {
    let shown = app.list.shown().count();
    let count = if app.list.filter.is_empty() {
        format!(" Runs {} ", app.runs.len())
    } else {
        format!(" Runs {shown} of {} ", app.runs.len())
    };
    let mut spans = vec![Span::raw(count)];
    if !app.marked.is_empty() {
        spans.push(Span::raw(format!("· {} marked ", app.marked.len())));
    }
    Line::from(spans)
}

/// The filter, or else the order and how long all work will take.
fn right_title(app: &App, area: Rect, buffer: &mut Buffer) {
    if !app.list.filter_text.is_empty() {
        let text = format!(" {} ", paint::name(app.theme, &app.list.filter_text, area.width / 3));
        paint::right_title(area, &Line::styled(text, app.theme.warning()), buffer);
        return;
    }
    let word = app.list.order.word(app.list.reversed);
    let order = if word == "number" { String::new() } else { format!("by {word} ") };
    let left = app.all_done_in().map(|left| format!("all done in {} ", format::remaining(left)));
    let text = order + &left.unwrap_or_default();
    if !text.is_empty() {
        paint::right_title(area, &Line::raw(format!(" {text}")), buffer);
    }
}

/// What there is to say about the run under the cursor.
fn low_title(app: &App, area: Rect, (above, below): (usize, usize), buffer: &mut Buffer) {
    let mut spans = Vec::new();
    if let Some(run) = app.list.run().and_then(|id| app.runs.get(id)) {
        let (symbol, style) = app.theme.state(run.state());
        let said = run.status.as_ref().and_then(|status| status.message.clone());
        let problem = run.problems.first().cloned();
        let text = problem.or(said).unwrap_or_else(|| sentence(app, run));
        let room = area.width.saturating_sub(if above + below > 0 { 20 } else { 8 });
        spans.push(Span::styled(format!(" {symbol} "), style));
        spans.push(Span::raw(format!("{} ", paint::name(app.theme, &text, room))));
    }
    paint::low_title(area, &Line::from(spans), buffer);
    if above + below > 0 {
        let (up, down) = (app.theme.text("↑", "^"), app.theme.text("↓", "v"));
        let text = format!(" {up}{above} {down}{below} ");
        let width = text.chars().count() as u16;
        let at = area.right().saturating_sub(width + 2);
        paint::text(buffer, at, area.bottom() - 1, width, &text, Style::new());
    }
}

fn sentence(app: &App, run: &Run) -> String {
    let state = run.state().word();
    let attempt = run.status.as_ref().map_or(1, |status| status.attempt);
    let attempt = if attempt > 1 { format!(", attempt {attempt}") } else { String::new() };
    if let Some(words) = run.ending_words() {
        return format!("{state}: {words}");
    }
    match (run.state(), run.steps()) {
        (ShownState::Lost, _) => {
            format!("lost: no process is running it ({} resumes)", app.key_for(Action::Do(Deed::Resume)))
        }
        (ShownState::Orphaned, _) => format!("{state}: keeps training without a supervisor"),
        (ShownState::Queued, _) if app.runs.queue.waiting_of(run.id).is_some() => {
            format!("{state}{attempt}: {}", queue::why(app, run))
        }
        (ShownState::Archived, _) => "archived: read-only".to_owned(),
        (_, Some((step, 0))) => format!("{state}, step {step}{attempt}"),
        (_, Some((step, total))) => format!("{state}, step {step} of {total}{attempt}"),
        _ => format!("{state}{attempt}"),
    }
}

fn empty(app: &App, area: Rect, buffer: &mut Buffer) {
    let style = Style::new();
    if app.loading {
        paint::message(area, &["reading…"], style, buffer);
    } else if app.runs.is_empty() {
        let lines = [
            "no runs yet",
            "",
            "loradeck new NAME   starts an experiment",
            "loradeck run NAME   queues its runs",
        ];
        paint::message(area, &lines, style, buffer);
    } else {
        paint::message(
            area,
            &["no run matches the filter", &format!("{} clears it", app.key_for(Action::Back))],
            style,
            buffer,
        );
    }
}

fn headings(app: &App, inner: Rect, columns: &Columns, buffer: &mut Buffer) {
    let style = app.theme.faint();
    let mut x = inner.x + PREFIX + columns.name;
    paint::text(buffer, inner.x + PREFIX, inner.y, columns.name, "run", style);
    x += columns.bar;
    paint::text_right(buffer, x, inner.y, columns.share, "done", style);
    x += columns.share;
    paint::text_right(buffer, x, inner.y, columns.time, "time", style);
    x += columns.time;
    let metric = app.metric();
    let short = metric.rsplit('/').next().unwrap_or(&metric);
    let full = if metric.chars().count() < usize::from(columns.metric) { metric.as_str() } else { short };
    let shown = paint::name(app.theme, full, columns.metric.saturating_sub(1));
    paint::text_right(buffer, x, inner.y, columns.metric, &shown, style);
}

fn draw_group(app: &App, group: &Group, row: Rect, under_cursor: bool, buffer: &mut Buffer) {
    let fold = if group.folded { app.theme.text("▸", "+") } else { app.theme.text("▾", "-") };
    let name = if app.workspaces.len() > 1 {
        let workspace = app.workspaces.get(group.workspace).map_or("?", String::as_str);
        format!("{workspace}: {}", group.experiment)
    } else {
        group.experiment.clone()
    };
    let mut spans: Vec<Span<'_>> = Vec::new();
    for (state, count) in &group.states {
        let (symbol, style) = app.theme.state(*state);
        spans.push(Span::styled(symbol, style));
        spans.push(Span::raw(format!("{count} ")));
    }
    let counts = Line::from(spans);
    let bold = Style::new().add_modifier(Modifier::BOLD);
    let at = if under_cursor { row.x + 1 } else { row.x };
    paint::text(buffer, at, row.y, 1, fold, bold);
    let room = row.width.saturating_sub(4 + counts.width() as u16);
    paint::text(buffer, row.x + 2, row.y, room, &paint::name(app.theme, &name, room), bold);
    let width = counts.width() as u16;
    if width < row.width {
        buffer.set_line(row.right() - width, row.y, &counts, width);
    }
}

/// Mark, marker and state of a run, as lists show them.
pub(super) fn draw_prefix(app: &App, id: RunId, state: ShownState, row: Rect, buffer: &mut Buffer) {
    if app.marked.contains(&id) {
        let bold = Style::new().add_modifier(Modifier::BOLD);
        paint::text(buffer, row.x + 1, row.y, 1, "*", bold);
    }
    if let Some(look) = app.look(id) {
        let marker = look.marker.to_string();
        paint::text(buffer, row.x + 2, row.y, 1, &marker, Style::new().fg(look.colour));
    }
    let (symbol, style) = app.theme.state(state);
    paint::text(buffer, row.x + 4, row.y, 1, symbol, style);
}

fn draw_run(app: &App, run: &Run, row: Rect, columns: &Columns, under_cursor: bool, buffer: &mut Buffer) {
    draw_prefix(app, run.id, run.state(), row, buffer);
    let name_style = if under_cursor { Style::new().add_modifier(Modifier::BOLD) } else { Style::new() };
    let pin = if run.labels.pin { app.theme.text("⚑ ", "^ ") } else { "" };
    let full = format!("{pin}{}", run.name);
    let mut x = row.x + PREFIX;
    paint::text(buffer, x, row.y, columns.name, &paint::name(app.theme, &full, columns.name), name_style);
    x += columns.name;
    let progress = run.progress();
    if let Some(share) = progress.filter(|_| columns.bar > 0) {
        let style = app.theme.state(run.state()).1;
        let bar = paint::bar(app.theme, share, usize::from(columns.bar) - 1);
        paint::text(buffer, x + 1, row.y, columns.bar - 1, &bar, style);
    }
    x += columns.bar;
    if let Some(share) = progress {
        paint::text_right(
            buffer,
            x,
            row.y,
            columns.share,
            &format!("{:.0}%", (share * 100.0).floor()),
            Style::new(),
        );
    }
    x += columns.share;
    paint::text_right(buffer, x, row.y, columns.time, &time(app, run), Style::new());
    x += columns.time;
    let metric = app.metric();
    if let Some(value) = App::value(run, &metric) {
        let unit = registry::describe(&metric).unit;
        paint::text_right(buffer, x, row.y, columns.metric, &format::metric(value, unit), Style::new());
    }
}

/// What remains of a run at work, the length of an ended one.
pub(super) fn time(app: &App, run: &Run) -> String {
    if run.state().is_live() {
        return run.seconds_left(app.now).map(format::remaining).unwrap_or_default();
    }
    run.summary.as_ref().map(|summary| format::duration(summary.seconds)).unwrap_or_default()
}
