//! What stands above the screen.

use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};
use ratatui::style::{Modifier, Style};
use ratatui::text::{Line, Span};
use ratatui::widgets::{Clear, Widget as _};

use super::{paint, story};
use crate::tui::app::App;
use crate::tui::help;
use crate::tui::layout;
use crate::tui::state::{Popup, Question, TextField, scrolled};

/// Draws the popup, if one is open; returns where the text cursor belongs, if something is being typed there.
pub(super) fn draw(app: &App, body: Rect, buffer: &mut Buffer) -> Option<Position> {
    match app.popup.as_ref()? {
        Popup::Help { typed, cursor } => Some(draw_help(app, typed, *cursor, body, buffer)),
        Popup::Metrics { typed, cursor } => Some(draw_metrics(app, typed, *cursor, body, buffer)),
        Popup::Confirm { question, offset } => {
            draw_question(app, question, *offset, body, buffer);
            None
        }
        Popup::Messages { offset } => {
            draw_messages(app, *offset, body, buffer);
            None
        }
        Popup::Details { run, story, offset } => {
            let width = usize::from(body.width.saturating_sub(8).clamp(20, 92));
            let lines = story::lines(app, *run, story.as_deref(), width);
            let title = app.runs.get(*run).map(crate::store::Run::label).unwrap_or_default();
            let inner = open(app, body, width as u16 + 4, lines.len() as u16 + 2, &title, buffer);
            scroll_lines(app, inner, lines, *offset, buffer);
            None
        }
    }
}

/// An empty box in the middle; returns what is inside.
fn open(app: &App, body: Rect, width: u16, height: u16, title: &str, buffer: &mut Buffer) -> Rect {
    let area = layout::popup(
        body,
        width.min(body.width.saturating_sub(4)),
        height.min(body.height.saturating_sub(2)),
    );
    // A column of air on both sides, so that what lies behind does not run into the border.
    let air = Rect { x: area.x - 1, width: area.width + 2, ..area };
    Clear.render(air.intersection(body), buffer);
    let title = paint::name(app.theme, title, area.width.saturating_sub(6));
    paint::pane(app, area, Line::raw(format!(" {title} ")), true, buffer)
}

/// The line of a search, and where the next letter goes.
fn draw_typed(app: &App, typed: &TextField, inner: Rect, buffer: &mut Buffer) -> Position {
    paint::text(buffer, inner.x, inner.y, 2, app.theme.text("› ", "> "), app.theme.key());
    let room = inner.width.saturating_sub(2);
    if typed.text().is_empty() {
        paint::text(
            buffer,
            inner.x + 2,
            inner.y,
            room,
            "type to search, Enter chooses, Esc leaves",
            app.theme.faint(),
        );
    }
    paint::text(buffer, inner.x + 2, inner.y, room, typed.text(), Style::new());
    let at = inner.x + 2 + Span::raw(typed.before()).width() as u16;
    Position::new(at.min(inner.right().saturating_sub(1)), inner.y)
}

fn draw_help(app: &App, typed: &TextField, cursor: usize, body: Rect, buffer: &mut Buffer) -> Position {
    let entries = help::entries(&app.keymap, app.contexts(), typed.text());
    let inner = open(app, body, 92, entries.len().max(8) as u16 + 4, "Keys", buffer);
    let at = draw_typed(app, typed, inner, buffer);
    let rows = Rect { y: inner.y + 2, height: inner.height.saturating_sub(2), ..inner };
    let height = usize::from(rows.height);
    let first = scrolled(0, cursor.min(entries.len().saturating_sub(1)), entries.len(), height);
    for (line, entry) in entries.iter().skip(first).take(height).enumerate() {
        let row = Rect { y: rows.y + line as u16, height: 1, ..rows };
        let (key_style, style) =
            if entry.here { (app.theme.key(), Style::new()) } else { (app.theme.faint(), app.theme.faint()) };
        paint::text_right(buffer, row.x, row.y, 12, &entry.binding.key_names(), key_style);
        paint::text(buffer, row.x + 14, row.y, row.width.saturating_sub(28), entry.binding.help, style);
        paint::text_right(
            buffer,
            row.right() - 13,
            row.y,
            13,
            entry.binding.context.name(),
            app.theme.faint(),
        );
        if first + line == cursor {
            paint::line_style(buffer, row, app.theme.cursor(true));
        }
    }
    if entries.is_empty() {
        paint::text(buffer, rows.x, rows.y, rows.width, "no key does that", app.theme.faint());
    }
    at
}

