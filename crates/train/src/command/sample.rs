//! `sample`: greedy answers of a trained adapter, or of its base model alone.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use loradeck_core::config::{LoraTargets, Settings, load_frozen};
use loradeck_core::file;
use loradeck_core::run::{Outcome, RunFolder};
use loradeck_core::text::harmless;
use loradeck_core::time::Moment;
use loradeck_data::base_model::BaseModel;
use loradeck_data::chat::ChatEncoder;
use loradeck_data::tokenizer::Tokenizer;
use serde_json::json;

use super::{config, run};
use crate::adapters::AdapterSet;
use crate::cli::SampleArgs;
use crate::device;
use crate::engine::checkpoint::load_weights;
use crate::error::TrainError;
use crate::export::{WEIGHTS, read_adapter_config};
use crate::models::llama::Llama;
use crate::tasks::causal_lm::{ANSWER_TOKENS, Answer, answer, attach as adapters};

/// Answers prompts and prints them.
pub fn sample(arguments: &SampleArgs) -> Result<Outcome, TrainError> {
    let _no_gradients = tch::no_grad_guard();
    let prompts = prompts(arguments)?;
    let Some(first) = arguments.runs.first() else {
        return Err(TrainError::Refused("give a run folder".to_owned()));
    };
    let folder = RunFolder::new(first);
    let (settings, provenance) = load_frozen(&folder.config(), &[])?;
    if settings.is_image() {
        return super::sample_pictures::sample(arguments, &prompts);
    }
    if arguments.runs.len() > 1 {
        return Err(TrainError::Refused("give one run: only pictures can be shown side by side".to_owned()));
    }
    let root = run::root_of(folder.path())?;
    let base = Arc::new(BaseModel::find(&root, &settings.base_model)?);
    let tokenizer = Tokenizer::of(&base)?;
    let encoder = ChatEncoder::new(&tokenizer, provenance.submitted_at.unwrap_or(Moment(0)))
        .map_err(|error| TrainError::Refused(error.to_string()))?;
    let choice = device::choose()?;
    device::set_threads(settings.threads);
    let kind = device::kind(&settings, choice.device);
    let longest = settings.text().cloned().unwrap_or_default().max_seq_len;
    let positions = (longest as usize + ANSWER_TOKENS).min(base.shape().max_positions);
    let mut model = Llama::load(base, kind, choice.device, positions)?;
    if !arguments.base_only {
        attach(&mut model, &settings, &weights_of(&folder)?, choice.device)?;
    }
    let answers =
        answer(&model, &tokenizer, &encoder, &prompts, choice.device, || false)?.unwrap_or_default();
    print(arguments.json, &prompts, &answers);
    Ok(Outcome::Finished)
}

/// Attaches the adapter in the file `weights` as the configuration beside it describes it, else as `settings` do.
pub(crate) fn attach(
    model: &mut Llama,
    settings: &Settings,
    weights: &Path,
    device: tch::Device,
) -> Result<AdapterSet, TrainError> {
    let own = weights.parent().map(read_adapter_config).transpose()?.flatten();
    let (targets, rank, alpha) = match own {
        Some(facts) => (LoraTargets::List(facts.targets), facts.rank, facts.alpha),
        None => (settings.lora_targets.clone(), settings.lora_rank, settings.lora_alpha),
    };
    let adapters = adapters::attach(model, &targets, rank, alpha, settings.seed, device)?;
    load_weights(weights, "", &adapters, &adapters.parameters)?;
    Ok(adapters)
}

/// The final weights, else those of the newest checkpoint.
fn weights_of(run: &RunFolder) -> Result<PathBuf, TrainError> {
    let finished = run.checkpoints().join(WEIGHTS);
    if finished.exists() {
        return Ok(finished);
    }
    let newest = run.checkpoint_steps().pop().map(|step| run.checkpoint(step).join(WEIGHTS));
    newest.ok_or_else(|| TrainError::Refused(format!("{} holds no weights yet", run.path().display())))
}

fn prompts(arguments: &SampleArgs) -> Result<Vec<String>, TrainError> {
    let mut prompts = arguments.prompt.clone();
    if let Some(path) = &arguments.prompts {
        if path.extension().is_some_and(|extension| extension == "json") {
            prompts.extend(file::read_json::<Vec<String>>(path)?.unwrap_or_default());
        } else {
            let text = file::read_text(path)?;
            prompts.extend(text.lines().filter(|line| !line.trim().is_empty()).map(str::to_owned));
        }
    }
    if prompts.is_empty() {
        return Err(TrainError::Refused("give --prompt TEXT or --prompts FILE".to_owned()));
    }
    Ok(prompts)
}

fn print(as_json: bool, prompts: &[String], answers: &[Answer]) {
    let pairs = prompts.iter().zip(answers);
    if as_json {
        let entry = |(prompt, answer): (&String, &Answer)| match answer {
            Answer::Text(text) => json!({ "prompt": prompt, "answer": text }),
            Answer::TooLong { .. } => json!({ "prompt": prompt, "answer": null, "error": answer.shown() }),
        };
        let list: Vec<_> = pairs.map(entry).collect();
        println!("{}", serde_json::Value::from(list));
        return;
    }
    for (prompt, answer) in pairs {
        println!("> {}", harmless(prompt));
        for line in answer.shown().lines() {
            println!("{}", harmless(line));
        }
        println!();
    }
}

/// The settings of a configuration for `probe`, and what its paths are relative to.
pub(crate) fn open_config(path: &Path) -> Result<(Settings, PathBuf), TrainError> {
    config::read(path)
}
