//! Slots, what waits for one, and what ended last.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::{Modifier, Style};
use ratatui::text::Line;

use super::{list, paint};
use crate::launch::Waiting;
use crate::store::{Run, ShownState};
use crate::tui::action::Action;
use crate::tui::app::App;
use crate::tui::deed::Deed;
use crate::tui::format;
use crate::tui::state::SlotView;

pub(super) fn draw(app: &App, body: Rect, buffer: &mut Buffer) {
    let inner = paint::pane(app, body, title(app), true, buffer);
    paint::right_title(body, &right_title(app), buffer);
    let slots = app.runs.queue.slots.len().min(usize::from(inner.height / 2)) as u16;
    for (line, slot) in app.runs.queue.slots.iter().take(usize::from(slots)).enumerate() {
        draw_slot(app, slot, Rect { y: inner.y + line as u16, height: 1, ..inner }, buffer);
    }
    let rows = app.queue_rows();
    if rows.is_empty() {
        paint::message(inner, &["nothing is running or waiting"], app.theme.faint(), buffer);
        return;
    }
    let top = inner.y + slots + u16::from(slots > 0);
    let height = usize::from(inner.bottom().saturating_sub(top));
    let place = |id| rows.iter().filter(|row| is_waiting(app, **row)).position(|row| *row == id);
    for (line, id) in rows.iter().enumerate().skip(app.queue_offset).take(height) {
        let Some(run) = app.runs.get(*id) else { continue };
        let area = Rect { y: top + (line - app.queue_offset) as u16, height: 1, ..inner };
        draw_row(app, run, place(*id), area, buffer);
        if line == app.queue_cursor {
            paint::text(buffer, area.x, area.y, 1, app.theme.text("▸", ">"), Style::new());
            paint::line_style(buffer, area, app.theme.cursor(true));
        }
    }
}

fn is_waiting(app: &App, id: crate::store::RunId) -> bool {
    app.runs.get(id).is_some_and(|run| matches!(run.state(), ShownState::Queued | ShownState::Held))
}

fn title(app: &App) -> Line<'static> {
    let waiting = app.runs.iter().filter(|run| run.state() == ShownState::Queued).count();
    Line::raw(format!(" Queue, {waiting} waiting "))
}

/// When everything that waits will be through, if that can be guessed.
fn right_title(app: &App) -> Line<'static> {
    if !app.runs.queue.paused.is_empty() {
        let text = format!(" paused: {} resumes it ", app.key_for(Action::PauseQueue));
        return Line::styled(text, app.theme.warning());
    }
    let left = app.all_done_in().map(|left| format!(" all done in {} ", format::remaining(left)));
    Line::raw(left.unwrap_or_default())
}

fn draw_slot(app: &App, slot: &SlotView, row: Rect, buffer: &mut Buffer) {
    let workspace = if app.workspaces.len() > 1 {
        format!(" {}", app.workspaces.get(slot.workspace).map_or("?", String::as_str))
    } else {
        String::new()
    };
    let name = format!("slot {}{workspace}", slot.name);
    let bold = Style::new().add_modifier(Modifier::BOLD);
    paint::text(buffer, row.x + 1, row.y, 28, &name, bold);
    let x = row.x + 30;
    let room = row.width.saturating_sub(31);
    match slot.run.and_then(|id| app.runs.get(id)) {
        Some(run) => {
            let (symbol, style) = app.theme.state(run.state());
            paint::text(buffer, x, row.y, 1, symbol, style);
            let text = format!("{} {}", run.label(), run.progress().map(percent).unwrap_or_default());
            paint::text(buffer, x + 2, row.y, room.saturating_sub(2), &text, Style::new());
        }
        None if slot.foreign => {
            paint::text(buffer, x, row.y, room, "taken by another workspace or user", app.theme.warning());
        }
        None => paint::text(buffer, x, row.y, room, "free", app.theme.faint()),
    }
}

fn percent(share: f64) -> String {
    format!("{:.0}%", (share * 100.0).floor())
}

fn draw_row(app: &App, run: &Run, place: Option<usize>, row: Rect, buffer: &mut Buffer) {
    list::draw_prefix(app, run.id, run.state(), row, buffer);
    let name_width = (row.width / 2).saturating_sub(list::PREFIX);
    let mut x = row.x + list::PREFIX;
    paint::text(
        buffer,
        x,
        row.y,
        name_width,
        &paint::name(app.theme, &run.label(), name_width),
        Style::new(),
    );
    x += name_width + 1;
    paint::text(buffer, x, row.y, 9, run.state().word(), Style::new());
    x += 10;
    let what = match (run.state(), place) {
        (ShownState::Held, _) => format!("held: {} releases it", app.key_for(Action::Do(Deed::Hold))),
        (ShownState::Queued, Some(place)) => format!("#{}  {}", place + 1, why(app, run)),
        (_, Some(place)) => format!("#{}", place + 1),
        (state, None) if state.is_live() => {
            let share = run.progress().map(percent).unwrap_or_default();
            let asked = run.ending_words().map(|words| format!("  {words}")).unwrap_or_default();
            let job = app.runs.queue.job_of(run.id).map(|said| format!("  {said}")).unwrap_or_default();
            format!("{share} {}{asked}{job}", list::time(app, run))
        }
        _ => ended(run),
    };
    paint::text(buffer, x, row.y, row.right().saturating_sub(x), &what, Style::new());
}

/// What a waiting run waits for, and what else decides when it starts.
pub(super) fn why(app: &App, run: &Run) -> String {
    let reason = app.runs.queue.waiting_of(run.id).map(|(_, reason)| reason);
    // What Slurm has, Slurm decides about, unless we hold it back there.
    let job = app.runs.queue.job_of(run.id).map(str::to_owned);
    let ours = reason.filter(|reason| job.is_none() || **reason != Waiting::Nothing);
    let ours = ours.map(|reason| reason_words(app, reason));
    let mut words: Vec<String> = job.into_iter().chain(ours).collect();
    if run.queue.priority != 0 {
        words.push(format!("priority {}", run.queue.priority));
    }
    if let Some(group) = &run.queue.group {
        words.push(format!("group {group}"));
    }
    words.join(", ")
}

/// A reason in words; where a key of the dashboard changes it, with that key.
fn reason_words(app: &App, reason: &Waiting) -> String {
    match reason {
        Waiting::SweepPaused(why) => {
            let why = if why.is_empty() { String::new() } else { format!(": {why}") };
            format!("its sweep is paused{why} ({} resumes it)", app.key_for(Action::PauseSweep))
        }
        Waiting::QueuePaused => {
            format!("the queue is paused ({} resumes it)", app.key_for(Action::PauseQueue))
        }
        other => other.words(app.now),
    }
}

fn ended(run: &Run) -> String {
    let Some(status) = &run.status else { return String::new() };
    let message = status.message.as_ref().map(|message| format!("  {message}")).unwrap_or_default();
    // The time itself, not how long ago: an idle screen stays as it is.
    format!("{} UTC{message}", status.since.to_minute())
}
