//! Changes of a sweep while it runs: values added and dropped, budgets raised. Numbers stay as they are, nothing is
//! overwritten: added trials are written into the sweep's file, and the dispatcher queues them.

use std::path::Path;

use anyhow::{Context, Result};
use loradeck_core::config::{
    Assignment, AxisValues, Distribution, SearchAxis, SearchPlan, Value, find_key, frozen_text, load_frozen,
    plan, setting,
};
use loradeck_core::run::{ExperimentFolder, QueueEntry, RunFolder, State, Status, Workspace};
use loradeck_core::time::Moment;
use serde_json::json;

use super::BadInput;
use super::action::{self, Done, is_no_extension};
use super::home::be_home;
use super::program::ensure_dispatcher;
use super::sweep_file::SweepFile;
use super::trust::permit;

/// The most values of a range that a grid lists.
const LISTED: usize = 10_000;

/// An edit that would change nothing, or what cannot be changed.
fn refuse<T>(why: impl Into<String>) -> Result<T> {
    Err(BadInput(why.into()).into())
}

/// What an edit changed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Edited {
    /// Trials that are new.
    pub added: usize,
    /// Waiting trials that were removed from the queue, or changed.
    pub changed: Vec<String>,
    /// Ended runs that were queued again.
    pub resumed: Vec<String>,
}

/// Adds trials with the values of `changes`, such as `lora_rank=32,64`: in a grid together with all values of its other
/// keys, in a search as further choices.
pub fn add(
    workspace: &Workspace,
    experiment: &ExperimentFolder,
    number: u32,
    changes: &[String],
) -> Result<Edited> {
    let mut edited = Edited::default();
    edit(workspace, experiment, number, |file, search| {
        let given = assignments(search, changes)?;
        if search.is_search() {
            for (key, value) in given.iter().flatten() {
                add_choice(search, key, value)?;
            }
            return Ok(());
        }
        let known = file.trials();
        for (key, value) in given.iter().flatten() {
            list_value(search, key, value)?;
        }
        for assignment in given.iter().flat_map(|given| combinations(search, given)) {
            for trial in search.with_seeds(&search.without_inactive(assignment)) {
                search.trial_of(&trial)?;
                if !known.contains(&trial) && !file.trials().contains(&trial) {
                    file.push("trials", json!(trial));
                    edited.added += 1;
                }
            }
        }
        if edited.added == 0 {
            return refuse("these trials are there already (hint: `loradeck resume RUN` brings one back)");
        }
        if file.submitted() > known.len() {
            file.set("submitted", json!(known.len()));
        }
        Ok(())
    })?;
    ensure_dispatcher(workspace)?;
    Ok(edited)
}

/// Takes the values of `changes` out: waiting trials with them leave the queue, and a search draws them no more.
pub fn drop_values(
    workspace: &Workspace,
    experiment: &ExperimentFolder,
    number: u32,
    changes: &[String],
) -> Result<Edited> {
    let mut edited = Edited::default();
    edit(workspace, experiment, number, |file, search| {
        let given: Vec<(String, Value)> = assignments(search, changes)?.into_iter().flatten().collect();
        let trials = file.trials();
        if search.is_search() {
            for (key, value) in &given {
                drop_choice(search, key, value)?;
            }
        } else {
            let has = |(key, value): &&(String, Value)| trials.iter().any(|one| one.get(key) == Some(value));
            if let Some((key, value)) = given.iter().find(|one| !has(one)) {
                return refuse(format!("no trial of this sweep has {key}={}", value.plain()));
            }
            for (key, value) in &given {
                unlist_value(search, key, value);
            }
        }
        for run in waiting_trials(experiment, number)? {
            let trial = QueueEntry::read(&run)?.trial.unwrap_or(0) as usize;
            let Some(assignment) = trial.checked_sub(1).and_then(|index| trials.get(index)) else { continue };
            if given.iter().any(|(key, value)| assignment.get(key) == Some(value)) {
                let attempt = Status::read(&run)?.map_or(1, |status| status.attempt);
                let mut stopped = Status::new(State::Stopped, attempt, Moment::now());
                stopped.message = Some("its value was dropped from the sweep".to_owned());
                stopped.write(&run)?;
                edited.changed.push(run.label());
            }
        }
        Ok(())
    })?;
    ensure_dispatcher(workspace)?;
    Ok(edited)
}

