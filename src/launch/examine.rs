//! What can be known of runs before they are queued: paths, base model, data, steps and memory, every problem at once.

use std::collections::HashMap;

use loradeck_core::config::{Diagnostic, Diagnostics, Experiment, Settings, Trial, check_paths};
use loradeck_core::run::Workspace;
use loradeck_core::time::Moment;
use loradeck_data::check::{CheckSummary, open_inputs};

use super::exec::{examine_commands, examine_hooks};
use super::prepare::Prepared;
use super::slot::Slot;
use super::slots::{SlotSettings, detect_slots};

/// Checks all trials, or the examples of a search; one summary for each, or none where another trainer makes them. Model
/// and data are opened once for all trials that share them.
pub fn examine(workspace: &Workspace, prepared: &Prepared) -> Result<Vec<CheckSummary>, Diagnostics> {
    let trials = prepared.plan.checked_trials();
    let mut problems = check_paths(&prepared.experiment, &prepared.plan, workspace.root()).0;
    problems.extend(examine_commands(&prepared.experiment, trials, workspace.root()).0);
    problems.extend(examine_hooks(&prepared.experiment, trials, workspace.root()).0);
    if trials.iter().any(|trial| trial.settings.is_foreign()) {
        // What another trainer makes of a model or of data is its own affair.
        return Diagnostics::sorted(problems).or(Vec::new());
    }
    let has_gpu = detect_slots(&SlotSettings::default()).iter().any(Slot::is_gpu);
    let mut summaries: Vec<Option<CheckSummary>> = vec![None; trials.len()];
    for group in grouped(trials.iter().map(|trial| inputs_key(&trial.settings))) {
        let Some(first) = group.first().map(|index| &trials[*index]) else { continue };
        match open_inputs(workspace.root(), &first.settings, Moment::now()) {
            Ok(inputs) => {
                let mut known: HashMap<String, CheckSummary> = HashMap::new();
                for index in group {
                    let settings = &trials[index].settings;
                    let summary =
                        known.entry(sizes_key(settings)).or_insert_with(|| inputs.summary(settings, has_gpu));
                    summaries[index] = Some(summary.clone());
                }
            }
            Err(found) => add_problems(&mut problems, found, &prepared.experiment, first),
        }
    }
    Diagnostics::sorted(problems).or(summaries.into_iter().flatten().collect())
}

/// Indices with equal keys together, in order of first appearance.
fn grouped(keys: impl Iterator<Item = String>) -> Vec<Vec<usize>> {
    let mut groups: Vec<Vec<usize>> = Vec::new();
    let mut of_key: HashMap<String, usize> = HashMap::new();
    for (index, key) in keys.enumerate() {
        let group = *of_key.entry(key).or_insert_with(|| {
            groups.push(Vec::new());
            groups.len() - 1
        });
        groups[group].push(index);
    }
    groups
}

/// What decides which samples a training sees; the seed of the split only where something is split off.
fn inputs_key(settings: &Settings) -> String {
    let seed = if settings.eval_split > 0.0 { settings.split_seed } else { 0 };
    format!(
        "{:?}",
        (
            &settings.base_model,
            &settings.train_data_dir,
            &settings.eval_data_dir,
            settings.eval_split,
            seed,
            &settings.task,
        )
    )
}

/// What decides steps and memory, given the samples.
fn sizes_key(settings: &Settings) -> String {
    format!(
        "{:?}",
        (
            settings.lora_rank,
            &settings.lora_targets,
            settings.batch_size,
            settings.gradient_accumulation,
            settings.epochs,
            settings.max_steps,
            settings.precision,
        )
    )
}

/// Adds what was found in model and data. What concerns a whole file or folder is told at the key that names it,
/// unless something was told there already.
fn add_problems(problems: &mut Vec<Diagnostic>, found: Diagnostics, experiment: &Experiment, trial: &Trial) {
    for problem in found.0 {
        let problem = match key_of(&problem, &trial.settings) {
            Some(key) => {
                let placed = experiment.diagnostic(trial, key, problem.message);
                Diagnostic { hint: problem.hint, ..placed }
            }
            None => problem,
        };
        let is_told = |known: &Diagnostic| {
            problem.key.is_some()
                && (&known.file, known.line, known.column) == (&problem.file, problem.line, problem.column)
        };
        if !problems.iter().any(is_told) {
            problems.push(problem);
        }
    }
}

fn key_of(problem: &Diagnostic, settings: &Settings) -> Option<&'static str> {
    if problem.line > 0 {
        return None;
    }
    let file = problem.file.as_str();
    let is_eval = settings.eval_data_dir.as_deref() == Some(file);
    [
        ("base_model", file == "base_model"),
        ("train_data_dir", file == settings.train_data_dir),
        ("eval_data_dir", is_eval),
    ]
    .into_iter()
    .find_map(|(key, is_it)| is_it.then_some(key))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_keys_share_a_group() {
        let groups = grouped(["a", "b", "a", "c", "b"].into_iter().map(str::to_owned));
        assert_eq!(groups, [vec![0, 2], vec![1, 4], vec![3]]);
    }
}
