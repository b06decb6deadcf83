//! A language model with adapters and its data, as the engine trains it.

use std::collections::BTreeMap;
use std::path::Path;

use loradeck_data::base_model::projection_names;
use loradeck_data::chat::ChatEncoder;
use loradeck_data::order::evaluation_batches;
use loradeck_data::sample::Sample;
use tch::Tensor;

use super::attach::{attach, target_modules};
use super::batch::{HostBatch, InputBuffers, Padding};
use super::inputs::Inputs;
use super::{ANSWER_TOKENS, answers, evaluation};
use crate::adapters::AdapterSet;
use crate::device::{Choice, Hardware};
use crate::engine::record::Record;
use crate::error::TrainError;
use crate::export::{AdapterFacts, CONFIG, WEIGHTS, adapter_config, write_final};
use crate::models::llama::Llama;
use crate::tasks::{Description, FinalWeights, Interrupted, Task, Unit};

/// A language model with adapters and its data.
#[derive(Debug)]
pub struct CausalLm<'a> {
    /// What was read.
    pub inputs: &'a Inputs,
    /// The base model with adapters attached.
    pub model: Llama,
    /// What PEFT must know.
    pub facts: AdapterFacts,
    adapters: AdapterSet,
    buffers: InputBuffers,
    held_out: Vec<HostBatch>,
    choice: Choice,
    padding: Padding,
}

impl<'a> CausalLm<'a> {
    /// Loads the model and attaches fresh adapters.
    pub fn build(inputs: &'a Inputs, hardware: &Hardware) -> Result<Self, TrainError> {
        let settings = &inputs.settings;
        let device = hardware.device();
        let mut model = Llama::load(inputs.base.clone(), hardware.kind, device, positions(inputs))?;
        let (rank, alpha) = (settings.lora_rank, settings.lora_alpha);
        let adapters = attach(&mut model, &settings.lora_targets, rank, alpha, settings.seed, device)?;
        let padding = if device.is_cuda() { Padding::Rectangle(8) } else { Padding::Packed };
        let modules = projection_names(inputs.base.shape());
        let facts = AdapterFacts {
            base: inputs.base.peft_name(),
            rank,
            alpha,
            targets: target_modules(&adapters, &modules),
        };
        Ok(Self {
            inputs,
            model,
            facts,
            adapters,
            buffers: InputBuffers::new(places(inputs), device)?,
            held_out: held_out(inputs, padding),
            choice: hardware.choice.clone(),
            padding,
        })
    }

    /// The micro-batches of `step` (from 1) in host memory.
    pub fn batches(&self, step: u64) -> Vec<HostBatch> {
        let inputs = self.inputs;
        let pad_id = inputs.base.pad_id(&inputs.tokenizer);
        let lay_out = |indices: Vec<usize>| {
            let samples: Vec<&Sample> =
                indices.iter().filter_map(|index| inputs.data.train.samples.get(*index)).collect();
            HostBatch::new(&samples, self.padding, pad_id)
        };
        inputs.plan.step(step.saturating_sub(1)).into_iter().map(lay_out).collect()
    }
}

