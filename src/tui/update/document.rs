//! Reading a report or comparison in the screen's place.

use super::{gallery, prompts};
use crate::tui::action::Action;
use crate::tui::app::App;
use crate::tui::layout;
use crate::tui::message::Effect;
use crate::tui::state::{Document, DocumentOf, PromptKind};

/// Columns per key along wide lines.
const SIDEWAYS: isize = 8;

/// Opens what there is to read about what the cursor is on.
pub(super) fn open(app: &mut App, effects: &mut Vec<Effect>) {
    match app.document_under_cursor() {
        Some(of) => read(app, of, effects),
        None => app.reports.add(app.now, false, "no run is chosen"),
    }
}

/// Opens a document and has it read.
pub(super) fn read(app: &mut App, of: DocumentOf, effects: &mut Vec<Effect>) {
    app.gallery = None;
    app.document = Some(Document::new(of.clone()));
    effects.push(Effect::ReadDocument(of));
}

/// A document was read.
pub(super) fn take(app: &mut App, of: &DocumentOf, text: Result<String, String>) {
    if let Some(document) = app.document.as_mut().filter(|document| document.of == *of) {
        document.take(text);
    }
}

/// Lays it out for the size at hand.
pub(super) fn settle(app: &mut App) {
    let (width, height) = room(app);
    if let Some(document) = &mut app.document {
        document.lay_out(width, app.theme.unicode);
        document.scroll(0, height);
    }
}

/// Columns and lines for text.
fn room(app: &App) -> (usize, usize) {
    let text = layout::document(app.areas().body);
    (usize::from(text.width), usize::from(text.height))
}

/// Does an action on the document that is open; whether it was one that concerns it.
pub(super) fn act(app: &mut App, action: Action, effects: &mut Vec<Effect>) -> bool {
    let (width, height) = room(app);
    let Some(document) = &mut app.document else { return false };
    let half = (height as isize / 2).max(1);
    match action {
        Action::Up => document.scroll(-1, height),
        Action::Down => document.scroll(1, height),
        Action::HalfUp => document.scroll(-half, height),
        Action::HalfDown => document.scroll(half, height),
        Action::PageUp => document.scroll(-half * 2, height),
        Action::PageDown => document.scroll(half * 2, height),
        Action::Top => document.scroll(isize::MIN, height),
        Action::Bottom => document.scroll(isize::MAX, height),
        Action::Left => document.sideways(-SIDEWAYS, width),
        Action::Right => document.sideways(SIDEWAYS, width),
        Action::Filter => prompts::open(app, PromptKind::Find),
        Action::NextMatch => find(app, true),
        Action::PreviousMatch => find(app, false),
        Action::Pictures => pictures(app, effects),
        Action::Report => effects.push(Effect::ReadDocument(document.of.clone())),
        Action::Back if !document.search.is_empty() => {
            document.search.clear();
            document.found = None;
        }
        Action::Back => app.document = None,
        Action::Quit
        | Action::Suspend
        | Action::Redraw
        | Action::Help
        | Action::Messages
        | Action::Freeze
        | Action::Mouse
        | Action::Go(_) => return false,
        // What else is asked for is about what the document hides.
        _ => {}
    }
    true
}

/// The sample pictures of the run, or of the experiment's runs, that the document is about.
fn pictures(app: &mut App, effects: &mut Vec<Effect>) {
    let runs = match app.document.as_ref().map(|document| &document.of) {
        Some(DocumentOf::Report(run)) => vec![*run],
        Some(DocumentOf::Comparison { workspace, experiment }) => {
            let of = |run: &&crate::store::Run| run.workspace == *workspace && run.experiment == *experiment;
            app.runs.iter().filter(of).map(|run| run.id).collect()
        }
        None => return,
    };
    gallery::show(app, runs, effects);
}

/// Turns the wheel.
pub(super) fn scroll(app: &mut App, by: isize) {
    let (_, height) = room(app);
    if let Some(document) = &mut app.document {
        document.scroll(by, height);
    }
}

/// Searches for what is typed so far.
pub(super) fn search(app: &mut App, text: &str) {
    if let Some(document) = &mut app.document {
        text.clone_into(&mut document.search);
        document.found = None;
    }
}

/// To the next or last match.
pub(super) fn find(app: &mut App, forward: bool) {
    let (_, height) = room(app);
    let Some(document) = &mut app.document else { return };
    if !document.search.is_empty() && !document.find(forward, height) {
        let said = format!("'{}' is not in it", document.search);
        app.reports.add(app.now, false, said);
    }
}
