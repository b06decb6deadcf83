//! From settings to everything a training works with. What can be refused is refused before anything heavy.

use std::path::Path;
use std::sync::Arc;

use loradeck_core::config::Settings;
use loradeck_core::run::Evidence;
use loradeck_core::time::Moment;
use loradeck_data::base_model::BaseModel;
use loradeck_data::check::open_inputs;
use loradeck_data::dataset::TrainingData;
use loradeck_data::order::{BatchPlan, evaluation_batches};
use loradeck_data::sample::Sample;
use loradeck_data::tokenizer::Tokenizer;
use tch::Kind;

use crate::adapters::Adapters;
use crate::batch::{HostBatch, Padding};
use crate::checkpoint::Identity;
use crate::device::{self, Choice};
use crate::error::TrainError;
use crate::export::AdapterFacts;
use crate::gpu_memory::GpuMemory;
use crate::models::llama::{Llama, projection_names};
use crate::optimizer::{AdamW, Constants};
use crate::schedule::Schedule;
use crate::step::Stepper;
use crate::targets;

/// What is read before the model: cheap to refuse.
#[derive(Debug)]
pub struct Inputs {
    /// The settings in force.
    pub settings: Settings,
    /// The base model's opened file.
    pub base: Arc<BaseModel>,
    /// Its tokenizer.
    pub tokenizer: Tokenizer,
    /// Training and held-out samples.
    pub data: TrainingData,
    /// The order of training.
    pub plan: BatchPlan,
    /// The time that a chat template may ask for.
    pub now: Moment,
}

impl Inputs {
    /// Opens base model, tokenizer and data of `settings`, whose paths are relative to `root`.
    pub fn read(settings: Settings, root: &Path, now: Moment) -> Result<Self, TrainError> {
        if settings.is_foreign() {
            let message =
                "command: names another trainer, which this program does not start (hint: `loradeck run`)";
            return Err(TrainError::Refused(message.to_owned()));
        }
        if settings.is_image() {
            let message = "this trains on pictures (data_type: image), which is not supported yet";
            return Err(TrainError::Refused(message.to_owned()));
        }
        let opened = open_inputs(root, &settings, now)?;
        let modules = projection_names(opened.model.shape());
        targets::resolve(&settings.lora_targets, &modules)?;
        let (base, tokenizer, data) = (Arc::new(opened.model), opened.tokenizer, opened.data);
        let plan = BatchPlan::of(&settings, data.train.len());
        Ok(Self { settings, base, tokenizer, data, plan, now })
    }

    fn held_out(&self) -> &[Sample] {
        self.data.eval.as_ref().map_or(&[], |eval| eval.samples.as_slice())
    }

    /// The samples of `step` (from 1) as `file:line`, for people.
    pub fn names_of_step(&self, step: u64) -> String {
        let chosen = self.plan.step(step.saturating_sub(1)).into_iter().flatten();
        let rows = chosen.filter_map(|index| self.data.train.rows.get(index));
        rows.map(|row| format!("{}:{}", row.file, row.line)).collect::<Vec<_>>().join(", ")
    }
}

/// A model with adapters, ready to train.
#[derive(Debug)]
pub struct Machine {
    /// The base model with adapters attached.
    pub model: Llama,
    /// The adapters.
    pub adapters: Adapters,
    /// The step with the optimizer.
    pub stepper: Stepper,
    /// The learning rate's course.
    pub schedule: Schedule,
    /// Where it runs.
    pub choice: Choice,
    /// The number format.
    pub kind: Kind,
    /// CPU threads.
    pub threads: u32,
    /// How rows are laid out.
    pub padding: Padding,
    /// This process's share of the GPU; `None` on the CPU.
    pub memory: Option<GpuMemory>,
    /// What PEFT must know.
    pub facts: AdapterFacts,
}