impl Task for CausalLm<'_> {
    fn unit(&self) -> Unit {
        Unit::Tokens
    }

    fn total_steps(&self) -> u64 {
        self.inputs.plan.total_steps()
    }

    fn epochs_after(&self, steps: u64) -> f64 {
        self.inputs.plan.epochs_after(steps)
    }

    fn adapters(&self) -> &AdapterSet {
        &self.adapters
    }

    fn adapters_mut(&mut self) -> &mut AdapterSet {
        &mut self.adapters
    }

    fn accumulate(&mut self, step: u64, loss: &mut Tensor) -> Result<usize, TrainError> {
        let batches = self.batches(step);
        let trained: usize = batches.iter().map(HostBatch::trained_tokens).sum();
        let factor = 1.0 / trained.max(1) as f64;
        for batch in &batches {
            let batch = self.buffers.load(batch, factor)?;
            let _ = loss.f_add_(&self.model.loss_and_backward(&batch)?)?;
        }
        Ok(batches.iter().map(HostBatch::tokens).sum())
    }

    fn samples_of_step(&self, step: u64) -> String {
        let chosen = self.inputs.plan.step(step.saturating_sub(1)).into_iter().flatten();
        let rows = chosen.filter_map(|index| self.inputs.data.train.rows.get(index));
        rows.map(|row| format!("{}:{}", row.file, row.line)).collect::<Vec<_>>().join(", ")
    }

    fn has_held_out(&self) -> bool {
        !self.held_out.is_empty()
    }

    fn evaluate(&mut self, interrupted: Interrupted<'_>) -> Result<Option<f64>, TrainError> {
        Ok(evaluation::held_out_loss(&self.model, &mut self.buffers, &self.held_out, interrupted)?)
    }

    fn derived_metrics(&self, loss: f64) -> Vec<(&'static str, f64)> {
        vec![("eval/perplexity", loss.exp())]
    }

    fn produce_samples(
        &mut self,
        step: u64,
        record: &mut Record,
        interrupted: Interrupted<'_>,
    ) -> Result<(), TrainError> {
        let inputs = self.inputs;
        let prompts = &inputs.settings.sample_prompts;
        if prompts.is_empty() {
            return Ok(());
        }
        let encoder = ChatEncoder::new(&inputs.tokenizer, inputs.now)
            .map_err(|error| TrainError::Refused(error.to_string()))?;
        let device = self.choice.device;
        let given = answers::answer(&self.model, &inputs.tokenizer, &encoder, prompts, device, interrupted)?;
        if let Some(given) = given {
            answers::tell(record, step, prompts, &given);
        }
        Ok(())
    }

    fn describe(&self) -> Description {
        let inputs = self.inputs;
        let base = inputs.base.path().file_name().unwrap_or_default().to_string_lossy().into_owned();
        Description {
            base,
            train_samples: inputs.data.train.len() as u64,
            eval_samples: inputs.held_out().len() as u64,
            lines: Vec::new(),
        }
    }

    fn weights_name(&self) -> &'static str {
        WEIGHTS
    }

    fn checkpoint_files(&self) -> Result<Vec<(String, Vec<u8>)>, TrainError> {
        Ok(vec![(CONFIG.to_owned(), adapter_config(&self.facts).into_bytes())])
    }

    fn write_final(
        &self,
        folder: &Path,
        metadata: &BTreeMap<String, String>,
        _record: &Record,
    ) -> Result<FinalWeights, TrainError> {
        let tokenizer = &self.inputs.tokenizer;
        let turn_end =
            ChatEncoder::new(tokenizer, self.inputs.now).ok().and_then(|encoder| encoder.turn_end());
        let sha256 = write_final(folder, &self.adapters, &self.facts, metadata, tokenizer, turn_end)?;
        Ok(FinalWeights { sha256, files: vec![WEIGHTS.to_owned()] })
    }
}

/// The held-out samples as micro-batches.
fn held_out(inputs: &Inputs, padding: Padding) -> Vec<HostBatch> {
    let samples = inputs.held_out();
    let pad_id = inputs.base.pad_id(&inputs.tokenizer);
    evaluation_batches(samples.len(), inputs.settings.evaluation_batch() as usize)
        .iter()
        .map(|indices| {
            let chosen: Vec<&Sample> = indices.iter().filter_map(|index| samples.get(*index)).collect();
            HostBatch::new(&chosen, padding, pad_id)
        })
        .collect()
}

/// Rotary positions needed: the longest sample rounded up, or a prompt with its answer.
fn positions(inputs: &Inputs) -> usize {
    let longest = inputs.settings.text().map_or(0, |text| text.max_seq_len);
    let wanted = (longest as usize).max(1024).next_multiple_of(8) + ANSWER_TOKENS;
    wanted.min(inputs.base.shape().max_positions.next_multiple_of(8))
}

/// Places of the largest micro-batch there can be.
fn places(inputs: &Inputs) -> usize {
    let longest = |samples: &[Sample]| samples.iter().map(|sample| sample.ids.len()).max().unwrap_or(0);
    let padded = |samples: &[Sample]| longest(samples).next_multiple_of(8);
    let train = inputs.settings.batch_size as usize * padded(&inputs.data.train.samples);
    let eval = inputs.settings.evaluation_batch() as usize * padded(inputs.held_out());
    train.max(eval)
}
