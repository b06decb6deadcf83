//! A report or comparison in the screen's place.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::{Color, Modifier, Style};
use ratatui::text::{Line, Span};

use super::paint;
use crate::tui::app::App;
use crate::tui::layout;
use crate::tui::markdown::{self, Look};
use crate::tui::state::{Document, DocumentOf};
use crate::tui::theme::Theme;

pub(super) fn draw(app: &App, body: Rect, buffer: &mut Buffer) {
    let Some(document) = &app.document else { return };
    let name = paint::name(app.theme, &title(app, &document.of), body.width.saturating_sub(30));
    let inner = paint::pane(app, body, Line::raw(format!(" {name} ")), true, buffer);
    if document.loading {
        return paint::message(inner, &["reading…"], app.theme.faint(), buffer);
    }
    if let Some(why) = &document.missing {
        return paint::message(inner, &[why], Style::new(), buffer);
    }
    let text = layout::document(body);
    paint::right_title(body, &place(document, usize::from(text.height)), buffer);
    let shown = document.lines().iter().enumerate().skip(document.offset).take(usize::from(text.height));
    for (row, (index, line)) in shown.enumerate() {
        let area = Rect { y: text.y + row as u16, height: 1, ..text };
        draw_line(app.theme, line, document.left, area, buffer);
        if document.found == Some(index) {
            paint::line_style(buffer, area, app.theme.cursor(true));
        }
    }
}

fn title(app: &App, of: &DocumentOf) -> String {
    match of {
        DocumentOf::Report(id) => {
            let label =
                app.runs.get(*id).map_or_else(|| "a run that is gone".into(), crate::store::Run::label);
            format!("Report of {label}")
        }
        DocumentOf::Comparison { experiment, .. } => format!("Comparison of {experiment}"),
    }
}

/// Where the reader is, and how many lines hold what is searched for.
fn place(document: &Document, height: usize) -> Line<'static> {
    let count = document.lines().len();
    let last = (document.offset + height).min(count);
    let mut text = format!(" {}-{last} of {count} ", (document.offset + 1).min(count));
    if !document.search.is_empty() {
        let matches = document.matches();
        let at = document.found.and_then(|found| matches.iter().position(|line| *line == found));
        let at = at.map(|at| format!("{} of ", at + 1)).unwrap_or_default();
        text = format!(" '{}' {at}{}  {text}", document.search, matches.len());
    }
    Line::raw(text)
}

/// A line without its first `left` columns.
fn draw_line(theme: Theme, line: &markdown::Line, left: usize, area: Rect, buffer: &mut Buffer) {
    let mut at = 0usize;
    for piece in &line.pieces {
        let width = Span::raw(piece.text.as_str()).width();
        let hidden = left.saturating_sub(at).min(width);
        let x = (at + hidden).saturating_sub(left);
        at += width;
        if hidden == width || x >= usize::from(area.width) {
            continue;
        }
        let text = without(&piece.text, hidden);
        let room = area.width - x as u16;
        paint::text(buffer, area.x + x as u16, area.y, room, text, style(theme, piece.look));
    }
}

/// A text without its first columns.
fn without(text: &str, columns: usize) -> &str {
    let mut used = 0;
    let mut starts = text.char_indices().find(|(_, character)| {
        let is_over = used >= columns;
        used += Span::raw(character.to_string()).width();
        is_over
    });
    starts.take().map_or("", |(at, _)| &text[at..])
}

fn style(theme: Theme, look: Look) -> Style {
    let mut style = Style::new();
    if look.faint {
        style = theme.faint();
    }
    if look.code {
        style = style.patch(theme.coloured(Color::Yellow));
    }
    if look.heading > 0 {
        style = style.patch(theme.coloured(Color::Cyan));
    }
    let modifiers = [
        (look.strong, Modifier::BOLD),
        (look.emphasis, Modifier::ITALIC),
        (look.link, Modifier::UNDERLINED),
        (look.struck, Modifier::CROSSED_OUT),
    ];
    modifiers
        .into_iter()
        .filter(|(on, _)| *on)
        .fold(style, |style, (_, modifier)| style.add_modifier(modifier))
}
