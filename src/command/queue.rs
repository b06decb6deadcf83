//! `loradeck queue`: what waits and what runs, and changes of it.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use anyhow::Result;
use loradeck_core::run::Workspace;
use loradeck_core::text::harmless;
use loradeck_core::time::Moment;
use serde_json::json;

use super::list::duration;
use super::{OK, out, runs};
use crate::cli::QueueChange;
use crate::launch::{
    HostSlots, QueueSettings, ShownJob, ShownJobs, SlotSettings, Waiting, action, detect_slots,
    ensure_dispatcher, may_act,
};
use crate::report::plain_table;
use crate::store::{Run, ShownState, Store};

pub(super) fn queue(change: Option<QueueChange>, as_json: bool) -> Result<u8> {
    let workspace = Workspace::open(Path::new("."))?;
    match change {
        None => show(&workspace, as_json)?,
        Some(QueueChange::Pause { group: None }) => set(&workspace, |settings| settings.paused = true)?,
        Some(QueueChange::Resume { group: None }) => set(&workspace, |settings| settings.paused = false)?,
        Some(QueueChange::Slots { count, group: None }) => {
            set(&workspace, |settings| settings.slots = Some(count.max(1)))?;
        }
        Some(QueueChange::Pause { group: Some(group) }) => set_group(&workspace, group, Some(0))?,
        Some(QueueChange::Resume { group: Some(group) }) => set_group(&workspace, group, None)?,
        Some(QueueChange::Slots { count, group: Some(group) }) => {
            set_group(&workspace, group, Some(count.max(1)))?;
        }
        Some(QueueChange::Move { run, priority }) => {
            action::set_priority(&workspace, &workspace.find_run(&run)?, priority)?;
        }
        Some(QueueChange::Join { group, runs }) => join(&workspace, &runs, Some(&group))?,
        Some(QueueChange::Leave(leaving)) => join(&workspace, &leaving.runs, None)?,
        Some(QueueChange::Hold(held)) => hold(&workspace, &held.runs, true)?,
        Some(QueueChange::Requeue(requeued)) => requeue(&workspace, &requeued.runs)?,
        Some(QueueChange::Release(held)) => hold(&workspace, &held.runs, false)?,
        Some(QueueChange::Drop(dropped)) => return runs::stop(&dropped.runs),
    }
    Ok(OK)
}

fn set(workspace: &Workspace, change: impl FnOnce(&mut QueueSettings)) -> Result<()> {
    may_act(workspace)?;
    {
        let _queue = workspace.queue_lock()?;
        let mut settings = QueueSettings::read(workspace)?;
        change(&mut settings);
        settings.write(workspace)?;
    }
    Ok(ensure_dispatcher(workspace)?)
}

/// The most runs at once of a group: none pauses it, nothing said leaves it without a limit.
fn set_group(workspace: &Workspace, group: String, most: Option<u32>) -> Result<()> {
    set(workspace, |settings| {
        match most {
            Some(most) => settings.groups.insert(group, most),
            None => settings.groups.remove(&group),
        };
    })
}

fn join(workspace: &Workspace, names: &[String], group: Option<&str>) -> Result<()> {
    for name in names {
        action::set_group(workspace, &workspace.find_run(name)?, group)?;
    }
    Ok(ensure_dispatcher(workspace)?)
}

fn hold(workspace: &Workspace, names: &[String], hold: bool) -> Result<()> {
    for name in names {
        action::set_hold(workspace, &workspace.find_run(name)?, hold)?;
    }
    Ok(ensure_dispatcher(workspace)?)
}

fn requeue(workspace: &Workspace, names: &[String]) -> Result<()> {
    for name in names {
        let run = workspace.find_run(name)?;
        crate::launch::requeue(workspace, &run)?;
        out::line(&format!("{}: asked; it returns to Slurm's queue with a checkpoint", run.label()));
    }
    Ok(())
}

fn show(workspace: &Workspace, as_json: bool) -> Result<()> {
    let settings = QueueSettings::read(workspace)?;
    let slots = detect_slots(&SlotSettings::read(workspace, &settings));
    let taken = HostSlots::open()?.taken(&slots);
    let store = Store::open(vec![workspace.clone()]);
    crate::launch::wake_for_shown(workspace, store.runs())?;
    let reasons: HashMap<PathBuf, Waiting> = crate::launch::dispatch::waiting(workspace)?
        .into_iter()
        .map(|(run, reason)| (run.path().to_path_buf(), reason))
        .collect();
    let jobs = ShownJobs::read(workspace);
    let at_work =
        |run: &&Run| run.state().is_live() || matches!(run.state(), ShownState::Queued | ShownState::Held);
    let mut waiting: Vec<&Run> = store.runs().filter(at_work).collect();
    waiting.sort_by_key(|run| (!run.state().is_live(), -run.queue.priority, run.queue.queued_at));
    let why = |run: &Run| why(run, reasons.get(run.folder.path()), jobs.of(&run.folder));
    if as_json {
        let slots: Vec<_> = slots
            .iter()
            .map(|slot| json!({ "slot": slot.id(), "taken": taken.contains(&slot.id()) }))
            .collect();
        let runs: Vec<_> = waiting
            .iter()
            .map(|run| {
                let mut about = super::list::describe(run, Moment::now());
                about["why"] = json!(why(run));
                if let Some(job) = jobs.of(&run.folder) {
                    about["slurm"] = json!(job);
                }
                about
            })
            .collect();
        let groups = &settings.groups;
        return out::json(&json!({
            "paused": settings.paused, "groups": groups, "slots": slots, "runs": runs,
            "slurm_problem": jobs.problem
        }));
    }
    let slots: Vec<_> = slots.iter().filter(|slot| !slot.only_on_request).collect();
    let free = slots.iter().filter(|slot| !taken.contains(&slot.id())).count();
    let paused = if settings.paused { ", paused" } else { "" };
    out::line(&format!("{} of {} slots free{paused}", free, slots.len()));
    for (group, most) in &settings.groups {
        let share = if *most == 0 { "paused".to_owned() } else { format!("at most {most} at once") };
        out::line(&format!("group {}: {share}", harmless(group)));
    }
    if let Some(problem) = &jobs.problem {
        out::line(&format!("Slurm does not answer: {problem}"));
    }
    let rows: Vec<Vec<String>> = waiting.iter().map(|run| row(run, why(run))).collect();
    if !rows.is_empty() {
        out::document(&plain_table(&["run", "state", "priority", "since", "why"], &rows));
    }
    Ok(())
}

fn row(run: &Run, why: String) -> Vec<String> {
    let since = Moment::now().since(run.queue.queued_at).as_secs_f64();
    vec![run.label(), run.state().word().to_owned(), run.queue.priority.to_string(), duration(since), why]
}

fn why(run: &Run, reason: Option<&Waiting>, job: Option<&ShownJob>) -> String {
    if let Some(job) = job {
        return job.words_beside(reason, Moment::now());
    }
    match (run.state(), reason) {
        (ShownState::Lost, _) => {
            "its processes died (`loradeck resume` continues from the last checkpoint)".to_owned()
        }
        (ShownState::Orphaned, _) => "its supervisor died; training continues".to_owned(),
        (ShownState::Queued | ShownState::Held, Some(reason)) => reason.words(Moment::now()),
        _ => String::new(),
    }
}
