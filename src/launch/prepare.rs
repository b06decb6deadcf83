//! From what a person names to runs that can be queued: the experiment, its trials, their frozen configurations.

use anyhow::Result;
use loradeck_core::config::{Diagnostics, Experiment, Plan, Provenance, load_plan};
use loradeck_core::run::{ExperimentFolder, Workspace};
use loradeck_core::time::Moment;
use serde_json::{Value, json};

use super::identities::Identities;
use super::new_run::new_run;
use super::submit::NewRun;
use super::target::Target;
use crate::vcs::{self, Patch};

/// Runs that can be queued.
#[derive(Clone, Debug)]
pub struct Prepared {
    /// What was asked for.
    pub target: Target,
    /// The file as it was read, which knows where every value stands.
    pub experiment: Experiment,
    /// The checked trials.
    pub plan: Plan,
    /// One frozen configuration each.
    pub runs: Vec<NewRun>,
    /// The frozen description of a sweep.
    pub sweep: Option<Value>,
    /// What the code differs by from its commit; both are of the same moment.
    pub code: Option<Patch>,
}

/// Resolves `text` with `overrides` into runs. Nothing is written.
pub fn prepare(workspace: &Workspace, text: &str, overrides: &[String]) -> Result<Prepared> {
    let target = Target::find(workspace, text)?;
    let (experiment, plan) = load_plan(&target.file(), workspace.root(), overrides)?;
    let after = parents(workspace, &experiment, &plan)?;
    let common = common_provenance(workspace, &target, overrides);
    let mut identities = Identities::new(workspace.root());
    let runs = plan.trials.iter().enumerate().map(|(index, trial)| {
        let mut provenance = common.clone();
        identities.note(&mut provenance, &trial.settings);
        let number = plan.sweep.then_some(index as u32 + 1);
        let mut run = new_run(trial, number, plan.metric.as_ref(), plan.priority, provenance);
        run.entry.after.clone_from(&after);
        run
    });
    let runs = runs.collect();
    let sweep = plan.sweep.then(|| describe_sweep(&plan, overrides, &common));
    let code = code_patch(workspace);
    Ok(Prepared { target, experiment, plan, runs, sweep, code })
}

/// The whole labels of the runs that must have finished first.
fn parents(workspace: &Workspace, experiment: &Experiment, plan: &Plan) -> Result<Vec<String>> {
    let label = |name: &String| match workspace.find_run(name) {
        Ok(run) => Ok(run.label()),
        Err(error) => match plan.checked_trials().first() {
            Some(trial) => {
                Err(Diagnostics(vec![experiment.diagnostic(trial, "after", format!("'{name}': {error}"))])
                    .into())
            }
            None => Err(error.into()),
        },
    };
    plan.after.iter().map(label).collect()
}

/// The longest patch that is kept beside a run. A longer one is only counted: the code was not to be frozen this way.
const PATCH_LIMIT: usize = 4 << 20;

/// What the code differs by from its commit, as far as that can be said.
pub(super) fn code_patch(workspace: &Workspace) -> Option<Patch> {
    vcs::uncommitted_patch(workspace.root(), PATCH_LIMIT).ok().flatten()
}

pub(super) fn highest_committed(experiment: &ExperimentFolder) -> u32 {
    let names = vcs::names_in_head(&experiment.runs_folder()).unwrap_or_default();
    names
        .iter()
        .filter_map(|name| loradeck_core::run::RunName::parse(name))
        .map(|name| name.number)
        .max()
        .unwrap_or(0)
}

fn common_provenance(workspace: &Workspace, target: &Target, overrides: &[String]) -> Provenance {
    let mut common = Provenance {
        submitted_at: Some(Moment::now()),
        source_file: Some(workspace.relative(&target.file()).display().to_string()),
        code_commit: vcs::head_commit(workspace.root()).ok().flatten().map(|id| id.0),
        code_changed: vcs::is_dirty(workspace.root()).ok(),
        overrides: overrides.to_vec(),
        ..Provenance::default()
    };
    common.versions.insert("loradeck".to_owned(), env!("CARGO_PKG_VERSION").to_owned());
    common
}

fn describe_sweep(plan: &Plan, overrides: &[String], common: &Provenance) -> Value {
    let trials: Vec<Value> = plan
        .trials
        .iter()
        .map(|trial| {
            let values: serde_json::Map<String, Value> =
                trial.varied.iter().map(|(key, value)| ((*key).to_owned(), value.to_json())).collect();
            Value::Object(values)
        })
        .collect();
    json!({
        "format": loradeck_core::run::FORMAT,
        "method": plan.search.as_ref().map(|search| search.method),
        "search": plan.search,
        "metric": plan.metric,
        "submitted_at": common.submitted_at,
        "code_commit": common.code_commit,
        "source": common.source_file,
        "overrides": overrides,
        "provenance": common,
        "trials": trials,
    })
}
