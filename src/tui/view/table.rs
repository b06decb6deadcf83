//! The comparison table.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::{Modifier, Style};
use ratatui::text::Line;

use super::{list, paint};
use crate::tui::app::App;
use crate::tui::state::{Column, ColumnKind, TableRow};

const WIDEST: u16 = 22;

pub(super) fn draw(app: &App, body: Rect, buffer: &mut Buffer) {
    let inner = paint::pane(app, body, title(app), true, buffer);
    paint::right_title(body, &right_title(app), buffer);
    if app.table.rows.is_empty() {
        paint::message(inner, &["no run to compare"], app.theme.faint(), buffer);
        return;
    }
    let name_width = name_width(app, inner.width);
    let columns = shown_columns(app, inner.width.saturating_sub(name_width));
    headings(app, inner, name_width, &columns, buffer);
    let height = usize::from(inner.height.saturating_sub(1));
    for (line, row) in app.table.rows.iter().skip(app.table.offset).take(height).enumerate() {
        let area = Rect { y: inner.y + 1 + line as u16, height: 1, ..inner };
        draw_row(app, row, area, name_width, &columns, buffer);
        if app.table.offset + line == app.table.cursor {
            paint::text(buffer, area.x, area.y, 1, app.theme.text("▸", ">"), Style::new());
            paint::line_style(buffer, area, app.theme.cursor(true));
        }
    }
}

fn title(app: &App) -> Line<'static> {
    let of = if app.marked.is_empty() { "" } else { " marked" };
    Line::raw(format!(" Table of {}{of} runs ", app.table.rows.len()))
}

fn right_title(app: &App) -> Line<'static> {
    let values = if app.table.last { "last values" } else { "best values" };
    let sorted = match &app.table.sort {
        Some((kind, reversed)) => {
            let column = app.table.columns.iter().find(|column| column.kind == *kind);
            let title = column.map_or("?", |column| column.title.as_str());
            format!(", by {}{}", paint::name(app.theme, title, 20), if *reversed { ", reversed" } else { "" })
        }
        None => String::new(),
    };
    Line::raw(format!(" {values}{sorted} "))
}

fn name_width(app: &App, width: u16) -> u16 {
    let names = app.table.rows.iter().filter_map(|row| app.runs.get(row.run));
    let widest = names.map(|run| name(app, run).chars().count() as u16).max().unwrap_or(0);
    (widest + list::PREFIX + 1).min(width * 2 / 5).max(16)
}

/// The run's name, with its experiment where there are several.
fn name(app: &App, run: &crate::store::Run) -> String {
    if app.list.groups.len() > 1 { run.label() } else { run.name.to_string() }
}

/// The columns that fit, with their width; the cursor's column is always among them.
fn shown_columns(app: &App, room: u16) -> Vec<(usize, u16)> {
    let width = |index: usize| {
        let title = app.table.columns.get(index).map_or(0, |column| column.title.chars().count());
        let cells = app.table.rows.iter().map(|row| row.cells[index].text.chars().count() + 1);
        (cells.max().unwrap_or(0).max(title) as u16).min(WIDEST) + 2
    };
    let mut first = app.table.column;
    let mut used = width(first);
    while first > 0 && used + width(first - 1) <= room {
        first -= 1;
        used += width(first);
    }
    let mut columns = Vec::new();
    let mut left = room;
    for index in first..app.table.columns.len() {
        let wanted = width(index);
        if wanted > left && !columns.is_empty() {
            break;
        }
        columns.push((index, wanted.min(left)));
        left = left.saturating_sub(wanted);
    }
    columns
}

fn headings(app: &App, inner: Rect, name_width: u16, columns: &[(usize, u16)], buffer: &mut Buffer) {
    paint::text(buffer, inner.x + list::PREFIX, inner.y, name_width, "run", app.theme.faint());
    let mut x = inner.x + name_width;
    for (index, width) in columns {
        let Some(column) = app.table.columns.get(*index) else { continue };
        let mut style = Style::new().add_modifier(Modifier::BOLD);
        if *index == app.table.column {
            style = style.add_modifier(Modifier::REVERSED);
        }
        let sorted = match &app.table.sort {
            Some((kind, reversed)) if *kind == column.kind => {
                if *reversed {
                    app.theme.text("▴", "^")
                } else {
                    app.theme.text("▾", "v")
                }
            }
            _ => "",
        };
        let room = width.saturating_sub(2 + sorted.chars().count() as u16);
        let title = format!("{}{sorted}", paint::name(app.theme, &column.title, room));
        put(buffer, column, x, inner.y, *width, &title, style);
        x += width;
    }
    let hidden = app.table.columns.len() - columns.len();
    if hidden > 0 {
        let text = format!("{hidden} more {}", app.theme.text("→", ">"));
        let room = inner.right().saturating_sub(x);
        if usize::from(room) > text.chars().count() {
            paint::text_right(buffer, x, inner.y, room, &text, app.theme.faint());
        }
    }
}

fn draw_row(
    app: &App,
    row: &TableRow,
    area: Rect,
    name_width: u16,
    columns: &[(usize, u16)],
    buffer: &mut Buffer,
) {
    let Some(run) = app.runs.get(row.run) else { return };
    list::draw_prefix(app, run.id, run.state(), area, buffer);
    let room = name_width.saturating_sub(list::PREFIX + 1);
    paint::text(
        buffer,
        area.x + list::PREFIX,
        area.y,
        room,
        &paint::name(app.theme, &name(app, run), room),
        Style::new(),
    );
    let mut x = area.x + name_width;
    for (index, width) in columns {
        let (Some(column), Some(cell)) = (app.table.columns.get(*index), row.cells.get(*index)) else {
            continue;
        };
        let style = if cell.best { Style::new().add_modifier(Modifier::BOLD) } else { Style::new() };
        let text = if cell.text.is_empty() { "-" } else { &cell.text };
        let shown = paint::name(app.theme, text, width.saturating_sub(3));
        let shown = if cell.best { format!("{shown}*") } else { shown };
        put(buffer, column, x, area.y, *width, &shown, style);
        x += width;
    }
}

/// Numbers stand at the right of their column (one place is kept for the star), words at the left.
fn put(buffer: &mut Buffer, column: &Column, x: u16, y: u16, width: u16, text: &str, style: Style) {
    if column.kind == ColumnKind::State {
        paint::text(buffer, x, y, width.saturating_sub(1), text, style);
        return;
    }
    let star = u16::from(!text.ends_with('*'));
    paint::text_right(buffer, x, y, width.saturating_sub(star), text, style);
}