/// Changes what all trials share, such as `max_steps=200` or `run_cap=40`: of waiting trials and of those to come, and
/// with `resume` of finished ones too, which go on.
pub fn set(
    workspace: &Workspace,
    experiment: &ExperimentFolder,
    number: u32,
    changes: &[String],
    resume: bool,
) -> Result<Edited> {
    let (caps, changes): (Vec<&String>, Vec<&String>) =
        changes.iter().partition(|change| change.starts_with("run_cap="));
    let changes: Vec<String> = changes.into_iter().cloned().collect();
    let mut edited = Edited::default();
    edit(workspace, experiment, number, |file, search| {
        for cap in caps {
            let text = cap.trim_start_matches("run_cap=");
            let Some(cap) = text.parse().ok().filter(|cap| *cap > 0) else {
                return refuse(format!("run_cap: '{text}' is no whole number from 1 on"));
            };
            if !search.is_search() {
                return refuse("run_cap: a grid has its trials (hint: sweep add and sweep drop change them)");
            }
            search.run_cap = Some(cap);
            file.set("used_up", serde_json::Value::Null);
        }
        for (key, value) in assignments(search, &changes)?.into_iter().flatten() {
            if search.space.iter().any(|axis| axis.keys.contains(&key)) {
                let hint = "sweep add and sweep drop change its values";
                return refuse(format!("{key} is what the sweep varies (hint: {hint})"));
            }
            search.base.insert(key, value);
        }
        let mut waiting = Vec::new();
        for run in waiting_trials(experiment, number)? {
            let mut entry = QueueEntry::read(&run)?;
            entry.overrides.extend(changes.iter().cloned());
            load_frozen(&run.config(), &entry.overrides)?;
            waiting.push((run, entry));
        }
        // Only once all are known to be right.
        for (run, entry) in waiting {
            entry.write(&run)?;
            edited.changed.push(run.label());
        }
        Ok(())
    })?;
    if resume && !changes.is_empty() {
        for run in trials_in(experiment, number, State::Finished)? {
            let in_force = QueueEntry::read(&run)?.overrides;
            let (settings, _) = load_frozen(&run.config(), &[in_force, changes.clone()].concat())?;
            if is_no_extension(&run, &settings)? {
                continue;
            }
            if let Done::Queued(_) = action::resume(workspace, &run, &changes)? {
                edited.resumed.push(run.label());
            }
        }
    }
    ensure_dispatcher(workspace)?;
    Ok(edited)
}

/// Changes the sweep's file and its plan under the queue lock; an edit opens a sweep that was done.
fn edit(
    workspace: &Workspace,
    experiment: &ExperimentFolder,
    number: u32,
    change: impl FnOnce(&mut SweepFile, &mut SearchPlan) -> Result<()>,
) -> Result<()> {
    permit(workspace)?;
    be_home(workspace)?;
    let _queue = workspace.queue_lock()?;
    let mut file = SweepFile::read(experiment, number)?.context("the sweep no longer exists")?;
    let mut search =
        file.plan().context("this sweep was queued by an older loradeck and cannot be changed")?;
    let before = file.get("search").cloned();
    change(&mut file, &mut search)?;
    file.set("search", json!(search));
    file.set("closed", serde_json::Value::Null);
    file.push("edits", json!({ "time": Moment::now(), "search_before": before }));
    Ok(file.write()?)
}

/// What `key=value` arguments set, each combination by itself, read and checked as `loradeck run` reads them.
fn assignments(search: &SearchPlan, changes: &[String]) -> Result<Vec<Assignment>> {
    if changes.is_empty() {
        return Ok(Vec::new());
    }
    let base = search.trial_of(&Assignment::new())?;
    let (_, planned) = plan(Path::new("the sweep"), &frozen_text(&base.settings, None), changes, None)?;
    // A command's own parameters are no keys of the table.
    let typed = |change: &String| change.split('=').next().unwrap_or_default().trim().to_owned();
    let names = changes.iter().map(typed);
    let names: Vec<String> =
        names.map(|name| find_key(&name).map_or(name.clone(), |key| key.name.to_owned())).collect();
    let of = |settings| {
        let value = |name: &String| match setting(settings, name) {
            Some(value) => Ok((name.clone(), value)),
            None => refuse(format!("{name}: is no setting of the trials")),
        };
        names.iter().map(value).collect()
    };
    planned.trials.iter().map(|trial| of(&trial.settings)).collect()
}

