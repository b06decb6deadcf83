//! Typing at the bottom: everything typed holds at once, Enter keeps it, Esc takes it back.

use super::batch::relist;
use super::{actions, document, popups};
use crate::tui::action::Action;
use crate::tui::app::App;
use crate::tui::message::Effect;
use crate::tui::screen::Pane;
use crate::tui::state::{Prompt, PromptKind, TextField};
use crate::tui::terminal::{KeyCode, KeyEvent, key};

/// Begins typing.
pub(super) fn open(app: &mut App, kind: PromptKind) {
    let before = match kind {
        PromptKind::Filter => app.list.filter_text.clone(),
        PromptKind::Search => app.log.search.clone(),
        PromptKind::Find => app.document.as_ref().map(|document| document.search.clone()).unwrap_or_default(),
        PromptKind::Config => app.settings.filter.clone(),
    };
    let field = if matches!(kind, PromptKind::Search | PromptKind::Find) {
        TextField::default()
    } else {
        TextField::new(&before)
    };
    app.prompt = Some(Prompt { kind, field, before });
}

/// Takes a key while typing.
pub(super) fn take_key(app: &mut App, key: KeyEvent, effects: &mut Vec<Effect>) {
    match (key::has_ctrl(key), key.code) {
        (true, KeyCode::Char('c')) => actions::act(app, Action::Quit, effects),
        (_, KeyCode::Esc) => {
            if let Some(prompt) = app.prompt.take() {
                hold(app, &prompt.kind, &prompt.before);
            }
        }
        (_, KeyCode::Enter) => {
            let kind = app.prompt.take().map(|prompt| prompt.kind);
            if matches!(kind, Some(PromptKind::Search | PromptKind::Find)) {
                find(app, true);
            }
        }
        (_, KeyCode::Up) => actions::act(app, Action::Up, effects),
        (_, KeyCode::Down) => actions::act(app, Action::Down, effects),
        _ => edit(app, |field| field.take(key)),
    }
}

/// Takes pasted text where text is typed; elsewhere it is told, and never taken for keys.
pub(super) fn paste(app: &mut App, text: &str) {
    if app.popup.is_some() {
        popups::paste(app, text);
    } else if app.prompt.is_some() {
        edit(app, |field| {
            field.insert(text);
            true
        });
    } else {
        let (filter, help) = (app.key_here(Action::Filter), app.key_for(Action::Help));
        let said = format!("pasted text is taken only where text is typed ({filter} or {help})");
        app.reports.add(app.now, false, said);
    }
}

fn edit(app: &mut App, change: impl FnOnce(&mut TextField) -> bool) {
    let Some(mut prompt) = app.prompt.take() else { return };
    if change(&mut prompt.field) {
        hold(app, &prompt.kind, prompt.field.text());
    }
    app.prompt = Some(prompt);
}

/// Lets the text take effect.
fn hold(app: &mut App, kind: &PromptKind, text: &str) {
    match kind {
        PromptKind::Filter => {
            app.list.set_filter(text);
            relist(app);
        }
        PromptKind::Search => text.clone_into(&mut app.log.search),
        PromptKind::Find => document::search(app, text),
        PromptKind::Config => {
            text.clone_into(&mut app.settings.filter);
            app.settings.offset = 0;
        }
    }
}

/// To the next or last match in the report being read, else in the log.
pub(super) fn find(app: &mut App, forward: bool) {
    if app.document.is_some() {
        document::find(app, forward);
        return;
    }
    let height = app.pane_height(Pane::Log);
    if !app.log.search.is_empty() && !app.log.find(forward, height) {
        app.reports.add(app.now, false, format!("'{}' is not in the loaded part of the log", app.log.search));
    }
}
