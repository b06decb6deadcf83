//! How much noise each level of training holds (Ho et al., "Denoising diffusion probabilistic models", 2020, §2).

use loradeck_data::base_model::stable_diffusion::{BetaSchedule, PredictionType, SchedulerConfig};
use tch::{Device, Kind, TchError, Tensor};

/// Why a configuration gives no noise schedule.
#[derive(Debug, thiserror::Error)]
pub enum NoiseError {
    /// A value that no schedule can have.
    #[error("scheduler_config.json cannot be right: {problem}")]
    Config {
        /// What is wrong.
        problem: String,
    },
    /// libtorch refused.
    #[error(transparent)]
    Torch(#[from] TchError),
}

/// The noise levels of training. Level t mixes `√ᾱ(t)` of the latents with `√(1 − ᾱ(t))` of noise.
#[derive(Debug)]
pub struct NoiseSchedule {
    config: SchedulerConfig,
    /// ᾱ of every level. The values are those of fp32 arithmetic, as diffusers computes them.
    alphas: Vec<f64>,
    /// `√ᾱ`, fp32 `[levels]`.
    signal: Tensor,
    /// `√(1 − ᾱ)`, fp32 `[levels]`.
    noise: Tensor,
    /// `ᾱ / (1 − ᾱ)`, fp32 `[levels]`.
    snr: Tensor,
}

impl NoiseSchedule {
    /// The schedule that `config` describes, with its tables on the CPU.
    pub fn new(config: &SchedulerConfig) -> Result<Self, NoiseError> {
        check(config)?;
        let alphas = betas(config)?.f_neg()?.f_add_scalar(1.0)?.f_cumprod(0, None)?;
        let rest = alphas.f_neg()?.f_add_scalar(1.0)?;
        Ok(Self {
            config: config.clone(),
            alphas: Vec::<f64>::try_from(alphas.f_to_kind(Kind::Double)?)?,
            signal: alphas.f_sqrt()?,
            noise: rest.f_sqrt()?,
            snr: alphas.f_div(&rest)?,
        })
    }

    /// The same schedule with its tables on `device`.
    pub fn on(&self, device: Device) -> Result<Self, TchError> {
        let moved = |table: &Tensor| table.f_to(device);
        Ok(Self {
            config: self.config.clone(),
            alphas: self.alphas.clone(),
            signal: moved(&self.signal)?,
            noise: moved(&self.noise)?,
            snr: moved(&self.snr)?,
        })
    }

    /// What the schedule was made from.
    pub fn config(&self) -> &SchedulerConfig {
        &self.config
    }

    /// ᾱ of every level, of which there are `num_train_timesteps`.
    pub fn alphas(&self) -> &[f64] {
        &self.alphas
    }

    /// The signal-to-noise ratio `ᾱ / (1 − ᾱ)` of a level; `None` beyond the last.
    pub fn snr(&self, timestep: usize) -> Option<f64> {
        self.alphas.get(timestep).map(|alpha| alpha / (1.0 - alpha))
    }

    /// The signal-to-noise ratios, fp32 `[samples]`, of `timesteps` (int64 `[samples]`), on their device.
    pub fn snr_at(&self, timesteps: &Tensor) -> Result<Tensor, TchError> {
        self.snr.f_index_select(0, timesteps)
    }

    /// `√ᾱ · latents + √(1 − ᾱ) · noise`: `latents` `[samples, …]` at the levels `timesteps` (int64 `[samples]`).
    pub fn add_noise(
        &self,
        latents: &Tensor,
        noise: &Tensor,
        timesteps: &Tensor,
    ) -> Result<Tensor, TchError> {
        let (signal, rest) = self.shares(latents, timesteps)?;
        latents.f_mul(&signal)?.f_add(&noise.f_mul(&rest)?)
    }

    /// The velocity `√ᾱ · noise − √(1 − ᾱ) · latents` (Salimans and Ho, "Progressive distillation", 2022, appendix D),
    /// by sizes as in [`Self::add_noise`].
    pub fn velocity(&self, latents: &Tensor, noise: &Tensor, timesteps: &Tensor) -> Result<Tensor, TchError> {
        let (signal, rest) = self.shares(latents, timesteps)?;
        noise.f_mul(&signal)?.f_sub(&latents.f_mul(&rest)?)
    }

    /// What the network is to predict: the noise or the velocity, as the configuration says.
    pub fn target(&self, latents: &Tensor, noise: &Tensor, timesteps: &Tensor) -> Result<Tensor, TchError> {
        match self.config.prediction_type {
            PredictionType::Epsilon => Ok(noise.shallow_clone()),
            PredictionType::VPrediction => self.velocity(latents, noise, timesteps),
        }
    }

    /// The two shares of each sample, of `like`'s number type and shaped to be multiplied with it.
    fn shares(&self, like: &Tensor, timesteps: &Tensor) -> Result<(Tensor, Tensor), TchError> {
        let mut size = vec![1; like.dim()];
        if let Some(samples) = size.first_mut() {
            *samples = -1;
        }
        let share = |table: &Tensor| {
            table.f_index_select(0, timesteps)?.f_view(size.as_slice())?.f_to_kind(like.kind())
        };
        Ok((share(&self.signal)?, share(&self.noise)?))
    }
}

/// β of every level, in fp32.
fn betas(config: &SchedulerConfig) -> Result<Tensor, TchError> {
    let levels = config.num_train_timesteps as i64;
    let line = |start: f64, end: f64| Tensor::f_linspace(start, end, levels, (Kind::Float, Device::Cpu));
    match config.beta_schedule {
        BetaSchedule::Linear => line(config.beta_start, config.beta_end),
        BetaSchedule::ScaledLinear => line(config.beta_start.sqrt(), config.beta_end.sqrt())?.f_square(),
    }
}

fn check(config: &SchedulerConfig) -> Result<(), NoiseError> {
    let refuse = |problem| Err(NoiseError::Config { problem });
    if config.num_train_timesteps == 0 {
        return refuse("num_train_timesteps is 0".to_owned());
    }
    let named = [("beta_start", config.beta_start), ("beta_end", config.beta_end)];
    match named.into_iter().find(|(_, beta)| !(*beta > 0.0 && *beta < 1.0)) {
        Some((name, beta)) => refuse(format!("{name} is {beta}, which is not between 0 and 1")),
        None => Ok(()),
    }
}