impl Machine {
    /// Loads the model and attaches fresh adapters.
    pub fn build(inputs: &Inputs) -> Result<Self, TrainError> {
        let settings = &inputs.settings;
        let choice = device::choose()?;
        let memory = GpuMemory::watch(choice.device);
        let threads = device::set_threads(settings.threads);
        let kind = device::kind(settings.precision, choice.device);
        let positions = positions(inputs);
        let mut model = Llama::load(inputs.base.clone(), kind, choice.device, positions)?;
        let adapters = Adapters::attach(
            &mut model,
            &settings.lora_targets,
            settings.lora_rank,
            settings.lora_alpha,
            settings.seed,
            choice.device,
        )?;
        let constants =
            Constants { weight_decay: settings.weight_decay, max_grad_norm: settings.max_grad_norm };
        let optimizer = AdamW::new(adapters.count(), constants, choice.device)?;
        let padding = if choice.device.is_cuda() { Padding::Rectangle(8) } else { Padding::Packed };
        let stepper = Stepper::new(optimizer, places(inputs), choice.device)?;
        let schedule = Schedule {
            form: settings.lr_scheduler,
            peak: settings.learning_rate,
            warmup: settings.warmup_steps,
            total: inputs.plan.total_steps(),
        };
        let facts = AdapterFacts::new(&inputs.base, &adapters, settings.lora_rank, settings.lora_alpha);
        Ok(Self { model, adapters, stepper, schedule, choice, kind, threads, padding, memory, facts })
    }

    /// The micro-batches of `step` (from 1) in host memory.
    pub fn batches(&self, inputs: &Inputs, step: u64) -> Vec<HostBatch> {
        let pad_id = inputs.tokenizer.pad_id();
        let chosen = inputs.plan.step(step.saturating_sub(1));
        let lay_out = |indices: Vec<usize>| {
            let samples: Vec<&Sample> =
                indices.iter().filter_map(|index| inputs.data.train.samples.get(*index)).collect();
            HostBatch::new(&samples, self.padding, pad_id)
        };
        chosen.into_iter().map(lay_out).collect()
    }

    /// The held-out samples as micro-batches.
    pub fn held_out(&self, inputs: &Inputs) -> Vec<HostBatch> {
        let samples = inputs.held_out();
        let pad_id = inputs.tokenizer.pad_id();
        evaluation_batches(samples.len(), inputs.settings.evaluation_batch() as usize)
            .iter()
            .map(|indices| {
                let chosen: Vec<&Sample> = indices.iter().filter_map(|index| samples.get(*index)).collect();
                HostBatch::new(&chosen, self.padding, pad_id)
            })
            .collect()
    }

    /// What a checkpoint of this training is bound to.
    pub fn identity(&self, inputs: &Inputs) -> Identity {
        let settings = &inputs.settings;
        let text = settings.text().cloned().unwrap_or_default();
        Identity {
            base_model: inputs.base.header_hash(),
            train_data: inputs.data.train.fingerprint.clone(),
            eval_data: inputs.data.eval.as_ref().map(|eval| eval.fingerprint.clone()).unwrap_or_default(),
            eval_split: settings.eval_split,
            lora_rank: settings.lora_rank,
            lora_alpha: settings.lora_alpha,
            lora_targets: self.facts.targets.clone(),
            precision: device::kind_name(self.kind).to_owned(),
            batch_size: settings.batch_size,
            gradient_accumulation: settings.gradient_accumulation,
            seed: settings.seed,
            max_seq_len: text.max_seq_len,
            train_on_prompt: text.train_on_prompt,
        }
    }

    /// Hardware and programs, for the summary.
    pub fn evidence(&self) -> Evidence {
        Evidence {
            host: loradeck_core::run::Host::here().host,
            device: self.choice.name.clone(),
            precision: device::kind_name(self.kind).to_owned(),
            threads: self.threads,
            trainer: env!("CARGO_PKG_VERSION").to_owned(),
            libtorch: device::LIBTORCH_VERSION.to_owned(),
        }
    }
}

/// Rotary positions needed: the longest sample rounded up, or a prompt with its answer.
fn positions(inputs: &Inputs) -> usize {
    let longest = inputs.settings.text().map_or(0, |text| text.max_seq_len);
    let wanted = (longest as usize).max(1024).next_multiple_of(8) + super::ANSWER_TOKENS;
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
