//! The noise of training and the samplers that take it away again. Each sampler equals diffusers' class of its name,
//! configured as Stable Diffusion's `scheduler_config.json` does: timesteps spaced "leading", latents not clipped.

mod ddim;
mod dpm;
mod euler;
mod noise;
mod parameterization;
mod sampler;
mod spacing;

pub use ddim::Ddim;
pub use dpm::DpmPp2M;
pub use euler::{Euler, EulerA};
pub use noise::{NoiseError, NoiseSchedule};
pub use sampler::{DrawNoise, Sampler, SamplerError, SamplerKind};

#[cfg(test)]
mod tests;
