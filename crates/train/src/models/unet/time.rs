//! From timesteps to the time embedding.

use loradeck_data::base_model::stable_diffusion::UnetConfig;
use tch::{Kind, TchError, Tensor};

use super::config::time_width;
use crate::adapters::autograd::{AutogradLinear, Context};
use crate::models::loader::{LoadError, Loader};

/// The longest period of the sines.
const LONGEST_PERIOD: f64 = 10000.0;

/// Sines and cosines of the timestep, then two linear layers.
#[derive(Debug)]
pub(super) struct TimeEmbedding {
    width: i64,
    cosines_first: bool,
    shift: f64,
    linear_1: AutogradLinear,
    linear_2: AutogradLinear,
}

impl TimeEmbedding {
    pub(super) fn load(loader: &Loader, config: &UnetConfig) -> Result<Self, LoadError> {
        let (first, wide) = (config.block_out_channels[0], time_width(config));
        Ok(Self {
            width: first as i64,
            cosines_first: config.flip_sin_to_cos,
            shift: config.freq_shift,
            linear_1: loader.linear("time_embedding.linear_1", first, wide)?,
            linear_2: loader.linear("time_embedding.linear_2", wide, wide)?,
        })
    }

    /// `timesteps` `[samples]` to the embedding after the SiLU that every residual block applies to it,
    /// `[samples, 4 · width]`, in the weights' number type.
    pub(super) fn forward(&self, timesteps: &Tensor) -> Result<Tensor, TchError> {
        let waves = self.waves(timesteps)?.f_to_kind(self.linear_1.weight().kind())?;
        // The two layers are never targets, so their context does not matter.
        let inner = self.linear_1.forward(&waves, &Context::base())?.f_silu()?;
        self.linear_2.forward(&inner, &Context::base())?.f_silu()
    }

    /// Vaswani et al., "Attention is all you need", §3.5, as Ho et al. (2020) use it; always in fp32.
    fn waves(&self, timesteps: &Tensor) -> Result<Tensor, TchError> {
        let half = self.width / 2;
        let steps = Tensor::f_arange(half, (Kind::Float, timesteps.device()))?;
        let exponents = steps.f_mul_scalar(-LONGEST_PERIOD.ln())?.f_div_scalar(half as f64 - self.shift)?;
        let angles =
            timesteps.f_to_kind(Kind::Float)?.f_unsqueeze(1)?.f_mul(&exponents.f_exp()?.f_unsqueeze(0)?)?;
        let (sines, cosines) = (angles.f_sin()?, angles.f_cos()?);
        let order = if self.cosines_first { [cosines, sines] } else { [sines, cosines] };
        Tensor::f_cat(&order, 1)
    }
}
