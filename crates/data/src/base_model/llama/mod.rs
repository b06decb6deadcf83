//! Llama models, from a GGUF file or a Hugging Face folder: their sizes, and their weights under Hugging Face's names.

pub(super) mod gguf;
mod gguf_keys;
pub(super) mod hugging_face;
mod shape;
pub(super) mod weight_names;
pub(super) mod weights;

pub use shape::{Llama3Scaling, LlamaShape, RopeScaling};
pub use weight_names::{PROJECTIONS, projection_names};
pub use weights::{WeightData, WeightView, Weights};
