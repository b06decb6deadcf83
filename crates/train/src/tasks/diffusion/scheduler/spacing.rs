//! Which noise levels a sampler visits, and how noisy they are.

use super::noise::NoiseSchedule;
use super::sampler::SamplerError;

/// The timesteps `0, s, 2s, …` and `steps_offset` more, downwards, where `s = levels / of`: diffusers' spacing
/// "leading". The lowest `of − steps` of them are left out.
pub(super) fn leading(schedule: &NoiseSchedule, steps: usize, of: usize) -> Result<Vec<usize>, SamplerError> {
    let config = schedule.config();
    let levels = config.num_train_timesteps;
    let refused = SamplerError::Steps { steps, levels };
    if steps == 0 || of > levels {
        return Err(refused);
    }
    let at = |number: usize| number * (levels / of) + config.steps_offset;
    if at(of - 1) >= levels {
        return Err(refused);
    }
    Ok((of - steps..of).rev().map(at).collect())
}

/// σ = √((1 − ᾱ)/ᾱ) at each timestep, and 0 after the last.
pub(super) fn sigmas(schedule: &NoiseSchedule, timesteps: &[usize]) -> Vec<f64> {
    let alphas = schedule.alphas();
    let sigma = |timestep: &usize| ((1.0 - alphas[*timestep]) / alphas[*timestep]).sqrt();
    timesteps.iter().map(sigma).chain([0.0]).collect()
}

/// The timesteps as the network gets them.
pub(super) fn as_numbers(timesteps: &[usize]) -> Vec<f64> {
    timesteps.iter().map(|timestep| *timestep as f64).collect()
}
