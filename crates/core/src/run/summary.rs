//! `summary.json`: what a run has come to, small enough that lists and comparisons read nothing else.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::error::FileError;
use crate::file::{self, Durability};
use crate::run::RunFolder;
use crate::time::Moment;

/// How this attempt has ended, or that it has not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// Still at work (or died without a word).
    Running,
    /// Trained to the end, or stopped early by its own rule.
    Finished,
    /// Ended at a checkpoint on request.
    Stopped,
    /// Ended at a checkpoint because the sweep gave it up.
    Pruned,
    /// Ended by an error.
    Failed,
    /// The configuration, data or base model was refused.
    Config,
    /// The loss or a gradient was not finite.
    NonFinite,
    /// Memory ran out.
    OutOfMemory,
}

impl Outcome {
    /// The trainer's exit code for this outcome: 0 finished, 1 failed, 2 config, 3 stopped at a checkpoint on
    /// request, 4 non-finite, 5 out of memory.
    pub fn exit_code(self) -> u8 {
        match self {
            Self::Finished => 0,
            Self::Running | Self::Failed => 1,
            Self::Config => 2,
            Self::Stopped | Self::Pruned => 3,
            Self::NonFinite => 4,
            Self::OutOfMemory => 5,
        }
    }
}

/// Best and last value of one metric.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct MetricBest {
    /// The best finite value, by the metric's direction.
    pub best: f64,
    /// Where the best stands.
    pub best_step: u64,
    /// The newest finite value.
    pub last: f64,
    /// Where the newest stands.
    pub last_step: u64,
    /// The value at the first evaluation or step.
    pub first: f64,
    /// Where the first stands.
    pub first_step: u64,
}

/// The hardware and programs a figure was made with.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Evidence {
    /// Host name.
    #[serde(default)]
    pub host: String,
    /// CPU model or GPU name.
    #[serde(default)]
    pub device: String,
    /// `fp32` or `bf16`, as used.
    #[serde(default)]
    pub precision: String,
    /// CPU threads used.
    #[serde(default)]
    pub threads: u32,
    /// Version of the trainer.
    #[serde(default)]
    pub trainer: String,
    /// Version of libtorch.
    #[serde(default)]
    pub libtorch: String,
}

#[allow(clippy::trivially_copy_pass_by_ref)] // The form that serde asks for.
fn is_zero(number: &u64) -> bool {
    *number == 0
}

/// The contents of `summary.json`. Its writer is the trainer: as `running` in the attempt's first act, then at most
/// every 2 s, at each evaluation and checkpoint, and at the end.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Summary {
    /// Format of the run folder.
    pub format: u32,
    /// The attempt that wrote it.
    pub attempt: u32,
    /// How that attempt ended. An outcome of another attempt counts as none.
    pub outcome: Outcome,
    /// A sentence about the outcome.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// Steps done.
    pub step: u64,
    /// Steps planned.
    pub total_steps: u64,
    /// Passes over the data done.
    pub epoch: f64,
    /// Tokens trained on (all, with padding left out).
    pub tokens: u64,
    /// Pictures trained on.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub images: u64,
    /// Steps left out because their gradients overflowed in fp16.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub skipped_steps: u64,
    /// Seconds of training, over all attempts.
    pub seconds: f64,
    /// When this attempt began.
    pub started: Moment,
    /// When this was written.
    pub updated: Moment,
    /// Metrics that are not finite to the end, with the first step of that end.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub not_finite: BTreeMap<String, u64>,
    /// Highest resident memory in bytes.
    #[serde(default)]
    pub peak_memory_bytes: u64,
    /// Highest GPU memory of the training process in bytes; 0 on the CPU.
    #[serde(default)]
    pub peak_gpu_memory_bytes: u64,
    /// Best and last per metric tag.
    #[serde(default)]
    pub metrics: BTreeMap<String, MetricBest>,
    /// Trained parameters.
    #[serde(default)]
    pub trainable_parameters: u64,
    /// SHA-256 of the base model's file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub base_sha256: Option<String>,
    /// SHA-256 of the final weights' tensor data.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub weights_sha256: Option<String>,
    /// Training samples used.
    #[serde(default)]
    pub train_samples: u64,
    /// Held-out samples used.
    #[serde(default)]
    pub eval_samples: u64,
    /// Hardware and programs.
    #[serde(default)]
    pub environment: Evidence,
}

impl Summary {
    /// A summary with nothing in it yet.
    pub fn blank(attempt: u32, now: Moment) -> Self {
        Self {
            format: super::FORMAT,
            attempt,
            outcome: Outcome::Running,
            message: None,
            step: 0,
            total_steps: 0,
            epoch: 0.0,
            tokens: 0,
            images: 0,
            skipped_steps: 0,
            seconds: 0.0,
            started: now,
            updated: now,
            not_finite: BTreeMap::new(),
            peak_memory_bytes: 0,
            peak_gpu_memory_bytes: 0,
            metrics: BTreeMap::new(),
            trainable_parameters: 0,
            base_sha256: None,
            weights_sha256: None,
            train_samples: 0,
            eval_samples: 0,
            environment: Evidence::default(),
        }
    }

    /// Reads `summary.json`.
    pub fn read(run: &RunFolder) -> Result<Option<Self>, FileError> {
        file::read_json(&run.summary())
    }

    /// Replaces `summary.json`.
    pub fn write(&self, run: &RunFolder, durability: Durability) -> Result<(), FileError> {
        file::replace_json(&run.summary(), self, durability)
    }

    /// This attempt's outcome: `None` where another attempt wrote it or it is still running.
    pub fn outcome_of(&self, attempt: u32) -> Option<Outcome> {
        (self.attempt == attempt && self.outcome != Outcome::Running).then_some(self.outcome)
    }

    /// Notes a value of `tag`; non-finite values count as nothing.
    pub fn note(&mut self, tag: &str, step: u64, value: f64, higher_is_better: bool) {
        if !value.is_finite() {
            return;
        }
        let fresh = MetricBest {
            best: value,
            best_step: step,
            last: value,
            last_step: step,
            first: value,
            first_step: step,
        };
        let known = self.metrics.entry(tag.to_owned()).or_insert(fresh);
        let better = if higher_is_better { value > known.best } else { value < known.best };
        if better {
            known.best = value;
            known.best_step = step;
        }
        known.last = value;
        known.last_step = step;
    }
}
