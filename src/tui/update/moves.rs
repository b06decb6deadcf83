//! Cursors and scrolling.

use crate::tui::app::App;
use crate::tui::layout;
use crate::tui::screen::{Pane, Screen};
use crate::tui::state::scrolled;

/// How far.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Move {
    /// So many lines.
    Lines(isize),
    /// So many half pages.
    Halves(isize),
    /// To the first.
    Top,
    /// To the last.
    Bottom,
}

impl Move {
    /// Where it leads from `at` among `count` lines, `height` of which are in sight.
    fn target(self, at: usize, count: usize, height: usize) -> usize {
        let last = count.saturating_sub(1);
        match self {
            Self::Lines(lines) => at.saturating_add_signed(lines).min(last),
            Self::Halves(halves) => at.saturating_add_signed(halves * (height as isize / 2).max(1)).min(last),
            Self::Top => 0,
            Self::Bottom => last,
        }
    }
}

/// Moves whatever has the focus.
pub(super) fn move_focused(app: &mut App, by: Move) {
    match app.screen {
        Screen::Runs => move_pane(app, app.focus, by),
        Screen::Charts => {
            let (_, across) = layout::chart_grid(app.areas().body, app.metrics.len());
            let by = if let Move::Lines(lines) = by { Move::Lines(lines * across as isize) } else { by };
            app.chart_cursor = by.target(app.chart_cursor, app.metrics.len(), across * 2);
        }
        Screen::Table => {
            let height = usize::from(app.areas().body.height.saturating_sub(3));
            app.table.cursor = by.target(app.table.cursor, app.table.rows.len(), height);
        }
        Screen::Queue => {
            let height = usize::from(app.areas().body.height.saturating_sub(4));
            app.queue_cursor = by.target(app.queue_cursor, app.queue_rows().len(), height);
        }
        Screen::Sweeps => {
            let count = app.runs.sweeps.len();
            app.sweeps_cursor = by.target(app.sweeps_cursor, count, sweeps_height(app));
        }
    }
}

/// Moves within a pane of the first screen.
pub(super) fn move_pane(app: &mut App, pane: Pane, by: Move) {
    let height = app.pane_height(pane);
    match pane {
        // From the chart, up and down walk through the runs: the chart follows.
        Pane::List | Pane::Chart => {
            let target = by.target(app.list.cursor, app.list.items.len(), app.list_height());
            app.list.go(target);
        }
        Pane::Log => match by {
            Move::Lines(lines) => app.log.scroll(lines, height),
            Move::Halves(halves) => app.log.scroll(halves * (height as isize / 2).max(1), height),
            Move::Top => app.log.to_top(),
            Move::Bottom => app.log.follow(),
        },
        Pane::Config => {
            let count = app.settings.rows(&app.runs, &app.charted).len();
            // The heading takes a line.
            let height = height.saturating_sub(1);
            let target = by.target(app.settings.offset, count, height);
            app.settings.offset = target.min(count.saturating_sub(height));
        }
    }
}

/// How many lines of sweeps there is room for.
fn sweeps_height(app: &App) -> usize {
    let [list, _] = layout::sweeps(app.areas().body, app.runs.sweeps.len());
    usize::from(list.height.saturating_sub(1))
}

/// Scrolls every list so that its cursor is in sight.
pub(super) fn keep_in_sight(app: &mut App) {
    let height = app.list_height();
    app.list.scroll_to_cursor(height);
    let body = app.areas().body;
    let rows = usize::from(body.height.saturating_sub(3));
    app.table.offset = scrolled(app.table.offset, app.table.cursor, app.table.rows.len(), rows);
    app.chart_cursor = app.chart_cursor.min(app.metrics.len().saturating_sub(1));
    let (cells, across) = layout::chart_grid(body, app.metrics.len());
    let down = cells.len() / across.max(1);
    app.chart_offset =
        scrolled(app.chart_offset, app.chart_cursor / across, app.metrics.len().div_ceil(across), down);
    let sweeps = app.runs.sweeps.len();
    app.sweeps_cursor = app.sweeps_cursor.min(sweeps.saturating_sub(1));
    app.sweeps_offset = scrolled(app.sweeps_offset, app.sweeps_cursor, sweeps, sweeps_height(app));
    if app.screen == Screen::Queue {
        let count = app.queue_rows().len();
        app.queue_cursor = app.queue_cursor.min(count.saturating_sub(1));
        let room = usize::from(body.height.saturating_sub(4)).saturating_sub(app.runs.queue.slots.len());
        app.queue_offset = scrolled(app.queue_offset, app.queue_cursor, count, room.max(1));
    }
}
