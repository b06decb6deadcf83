//! Deeds: what they would do is said, and asked where it cannot be taken back.

use crate::tui::app::App;
use crate::tui::deed::Deed;
use crate::tui::message::Effect;
use crate::tui::state::{Popup, Question};

/// Pauses the queue of the workspace that the cursor is in, or lets it go on.
pub(super) fn pause_queue(app: &App, effects: &mut Vec<Effect>) {
    let run = app.run_under_cursor().and_then(|id| app.runs.get(id));
    let workspace = run.map_or(0, |run| run.workspace);
    let paused = app.runs.queue.paused.contains(&workspace);
    effects.push(Effect::PauseQueue(workspace, !paused));
}

/// Pauses the sweep that the cursor is on, or lets it go on.
pub(super) fn pause_sweep(app: &mut App, effects: &mut Vec<Effect>) {
    match app.sweep_under_cursor() {
        Ok(sweep) if sweep.closed => {
            let said = format!("{} is done: it creates no more trials", sweep.id.label());
            app.reports.add(app.now, true, said);
        }
        Ok(sweep) => effects.push(Effect::PauseSweep(sweep.id.clone(), sweep.paused.is_none())),
        Err(why) => app.reports.add(app.now, true, why),
    }
}

/// Asks whether it is meant, or does it at once where that is harmless.
pub(super) fn ask(app: &mut App, deed: Deed, effects: &mut Vec<Effect>) {
    let mut question = Question { deed, runs: Vec::new(), lines: Vec::new(), left_alone: Vec::new() };
    for id in app.targets() {
        let Some(run) = app.runs.get(id) else { continue };
        match deed.effect(run) {
            Ok(effect) => {
                question.runs.push(id);
                question.lines.push(format!("{}: {effect}", run.label()));
            }
            Err(why) => question.left_alone.push(format!("{}: {why}", run.label())),
        }
    }
    if question.runs.is_empty() {
        let why = match question.left_alone.as_slice() {
            [] => "no run is chosen".to_owned(),
            [one] => one.clone(),
            several => format!("none of {} runs: {}", several.len(), several[0]),
        };
        app.reports.add(app.now, true, format!("{}: {why}", deed.verb()));
    } else if deed.needs_word(question.runs.len()) {
        app.popup = Some(Popup::Confirm { question, offset: 0 });
    } else {
        effects.push(Effect::Do(deed, question.runs));
    }
}
