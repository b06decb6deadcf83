//! What can be known of runs before they are queued: paths, base model, data, steps and memory, every problem at once.

use std::collections::HashMap;
use std::path::Path;

use loradeck_core::config::{Diagnostic, Diagnostics, Experiment, Settings, Trial, check_paths};
use loradeck_core::run::Workspace;
use loradeck_core::time::Moment;
use loradeck_data::check::{Checked, Inputs, open_inputs};
use loradeck_data::image_check::ImageFiles;

use super::exec::{examine_commands, examine_hooks};
use super::prepare::Prepared;
use super::slot::Slot;
use super::slots::{SlotSettings, detect_slots};

/// Checks all trials, or the examples of a search; one summary for each, or none where another trainer makes them. Model
/// and data are opened once for all trials that share them.
pub fn examine(workspace: &Workspace, prepared: &Prepared) -> Result<Vec<Checked>, Diagnostics> {
    let trials = prepared.plan.checked_trials();
    let mut problems = check_paths(&prepared.experiment, &prepared.plan, workspace.root()).0;
    problems.extend(examine_commands(&prepared.experiment, trials, workspace.root()).0);
    problems.extend(examine_hooks(&prepared.experiment, trials, workspace.root()).0);
    if trials.iter().any(|trial| trial.settings.is_foreign()) {
        // What another trainer makes of a model or of data is its own affair.
        return Diagnostics::sorted(problems).or(Vec::new());
    }
    let has_gpu = detect_slots(&SlotSettings::default()).iter().any(Slot::is_gpu);
    let mut summaries: Vec<Option<Checked>> = vec![None; trials.len()];
    for group in grouped(trials.iter().map(|trial| inputs_key(&trial.settings))) {
        let Some(first) = group.first().map(|index| &trials[*index]) else { continue };
        let opened = match Opened::open(workspace.root(), &first.settings) {
            Ok(opened) => opened,
            Err(found) => {
                add_problems(&mut problems, found, &prepared.experiment, first);
                continue;
            }
        };
        let mut known: HashMap<String, Option<Checked>> = HashMap::new();
        for index in group {
            let trial = &trials[index];
            let summary = known.entry(sizes_key(&trial.settings)).or_insert_with(|| {
                let summary = opened.summary(&trial.settings, has_gpu);
                summary.map_err(|found| add_problems(&mut problems, found, &prepared.experiment, trial)).ok()
            });
            summaries[index].clone_from(summary);
        }
    }
    Diagnostics::sorted(problems).or(summaries.into_iter().flatten().collect())
}

/// Model and data of trials that share them.
enum Opened {
    Text(Box<Inputs>),
    Image(Box<ImageFiles>),
}

impl Opened {
    fn open(root: &Path, settings: &Settings) -> Result<Self, Diagnostics> {
        match settings.image() {
            // What cannot be opened is told with each trial's summary.
            Some(image) => Ok(Self::Image(Box::new(ImageFiles::open(root, settings, image, &|_| {})))),
            None => Ok(Self::Text(Box::new(open_inputs(root, settings, Moment::now())?))),
        }
    }

    fn summary(&self, settings: &Settings, has_gpu: bool) -> Result<Checked, Diagnostics> {
        match (self, settings.image()) {
            (Self::Image(files), Some(image)) => {
                Ok(Checked::Image(Box::new(files.summary(settings, image, has_gpu)?)))
            }
            (Self::Text(inputs), None) => Ok(Checked::Text(Box::new(inputs.summary(settings, has_gpu)?))),
            // Unreachable: a group shares its data type.
            _ => {
                Err(Diagnostics(vec![Diagnostic::of_file("data_type", "differs within one group of trials")]))
            }
        }
    }
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
    if let Some(image) = settings.image() {
        return ImageFiles::key(settings, image);
    }
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

/// What decides steps, adapters and memory, given the samples.
fn sizes_key(settings: &Settings) -> String {
    let adapters = (settings.lora_rank, settings.lora_alpha.to_bits(), &settings.lora_targets);
    let steps = (
        settings.warmup_steps,
        settings.batch_size,
        settings.gradient_accumulation,
        settings.epochs,
        settings.max_steps,
    );
    let image = settings.image().map(|image| {
        let parts = (image.unet_lr > 0.0, image.text_encoder_lr > 0.0, image.conv_rank, image.conv_alpha);
        let patterns = (&image.rank_pattern, &image.alpha_pattern);
        let drawn = (image.clip_skip, image.max_token_length, &settings.sample_prompts);
        (parts, patterns, drawn, image.gradient_checkpointing, image.random_crop)
    });
    format!("{:?}", (adapters, steps, settings.precision, image))
}

/// Adds what was found in model and data. What concerns a whole file or folder is told at the key that names it,
/// unless something was told there already.
fn add_problems(problems: &mut Vec<Diagnostic>, found: Diagnostics, experiment: &Experiment, trial: &Trial) {
    for problem in found.0 {
        let problem = match key_of(&problem, &trial.settings) {
            Some(key) => {
                let placed = experiment.diagnostic(trial, key, problem.message);
                Diagnostic { hint: problem.hint, value: problem.value, ..placed }
            }
            None => problem,
        };
        let is_told = |known: &Diagnostic| {
            problem.key.is_some()
                && (&known.file, known.line, known.column) == (&problem.file, problem.line, problem.column)
        };
        if !problems.contains(&problem) && !problems.iter().any(is_told) {
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
    let kept = settings.image().and_then(|image| image.reg_data_dir.as_deref());
    [
        ("base_model", file == "base_model"),
        ("train_data_dir", file == settings.train_data_dir),
        ("eval_data_dir", is_eval),
        ("reg_data_dir", kept == Some(file)),
    ]
    .into_iter()
    .find_map(|(key, is_it)| is_it.then_some(key))
    .or_else(|| REFUSED_BY_INPUTS.into_iter().find(|key| *key == file))
}

/// Settings that a base model or the data can refuse, told under their own names.
const REFUSED_BY_INPUTS: [&str; 8] = [
    "warmup_steps",
    "lora_targets",
    "rank_pattern",
    "alpha_pattern",
    "resolution",
    "bucket_reso_steps",
    "clip_skip",
    "background",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_keys_share_a_group() {
        let groups = grouped(["a", "b", "a", "c", "b"].into_iter().map(str::to_owned));
        assert_eq!(groups, [vec![0, 2], vec![1, 4], vec![3]]);
    }
}
