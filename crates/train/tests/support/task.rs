//! A task of given micro-batches, for tests of the engine's step.
#![allow(clippy::unwrap_used, dead_code, missing_docs, unreachable_pub)]

use std::collections::BTreeMap;
use std::path::Path;

use loradeck_train::adapters::AdapterSet;
use loradeck_train::engine::Record;
use loradeck_train::error::TrainError;
use loradeck_train::models::llama::Llama;
use loradeck_train::tasks::causal_lm::batch::{HostBatch, InputBuffers};
use loradeck_train::tasks::{Description, FinalWeights, Interrupted, RateGroup, Task, Unit};
use tch::Tensor;

pub struct GivenBatches {
    pub model: Llama,
    pub adapters: AdapterSet,
    pub buffers: InputBuffers,
    pub host: Vec<HostBatch>,
    pub groups: Vec<RateGroup>,
}

impl Task for GivenBatches {
    fn unit(&self) -> Unit {
        Unit::Tokens
    }

    fn total_steps(&self) -> u64 {
        1
    }

    fn epochs_after(&self, steps: u64) -> f64 {
        steps as f64
    }

    fn adapters(&self) -> &AdapterSet {
        &self.adapters
    }

    fn adapters_mut(&mut self) -> &mut AdapterSet {
        &mut self.adapters
    }

    fn rate_groups(&self) -> Vec<RateGroup> {
        self.groups.clone()
    }

    fn accumulate(&mut self, _step: u64, loss: &mut Tensor) -> Result<usize, TrainError> {
        let trained: usize = self.host.iter().map(HostBatch::trained_tokens).sum();
        for batch in &self.host {
            let batch = self.buffers.load(batch, 1.0 / trained as f64)?;
            let _ = loss.f_add_(&self.model.loss_and_backward(&batch)?)?;
        }
        Ok(trained)
    }

    fn samples_of_step(&self, _step: u64) -> String {
        String::new()
    }

    fn has_held_out(&self) -> bool {
        false
    }

    fn evaluate(&mut self, _interrupted: Interrupted<'_>) -> Result<Option<f64>, TrainError> {
        Ok(None)
    }

    fn produce_samples(
        &mut self,
        _step: u64,
        _record: &mut Record,
        _interrupted: Interrupted<'_>,
    ) -> Result<(), TrainError> {
        Ok(())
    }

    fn describe(&self) -> Description {
        Description { base: String::new(), train_samples: 0, eval_samples: 0, lines: Vec::new() }
    }

    fn weights_name(&self) -> &'static str {
        "weights"
    }

    fn checkpoint_files(&self) -> Result<Vec<(String, Vec<u8>)>, TrainError> {
        Ok(Vec::new())
    }

    fn write_final(
        &self,
        _folder: &Path,
        _metadata: &BTreeMap<String, String>,
        _record: &Record,
    ) -> Result<FinalWeights, TrainError> {
        Ok(FinalWeights::default())
    }
}
