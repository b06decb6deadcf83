//! The LoRA trainer of loradeck: models, adapters, optimizer and the training step in libtorch, and the training
//! around it.

pub mod adapters;
pub mod batch;
pub mod checkpoint;
pub mod cli;
pub mod command;
pub mod cuda;
pub mod device;
pub mod diffusion;
pub mod error;
pub mod export;
pub mod generate;
pub mod gpu_memory;
pub mod linear;
pub mod lora;
pub mod lora_layers;
pub mod models;
pub mod optimizer;
pub mod probe;
pub mod schedule;
pub mod session;
pub mod spin;
pub mod step;
pub mod targets;
