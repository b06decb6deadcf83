//! `loradeck queue`: what waits and what runs, and changes of it.

use std::path::Path;

use anyhow::Result;
use loradeck_core::run::Workspace;
use loradeck_core::time::Moment;
use serde_json::json;

use super::list::duration;
use super::{OK, out, runs};
use crate::cli::QueueChange;
use crate::launch::{HostSlots, QueueSettings, action, detect_slots, ensure_dispatcher};
use crate::report::plain_table;
use crate::store::{Run, ShownState, Store};

pub(super) fn queue(change: Option<QueueChange>, as_json: bool) -> Result<u8> {
    let workspace = Workspace::open(Path::new("."))?;
    match change {
        None => show(&workspace, as_json)?,
        Some(QueueChange::Pause) => set(&workspace, |settings| settings.paused = true)?,
        Some(QueueChange::Resume) => set(&workspace, |settings| settings.paused = false)?,
        Some(QueueChange::Slots { count }) => {
            set(&workspace, |settings| settings.slots = Some(count.max(1)))?;
        }
        Some(QueueChange::Move { run, priority }) => {
            action::set_priority(&workspace, &workspace.find_run(&run)?, priority)?;
        }
        Some(QueueChange::Hold(held)) => hold(&workspace, &held.runs, true)?,
        Some(QueueChange::Release(held)) => hold(&workspace, &held.runs, false)?,
        Some(QueueChange::Drop(dropped)) => return runs::stop(&dropped.runs),
    }
    Ok(OK)
}

fn set(workspace: &Workspace, change: impl FnOnce(&mut QueueSettings)) -> Result<()> {
    {
        let _queue = workspace.queue_lock()?;
        let mut settings = QueueSettings::read(workspace)?;
        change(&mut settings);
        settings.write(workspace)?;
    }
    Ok(ensure_dispatcher(workspace)?)
}

fn hold(workspace: &Workspace, names: &[String], hold: bool) -> Result<()> {
    for name in names {
        action::set_hold(workspace, &workspace.find_run(name)?, hold)?;
    }
    Ok(ensure_dispatcher(workspace)?)
}

fn show(workspace: &Workspace, as_json: bool) -> Result<()> {
    let settings = QueueSettings::read(workspace)?;
    let slots = detect_slots(&settings);
    let taken = HostSlots::open()?.taken(&slots);
    let store = Store::open(vec![workspace.clone()]);
    crate::launch::wake_for_shown(workspace, store.runs())?;
    let at_work =
        |run: &&Run| run.state().is_live() || matches!(run.state(), ShownState::Queued | ShownState::Held);
    let mut waiting: Vec<&Run> = store.runs().filter(at_work).collect();
    waiting.sort_by_key(|run| (!run.state().is_live(), -run.queue.priority, run.queue.queued_at));
    if as_json {
        let slots: Vec<_> = slots
            .iter()
            .map(|slot| json!({ "slot": slot.id(), "taken": taken.contains(&slot.id()) }))
            .collect();
        let runs: Vec<_> = waiting.iter().map(|run| super::list::describe(run, Moment::now())).collect();
        return out::json(&json!({ "paused": settings.paused, "slots": slots, "runs": runs }));
    }
    let free = slots.iter().filter(|slot| !taken.contains(&slot.id())).count();
    let paused = if settings.paused { ", paused" } else { "" };
    out::line(&format!("{} of {} slots free{paused}", free, slots.len()));
    let rows: Vec<Vec<String>> = waiting.iter().map(|run| row(run, settings.paused, free)).collect();
    if !rows.is_empty() {
        out::document(&plain_table(&["run", "state", "priority", "since", "why"], &rows));
    }
    Ok(())
}

fn row(run: &Run, paused: bool, free: usize) -> Vec<String> {
    let since = Moment::now().since(run.queue.queued_at).as_secs_f64();
    let why = match run.state() {
        ShownState::Held => "held (queue release lets it go)",
        ShownState::Queued if paused => "the queue is paused (queue resume)",
        ShownState::Queued if free == 0 => "waits for a slot",
        ShownState::Queued => "starts next",
        ShownState::Lost => "its processes died (resume goes on from the last checkpoint)",
        ShownState::Orphaned => "its supervisor died; it trains on",
        _ => "",
    };
    let why = run.ending_words().unwrap_or_else(|| why.to_owned());
    vec![run.label(), run.state().word().to_owned(), run.queue.priority.to_string(), duration(since), why]
}
