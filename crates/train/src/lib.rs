//! The LoRA trainer of loradeck: models, adapters, optimizer and the training step in libtorch, and the training
//! around it.

pub mod adapters;
pub mod cli;
pub mod command;
pub mod cuda;
pub mod device;
pub mod engine;
pub mod error;
pub mod export;
pub mod gpu_memory;
pub mod models;
pub mod spin;
pub mod tasks;
