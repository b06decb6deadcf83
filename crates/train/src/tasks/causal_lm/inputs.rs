//! From settings to everything a training on text reads. What can be refused is refused before anything heavy.

use std::path::Path;
use std::sync::Arc;

use loradeck_core::config::Settings;
use loradeck_core::time::Moment;
use loradeck_data::base_model::BaseModel;
use loradeck_data::check::open_inputs;
use loradeck_data::dataset::{Dataset, TrainingData, metadata_csv};
use loradeck_data::order::BatchPlan;
use loradeck_data::sample::Sample;
use loradeck_data::tokenizer::Tokenizer;

use super::CausalLm;
use crate::adapters::targets;
use crate::device::Hardware;
use crate::error::TrainError;
use crate::models::llama::projection_names;
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
    /// The time that a chat template may ask for.
    pub now: Moment,
}

impl Inputs {
    /// Opens base model, tokenizer and data of `settings`, whose paths are relative to `root`.
    pub fn read(settings: Settings, root: &Path, now: Moment) -> Result<Self, TrainError> {
        let opened = open_inputs(root, &settings, now)?;
        let modules = projection_names(opened.model.shape());
        targets::resolve(&settings.lora_targets, &modules)?;
        let (base, tokenizer, data) = (Arc::new(opened.model), opened.tokenizer, opened.data);
        let plan = BatchPlan::of(&settings, data.train.len());
        Ok(Self { settings, base, tokenizer, data, plan, now })
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
            (leaked > 0).then(|| format!("{leaked} held-out samples also stand in the training data"));
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
        Box::new(move || base.full_hash())
    }

    fn build<'a>(&'a self, hardware: &Hardware) -> Result<Box<dyn Task + 'a>, TrainError> {
        Ok(Box::new(CausalLm::build(self, hardware)?))
    }
}
