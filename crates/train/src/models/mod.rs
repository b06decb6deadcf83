//! The models: frozen bases with places for adapters.

mod blocks;
pub mod clip;
pub mod flow;
pub mod frozen_weight;
pub mod llama;
pub mod loader;
pub mod source;
pub mod tape;
pub mod unet;
pub mod vae;

#[cfg(test)]
mod tape_tests;
#[cfg(test)]
pub(crate) mod testing;
