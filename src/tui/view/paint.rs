//! Small strokes that all panes are made of. Text goes through `harmless` here, whoever wrote it.

use loradeck_core::text::harmless;
use ratatui::buffer::Buffer;
use ratatui::layout::{HorizontalAlignment, Rect};
use ratatui::style::{Modifier, Style};
use ratatui::text::{Line, Span};
use ratatui::widgets::{Block, Widget as _};

use crate::tui::app::App;
use crate::tui::format::fit;
use crate::tui::layout;
use crate::tui::theme::Theme;

/// A pane's border with its title; returns what is inside.
pub(super) fn pane(app: &App, area: Rect, title: Line<'_>, focused: bool, buffer: &mut Buffer) -> Rect {
    let (set, style) = app.theme.border(focused);
    let title_style = if focused { Style::new().add_modifier(Modifier::BOLD) } else { Style::new() };
    let block = Block::bordered().border_set(set).border_style(style).title(title.style(title_style));
    block.render(area, buffer);
    layout::inner(area)
}

/// A title at the right end of a pane's upper border.
pub(super) fn right_title(area: Rect, title: &Line<'_>, buffer: &mut Buffer) {
    let width = title.width() as u16;
    if width + 4 < area.width {
        buffer.set_line(area.right() - 2 - width, area.y, title, width);
    }
}

/// A title on a pane's lower border.
pub(super) fn low_title(area: Rect, title: &Line<'_>, buffer: &mut Buffer) {
    let room = area.width.saturating_sub(4);
    buffer.set_line(area.x + 2, area.bottom().saturating_sub(1), title, room);
}

/// Text that may come from anywhere, at a place, cut to `width` columns.
pub(super) fn text(buffer: &mut Buffer, x: u16, y: u16, width: u16, text: &str, style: Style) {
    if width > 0 && buffer.area.contains((x, y).into()) {
        buffer.set_stringn(x, y, harmless(text), usize::from(width), style);
    }
}

/// A line of pieces, each in its style.
pub(super) fn spans(buffer: &mut Buffer, x: u16, y: u16, width: u16, line: &Line<'_>) {
    let end = x + width;
    let mut at = x;
    for span in &line.spans {
        text(buffer, at, y, end.saturating_sub(at), &span.content, line.style.patch(span.style));
        at = (at + span.width() as u16).min(end);
    }
}

/// The same at the right end of `width` columns.
pub(super) fn text_right(buffer: &mut Buffer, x: u16, y: u16, width: u16, shown: &str, style: Style) {
    let taken = Span::raw(shown).width().min(usize::from(width)) as u16;
    text(buffer, x + width - taken, y, taken, shown, style);
}

/// A name cut in its middle.
pub(super) fn name(theme: Theme, full: &str, width: u16) -> String {
    fit(&harmless(full), usize::from(width), theme.text("…", ".."))
}

/// A line over the whole width in one style, text or not.
pub(super) fn line_style(buffer: &mut Buffer, area: Rect, style: Style) {
    buffer.set_style(area, style);
}

/// A bar that is `share` full.
pub(super) fn bar(theme: Theme, share: f64, width: usize) -> String {
    let share = share.clamp(0.0, 1.0);
    if !theme.unicode {
        let full = (share * width as f64).round() as usize;
        return "#".repeat(full) + &"-".repeat(width - full);
    }
    let eighths = (share * width as f64 * 8.0).round() as usize;
    let parts = [' ', '▏', '▎', '▍', '▌', '▋', '▊', '▉'];
    let mut bar = "█".repeat(eighths / 8);
    if bar.chars().count() < width {
        bar.push(parts[eighths % 8]);
    }
    let missing = width - bar.chars().count().min(width);
    bar + &" ".repeat(missing)
}

/// Replaces what the terminal cannot show, whoever wrote it: a sign of the same meaning, else a question mark.
pub(super) fn only_ascii(buffer: &mut Buffer) {
    for cell in &mut buffer.content {
        let symbol = match cell.symbol() {
            shown if shown.is_ascii() => continue,
            "…" => ".",
            "×" => "x",
            "·" | "•" => "*",
            "–" | "—" => "-",
            "‘" | "’" => "'",
            "“" | "”" => "\"",
            _ => "?",
        };
        cell.set_symbol(symbol);
    }
}

/// Lines in the middle of an empty pane.
pub(super) fn message(area: Rect, lines: &[&str], style: Style, buffer: &mut Buffer) {
    let top = area.y + area.height.saturating_sub(lines.len() as u16) / 2;
    for (index, line) in lines.iter().enumerate() {
        let y = top + index as u16;
        if y < area.bottom() {
            let line = Line::styled(*line, style).alignment(HorizontalAlignment::Center);
            line.render(Rect { y, height: 1, ..area }, buffer);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tui::theme::Colours;

    #[test]
    fn bars_are_as_wide_as_asked_for() {
        for unicode in [true, false] {
            let theme = Theme::new(Colours::None, unicode);
            for share in [0.0, 0.01, 0.5, 0.994, 1.0, 7.0, f64::NAN] {
                assert_eq!(bar(theme, share, 8).chars().count(), 8, "{share}");
            }
        }
        assert_eq!(bar(Theme::new(Colours::None, true), 0.5, 4), "██  ");
    }

    #[test]
    fn foreign_text_cannot_command_the_terminal() {
        let mut buffer = Buffer::empty(Rect::new(0, 0, 8, 1));
        text(&mut buffer, 0, 0, 8, "a\u{1b}[2J\u{202e}", Style::new());
        let shown: String = buffer.content.iter().map(ratatui::buffer::Cell::symbol).collect();
        assert!(!shown.contains(['\u{1b}', '\u{202e}']), "{shown:?}");
    }
}
