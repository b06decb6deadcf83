//! The models: frozen bases with places for adapters.

mod blocks;
pub mod clip;
pub mod frozen_weight;
pub mod llama;
pub mod loader;
pub mod source;
pub mod unet;
pub mod vae;

#[cfg(test)]
pub(crate) mod testing;
