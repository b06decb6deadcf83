//! Clicks and the wheel.

use super::moves::{Move, move_focused, move_pane};
use super::{actions, curves, document, gallery};
use crate::tui::action::Action;
use crate::tui::app::App;
use crate::tui::layout;
use crate::tui::message::Effect;
use crate::tui::screen::{Pane, Screen};
use crate::tui::state::Popup;
use crate::tui::tabs::{tab_at, tabs};
use crate::tui::terminal::{MouseButton, MouseEvent, MouseEventKind};

/// Lines per turn of the wheel.
const WHEEL: isize = 3;

/// Takes the mouse up.
pub(super) fn take_mouse(app: &mut App, mouse: MouseEvent, effects: &mut Vec<Effect>) {
    let by = match mouse.kind {
        MouseEventKind::Down(MouseButton::Left) => return click(app, mouse, effects),
        MouseEventKind::ScrollUp => -WHEEL,
        MouseEventKind::ScrollDown => WHEEL,
        _ => return,
    };
    match &mut app.popup {
        Some(Popup::Help { cursor, .. } | Popup::Metrics { cursor, .. }) => {
            *cursor = cursor.saturating_add_signed(by);
        }
        Some(Popup::Confirm { offset, .. } | Popup::Messages { offset } | Popup::Details { offset, .. }) => {
            *offset = offset.saturating_add_signed(by);
        }
        None if app.document.is_some() => document::scroll(app, by),
        None if app.gallery.is_some() => {
            actions::act(app, if by < 0 { Action::Up } else { Action::Down }, effects);
        }
        None => match app.areas().pane_at(mouse.column, mouse.row) {
            Some(Pane::Chart) => curves::zoom(app, if by < 0 { 0.8 } else { 1.25 }),
            Some(pane) => move_pane(app, pane, Move::Lines(by)),
            None => move_focused(app, Move::Lines(by.signum())),
        },
    }
}

fn click(app: &mut App, mouse: MouseEvent, effects: &mut Vec<Effect>) {
    if app.popup.is_some() {
        // A click does not say yes.
        return;
    }
    let areas = app.areas();
    if areas.header.contains((mouse.column, mouse.row).into()) {
        if let Some(screen) = tab_at(&tabs(&app.keymap, app.screen, areas.header.width), mouse.column) {
            actions::act(app, Action::Go(screen), effects);
        }
        return;
    }
    if app.document.is_some() {
        return;
    }
    if app.gallery.is_some() {
        return gallery::click(app, mouse.column, mouse.row);
    }
    match app.screen {
        Screen::Runs => click_pane(app, mouse),
        Screen::Charts => {
            let hit =
                |(_, area): &(usize, ratatui::layout::Rect)| area.contains((mouse.column, mouse.row).into());
            if let Some((index, _)) = app.grid().into_iter().find(hit) {
                app.chart_cursor = index;
            }
        }
        Screen::Table => {
            if let Some(row) = mouse.row.checked_sub(areas.body.y + 2) {
                app.table.cursor =
                    (app.table.offset + usize::from(row)).min(app.table.rows.len().saturating_sub(1));
            }
        }
        Screen::Queue => {}
        Screen::Sweeps => {
            let [list, _] = layout::sweeps(areas.body, app.runs.sweeps.len());
            // The first line holds the headings of the columns.
            let row = mouse.row.checked_sub(list.y + 1).filter(|_| mouse.row < list.bottom());
            let at = row.map(|row| app.sweeps_offset + usize::from(row));
            app.sweeps_cursor = at.filter(|at| *at < app.runs.sweeps.len()).unwrap_or(app.sweeps_cursor);
        }
    }
}

fn click_pane(app: &mut App, mouse: MouseEvent) {
    let areas = app.areas();
    let Some(pane) = areas.pane_at(mouse.column, mouse.row) else { return };
    app.focus = pane;
    let Some(area) = areas.pane(pane) else { return };
    let inner = layout::inner(area);
    match pane {
        Pane::List => {
            // The first line holds the headings of the columns.
            let row = mouse.row.checked_sub(inner.y + 1).map(usize::from);
            if let Some(index) =
                row.map(|row| app.list.offset + row).filter(|index| *index < app.list.items.len())
            {
                app.list.go(index);
            }
        }
        Pane::Chart => {
            let width = layout::plot_width(area);
            if let Some(column) =
                mouse.column.checked_sub(inner.x + layout::GUTTER).filter(|column| *column < width)
            {
                curves::put_cursor(app, column, width);
            }
        }
        Pane::Log | Pane::Config => {}
    }
}
