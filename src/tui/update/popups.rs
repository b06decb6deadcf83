//! Keys above the screen.

use super::{actions, curves, document};
use crate::store::RunId;
use crate::tui::action::Action;
use crate::tui::app::App;
use crate::tui::help;
use crate::tui::message::Effect;
use crate::tui::state::{Details, DocumentOf, Popup, TextField};
use crate::tui::terminal::{Code, Key};

/// Opens a run's story and has it read.
pub(super) fn open_story(app: &mut App, run: RunId, effects: &mut Vec<Effect>) {
    app.popup = Some(Popup::Details { run, story: None, offset: 0 });
    effects.push(Effect::ReadDetails(run));
}

/// A story was read.
pub(super) fn take_story(app: &mut App, read: Box<Details>) {
    if let Some(Popup::Details { run, story, .. }) = &mut app.popup
        && *run == read.run
    {
        *story = Some(read);
    }
}

/// Text was pasted into a search.
pub(super) fn paste(app: &mut App, text: &str) {
    if let Some(Popup::Help { typed, cursor } | Popup::Metrics { typed, cursor }) = &mut app.popup {
        typed.insert(text);
        *cursor = 0;
    }
}

/// Takes a key while a popup is open.
pub(super) fn take_key(app: &mut App, key: Key, effects: &mut Vec<Effect>) {
    if key == Key::ctrl('c') {
        actions::act(app, Action::Quit, effects);
        return;
    }
    let Some(popup) = app.popup.take() else { return };
    app.popup = match popup {
        Popup::Help { typed, cursor } => help_key(app, key, typed, cursor, effects),
        Popup::Metrics { typed, cursor } => metrics_key(app, key, typed, cursor),
        Popup::Confirm { question, offset } => match key.code {
            Code::Char('y' | 'Y') | Code::Enter => {
                effects.push(Effect::Do(question.deed, question.runs));
                None
            }
            Code::Char('n' | 'N' | 'q') | Code::Esc => None,
            _ => Some(Popup::Confirm { offset: scrolled(offset, key, question.lines.len()), question }),
        },
        Popup::Messages { offset } => {
            leave_or(key, || Popup::Messages { offset: scrolled(offset, key, app.reports.len()) })
        }
        Popup::Details { run, .. } if key == Key::char('r') => {
            document::read(app, DocumentOf::Report(run), effects);
            None
        }
        Popup::Details { run, story, offset } => {
            leave_or(key, || Popup::Details { run, story, offset: scrolled(offset, key, 10_000) })
        }
    };
}

fn leave_or(key: Key, stay: impl FnOnce() -> Popup) -> Option<Popup> {
    (!matches!(key.code, Code::Esc | Code::Enter | Code::Char('q' | '!' | '?'))).then(stay)
}

fn scrolled(offset: usize, key: Key, count: usize) -> usize {
    let by: isize = match (key.ctrl, key.code) {
        (false, Code::Up | Code::Char('k')) => -1,
        (false, Code::Down | Code::Char('j')) => 1,
        (_, Code::PageUp) | (true, Code::Char('u')) => -10,
        (_, Code::PageDown) | (true, Code::Char('d')) => 10,
        (false, Code::Home | Code::Char('g')) => isize::MIN,
        (false, Code::End | Code::Char('G')) => isize::MAX,
        _ => 0,
    };
    offset.saturating_add_signed(by).min(count.saturating_sub(1))
}

/// Moves the cursor of a searched list; typing goes back to its first line. `None`: the key was not for it.
fn search_key(key: Key, typed: &mut TextField, cursor: &mut usize, count: usize) {
    let last = count.saturating_sub(1);
    match (key.ctrl, key.code) {
        (_, Code::Up) | (true, Code::Char('p' | 'k')) => *cursor = cursor.saturating_sub(1),
        (_, Code::Down) | (true, Code::Char('n' | 'j')) => *cursor = (*cursor + 1).min(last),
        (_, Code::PageUp) => *cursor = cursor.saturating_sub(10),
        (_, Code::PageDown) => *cursor = (*cursor + 10).min(last),
        _ => {
            if typed.take(key) {
                *cursor = 0;
            }
        }
    }
}

fn help_key(
    app: &mut App,
    key: Key,
    mut typed: TextField,
    mut cursor: usize,
    effects: &mut Vec<Effect>,
) -> Option<Popup> {
    let entries = help::entries(&app.keymap, app.contexts(), typed.text());
    match key.code {
        Code::Esc => return None,
        Code::Char('?') if typed.text().is_empty() => return None,
        Code::Enter => {
            let entry = entries.get(cursor)?;
            let (action, here, place) = (entry.binding.action, entry.here, entry.binding.context.name());
            if here {
                actions::act(app, action, effects);
                return app.popup.take();
            }
            app.reports.add(app.now, false, format!("this key works only in: {place}"));
            return None;
        }
        _ => search_key(key, &mut typed, &mut cursor, entries.len()),
    }
    Some(Popup::Help { typed, cursor })
}

fn metrics_key(app: &mut App, key: Key, mut typed: TextField, mut cursor: usize) -> Option<Popup> {
    let found = help::matching(&app.metrics, typed.text());
    match key.code {
        Code::Esc => return None,
        Code::Enter => {
            let metric = found.get(cursor).map(|metric| (*metric).clone());
            if let Some(metric) = metric {
                curves::choose_metric(app, metric);
            }
            return None;
        }
        _ => search_key(key, &mut typed, &mut cursor, found.len()),
    }
    Some(Popup::Metrics { typed, cursor })
}
