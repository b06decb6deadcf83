//! The line at the bottom: what is being typed, or what was just reported, or the keys at hand.

use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};
use ratatui::style::Style;
use ratatui::text::{Line, Span};

use super::paint;
use crate::store::Run;
use crate::tui::action::Action;
use crate::tui::app::App;
use crate::tui::help;
use crate::tui::keys::{Binding, POPUP, key_name};
use crate::tui::state::{Popup, Prompt, PromptKind};
use crate::tui::terminal::KeyEvent;

/// Draws it; returns where the text cursor belongs, if something is being typed.
pub(super) fn draw(app: &App, area: Rect, buffer: &mut Buffer) -> Option<Position> {
    if let Some(prompt) = &app.prompt {
        return Some(typing(app, prompt, area, buffer));
    }
    if let Some(popup) = &app.popup {
        popup_hint(app, popup, area, buffer);
        return None;
    }
    if let Some(report) = app.reports.current(app.now) {
        let (symbol, style) = if report.error {
            (app.theme.text("✗", "x"), app.theme.error())
        } else {
            (app.theme.text("✓", "v"), Style::new())
        };
        let times = if report.times > 1 { format!(" (×{})", report.times) } else { String::new() };
        let hint = if report.error {
            format!("   {} all messages", app.key_for(Action::Messages))
        } else {
            String::new()
        };
        let line = format!("{symbol} {}{times}{hint}", report.text);
        paint::text(buffer, area.x + 1, area.y, area.width.saturating_sub(1), &line, style);
        return None;
    }
    hints(app, area, buffer);
    None
}

/// What keys do in a popup; for the help the whole sentence of the line chosen.
fn popup_hint(app: &App, popup: &Popup, area: Rect, buffer: &mut Buffer) {
    let text = match popup {
        Popup::Help { typed, cursor } => {
            let entries = help::entries(&app.keymap, app.contexts(), typed.text());
            let sentence = |binding: &Binding| format!("{}  ({})", binding.help, binding.full_name());
            entries.get(*cursor).map_or(String::new(), |entry| sentence(entry.binding))
        }
        Popup::Metrics { .. } => "Enter chooses  Esc leaves".to_owned(),
        Popup::Confirm { .. } => "y confirms  n cancels".to_owned(),
        Popup::Messages { .. } => format!("{}  {}", scroll(app), leave(app)),
        Popup::Details { .. } => {
            format!("{}  {} report  {}", scroll(app), app.key_in(POPUP, Action::Report), leave(app))
        }
    };
    paint::text(buffer, area.x + 1, area.y, area.width.saturating_sub(1), &text, Style::new());
}

fn scroll(app: &App) -> String {
    let key = |action| app.short_key_in(POPUP, action);
    format!("{} {} scroll", key(Action::Down), key(Action::Up))
}

fn leave(app: &App) -> String {
    format!("{} leaves", app.key_in(POPUP, Action::Back))
}

fn typing(app: &App, prompt: &Prompt, area: Rect, buffer: &mut Buffer) -> Position {
    let (label, state) = match prompt.kind {
        PromptKind::Filter => {
            let shown = app.list.shown().count();
            let found = format!("{shown} of {} runs", app.runs.len());
            (" filter: ", app.list.filter_error.clone().unwrap_or(found))
        }
        PromptKind::Search => (" search the log: ", "Enter finds".to_owned()),
        PromptKind::Find => (" search the report: ", "Enter finds".to_owned()),
        PromptKind::Config => (" settings with: ", String::new()),
    };
    let mut x = area.x;
    paint::text(buffer, x, area.y, area.width, label, app.theme.key());
    x += label.len() as u16;
    paint::text(buffer, x, area.y, area.right().saturating_sub(x), prompt.field.text(), Style::new());
    let wrong = app.list.filter_error.is_some() && prompt.kind == PromptKind::Filter;
    let style = if wrong { app.theme.warning() } else { app.theme.faint() };
    let typed_end = x + Span::raw(prompt.field.text()).width() as u16 + 2;
    let room = area.right().saturating_sub(typed_end + 1);
    paint::text_right(buffer, typed_end, area.y, room, &state, style);
    let at = x + Span::raw(prompt.field.before()).width() as u16;
    Position::new(at.min(area.right().saturating_sub(1)), area.y)
}

fn hints(app: &App, area: Rect, buffer: &mut Buffer) {
    let draws = app.run_under_cursor().and_then(|id| app.runs.get(id)).is_some_and(Run::has_pictures);
    let all = app.keymap.bindings_in(app.contexts()).filter(|binding| !binding.hint.is_empty());
    let all = all.filter(|binding| binding.action != Action::Pictures || draws);
    // What has no key any more needs no hint.
    let all: Vec<(&Binding, KeyEvent)> =
        all.filter_map(|binding| Some((binding, *binding.keys.first()?))).collect();
    let is_last = |action: Action| matches!(action, Action::Quit | Action::Help);
    let (last, first): (Vec<_>, Vec<_>) = all.into_iter().partition(|(binding, _)| is_last(binding.action));
    // Quitting and help are never cut.
    let last: Vec<Span<'_>> = last.iter().flat_map(|(binding, key)| hint(app, *key, binding.hint)).collect();
    let last = Line::from(last);
    let mut room = usize::from(area.width).saturating_sub(last.width() + 1);
    let mut shown = Vec::new();
    let mut seen = Vec::new();
    for (binding, key) in first {
        // An inner context's key hides the same key further out.
        if seen.contains(&key) {
            continue;
        }
        seen.push(key);
        let spans = hint(app, key, binding.hint);
        let width: usize = spans.iter().map(Span::width).sum();
        if width > room {
            break;
        }
        room -= width;
        shown.extend(spans);
    }
    buffer.set_line(area.x + 1, area.y, &Line::from(shown), area.width.saturating_sub(1));
    let width = last.width() as u16;
    buffer.set_line(area.right().saturating_sub(width), area.y, &last, width);
}

fn hint(app: &App, key: KeyEvent, word: &str) -> [Span<'static>; 3] {
    [Span::styled(key_name(key), app.theme.key()), Span::raw(format!(" {word}")), Span::raw("  ")]
}