/// `given` together with every combination of the values of the keys that it leaves out.
fn combinations(search: &SearchPlan, given: &Assignment) -> Vec<Assignment> {
    let mut all = vec![given.clone()];
    for axis in search.space.iter().filter(|axis| !axis.keys.iter().any(|key| given.contains_key(key))) {
        let rows = rows_of(axis);
        let joined = |one: &Assignment, row: &Assignment| -> Assignment {
            one.iter().chain(row).map(|(key, value)| (key.clone(), value.clone())).collect()
        };
        all =
            all.iter().flat_map(|one| rows.iter().map(|row| joined(one, row)).collect::<Vec<_>>()).collect();
    }
    all
}

fn rows_of(axis: &SearchAxis) -> Vec<Assignment> {
    match &axis.values {
        AxisValues::Rows(rows) => (0..rows.len()).map(|index| axis.row(index)).collect(),
        AxisValues::Drawn(distribution) => {
            let values = distribution.listed(LISTED).unwrap_or_default();
            let row =
                |value: Value| axis.keys.iter().take(1).map(|key| (key.clone(), value.clone())).collect();
            values.into_iter().map(row).collect()
        }
    }
}

fn choices<'a>(
    search: &'a mut SearchPlan,
    key: &str,
) -> Result<(&'a mut Vec<Value>, &'a mut Option<Vec<f64>>)> {
    let axis = search.space.iter_mut().find(|axis| axis.keys == [key]);
    match axis.map(|axis| &mut axis.values) {
        Some(AxisValues::Drawn(Distribution::Categorical { values, probabilities })) => {
            Ok((values, probabilities))
        }
        Some(_) => {
            let hint = "only listed values can be added and dropped";
            refuse(format!("{key} is drawn from a range (hint: {hint})"))
        }
        None => refuse(format!("{key} does not vary in this sweep by itself")),
    }
}

/// Notes a value of a grid, so that what is added later goes together with it too.
fn list_value(search: &mut SearchPlan, key: &str, value: &Value) -> Result<()> {
    if !search.space.iter().any(|axis| axis.keys.iter().any(|known| known == key)) {
        return refuse(format!(
            "{key} does not vary in this sweep (hint: sweep set changes it for all trials)"
        ));
    }
    if let Ok((values, _)) = choices(search, key)
        && !values.contains(value)
    {
        values.push(value.clone());
    }
    Ok(())
}

fn unlist_value(search: &mut SearchPlan, key: &str, value: &Value) {
    if let Ok((values, _)) = choices(search, key) {
        values.retain(|known| known != value);
    }
}

fn add_choice(search: &mut SearchPlan, key: &str, value: &Value) -> Result<()> {
    let (values, probabilities) = choices(search, key)?;
    let at = values.iter().position(|known| known == value);
    let count = values.len().max(1) as f64;
    if at.is_none() {
        values.push(value.clone());
    }
    if let Some(probabilities) = probabilities {
        let usual = probabilities.iter().sum::<f64>() / count;
        match at {
            Some(index) => probabilities[index] = usual,
            None => probabilities.push(usual),
        }
    }
    Ok(())
}

/// The value keeps its place, so that the points of earlier trials stay what they were; it is drawn no more.
fn drop_choice(search: &mut SearchPlan, key: &str, value: &Value) -> Result<()> {
    let (values, probabilities) = choices(search, key)?;
    let Some(at) = values.iter().position(|known| known == value) else {
        return refuse(format!("{key} has no value {} in this sweep", value.plain()));
    };
    let shares = probabilities.get_or_insert_with(|| vec![1.0; values.len()]);
    shares[at] = 0.0;
    if shares.iter().sum::<f64>() <= 0.0 {
        let hint = "`loradeck sweep pause` ends the drawing";
        return refuse(format!("{key} would have no value left (hint: {hint})"));
    }
    Ok(())
}

fn waiting_trials(experiment: &ExperimentFolder, number: u32) -> Result<Vec<RunFolder>> {
    trials_in(experiment, number, State::Queued)
}

fn trials_in(experiment: &ExperimentFolder, number: u32, state: State) -> Result<Vec<RunFolder>> {
    let mut found = Vec::new();
    for run in experiment.runs() {
        let is_in = Status::read(&run)?.is_some_and(|status| status.state == state);
        if is_in && QueueEntry::read(&run)?.sweep == Some(number) {
            found.push(run);
        }
    }
    Ok(found)
}
