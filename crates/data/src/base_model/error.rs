//! Why a base model cannot be used.

use std::path::PathBuf;

use loradeck_core::error::FileError;

use crate::gguf::GgufError;
use crate::safetensors::SafetensorsError;

/// Why a base model cannot be used; each message names the path and what to do.
#[derive(Debug, thiserror::Error)]
pub enum BaseModelError {
    /// Nothing lies at the path.
    #[error("base model '{text}' was not found (looked for {}){hint}", path.display())]
    NotFound {
        /// The value as written.
        text: String,
        /// Where it was looked for.
        path: PathBuf,
        /// What else it may have meant; empty or a sentence that begins with `: `.
        hint: String,
    },
    /// Something lies there, but in a form that cannot be trained on.
    #[error("base model {}: {problem}", path.display())]
    Unsupported {
        /// The file or folder.
        path: PathBuf,
        /// What was found and what is expected.
        problem: String,
    },
    /// A needed entry of the metadata or of config.json is absent or of the wrong type.
    #[error("base model {}: '{key}' is missing or not usable", path.display())]
    Key {
        /// The file that should hold it.
        path: PathBuf,
        /// The key.
        key: String,
    },
    /// A weight is absent or has another shape than the model's configuration says.
    #[error("base model {}: weight '{name}' {problem}", path.display())]
    Weight {
        /// The weight file.
        path: PathBuf,
        /// Its Hugging Face name.
        name: String,
        /// What is wrong.
        problem: String,
    },
    /// A file cannot be read.
    #[error(transparent)]
    File(#[from] FileError),
    /// The GGUF file is broken.
    #[error(transparent)]
    Gguf(#[from] GgufError),
    /// The safetensors file is broken.
    #[error(transparent)]
    Safetensors(#[from] SafetensorsError),
}
