//! Llama with gradients written by hand: only adapters are trained, so a backward pass is
//! the frozen weights' input gradients and little else.

mod attention;
mod cache;
mod head;
mod layer;
mod layout;
mod load;
mod model;
mod norm;
mod rope;

pub use cache::KeyValueCache;
pub use head::Targets;
pub use layout::{Layout, Packing};
pub use load::LoadError;
pub use model::{Llama, MicroBatch};
