//! The line at the top: screens, what the runs do, and what needs attention.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::{Modifier, Style};
use ratatui::text::{Line, Span};

use super::paint;
use crate::store::ShownState;
use crate::tui::action::Action;
use crate::tui::app::App;
use crate::tui::screen::Screen;
use crate::tui::tabs::tabs;

const COUNTED: [ShownState; 11] = [
    ShownState::Running,
    ShownState::Orphaned,
    ShownState::Ending,
    ShownState::Starting,
    ShownState::Queued,
    ShownState::Held,
    ShownState::Finished,
    ShownState::Failed,
    ShownState::Lost,
    ShownState::Stopped,
    ShownState::Pruned,
];

pub(super) fn draw(app: &App, area: Rect, buffer: &mut Buffer) {
    let bold = Style::new().add_modifier(Modifier::BOLD);
    paint::text(buffer, area.x + 1, area.y, 9, "loradeck", bold);
    let mut end = area.x;
    for tab in tabs(&app.keymap, app.screen, area.width) {
        let style =
            if tab.screen == app.screen { bold.add_modifier(Modifier::REVERSED) } else { Style::new() };
        paint::text(buffer, area.x + tab.column, area.y, tab.width(), &tab.text, style);
        end = area.x + tab.column + tab.width();
    }
    let room = area.width.saturating_sub(end + 1);
    let candidates = [counts(app, true), counts(app, false), attention(app)];
    if let Some(line) = candidates.into_iter().find(|line| line.width() <= usize::from(room)) {
        let width = line.width() as u16;
        buffer.set_line(area.right() - width, area.y, &line, width);
    }
}

/// How many runs are in which state.
fn counts(app: &App, words: bool) -> Line<'static> {
    let mut spans = attention(app).spans;
    for state in COUNTED {
        let count = app.runs.iter().filter(|run| run.state() == state).count();
        if count == 0 {
            continue;
        }
        let (symbol, style) = app.theme.state(state);
        let word = if words { format!(" {count} {}  ", state.word()) } else { format!("{count} ") };
        spans.extend([Span::styled(symbol, style), Span::raw(word)]);
    }
    Line::from(spans)
}

/// What the user should not overlook.
fn attention(app: &App) -> Line<'static> {
    let mut spans = Vec::new();
    let reversed = Style::new().add_modifier(Modifier::REVERSED);
    if app.frozen {
        spans.extend([
            Span::styled(format!(" frozen: {} ", app.key_for(Action::Freeze)), reversed),
            Span::raw(" "),
        ]);
    }
    if !app.runs.queue.paused.is_empty() {
        spans.extend([Span::styled(" queue paused ", reversed), Span::raw(" ")]);
    }
    let paused = app.runs.sweeps.iter().filter(|sweep| sweep.is_paused()).count();
    if paused > 0 {
        let key = app.key_for(Action::Go(Screen::Sweeps));
        let noun = if paused == 1 { "sweep" } else { "sweeps" };
        spans.extend([Span::styled(format!(" {paused} {noun} paused: {key} "), reversed), Span::raw(" ")]);
    }
    let errors = app.reports.unseen_errors();
    if errors > 0 {
        let key = app.key_for(Action::Messages);
        let text =
            if errors == 1 { format!(" 1 error: {key} ") } else { format!(" {errors} errors: {key} ") };
        spans.extend([Span::styled(text, app.theme.error().patch(reversed)), Span::raw(" ")]);
    }
    Line::from(spans)
}
