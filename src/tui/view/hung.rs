//! One picture in its place: as cells, as room for graphics, or as a word why there is none.

use std::sync::Arc;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use super::{paint, story};
use crate::tui::app::App;
use crate::tui::layout::is_too_small;
use crate::tui::state::{Drawing, Drawn, Gallery, Shot};

/// Graphics that stand above the cells, for the terminal to draw.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Placement {
    /// The cells that it covers.
    pub area: Rect,
    /// The sequence that draws it at the cursor.
    pub text: Arc<str>,
}

/// The graphics in sight: none while something stands above them, which they would cover.
pub fn placements(app: &App) -> Vec<Placement> {
    let Some(gallery) = app.gallery.as_ref().filter(|_| app.popup.is_none() && !is_too_small(app.size))
    else {
        return Vec::new();
    };
    let graphics = |(shot, place): (&Shot, Rect)| {
        let Some(Ok(drawing)) = drawn(app, shot, place, gallery) else { return None };
        let Drawing::Graphics { text, size } = &**drawing else { return None };
        Some(Placement { area: centred(place, *size), text: Arc::clone(text) })
    };
    app.pictures_in_sight().into_iter().filter_map(graphics).collect()
}

fn drawn<'a>(app: &App, shot: &Shot, place: Rect, gallery: &'a Gallery) -> Option<&'a Drawn> {
    gallery.drawn.get(&app.wish(shot, place))
}

/// Why the picture is not drawn in the grid, if it cannot be.
pub(super) fn why_none(app: &App, shot: &Shot, gallery: &Gallery) -> Option<String> {
    let (_, place) = app.pictures_in_sight().into_iter().find(|(seen, _)| *seen == shot)?;
    drawn(app, shot, place, gallery)?.as_ref().err().cloned()
}

/// Draws it.
pub(super) fn draw(app: &App, shot: &Shot, place: Rect, buffer: &mut Buffer) {
    let Some(gallery) = &app.gallery else { return };
    if app.why_not(app.manner_at_hand()).is_some() {
        return words(&shot.name, place, app.theme.faint(), buffer);
    }
    match drawn(app, shot, place, gallery) {
        None => paint::message(place, &[app.theme.text("…", "..")], app.theme.faint(), buffer),
        Some(Err(why)) => words(why, place, app.theme.error(), buffer),
        Some(Ok(drawing)) => {
            if let Drawing::Blocks(rows) = &**drawing {
                cells(app, rows, place, buffer);
            }
        }
    }
}

fn words(text: &str, place: Rect, style: Style, buffer: &mut Buffer) {
    let mut lines = story::folded(text, usize::from(place.width), 0);
    lines.truncate(usize::from(place.height));
    let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
    paint::message(place, &lines, style, buffer);
}

fn cells(app: &App, rows: &[Vec<loradeck_data::image::HalfBlock>], place: Rect, buffer: &mut Buffer) {
    let width = rows.first().map_or(0, Vec::len) as u16;
    let area = centred(place, (width, rows.len() as u16));
    for (y, row) in (area.top()..area.bottom()).zip(rows) {
        for (x, (character, upper, lower)) in (area.left()..area.right()).zip(row) {
            if let Some(cell) = buffer.cell_mut((x, y)) {
                let style = Style::new().fg(app.theme.pixel(*upper)).bg(app.theme.pixel(*lower));
                cell.set_char(*character).set_style(style);
            }
        }
    }
}

fn centred(place: Rect, (width, height): (u16, u16)) -> Rect {
    let (width, height) = (width.min(place.width), height.min(place.height));
    let x = place.x + (place.width - width) / 2;
    let y = place.y + (place.height - height) / 2;
    Rect { x, y, width, height }
}
