//! Settings of the charted runs side by side.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::{Modifier, Style};
use ratatui::text::Line;

use super::paint;
use crate::store::RunId;
use crate::tui::action::Action;
use crate::tui::app::App;
use crate::tui::keys::Context;
use crate::tui::screen::Pane;
use crate::tui::state::SettingRow;

const WIDEST_KEY: u16 = 24;
const WIDEST_VALUE: u16 = 24;
/// Runs that should fit side by side, whatever their values.
const SIDE_BY_SIDE: u16 = 3;

pub(super) fn draw(app: &App, area: Rect, buffer: &mut Buffer) {
    let rows = app.settings.rows(&app.runs, &app.charted);
    let inner = paint::pane(app, area, title(app, &rows), app.focus == Pane::Config, buffer);
    if !app.settings.filter.is_empty() {
        let text = format!(" {} ", paint::name(app.theme, &app.settings.filter, area.width / 3));
        paint::right_title(area, &Line::styled(text, app.theme.warning()), buffer);
    }
    if rows.is_empty() {
        let text = if app.charted.is_empty() {
            "no run chosen".to_owned()
        } else {
            format!("nothing differs ({} shows all)", app.key_for(Action::AllSettings))
        };
        paint::message(inner, &[&text], app.theme.faint(), buffer);
        return;
    }
    let key_width =
        rows.iter().map(|row| row.key.chars().count() as u16).max().unwrap_or(0).min(WIDEST_KEY) + 1;
    let columns = columns(app, &rows, inner.width.saturating_sub(key_width));
    headings(app, &columns, inner, key_width, buffer);
    let height = usize::from(inner.height.saturating_sub(1));
    for (line, row) in rows.iter().skip(app.settings.offset).take(height).enumerate() {
        let y = inner.y + 1 + line as u16;
        let style = if row.differs || app.charted.len() < 2 { Style::new() } else { app.theme.faint() };
        let key = paint::name(app.theme, &row.key, key_width - 1);
        paint::text(buffer, inner.x, y, key_width - 1, &key, style);
        let mut x = inner.x + key_width;
        for column in &columns {
            let value = row.values.get(column.index).cloned().flatten().unwrap_or_else(|| "-".into());
            let style = if column.chosen { style.add_modifier(Modifier::BOLD) } else { style };
            let value = paint::name(app.theme, &value, column.width - 1);
            paint::text(buffer, x, y, column.width - 1, &value, style);
            x += column.width;
        }
    }
}

fn title(app: &App, rows: &[SettingRow]) -> Line<'static> {
    let differing = rows.iter().filter(|row| row.differs).count();
    let text = match (app.charted.len(), app.settings.all) {
        (0 | 1, _) => " Config ".to_owned(),
        (_, true) => format!(" Config, {differing} differ "),
        (count, false) => format!(" Config: what differs in {count} runs "),
    };
    Line::raw(text)
}

/// A run's column.
struct Column {
    id: RunId,
    index: usize,
    width: u16,
    chosen: bool,
}

/// The columns that fit, beginning with the first one chosen by scrolling.
fn columns(app: &App, rows: &[SettingRow], room: u16) -> Vec<Column> {
    let mut left = room;
    let mut columns = Vec::new();
    let shared = room / SIDE_BY_SIDE.min(app.charted.len().max(1) as u16);
    for (index, id) in app.charted.iter().enumerate().skip(app.settings.left) {
        let widest = rows
            .iter()
            .filter_map(|row| row.values.get(index)?.as_ref())
            .map(|value| value.chars().count() as u16)
            .max()
            .unwrap_or(1);
        let alone = app.charted.len() == 1;
        let width = if alone { room } else { (widest.clamp(6, WIDEST_VALUE) + 1).min(shared.max(8)) };
        if width > left {
            break;
        }
        left -= width;
        columns.push(Column { id: *id, index, width, chosen: app.list.run() == Some(*id) });
    }
    columns
}

fn headings(app: &App, columns: &[Column], inner: Rect, key_width: u16, buffer: &mut Buffer) {
    let mut x = inner.x + key_width;
    for column in columns {
        let Some(run) = app.runs.get(column.id) else { continue };
        if let Some(look) = app.look(column.id) {
            paint::text(buffer, x, inner.y, 1, &look.marker.to_string(), Style::new().fg(look.colour));
        }
        let name = if column.width > 20 { run.name.to_string() } else { format!("{:04}", run.name.number) };
        let style = if column.chosen { Style::new().add_modifier(Modifier::BOLD) } else { Style::new() };
        paint::text(buffer, x + 2, inner.y, column.width.saturating_sub(3), &name, style);
        x += column.width;
    }
    let hidden = app.charted.len().saturating_sub(columns.len());
    if hidden > 0 {
        let key = |action| app.short_key_in(&[Context::Config], action);
        let text = format!("{hidden} more, {} {}", key(Action::Left), key(Action::Right));
        let width = (text.chars().count() as u16).min(key_width.saturating_sub(1));
        paint::text(buffer, inner.x, inner.y, width, &text, app.theme.faint());
    }
}
