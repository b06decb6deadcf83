//! Why a training ended otherwise than by finishing, and which outcome and exit code that is.

use std::path::PathBuf;

use loradeck_core::config::Diagnostics;
use loradeck_core::error::FileError;
use loradeck_core::patience::WantsRoom;
use loradeck_core::run::Outcome;
use loradeck_data::base_model::BaseModelError;
use loradeck_data::lora_targets::TargetError;
use loradeck_data::tokenizer::TokenizerError;
use tch::TchError;

use crate::models::llama::LoadError;
use crate::tasks::causal_lm::attach::AdapterError;

/// Why a training did not finish.
#[derive(Debug, thiserror::Error)]
pub enum TrainError {
    /// The configuration was refused, each problem with its place.
    #[error("{0}")]
    Config(#[from] Diagnostics),
    /// Something that the configuration names was refused.
    #[error("{0}")]
    Refused(String),
    /// The base model was refused.
    #[error(transparent)]
    Base(#[from] BaseModelError),
    /// The tokenizer was refused.
    #[error(transparent)]
    Tokenizer(#[from] TokenizerError),
    /// No module for an adapter.
    #[error(transparent)]
    Targets(#[from] TargetError),
    /// A GPU that ought to be there is not.
    #[error("{0}")]
    Device(String),
    /// A checkpoint belongs to another training.
    #[error(
        "cannot resume from {}: its {field} is {stored}, but this training's is {wanted} (hint: `retry` starts a new run)",
        path.display()
    )]
    Identity {
        /// The checkpoint.
        path: PathBuf,
        /// What differs.
        field: String,
        /// As the checkpoint has it.
        stored: String,
        /// As this training has it.
        wanted: String,
    },
    /// A checkpoint cannot be used.
    #[error("cannot resume from {}: {problem}", path.display())]
    Checkpoint {
        /// The checkpoint.
        path: PathBuf,
        /// What is wrong with it.
        problem: String,
    },
    /// The loss or a gradient was not finite.
    #[error(
        "the {what} was not finite at step {step}, samples {samples}; nothing of that step was kept (hint: a lower learning_rate, or check these samples)"
    )]
    NonFinite {
        /// `loss` or `gradient`.
        what: &'static str,
        /// The step.
        step: u64,
        /// The step's samples, as `file:line`.
        samples: String,
    },
    /// Asked to end at once.
    #[error("killed on request")]
    Killed,
    /// A stop was asked for, but its checkpoint could not be written.
    #[error("stopped on request at step {step}, but the checkpoint could not be written: {problem}")]
    StoppedWithoutCheckpoint {
        /// The step.
        step: u64,
        /// Why not.
        problem: String,
    },
    /// A file could not be read or written.
    #[error(transparent)]
    File(#[from] FileError),
    /// A part of an image model could not be loaded.
    #[error(transparent)]
    Load(#[from] crate::models::loader::LoadError),
    /// No noise levels follow from the base model's scheduler.
    #[error(transparent)]
    Noise(#[from] crate::tasks::diffusion::scheduler::NoiseError),
    /// A sampler cannot do what is asked.
    #[error(transparent)]
    Sampler(#[from] crate::tasks::diffusion::scheduler::SamplerError),
    /// libtorch refused.
    #[error("{}", plain(.0))]
    Torch(#[from] TchError),
    /// Anything else.
    #[error("{0}")]
    Other(String),
}

impl WantsRoom for TrainError {
    fn wants_room(&self) -> bool {
        matches!(self, Self::File(error) if error.wants_room())
    }
}

impl TrainError {
    /// The outcome that this error means.
    pub fn outcome(&self) -> Outcome {
        match self {
            Self::Config(_)
            | Self::Refused(_)
            | Self::Base(_)
            | Self::Tokenizer(_)
            | Self::Targets(_)
            | Self::Identity { .. } => Outcome::Config,
            Self::NonFinite { .. } => Outcome::NonFinite,
            Self::Torch(error) if is_out_of_memory(&error.to_string()) => Outcome::OutOfMemory,
            _ => Outcome::Failed,
        }
    }
}

/// Whether libtorch's words say that memory ran out, on a GPU or in the CPU's allocator.
pub fn is_out_of_memory(words: &str) -> bool {
    let words = words.to_ascii_lowercase();
    ["out of memory", "can't allocate memory", "not enough memory", "cublas_status_alloc_failed"]
        .iter()
        .any(|sign| words.contains(sign))
}

/// libtorch's message without its stack trace.
fn plain(error: &TchError) -> String {
    let text = error.to_string();
    let end = text.find("\nException raised from").unwrap_or(text.len());
    text[..end].trim().replace('\n', " ")
}

impl From<LoadError> for TrainError {
    fn from(error: LoadError) -> Self {
        match error {
            LoadError::Base(error) => Self::Base(error),
            LoadError::Torch { source, .. } => Self::Torch(source),
        }
    }
}

impl From<AdapterError> for TrainError {
    fn from(error: AdapterError) -> Self {
        match error {
            AdapterError::Targets(error) => Self::Targets(error),
            AdapterError::Torch(error) => Self::Torch(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_errors_are_told_from_others() {
        let outcome = |words: &str| TrainError::Torch(TchError::Torch(words.to_owned())).outcome();
        assert_eq!(outcome("CUDA out of memory. Tried to allocate 20.00 MiB"), Outcome::OutOfMemory);
        assert_eq!(
            outcome(
                "[enforce fail at alloc_cpu.cpp:124] err == 0. DefaultCPUAllocator: can't allocate memory: you tried"
            ),
            Outcome::OutOfMemory
        );
        assert_eq!(outcome("mat1 and mat2 shapes cannot be multiplied"), Outcome::Failed);
    }

    #[test]
    fn a_stack_trace_is_left_out() {
        let error =
            TrainError::Torch(TchError::Torch("bad shape\nException raised from x at y.cpp:1".into()));
        assert_eq!(error.to_string(), "Internal torch error: bad shape");
    }
}
