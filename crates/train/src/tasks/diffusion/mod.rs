//! Stable Diffusion: the denoising network learns pictures with captions, with gradients by autograd.

mod batch;
mod conditioning;
mod evaluation;
pub mod generate;
mod inputs;
mod latents;
mod loss;
mod masks;
mod noise;
mod norms;
mod parts;
mod png_text;
mod release;
pub mod samples;
mod sites;
mod task;
#[cfg(test)]
pub(crate) mod testing;

pub use inputs::Inputs;
pub use parts::Parts;
pub use task::Diffusion;
