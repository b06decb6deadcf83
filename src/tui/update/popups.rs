//! Keys above the screen.

use super::{actions, curves, document, gallery};
use crate::store::RunId;
use crate::tui::action::Action;
use crate::tui::app::App;
use crate::tui::help;
use crate::tui::keys::POPUP;
use crate::tui::message::Effect;
use crate::tui::state::{Details, DocumentOf, Popup, TextField};
use crate::tui::terminal::{KeyCode, KeyEvent, key};

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
pub(super) fn take_key(app: &mut App, key: KeyEvent, effects: &mut Vec<Effect>) {
    if key == key::ctrl('c') {
        actions::act(app, Action::Quit, effects);
        return;
    }
    let action = meaning(app, key);
    let Some(popup) = app.popup.take() else { return };
    app.popup = match popup {
        Popup::Help { typed, cursor } => help_key(app, key, typed, cursor, effects),
        Popup::Metrics { typed, cursor } => metrics_key(app, key, typed, cursor),
        Popup::Confirm { question, offset } => match key.code {
            KeyCode::Char('y' | 'Y') | KeyCode::Enter => {
                effects.push(Effect::Do(question.deed, question.runs));
                None
            }
            KeyCode::Char('n' | 'N' | 'q') | KeyCode::Esc => None,
            _ => Some(Popup::Confirm { offset: scrolled(offset, action, question.lines.len()), question }),
        },
        Popup::Messages { offset } => {
            leave_or(action, || Popup::Messages { offset: scrolled(offset, action, app.reports.len()) })
        }
        Popup::Details { run, .. } if action == Some(Action::Report) => {
            document::read(app, DocumentOf::Report(run), effects);
            None
        }
        Popup::Details { run, .. } if action == Some(Action::Pictures) => {
            gallery::show(app, vec![run], effects);
            None
        }
        Popup::Details { run, story, offset } => {
            leave_or(action, || Popup::Details { run, story, offset: scrolled(offset, action, 10_000) })
        }
    };
}

/// What a key means in a popup that is only read: what always holds there, then the user's own keys.
fn meaning(app: &App, key: KeyEvent) -> Option<Action> {
    match key.code {
        KeyCode::Esc | KeyCode::Enter => Some(Action::Back),
        KeyCode::Up => Some(Action::Up),
        KeyCode::Down => Some(Action::Down),
        _ => app.keymap.action_of(key, POPUP),
    }
}

fn leave_or(action: Option<Action>, stay: impl FnOnce() -> Popup) -> Option<Popup> {
    // Leaving the dashboard takes two steps from here.
    let leaves = matches!(action, Some(Action::Back | Action::Quit | Action::Messages | Action::Help));
    (!leaves).then(stay)
}

fn scrolled(offset: usize, action: Option<Action>, count: usize) -> usize {
    let by: isize = match action {
        Some(Action::Up) => -1,
        Some(Action::Down) => 1,
        Some(Action::PageUp | Action::HalfUp) => -10,
        Some(Action::PageDown | Action::HalfDown) => 10,
        Some(Action::Top) => isize::MIN,
        Some(Action::Bottom) => isize::MAX,
        _ => 0,
    };
    offset.saturating_add_signed(by).min(count.saturating_sub(1))
}

/// Moves the cursor of a searched list; typing goes back to its first line. `None`: the key was not for it.
fn search_key(key: KeyEvent, typed: &mut TextField, cursor: &mut usize, count: usize) {
    let last = count.saturating_sub(1);
    match (key::has_ctrl(key), key.code) {
        (_, KeyCode::Up) | (true, KeyCode::Char('p' | 'k')) => *cursor = cursor.saturating_sub(1),
        (_, KeyCode::Down) | (true, KeyCode::Char('n' | 'j')) => *cursor = (*cursor + 1).min(last),
        (_, KeyCode::PageUp) => *cursor = cursor.saturating_sub(10),
        (_, KeyCode::PageDown) => *cursor = (*cursor + 10).min(last),
        _ => {
            if typed.take(key) {
                *cursor = 0;
            }
        }
    }
}

fn help_key(
    app: &mut App,
    key: KeyEvent,
    mut typed: TextField,
    mut cursor: usize,
    effects: &mut Vec<Effect>,
) -> Option<Popup> {
    let entries = help::entries(&app.keymap, app.contexts(), typed.text());
    match key.code {
        KeyCode::Esc => return None,
        _ if typed.text().is_empty() && leaves_help(app, key) => return None,
        KeyCode::Enter => {
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

/// Whether a key that opens the help closes it: one that begins a search does not.
fn leaves_help(app: &App, key: KeyEvent) -> bool {
    let begins_a_search =
        matches!(key.code, KeyCode::Char(letter) if letter.is_alphanumeric()) && !key::has_ctrl(key);
    !begins_a_search && app.keymap.action_of(key, POPUP) == Some(Action::Help)
}

fn metrics_key(app: &mut App, key: KeyEvent, mut typed: TextField, mut cursor: usize) -> Option<Popup> {
    let found = help::matching(&app.metrics, typed.text());
    match key.code {
        KeyCode::Esc => return None,
        KeyCode::Enter => {
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
