//! DPM-Solver++(2M) (Lu et al., "DPM-Solver++: fast solver for guided sampling of diffusion probabilistic models",
//! 2022, algorithm 2), its midpoint form. λ = ln(signal/noise) is the solver's time.

use loradeck_data::base_model::stable_diffusion::PredictionType;
use tch::{TchError, Tensor};

use super::noise::NoiseSchedule;
use super::parameterization::{Mixture, weighted};
use super::sampler::{DrawNoise, Sampler, SamplerError};
use super::spacing;

/// diffusers' `DPMSolverMultistepScheduler` (dpmsolver++, order 2, midpoint, last level free of noise).
#[derive(Debug)]
pub struct DpmPp2M {
    timesteps: Vec<f64>,
    /// One more than there are timesteps.
    levels: Vec<Mixture>,
    prediction: PredictionType,
    /// The clean latents of the step before.
    before: Option<Tensor>,
}

impl DpmPp2M {
    /// A sampler of `steps` steps.
    pub fn new(schedule: &NoiseSchedule, steps: usize) -> Result<Self, SamplerError> {
        // One more timestep than steps is laid out and the lowest left out, as diffusers does for this solver alone.
        let timesteps = spacing::leading(schedule, steps, steps + 1)?;
        let sigmas = spacing::sigmas(schedule, &timesteps);
        Ok(Self {
            timesteps: spacing::as_numbers(&timesteps),
            levels: sigmas.into_iter().map(Mixture::of_sigma).collect(),
            prediction: schedule.config().prediction_type,
            before: None,
        })
    }

    /// The clean latents that the step assumes on its way: this step's, or a straight line through them and the
    /// previous step's where there is one and the way is not endless (the last level's λ is infinite).
    fn extrapolated(&self, clean: &Tensor, index: usize) -> Result<Tensor, TchError> {
        let Some(before) = self.before.as_ref().filter(|_| index > 0 && index + 1 < self.timesteps.len())
        else {
            return Ok(clean.shallow_clone());
        };
        let [was, is, will] = [index - 1, index, index + 1].map(|at| self.lambda(at));
        let half = 0.5 * (will - is) / (is - was);
        weighted(clean, 1.0 + half, before, -half)
    }

    fn lambda(&self, index: usize) -> f64 {
        let Mixture { signal, noise } = self.levels[index];
        signal.ln() - noise.ln()
    }
}

impl Sampler for DpmPp2M {
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
        let (now, next) = (self.levels[index], self.levels[index + 1]);
        let clean = now.clean(x, &output.f_to_kind(x.kind())?, self.prediction)?;
        let assumed = self.extrapolated(&clean, index)?;
        // e^{−h} for h = λ(next) − λ(now), without the logarithms, so that it is 0 where the noise ends.
        let shrink = (next.noise * now.signal) / (next.signal * now.noise);
        self.before = Some(clean);
        weighted(x, next.noise / now.noise, &assumed, next.signal * (1.0 - shrink))
    }
}
