//! The LoRA trainer of loradeck: models, adapters, optimizer and the training step in libtorch.

pub mod linear;
pub mod lora;
pub mod model;