fn draw_metrics(app: &App, typed: &TextField, cursor: usize, body: Rect, buffer: &mut Buffer) -> Position {
    let found = help::matching(&app.metrics, typed.text());
    let inner = open(app, body, 64, app.metrics.len().max(4) as u16 + 4, "Metric", buffer);
    let at = draw_typed(app, typed, inner, buffer);
    let rows = Rect { y: inner.y + 2, height: inner.height.saturating_sub(2), ..inner };
    let height = usize::from(rows.height);
    let first = scrolled(0, cursor.min(found.len().saturating_sub(1)), found.len(), height);
    for (line, metric) in found.iter().skip(first).take(height).enumerate() {
        let row = Rect { y: rows.y + line as u16, height: 1, ..rows };
        let name = loradeck_core::metrics::registry::describe(metric).name;
        paint::text(buffer, row.x + 1, row.y, row.width / 2, metric, Style::new());
        if name != **metric {
            let half = row.width / 2;
            paint::text(buffer, row.x + half + 1, row.y, row.width - half - 1, &name, app.theme.faint());
        }
        if first + line == cursor {
            paint::line_style(buffer, row, app.theme.cursor(true));
        }
    }
    if found.is_empty() {
        paint::text(buffer, rows.x, rows.y, rows.width, "no metric is named like that", app.theme.faint());
    }
    at
}

fn draw_question(app: &App, question: &Question, offset: usize, body: Rect, buffer: &mut Buffer) {
    let count = question.runs.len();
    let runs = if count == 1 { "1 run".to_owned() } else { format!("{count} runs") };
    let title = format!("{} {runs}?", question.deed.verb());
    let mut lines: Vec<Line<'static>> = question.lines.iter().map(|line| Line::raw(line.clone())).collect();
    if !question.left_alone.is_empty() {
        lines.push(Line::default());
        lines.push(Line::styled("left alone:", app.theme.faint()));
        lines.extend(question.left_alone.iter().map(|line| Line::styled(line.clone(), app.theme.faint())));
    }
    let inner = open(app, body, 88, lines.len() as u16 + 4, &title, buffer);
    let above = Rect { height: inner.height.saturating_sub(2), ..inner };
    scroll_lines(app, above, lines, offset, buffer);
    let answer = Line::from(vec![
        Span::styled("y", app.theme.key()),
        Span::raw(format!(" {}   ", question.deed.verb().to_lowercase())),
        Span::styled("n", app.theme.key()),
        Span::raw(" leave as it is"),
    ]);
    buffer.set_line(inner.x + 1, inner.bottom() - 1, &answer, inner.width.saturating_sub(1));
}

fn draw_messages(app: &App, offset: usize, body: Rect, buffer: &mut Buffer) {
    let width = usize::from(body.width.saturating_sub(8).clamp(20, 120));
    let mut lines = Vec::new();
    for report in app.reports.newest() {
        let style = if report.error { app.theme.error() } else { Style::new() };
        let times = if report.times > 1 { format!(" (×{})", report.times) } else { String::new() };
        let clock = report.time.to_rfc3339();
        let text = format!("{}  {}{times}", clock.get(11..19).unwrap_or(""), report.text);
        lines.extend(story::folded(&text, width, 10).into_iter().map(|piece| Line::styled(piece, style)));
    }
    if lines.is_empty() {
        lines.push(Line::styled("nothing was reported yet", app.theme.faint()));
    }
    let inner =
        open(app, body, width as u16 + 4, lines.len() as u16 + 2, "Messages (newest first, UTC)", buffer);
    scroll_lines(app, inner, lines, offset, buffer);
}

fn scroll_lines(app: &App, inner: Rect, lines: Vec<Line<'static>>, offset: usize, buffer: &mut Buffer) {
    let height = usize::from(inner.height);
    let count = lines.len();
    let first = offset.min(count.saturating_sub(height));
    for (row, line) in lines.into_iter().skip(first).take(height).enumerate() {
        paint::spans(buffer, inner.x + 1, inner.y + row as u16, inner.width.saturating_sub(1), &line);
    }
    let more = count.saturating_sub(first + height);
    if more > 0 {
        let text = format!(" {} {more} more ", app.theme.text("↓", "v"));
        let style = Style::new().add_modifier(Modifier::BOLD);
        let width = text.chars().count() as u16;
        paint::text(buffer, inner.right().saturating_sub(width + 1), inner.bottom(), width, &text, style);
    }
}
