//! The LoRA trainer of loradeck: models, adapters, optimizer and the training step in libtorch.

pub mod adapters;
pub mod batch;
pub mod generate;
pub mod linear;
pub mod lora;
pub mod model;
pub mod optimizer;
pub mod schedule;
pub mod step;
pub mod targets;
