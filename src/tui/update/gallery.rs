//! Looking at sample pictures in the screen's place.

use crate::store::RunId;
use crate::tui::action::Action;
use crate::tui::app::App;
use crate::tui::message::Effect;
use crate::tui::state::{Gallery, RunPictures, scrolled};
use crate::tui::theme::Manner;

/// The most runs that are shown side by side.
const MOST_RUNS: usize = 24;

/// Opens the pictures of the runs that are chosen.
pub(super) fn open(app: &mut App, effects: &mut Vec<Effect>) {
    let mut runs = app.targets();
    if runs.is_empty() {
        app.reports.add(app.now, false, "no run is chosen");
        return;
    }
    runs.truncate(MOST_RUNS);
    show(app, runs, effects);
}

/// Opens the pictures of these runs.
pub(super) fn show(app: &mut App, runs: Vec<RunId>, effects: &mut Vec<Effect>) {
    app.document = None;
    app.gallery = Some(Gallery::new(runs.clone()));
    effects.push(Effect::ReadPictures(runs));
    if app.manner != app.manner_at_hand()
        && let Some(why) = app.why_not(app.manner)
    {
        app.reports.add(app.now, false, format!("half blocks instead of {}: {why}", app.manner.name()));
    }
}

/// The pictures' names were read.
pub(super) fn take(app: &mut App, read: &[RunPictures]) {
    let Some(gallery) = &mut app.gallery else { return };
    if read.iter().map(|of| of.run).eq(gallery.runs.iter().copied()) {
        gallery.take(read);
    }
}

/// Runs changed: there may be new pictures.
pub(super) fn look_again(app: &mut App, changed: &[RunId], effects: &mut Vec<Effect>) {
    let Some(gallery) = &mut app.gallery else { return };
    if !gallery.asked && gallery.runs.iter().any(|run| changed.contains(run)) {
        gallery.asked = true;
        effects.push(Effect::ReadPictures(gallery.runs.clone()));
    }
}

/// Scrolls to the cursor, and has drawn what is in sight.
pub(super) fn settle(app: &mut App, effects: &mut Vec<Effect>) {
    let Some(gallery) = &app.gallery else { return };
    let grid = app.gallery_grid(gallery);
    let (rows, columns, cursor) = (gallery.rows.len(), gallery.columns.len(), gallery.cursor);
    let offset = (
        scrolled(gallery.offset.0, cursor.0, rows, grid.down),
        scrolled(gallery.offset.1, cursor.1, columns, grid.across),
    );
    if let Some(gallery) = &mut app.gallery {
        gallery.offset = offset;
    }
    if app.why_not(app.manner_at_hand()).is_some() {
        return;
    }
    let wished = app.pictures_in_sight().into_iter().map(|(shot, place)| app.wish(shot, place)).collect();
    if let Some(wishes) = app.gallery.as_mut().and_then(|gallery| gallery.wishes(wished)) {
        effects.push(Effect::Draw(wishes));
    }
}

/// Does an action on the gallery; whether it was one that concerns it.
pub(super) fn act(app: &mut App, action: Action, effects: &mut Vec<Effect>) -> bool {
    let Some(down) = app.gallery.as_ref().map(|gallery| app.gallery_grid(gallery).down) else { return false };
    let Some(gallery) = &mut app.gallery else { return false };
    let page = if gallery.large { 1 } else { down as isize };
    match action {
        Action::Up => gallery.go(-1, 0),
        Action::Down => gallery.go(1, 0),
        Action::HalfUp | Action::PageUp => gallery.go(-page, 0),
        Action::HalfDown | Action::PageDown => gallery.go(page, 0),
        Action::Left => gallery.go(0, -1),
        Action::Right => gallery.go(0, 1),
        Action::Top => gallery.go(0, isize::MIN),
        Action::Bottom => gallery.go(0, isize::MAX),
        Action::Open => gallery.large = !gallery.large && gallery.shot().is_some(),
        Action::Back if gallery.large => gallery.large = false,
        Action::Back | Action::Pictures => app.gallery = None,
        Action::Glyphs => next_manner(app),
        Action::Report => effects.push(Effect::ReadPictures(gallery.runs.clone())),
        Action::Copy => {
            if let Some(shot) = gallery.shot() {
                let path = shot.file.path.display().to_string();
                app.reports.add(app.now, false, format!("path: {path}"));
                effects.push(Effect::Copy(path));
            }
        }
        Action::Quit
        | Action::Suspend
        | Action::Redraw
        | Action::Help
        | Action::Messages
        | Action::Freeze
        | Action::Mouse
        | Action::Go(_) => return false,
        // What else is asked for is about what the gallery hides.
        _ => {}
    }
    true
}

/// Goes on to the next means by which pictures can be drawn here.
fn next_manner(app: &mut App) {
    let at = Manner::ALL.iter().position(|manner| *manner == app.manner).unwrap_or(0);
    let next = Manner::ALL[(at + 1) % Manner::ALL.len()];
    app.manner = next;
    let said = match app.why_not(next) {
        Some(why) => format!("no {}: {why}", next.name()),
        None => format!("pictures in {}", next.name()),
    };
    app.reports.add(app.now, false, said);
}

/// A click chooses a picture; one on the chosen picture enlarges it.
pub(super) fn click(app: &mut App, column: u16, row: u16) {
    let Some(gallery) = &app.gallery else { return };
    if gallery.large {
        return;
    }
    let at = app.gallery_grid(gallery).at(column, row);
    let Some(gallery) = &mut app.gallery else { return };
    let Some((row, column)) = at.map(|(row, column)| (row + gallery.offset.0, column + gallery.offset.1))
    else {
        return;
    };
    if row < gallery.rows.len() && column < gallery.columns.len() {
        gallery.large = gallery.cursor == (row, column) && gallery.shot().is_some();
        gallery.cursor = (row, column);
    }
}
