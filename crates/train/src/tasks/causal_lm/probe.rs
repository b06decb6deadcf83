//! `probe`: inner values laid open, so that judges can hold them against other programs.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use loradeck_core::file::{self, Durability};
use loradeck_core::run::Outcome;
use loradeck_core::time::Moment;
use loradeck_data::base_model::BaseModel;
use loradeck_data::sample::{Sample, collate};
use serde_json::{Value, json};

use crate::cli::{ProbeArgs, What};
use crate::command::{attach, open_config};
use crate::device::{self, Hardware};
use crate::engine;
use crate::engine::stepper::Stepper;
use crate::error::TrainError;
use crate::export::{CONFIG, WEIGHTS, container, write_adapter};
use crate::models::llama::Llama;
use crate::tasks::{Task, diffusion};

use super::batch::{HostBatch, InputBuffers, Padding};
use super::{CausalLm, Inputs};

/// Lays open what is asked for.
pub fn probe(arguments: &ProbeArgs) -> Result<Outcome, TrainError> {
    let _no_gradients = tch::no_grad_guard();
    match arguments.what {
        What::Logits => logits(arguments)?,
        What::Batches => batches(arguments)?,
        What::Diffusion => diffusion::probe::training(arguments)?,
        What::Sites => diffusion::probe::sites(arguments)?,
    }
    Ok(Outcome::Finished)
}

/// Logits `[tokens, vocabulary]` of every list of ids as `logits.N`, each list by itself.
fn logits(arguments: &ProbeArgs) -> Result<(), TrainError> {
    let ids =
        arguments.ids.as_deref().ok_or_else(|| TrainError::Refused("give --ids FILE.json".to_owned()))?;
    let lists: Vec<Vec<u32>> = file::read_json(ids)?.unwrap_or_default();
    let (mut settings, root) = open_config(&arguments.config)?;
    let base = Arc::new(BaseModel::find(&root, &settings.base_model)?);
    let choice = device::choose()?;
    device::set_threads(settings.threads);
    let longest = lists.iter().map(Vec::len).max().unwrap_or(1);
    let kind = device::kind(&settings, choice.device);
    let mut model = Llama::load(base, kind, choice.device, longest.next_multiple_of(8))?;
    if let Some(folder) = &arguments.adapter {
        // The adapter's own rank and scale count, not the configuration's.
        let config: Value = file::read_json(&folder.join(CONFIG))?.unwrap_or_default();
        settings.lora_rank = config["r"].as_u64().unwrap_or(0) as u32;
        settings.lora_alpha = config["lora_alpha"].as_f64().unwrap_or(0.0);
        let _ = attach(&mut model, &settings, &folder.join(WEIGHTS), choice.device)?;
    }
    let mut inputs = InputBuffers::new(longest, choice.device)?;
    let mut tensors = Vec::new();
    for (index, ids) in lists.into_iter().enumerate() {
        let sample = Sample { labels_mask: vec![false; ids.len()], ids };
        let batch = inputs.load(&HostBatch::new(&[&sample], Padding::Packed, 0), 1.0)?;
        tensors.push((format!("logits.{index}"), model.logits(&batch)?));
    }
    let made = container(&tensors, &BTreeMap::new())?;
    file::replace(&arguments.output, &made.bytes, Durability::Renamed)?;
    Ok(())
}

/// The first steps of a training, and everything needed to repeat them elsewhere.
fn batches(arguments: &ProbeArgs) -> Result<(), TrainError> {
    let (settings, root) = open_config(&arguments.config)?;
    let inputs = Inputs::read(settings, &root, Moment::now())?;
    let hardware = Hardware::prepare(&inputs.settings)?;
    let mut task = CausalLm::build(&inputs, &hardware)?;
    let mut stepper = engine::stepper(&inputs.settings, &mut task, &hardware)?;
    file::create_folder(&arguments.output)?;
    write_adapter(&arguments.output.join("initial"), task.adapters(), &task.facts, &BTreeMap::new())?;
    let eval_loss = task.evaluate(&mut || false)?;
    let mut steps = Vec::new();
    for step in 1..=arguments.steps.min(inputs.plan.total_steps()) {
        steps.push(one_step(&mut task, &mut stepper, step)?);
    }
    write_adapter(&arguments.output.join("trained"), task.adapters(), &task.facts, &BTreeMap::new())?;
    let eval = inputs
        .data
        .eval
        .as_ref()
        .map(|eval| rectangles(&inputs, &[(0..eval.len()).collect()], &eval.samples));
    let report = json!({ "eval_loss": eval_loss, "eval": eval, "steps": steps });
    write_json(&arguments.output.join("steps.json"), &report)
}

fn one_step(task: &mut CausalLm<'_>, stepper: &mut Stepper, step: u64) -> Result<Value, TrainError> {
    let inputs = task.inputs;
    let chosen = inputs.plan.step(step - 1);
    let rate = engine::schedule(&inputs.settings, inputs.plan.total_steps()).rate(step - 1);
    stepper.step(task, step, rate)?;
    let metrics = stepper.read(step, step)?;
    let metrics = metrics.first().ok_or_else(|| TrainError::Other("the ring is empty".to_owned()))?;
    Ok(json!({
        "step": step,
        "learning_rate": rate,
        "loss": metrics.loss,
        "grad_norm": metrics.gradient_norm,
        "micro_batches": rectangles(inputs, &chosen, &inputs.data.train.samples),
    }))
}

/// Padded ids, labels (-100 where not learnt, unshifted as transformers wants them) and lengths.
fn rectangles(inputs: &Inputs, chosen: &[Vec<usize>], samples: &[Sample]) -> Vec<Value> {
    let rectangle = |indices: &Vec<usize>| {
        let chosen: Vec<&Sample> = indices.iter().filter_map(|index| samples.get(*index)).collect();
        let batch = collate(&chosen, inputs.base.pad_id(&inputs.tokenizer), 1);
        let labels: Vec<i64> = batch
            .ids
            .iter()
            .zip(&batch.labels_mask)
            .map(|(id, learnt)| if *learnt { *id } else { -100 })
            .collect();
        let rows =
            |values: &[i64]| values.chunks(batch.width.max(1)).map(<[i64]>::to_vec).collect::<Vec<_>>();
        json!({ "ids": rows(&batch.ids), "labels": rows(&labels), "lengths": batch.lengths, "samples": indices })
    };
    chosen.iter().map(rectangle).collect()
}

fn write_json(path: &Path, value: &Value) -> Result<(), TrainError> {
    Ok(file::replace_json(path, value, Durability::Renamed)?)
}
