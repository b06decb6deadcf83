//! Changes of a sweep while it runs: values added and dropped, budgets raised. Numbers stay as they are, nothing is
//! overwritten: added trials are written into the sweep's file, and the dispatcher queues them.

use std::path::Path;

use anyhow::{Context, Result, bail};
use loradeck_core::config::{
    Assignment, AxisValues, Distribution, SearchAxis, SearchPlan, Value, find_key, frozen_text, load_frozen,
    plan, setting,
};
use loradeck_core::run::{ExperimentFolder, QueueEntry, RunFolder, State, Status, Workspace};
use loradeck_core::time::Moment;
use serde_json::json;

use super::action::{self, Done};
use super::home::be_home;
use super::program::ensure_dispatcher;
use super::sweep_file::SweepFile;

/// The most values of a range that a grid lists.
const LISTED: usize = 10_000;

/// What an edit changed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Edited {
    /// Trials that are new.
    pub added: usize,
    /// Waiting trials that were taken out of the queue, or changed.
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
        for assignment in given.iter().flat_map(|given| combinations(search, given)) {
            for trial in search.with_seeds(&search.without_inactive(assignment)) {
                search.trial_of(&trial)?;
                if !known.contains(&trial) && !file.trials().contains(&trial) {
                    file.push("trials", json!(trial));
                    edited.added += 1;
                }
            }
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
            let cap = text.parse().with_context(|| format!("run_cap: '{text}' is no whole number"))?;
            search.run_cap = Some(cap);
            file.set("used_up", serde_json::Value::Null);
        }
        for (key, value) in assignments(search, &changes)?.into_iter().flatten() {
            if search.space.iter().any(|axis| axis.keys.contains(&key)) {
                bail!("{key} is what the sweep varies (hint: sweep add and sweep drop change its values)");
            }
            search.base.insert(key, value);
        }
        for run in waiting_trials(experiment, number)? {
            let mut entry = QueueEntry::read(&run)?;
            entry.overrides.extend(changes.iter().cloned());
            load_frozen(&run.config(), &entry.overrides)?;
            entry.write(&run)?;
            edited.changed.push(run.label());
        }
        Ok(())
    })?;
    if resume && !changes.is_empty() {
        for run in trials_in(experiment, number, State::Finished)? {
            let in_force = QueueEntry::read(&run)?.overrides;
            load_frozen(&run.config(), &[in_force, changes.clone()].concat())?;
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
    be_home(workspace)?;
    let _queue = workspace.queue_lock()?;
    let mut file = SweepFile::read(experiment, number)?.context("the sweep has gone")?;
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
    let names = changes.iter().filter_map(|change| find_key(change.split('=').next()?.trim()));
    let names: Vec<&str> = names.map(|key| key.name).collect();
    let of = |settings| {
        names.iter().filter_map(|name| Some(((*name).to_owned(), setting(settings, name)?))).collect()
    };
    Ok(planned.trials.iter().map(|trial| of(&trial.settings)).collect())
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
        Some(_) => bail!("{key} is drawn from a range (hint: only listed values can be added and dropped)"),
        None => bail!("{key} does not vary in this sweep by itself"),
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
        bail!("{key} has no value {value} in this sweep")
    };
    let shares = probabilities.get_or_insert_with(|| vec![1.0; values.len()]);
    shares[at] = 0.0;
    if shares.iter().sum::<f64>() <= 0.0 {
        bail!("{key} would have no value left (hint: `loradeck sweep pause` ends the drawing)")
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
