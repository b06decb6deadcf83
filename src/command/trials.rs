//! The runs that a sweep will make, in words: its space, its trials, what they cost.

use loradeck_core::config::{CodeState, SearchPlan, Trial};
use loradeck_core::run::Workspace;
use serde_json::{Value, json};

use super::list::duration;
use super::out;
use crate::launch::{Cost, Prepared};
use crate::vcs::{self, Patch};

/// More runs than this are counted, not listed, and on a terminal asked about.
pub(super) const MANY: usize = 50;

/// Tells what is no error.
pub(super) fn tell_warnings(prepared: &Prepared) {
    for warning in &prepared.plan.warnings.0 {
        out::note(&format!("warning: {warning}"));
    }
}

/// Tells what of the code no run will find frozen, where the runs see frozen code.
pub(super) fn tell_what_is_not_frozen(workspace: &Workspace, prepared: &Prepared) {
    let trials = prepared.plan.checked_trials();
    if trials.iter().any(|trial| trial.settings.running.code == CodeState::Snapshot) {
        let submodules = vcs::submodules(workspace.root()).unwrap_or_default();
        let empty = submodules.iter().map(|path| format!("the submodule {} is empty in it", path.display()));
        for note in prepared.code.iter().flat_map(Patch::notes).chain(empty) {
            out::note(&format!("warning: code: snapshot: {note}"));
        }
    }
}

/// How many runs there will be, and what they differ in.
pub(super) fn head(prepared: &Prepared, cost: &Cost) -> Vec<String> {
    let name = prepared.target.experiment().name();
    let noun = if cost.runs == 1 { "run" } else { "runs" };
    let Some(search) = &prepared.plan.search else {
        return vec![format!("{name}: {} {noun}", cost.runs)];
    };
    let mut lines = vec![if search.is_search() {
        let how = format!("{}, random_seed {}", search.method, search.random_seed);
        format!("{name}: up to {} {noun}, drawn one by one while the sweep runs ({how})", cost.runs)
    } else {
        format!("{name}: {} {noun} ({})", cost.runs, search.method)
    }];
    lines.extend(search.space.iter().map(|axis| format!("      {axis}")));
    lines.extend(search.seeds.map(|seeds| format!("      each with the seeds 0 to {}", seeds - 1)));
    lines.extend(decisions(search));
    lines
}

fn decisions(search: &SearchPlan) -> Vec<String> {
    let mut lines = Vec::new();
    if let Some(metric) = &search.metric {
        let goal = match metric.goal {
            loradeck_core::config::Goal::Minimize => "lower",
            loradeck_core::config::Goal::Maximize => "higher",
        };
        let target = search.target.map(|target| format!(", until a run reaches {target}"));
        lines.push(format!("decided by {}: {goal} is better{}", metric.name, target.unwrap_or_default()));
    }
    lines.extend(search.stopping.iter().map(|stopping| format!("ends early by {stopping}")));
    lines
}

/// The trials, numbered, at most `limit` of them, with what `detail` says of each.
pub(super) fn list(prepared: &Prepared, limit: usize, detail: &dyn Fn(usize) -> String) -> Vec<String> {
    let plan = &prepared.plan;
    let (trials, is_example) = (plan.checked_trials(), plan.trials.is_empty());
    let mut lines = Vec::new();
    for (index, trial) in trials.iter().enumerate().take(limit) {
        let (label, detail) = (trial.label(), detail(index));
        let gap = if label.is_empty() || detail.is_empty() { "" } else { "  " };
        let mark = if is_example { " e.g.".to_owned() } else { format!("{:>4} ", index + 1) };
        lines.push(format!("{mark} {label}{gap}{detail}"));
    }
    if trials.len() > limit {
        lines.push(format!("      and {} more", trials.len() - limit));
    }
    lines
}

/// Steps and time of all.
pub(super) fn cost_line(cost: &Cost) -> String {
    let most = if cost.at_most { "at most " } else { "" };
    let runs = if cost.runs == 1 { "1 run".to_owned() } else { format!("{} runs", cost.runs) };
    if cost.steps == 0 {
        return format!("cost: {most}{runs} of a command whose number of steps is unknown");
    }
    let steps = format!("cost: {most}{} steps in {runs}", cost.steps);
    match (cost.seconds, cost.seconds_per_step) {
        (Some(seconds), Some(pace)) => format!(
            "{steps}, about {} one after another ({} s a step in the experiment's {} earlier runs)",
            duration(seconds),
            super::list::short(pace),
            cost.earlier_runs
        ),
        _ => format!("{steps}; no earlier run of the experiment to estimate the time from"),
    }
}

/// What scripts get: the sweep, its cost, and the trials, or a search's examples, as `describe` tells each.
pub(super) fn answer(prepared: &Prepared, cost: &Cost, describe: impl Fn(usize, &Trial) -> Value) -> Value {
    let plan = &prepared.plan;
    let listed: Value =
        plan.checked_trials().iter().enumerate().map(|(index, trial)| describe(index, trial)).collect();
    let field = if plan.trials.is_empty() { "examples" } else { "trials" };
    let mut answer = json!({"search": plan.search, "cost": cost, "warnings": plan.warnings});
    answer["experiment"] = prepared.target.experiment().name().into();
    answer[field] = listed;
    answer
}
