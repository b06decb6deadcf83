//! The state as a picture. Nothing here changes anything, and nothing costs more than the picture has cells.

mod bar;
mod chart;
mod charts;
mod config;
mod document;
mod gallery;
mod header;
mod hung;
mod legend;
mod list;
mod log;
mod paint;
mod popups;
mod queue;
mod story;
mod sweeps;
mod table;

use ratatui::Frame;
use ratatui::layout::Alignment;
use ratatui::widgets::{Clear, Paragraph, Widget as _};

use super::action::Action;
use super::app::App;
use super::layout::{SMALLEST, is_too_small};
use super::screen::{Pane, Screen};

pub use hung::{Placement, placements};

/// Draws everything.
pub fn view(app: &App, frame: &mut Frame<'_>) {
    if is_too_small(app.size) {
        let quit = app.key_for(Action::Quit);
        let text = format!("loradeck needs {} columns and {} rows\n({quit} quits)", SMALLEST.0, SMALLEST.1);
        Clear.render(frame.area(), frame.buffer_mut());
        Paragraph::new(text).alignment(Alignment::Center).render(frame.area(), frame.buffer_mut());
        return;
    }
    let areas = app.areas();
    let buffer = frame.buffer_mut();
    header::draw(app, areas.header, buffer);
    match app.screen {
        _ if app.document.is_some() => document::draw(app, areas.body, buffer),
        _ if app.gallery.is_some() => gallery::draw(app, areas.body, buffer),
        Screen::Runs => {
            for pane in Pane::ALL {
                let Some(area) = areas.pane(pane) else { continue };
                match pane {
                    Pane::List => list::draw(app, area, buffer),
                    Pane::Chart => chart::draw_pane(app, area, buffer),
                    Pane::Log => log::draw(app, area, buffer),
                    Pane::Config => config::draw(app, area, buffer),
                }
            }
        }
        Screen::Charts => charts::draw(app, areas.body, buffer),
        Screen::Table => table::draw(app, areas.body, buffer),
        Screen::Queue => queue::draw(app, areas.body, buffer),
        Screen::Sweeps => sweeps::draw(app, areas.body, buffer),
    }
    let cursor = bar::draw(app, areas.bar, buffer);
    let above = popups::draw(app, areas.body, buffer);
    if !app.theme.unicode {
        paint::only_ascii(frame.buffer_mut());
    }
    if let Some(place) = above.or(cursor) {
        frame.set_cursor_position(place);
    }
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
