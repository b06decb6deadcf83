//! Euler's method on the probability flow, with and without fresh noise (Karras et al., "Elucidating the design space
//! of diffusion-based generative models", 2022; k-diffusion). Latents here are `clean + σ · noise`: their variance is
//! not kept at 1, so that the network's input is scaled.

use loradeck_data::base_model::stable_diffusion::PredictionType;
use tch::{TchError, Tensor};

use super::noise::NoiseSchedule;
use super::parameterization::{Mixture, weighted};
use super::sampler::{DrawNoise, Sampler, SamplerError};
use super::spacing;

/// diffusers' `EulerDiscreteScheduler`.
#[derive(Debug)]
pub struct Euler {
    path: Path,
}

/// diffusers' `EulerAncestralDiscreteScheduler`.
#[derive(Debug)]
pub struct EulerA {
    path: Path,
}

/// The noise levels that both visit.
#[derive(Debug)]
struct Path {
    timesteps: Vec<f64>,
    /// One more than there are timesteps: the last is 0.
    sigmas: Vec<f64>,
    prediction: PredictionType,
}

impl Path {
    fn new(schedule: &NoiseSchedule, steps: usize) -> Result<Self, SamplerError> {
        let timesteps = spacing::leading(schedule, steps, steps)?;
        Ok(Self {
            sigmas: spacing::sigmas(schedule, &timesteps),
            timesteps: spacing::as_numbers(&timesteps),
            prediction: schedule.config().prediction_type,
        })
    }

    /// The standard deviation of latents of variance 1 under the first level's noise.
    fn initial_scale(&self) -> f64 {
        self.sigmas[0].mul_add(self.sigmas[0], 1.0).sqrt()
    }

    fn scale_input(&self, x: &Tensor, index: usize) -> Result<Tensor, TchError> {
        x.f_mul_scalar(Mixture::of_sigma(self.sigmas[index]).signal)
    }

    /// From the level of `index` to the level `to`, straight along the flow: the share of clean latents grows as σ
    /// shrinks.
    fn towards(&self, x: &Tensor, output: &Tensor, index: usize, to: f64) -> Result<Tensor, TchError> {
        let sigma = self.sigmas[index];
        let clean = self.clean(x, &output.f_to_kind(x.kind())?, sigma)?;
        weighted(x, to / sigma, &clean, 1.0 - to / sigma)
    }

    fn clean(&self, x: &Tensor, output: &Tensor, sigma: f64) -> Result<Tensor, TchError> {
        let mixture = Mixture::of_sigma(sigma);
        let scaled = x.f_mul_scalar(mixture.signal)?;
        mixture.clean(&scaled, output, self.prediction)
    }
}

impl Euler {
    /// A sampler of `steps` steps.
    pub fn new(schedule: &NoiseSchedule, steps: usize) -> Result<Self, SamplerError> {
        Path::new(schedule, steps).map(|path| Self { path })
    }
}

impl EulerA {
    /// A sampler of `steps` steps.
    pub fn new(schedule: &NoiseSchedule, steps: usize) -> Result<Self, SamplerError> {
        Path::new(schedule, steps).map(|path| Self { path })
    }
}

impl Sampler for Euler {
    fn timesteps(&self) -> &[f64] {
        &self.path.timesteps
    }

    fn initial_scale(&self) -> f64 {
        self.path.initial_scale()
    }

    fn scale_input(&self, x: &Tensor, index: usize) -> Result<Tensor, TchError> {
        self.path.scale_input(x, index)
    }

    fn step(&mut self, x: &Tensor, output: &Tensor, index: usize, _: DrawNoise) -> Result<Tensor, TchError> {
        self.path.towards(x, output, index, self.path.sigmas[index + 1])
    }
}

impl Sampler for EulerA {
    fn timesteps(&self) -> &[f64] {
        &self.path.timesteps
    }

    fn initial_scale(&self) -> f64 {
        self.path.initial_scale()
    }

    fn scale_input(&self, x: &Tensor, index: usize) -> Result<Tensor, TchError> {
        self.path.scale_input(x, index)
    }

    /// Goes below the next level, then adds noise up to it.
    fn step(
        &mut self,
        x: &Tensor,
        output: &Tensor,
        index: usize,
        noise: DrawNoise,
    ) -> Result<Tensor, TchError> {
        let (from, to) = (self.path.sigmas[index], self.path.sigmas[index + 1]);
        let fresh = (to * to * (from * from - to * to) / (from * from)).sqrt();
        let below = (to * to - fresh * fresh).max(0.0).sqrt();
        let x = self.path.towards(x, output, index, below)?;
        if fresh > 0.0 { weighted(&x, 1.0, &noise(&x.size()), fresh) } else { Ok(x) }
    }
}
