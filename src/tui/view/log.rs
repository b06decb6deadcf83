//! The log of the run under the cursor.

use loradeck_core::text::harmless;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::{Modifier, Style};
use ratatui::text::{Line, Span};

use super::paint;
use crate::tui::action::Action;
use crate::tui::app::App;
use crate::tui::keys::Context;
use crate::tui::screen::Pane;

pub(super) fn draw(app: &App, area: Rect, buffer: &mut Buffer) {
    let name =
        app.log.run.and_then(|id| app.runs.get(id)).map(|run| run.name.to_string()).unwrap_or_default();
    let title = format!(" Log {} ", paint::name(app.theme, &name, area.width.saturating_sub(30)));
    let inner = paint::pane(app, area, Line::raw(title), app.focus == Pane::Log, buffer);
    paint::right_title(area, &state(app), buffer);
    if app.log.is_empty() {
        let text = if app.log.run.is_some() { "no output yet" } else { "no run chosen" };
        paint::message(inner, &[text], app.theme.faint(), buffer);
        return;
    }
    let lines = if app.log.wrap { wrapped(app, inner) } else { cut(app, inner) };
    for (row, (index, text)) in lines.into_iter().enumerate() {
        let style = style(app, index, &text);
        paint::text(buffer, inner.x, inner.y + row as u16, inner.width, &text, style);
    }
}

fn state(app: &App) -> Line<'static> {
    if app.log.follows() {
        return Line::styled(" follows ", app.theme.faint());
    }
    let new = if app.log.unseen > 0 { format!(", {} new", app.log.unseen) } else { String::new() };
    Line::from(vec![
        Span::styled(format!(" stands still{new} "), app.theme.warning()),
        Span::raw(format!("{} follows ", app.key_in(&[Context::Log, Context::Global], Action::Bottom))),
    ])
}

/// Lines as they are, from the first column shown.
fn cut(app: &App, inner: Rect) -> Vec<(usize, String)> {
    let height = usize::from(inner.height);
    let first = app.log.first(height);
    (first..app.log.len())
        .take(height)
        .filter_map(|index| Some((index, app.log.line(index)?.chars().skip(app.log.left).collect())))
        .collect()
}

/// Lines broken at the width: from the end where it follows, else from the first line down.
fn wrapped(app: &App, inner: Rect) -> Vec<(usize, String)> {
    let (height, width) = (usize::from(inner.height), usize::from(inner.width.max(1)));
    let pieces = |index: usize| -> Vec<(usize, String)> {
        let line: Vec<char> = app.log.line(index).unwrap_or_default().chars().collect();
        if line.is_empty() {
            return vec![(index, String::new())];
        }
        line.chunks(width).map(|piece| (index, piece.iter().collect())).collect()
    };
    let mut shown: Vec<(usize, String)> = Vec::new();
    if app.log.follows() {
        for index in (0..app.log.len()).rev() {
            shown.splice(0..0, pieces(index));
            if shown.len() >= height {
                break;
            }
        }
        let surplus = shown.len().saturating_sub(height);
        shown.drain(..surplus);
    } else {
        for index in app.log.first(height)..app.log.len() {
            shown.extend(pieces(index));
            if shown.len() >= height {
                break;
            }
        }
        shown.truncate(height);
    }
    shown
}

fn style(app: &App, index: usize, text: &str) -> Style {
    if app.log.found == Some(index) {
        return Style::new().add_modifier(Modifier::REVERSED);
    }
    let lower = harmless(text).to_lowercase();
    let holds = |words: &[&str]| words.iter().any(|word| lower.contains(word));
    if holds(&["error", "panicked", "traceback", "fatal", "not finite"]) {
        app.theme.error()
    } else if holds(&["warn"]) {
        app.theme.warning()
    } else {
        Style::new()
    }
}
