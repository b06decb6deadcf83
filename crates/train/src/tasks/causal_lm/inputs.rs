//! From settings to everything a training on text reads. What can be refused is refused before anything heavy.

use std::path::Path;
use std::sync::Arc;

use loradeck_core::cache;
use loradeck_core::config::Settings;
use loradeck_core::time::Moment;
use loradeck_data::base_model::{BaseModel, projection_names};
use loradeck_data::check::open_inputs;
use loradeck_data::dataset::{Dataset, TrainingData, metadata_csv};
use loradeck_data::lora_targets::shortest;
use loradeck_data::mapped::sha256_hex;
use loradeck_data::order::BatchPlan;
use loradeck_data::sample::Sample;
use loradeck_data::tokenizer::Tokenizer;
use tch::Kind;

use super::CausalLm;
use crate::device::{self, Hardware};
use crate::engine::checkpoint::{Identity, identity};
use crate::error::TrainError;
use crate::tasks::{Task, TaskInputs};

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
    /// The modules that receive an adapter.
    pub targets: Vec<String>,
    /// The time that a chat template may ask for.
    pub now: Moment,
}

impl Inputs {
    /// Opens base model, tokenizer and data of `settings`, whose paths are relative to `root`.
    pub fn read(settings: Settings, root: &Path, now: Moment) -> Result<Self, TrainError> {
        let opened = open_inputs(root, &settings, now)?;
        let targets = opened.decide(&settings)?;
        let (base, tokenizer, data) = (Arc::new(opened.model), opened.tokenizer, opened.data);
        let plan = BatchPlan::of(&settings, data.train.len());
        Ok(Self { settings, base, tokenizer, data, plan, targets, now })
    }

    /// sha256 of every sample's token ids and loss mask, in order: what template and tokenizer made of the data.
    fn tokens_hash(&self) -> String {
        let samples = self.data.train.samples.iter().chain(self.held_out());
        let bytes: Vec<u8> = samples
            .flat_map(|sample| {
                let length = (sample.ids.len() as u64).to_le_bytes();
                let ids = sample.ids.iter().flat_map(|id| id.to_le_bytes());
                length
                    .into_iter()
                    .chain(ids)
                    .chain(sample.labels_mask.iter().map(|trained| u8::from(*trained)))
            })
            .collect();
        sha256_hex([bytes.as_slice()])
    }

    pub(super) fn held_out(&self) -> &[Sample] {
        self.data.eval.as_ref().map_or(&[], |eval| eval.samples.as_slice())
    }
}

impl TaskInputs for Inputs {
    fn settings(&self) -> &Settings {
        &self.settings
    }

    fn metadata_csv(&self) -> String {
        let mut parts = vec![("train", &self.data.train)];
        parts.extend(self.data.eval.as_ref().map(|eval: &Dataset| ("eval", eval)));
        metadata_csv(&parts)
    }

    fn warnings(&self) -> Vec<String> {
        let leaked = self.data.leaked();
        let leaked =
            (leaked > 0).then(|| format!("{leaked} held-out samples also occur in the training data"));
        leaked.into_iter().chain(self.data.notes()).collect()
    }

    fn data_fingerprint(&self) -> String {
        self.data.train.fingerprint.clone()
    }

    fn base_name(&self) -> String {
        self.base.name()
    }

    fn base_hash(&self) -> Box<dyn FnOnce() -> String + Send> {
        let base = Arc::clone(&self.base);
        Box::new(move || base.known_hash(cache::of_user(cache::BASE_HASHES).as_deref()))
    }

    fn identity(&self, kind: Kind) -> Identity {
        let settings = &self.settings;
        let text = settings.text().cloned().unwrap_or_default();
        let eval = self.data.eval.as_ref().map(|eval| eval.fingerprint.clone()).unwrap_or_default();
        let modules = projection_names(self.base.shape());
        let names: Vec<&str> = self.targets.iter().map(String::as_str).collect();
        Identity::default()
            .with("base_model", self.base.header_hash())
            .with(identity::COMPUTES, sha256_hex([format!("{:?}", self.base.shape()).as_bytes()]))
            .with("train_data", &self.data.train.fingerprint)
            .with("eval_data", eval)
            .with(identity::TOKENS, self.tokens_hash())
            .with("eval_split", settings.eval_split)
            .with("lora_rank", settings.lora_rank)
            .with("lora_alpha", settings.lora_alpha)
            .with("lora_targets", shortest(&names, &modules))
            .with("precision", device::kind_name(kind))
            .with("batch_size", settings.batch_size)
            .with("gradient_accumulation", settings.gradient_accumulation)
            .with("seed", settings.seed)
            .with("max_seq_len", text.max_seq_len)
            .with("train_on_prompt", text.train_on_prompt)
    }

    fn build<'a>(&'a self, hardware: &Hardware) -> Result<Box<dyn Task + 'a>, TrainError> {
        Ok(Box::new(CausalLm::build(self, hardware)?))
    }
}
