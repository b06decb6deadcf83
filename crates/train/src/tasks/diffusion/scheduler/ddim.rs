//! DDIM (Song et al., "Denoising diffusion implicit models", 2021, equation 12 with σ = 0).

use loradeck_data::base_model::stable_diffusion::PredictionType;
use tch::{TchError, Tensor};

use super::noise::NoiseSchedule;
use super::parameterization::{Mixture, weighted};
use super::sampler::{DrawNoise, Sampler, SamplerError};
use super::spacing;

/// diffusers' `DDIMScheduler`.
#[derive(Debug)]
pub struct Ddim {
    timesteps: Vec<f64>,
    /// The mixture at each timestep and the one after it.
    levels: Vec<(Mixture, Mixture)>,
    prediction: PredictionType,
}

impl Ddim {
    /// A sampler of `steps` steps.
    pub fn new(schedule: &NoiseSchedule, steps: usize) -> Result<Self, SamplerError> {
        let timesteps = spacing::leading(schedule, steps, steps)?;
        let (config, alphas) = (schedule.config(), schedule.alphas());
        let stride = config.num_train_timesteps / steps;
        let last = if config.set_alpha_to_one { 1.0 } else { alphas[0] };
        let pair = |timestep: &usize| {
            let next = timestep.checked_sub(stride).map_or(last, |timestep| alphas[timestep]);
            (Mixture::of_alpha(alphas[*timestep]), Mixture::of_alpha(next))
        };
        Ok(Self {
            levels: timesteps.iter().map(pair).collect(),
            timesteps: spacing::as_numbers(&timesteps),
            prediction: config.prediction_type,
        })
    }
}

impl Sampler for Ddim {
    fn timesteps(&self) -> &[f64] {
        &self.timesteps
    }

    fn initial_scale(&self) -> f64 {
        1.0
    }

    fn scale_input(&self, x: &Tensor, _: usize) -> Result<Tensor, TchError> {
        Ok(x.shallow_clone())
    }

    fn step(&mut self, x: &Tensor, output: &Tensor, index: usize, _: DrawNoise) -> Result<Tensor, TchError> {
        let output = output.f_to_kind(x.kind())?;
        let (now, next) = self.levels[index];
        let clean = now.clean(x, &output, self.prediction)?;
        let noise = now.noise_in(x, &output, self.prediction)?;
        weighted(&clean, next.signal, &noise, next.noise)
    }
}
