//! The autoencoder between pictures and latents (diffusers' `AutoencoderKL`).

mod autoencoder;
mod config;
mod decoder;
mod encoder;
mod mid;

pub use autoencoder::Vae;

#[cfg(test)]
mod tests;
