//! Stable Diffusion: the denoising network learns pictures with captions, with gradients by autograd.

pub mod apply;
pub mod batch;
pub mod conditioning;
pub mod evaluation;
pub mod generate;
pub mod inputs;
pub mod latent_store;
pub mod latents;
pub mod loss;
pub mod masks;
pub mod noise;
pub mod norms;
pub mod parts;
pub mod png_text;
pub mod probe;
pub mod release;
pub mod samples;
pub mod scheduler;
pub mod sites;
mod task;
#[cfg(test)]
pub(crate) mod testing;
pub mod working_copy;

pub use inputs::Inputs;
pub use parts::Parts;
pub use task::Diffusion;
