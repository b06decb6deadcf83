//! The models: frozen bases with places for adapters.

pub mod llama;
