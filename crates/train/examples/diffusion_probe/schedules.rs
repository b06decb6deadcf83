//! The noise schedule and the samplers on a made-up network.

use std::path::Path;

use anyhow::{Context, Result};
use loradeck_train::tasks::diffusion::scheduler::{NoiseSchedule, SamplerKind};
use tch::{Kind, Tensor};

use crate::{Tensors, folder, needed};

/// `latents`, `noise`, `timesteps` to `noisy`, `velocity`, `snr`, and the table `alphas`.
pub(crate) fn noise(folder: &str, input: &Tensors) -> Result<Tensors> {
    let schedule = NoiseSchedule::new(&folder::scheduler(Path::new(folder))?)?;
    let (latents, noise) = (needed(input, "latents")?, needed(input, "noise")?);
    let timesteps = needed(input, "timesteps")?;
    let made = [
        ("alphas", Tensor::from_slice(schedule.alphas()).to_kind(Kind::Float)),
        ("noisy", schedule.add_noise(latents, noise, timesteps)?),
        ("velocity", schedule.velocity(latents, noise, timesteps)?),
        ("snr", schedule.snr_at(timesteps)?),
    ];
    Ok(made.into_iter().map(|(name, tensor)| (name.to_owned(), tensor)).collect())
}

/// From `start` (standard normal) along the network `tanh(0.7 x + t/1000 + 0.3 wave[i])`, with `fresh[i]` as step i's
/// noise: `timesteps`, the `inputs` that the network sees, and the latents after each step, `path`.
pub(crate) fn sample(folder: &str, name: &str, steps: usize, input: &Tensors) -> Result<Tensors> {
    let schedule = NoiseSchedule::new(&folder::scheduler(Path::new(folder))?)?;
    let kind = SamplerKind::ALL.into_iter().find(|kind| kind.name() == name);
    let mut sampler = kind.with_context(|| format!("no sampler '{name}'"))?.start(&schedule, steps)?;
    let (waves, fresh) = (needed(input, "wave")?, needed(input, "fresh")?);
    let mut x = needed(input, "start")? * sampler.initial_scale();
    let timesteps = sampler.timesteps().to_vec();
    let (mut inputs, mut path) = (Vec::new(), Vec::new());
    for (index, timestep) in timesteps.iter().enumerate() {
        let scaled = sampler.scale_input(&x, index)?;
        let output = (&scaled * 0.7 + *timestep / 1000.0 + waves.get(index as i64) * 0.3).tanh();
        x = sampler.step(&x, &output, index, &mut |_| fresh.get(index as i64))?;
        inputs.push(scaled);
        path.push(x.shallow_clone());
    }
    let timesteps = Tensor::from_slice(&timesteps).to_kind(Kind::Float);
    let made =
        [("timesteps", timesteps), ("inputs", Tensor::stack(&inputs, 0)), ("path", Tensor::stack(&path, 0))];
    Ok(made.into_iter().map(|(name, tensor)| (name.to_owned(), tensor)).collect())
}
