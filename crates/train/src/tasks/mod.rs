//! What is trained: a task turns samples into batches, computes loss and gradients into the adapters' flat buffers,
//! measures held-out loss, and produces samples and weight files. The engine knows tasks by this trait alone.

pub mod causal_lm;
pub mod diffusion;

use std::collections::BTreeMap;
use std::path::Path;

use loradeck_core::config::Settings;
use loradeck_core::time::Moment;
use tch::{Kind, Tensor};

use crate::adapters::AdapterSet;
use crate::device::Hardware;
use crate::engine::checkpoint::Identity;
use crate::engine::record::Record;
use crate::error::TrainError;

/// What a task counts its work in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// Tokens of text.
    Tokens,
    /// Pictures.
    Images,
}

impl Unit {
    /// The tag of the speed in events.
    pub fn speed_tag(self) -> &'static str {
        match self {
            Self::Tokens => "train/tokens_per_second",
            Self::Images => "train/images_per_second",
        }
    }

    /// The speed's unit in the log.
    pub fn per_second(self) -> &'static str {
        match self {
            Self::Tokens => "tok/s",
            Self::Images => "img/s",
        }
    }
}

/// Adapters that train at a learning rate of their own.
#[derive(Clone, Debug, PartialEq)]
pub struct RateGroup {
    /// The name after `train/learning_rate/`.
    pub name: &'static str,
    /// The rate as a multiple of the schedule's.
    pub factor: f64,
    /// Where its adapters begin in the flat buffers.
    pub start: i64,
    /// How many numbers they have.
    pub count: i64,
}

/// What a task says about its data and model at the start.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Description {
    /// The base model's file or folder name.
    pub base: String,
    /// Training samples.
    pub train_samples: u64,
    /// Held-out samples.
    pub eval_samples: u64,
    /// Further lines for the log.
    pub lines: Vec<String>,
}

/// Opens and checks what `settings`, whose paths are relative to `root`, ask for; the settings decide which task it is.
/// `now` is the time that a chat template may ask for.
pub fn read_inputs(settings: Settings, root: &Path, now: Moment) -> Result<Box<dyn TaskInputs>, TrainError> {
    if settings.is_foreign() {
        let message =
            "command: names another trainer, which this program does not start (hint: `loradeck run`)";
        return Err(TrainError::Refused(message.to_owned()));
    }
    if settings.is_image() {
        return Ok(Box::new(diffusion::Inputs::read(settings, root)?));
    }
    Ok(Box::new(causal_lm::Inputs::read(settings, root, now)?))
}

/// The final weights on the disk.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FinalWeights {
    /// SHA-256 of their numbers.
    pub sha256: String,
    /// The names of the files, the one that people take first.
    pub files: Vec<String>,
}

/// Asked now and then by longer work: whether to leave off.
pub type Interrupted<'a> = &'a mut dyn FnMut() -> bool;

/// What is read before a model is loaded: cheap to refuse.
pub trait TaskInputs {
    /// The settings in force.
    fn settings(&self) -> &Settings;

    /// `metadata.csv`: one row per sample used.
    fn metadata_csv(&self) -> String;

    /// What is worth a warning in the log.
    fn warnings(&self) -> Vec<String>;

    /// What the report should tell besides, one sentence each.
    fn remarks(&self) -> Vec<String> {
        Vec::new()
    }

    /// Hash of the training data.
    fn data_fingerprint(&self) -> String;

    /// The base model's own name: the same wherever its files lie.
    fn base_name(&self) -> String;

    /// Reads every byte of the base model for its SHA-256; runs in a thread of its own.
    fn base_hash(&self) -> Box<dyn FnOnce() -> String + Send>;

    /// What a checkpoint of this training is bound to, in the number format `kind`; without the base model's hash,
    /// which takes longer.
    fn identity(&self, kind: Kind) -> Identity;

    /// Loads the model and attaches fresh adapters.
    fn build<'a>(&'a self, hardware: &Hardware) -> Result<Box<dyn Task + 'a>, TrainError>;
}

/// A model with adapters and its data, ready to train. Everything runs without gradients unless the task asks for them.
pub trait Task {
    /// What work is counted in.
    fn unit(&self) -> Unit;

    /// Optimizer steps in all.
    fn total_steps(&self) -> u64;

    /// Passes over the data done after `steps` steps, as a fraction.
    fn epochs_after(&self, steps: u64) -> f64;

    /// The trained numbers.
    fn adapters(&self) -> &AdapterSet;

    /// The trained numbers, to be changed.
    fn adapters_mut(&mut self) -> &mut AdapterSet;

    /// Adapters with learning rates of their own; none: all follow the schedule.
    fn rate_groups(&self) -> Vec<RateGroup> {
        Vec::new()
    }

    /// The decay of a running average of the adapters, which is measured, shown and exported in their place.
    fn average_decay(&self) -> Option<f64> {
        None
    }

    /// Adds the loss of `step` (from 1) onto `loss` and its gradients onto the adapters'. Reads nothing back from the
    /// device. Returns the units of work.
    fn accumulate(&mut self, step: u64, loss: &mut Tensor) -> Result<usize, TrainError>;

    /// Gives the number that the loss is to be multiplied by before its gradients are computed: a handle on a fp64
    /// number on the device that may change after every step. The loss that is told stays as it is.
    fn scale_loss(&mut self, _scale: Tensor) {}

    /// Corrects the adapters after an update, such as by a limit of their norms.
    fn after_update(&mut self) -> Result<(), TrainError> {
        Ok(())
    }

    /// The samples of `step` (from 1), for people.
    fn samples_of_step(&self, step: u64) -> String;

    /// Whether there is held-out data.
    fn has_held_out(&self) -> bool;

    /// The held-out loss; `None` where `interrupted` said to leave off, or nothing is held out.
    fn evaluate(&mut self, interrupted: Interrupted<'_>) -> Result<Option<f64>, TrainError>;

    /// What follows from a held-out loss, as tags with values, such as the perplexity.
    fn derived_metrics(&self, _loss: f64) -> Vec<(&'static str, f64)> {
        Vec::new()
    }

    /// Produces samples at `step` and writes them down.
    fn produce_samples(
        &mut self,
        step: u64,
        record: &mut Record,
        interrupted: Interrupted<'_>,
    ) -> Result<(), TrainError>;

    /// Steps between samples, where they are wanted in the middle of a training too.
    fn sample_steps(&self) -> Option<u64> {
        None
    }

    /// What to say at the start.
    fn describe(&self) -> Description;

    /// The name of the weights' file in a checkpoint.
    fn weights_name(&self) -> &'static str;

    /// Files beside the weights in every checkpoint, by name.
    fn checkpoint_files(&self) -> Result<Vec<(String, Vec<u8>)>, TrainError>;

    /// Writes the final weights into `folder` with `metadata` in their header.
    fn write_final(
        &self,
        folder: &Path,
        metadata: &BTreeMap<String, String>,
        record: &Record,
    ) -> Result<FinalWeights, TrainError>;
}
