//! The models: frozen bases with places for adapters.

pub mod frozen_weight;
pub mod llama;
