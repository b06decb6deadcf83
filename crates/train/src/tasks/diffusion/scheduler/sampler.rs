//! What all samplers share.

use tch::{TchError, Tensor};

use super::ddim::Ddim;
use super::dpm::DpmPp2M;
use super::euler::{Euler, EulerA};
use super::noise::NoiseSchedule;

/// Why there is no sampler.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SamplerError {
    /// More steps than there are noise levels, or none.
    #[error(
        "cannot sample in {steps} steps: the model was trained on {levels} noise levels; ask for fewer steps, \
         20 to 50 are usual"
    )]
    Steps {
        /// Steps asked for.
        steps: usize,
        /// Noise levels of training.
        levels: usize,
    },
}

/// Draws standard normal noise of the given size, in the number type and on the device of the latents.
pub type DrawNoise<'a> = &'a mut dyn FnMut(&[i64]) -> Tensor;

/// One way from noise to latents. The network is asked once for each of [`Self::timesteps`], in their order:
/// `x = step(x, network(scale_input(x, i), timesteps()[i]), i, noise)`, from standard normal noise times
/// [`Self::initial_scale`].
pub trait Sampler {
    /// The timesteps at which the network is asked, downwards.
    fn timesteps(&self) -> &[f64];

    /// By what the standard normal noise of the beginning is multiplied.
    fn initial_scale(&self) -> f64;

    /// What the network is shown of `x` at step `index`.
    fn scale_input(&self, x: &Tensor, index: usize) -> Result<Tensor, TchError>;

    /// The latents after step `index`, given the network's `output` for it. Steps must be taken in their order.
    fn step(
        &mut self,
        x: &Tensor,
        output: &Tensor,
        index: usize,
        noise: DrawNoise,
    ) -> Result<Tensor, TchError>;
}

/// The samplers by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SamplerKind {
    /// Song et al., "Denoising diffusion implicit models" (2021), without fresh noise.
    Ddim,
    /// Karras et al., "Elucidating the design space of diffusion-based generative models" (2022), algorithm 2 without
    /// its second-order correction.
    Euler,
    /// Euler with fresh noise in every step (k-diffusion's `sample_euler_ancestral`).
    EulerA,
    /// Lu et al., "DPM-Solver++" (2022), second order, multistep.
    DpmPp2M,
}

impl SamplerKind {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Ddim, Self::Euler, Self::EulerA, Self::DpmPp2M];

    /// The word for it in settings and reports.
    pub fn name(self) -> &'static str {
        match self {
            Self::Ddim => "ddim",
            Self::Euler => "euler",
            Self::EulerA => "euler_a",
            Self::DpmPp2M => "dpm++_2m",
        }
    }

    /// The sampler for `steps` steps on `schedule`.
    pub fn start(self, schedule: &NoiseSchedule, steps: usize) -> Result<Box<dyn Sampler>, SamplerError> {
        Ok(match self {
            Self::Ddim => Box::new(Ddim::new(schedule, steps)?),
            Self::Euler => Box::new(Euler::new(schedule, steps)?),
            Self::EulerA => Box::new(EulerA::new(schedule, steps)?),
            Self::DpmPp2M => Box::new(DpmPp2M::new(schedule, steps)?),
        })
    }
}
