//! The autoencoder's two ways.

use loradeck_data::base_model::stable_diffusion::VaeConfig;
use tch::{TchError, Tensor};

use super::config;
use super::decoder::Decoder;
use super::encoder::Encoder;
use crate::adapters::autograd::{AutogradConv2d, Context};
use crate::models::loader::{ConvShape, LoadError, Loader};

/// The logarithm of the variance is held between these.
const LOG_VARIANCE: (f64, f64) = (-30.0, 20.0);

/// A frozen autoencoder. It never carries a branch.
#[derive(Debug)]
pub struct Vae {
    encoder: Encoder,
    quant_conv: Option<AutogradConv2d>,
    post_quant_conv: Option<AutogradConv2d>,
    decoder: Decoder,
}

impl Vae {
    /// Loads the autoencoder that `config` describes.
    pub fn load(config: &VaeConfig, loader: &Loader) -> Result<Self, LoadError> {
        config::check(config)?;
        let latent = config.latent_channels;
        let quant_conv = config
            .use_quant_conv
            .then(|| loader.conv("quant_conv", ConvShape::same(2 * latent, 2 * latent, 1)));
        let post_quant_conv = config
            .use_post_quant_conv
            .then(|| loader.conv("post_quant_conv", ConvShape::same(latent, latent, 1)));
        Ok(Self {
            encoder: Encoder::load(loader, config)?,
            quant_conv: quant_conv.transpose()?,
            post_quant_conv: post_quant_conv.transpose()?,
            decoder: Decoder::load(loader, config)?,
        })
    }

    /// Mean and standard deviation of the latents of `pictures` `[samples, channels, height, width]` with values from
    /// −1 to 1, each `[samples, latent channels, height / 2ⁿ, width / 2ⁿ]` for n halvings (3 in Stable Diffusion).
    /// They are not multiplied by the configuration's `scaling_factor` yet.
    pub fn encode(&self, pictures: &Tensor) -> Result<(Tensor, Tensor), TchError> {
        let moments = through(self.quant_conv.as_ref(), self.encoder.forward(pictures)?)?;
        let half = moments.size4()?.1 / 2;
        let (mean, log_variance) = (moments.f_narrow(1, 0, half)?, moments.f_narrow(1, half, half)?);
        let (lowest, highest) = LOG_VARIANCE;
        Ok((mean, log_variance.f_clamp(lowest, highest)?.f_mul_scalar(0.5)?.f_exp()?))
    }

    /// The pictures, about −1 to 1 and not clamped, of `latents` that were divided by the `scaling_factor`.
    pub fn decode(&self, latents: &Tensor) -> Result<Tensor, TchError> {
        let latents = through(self.post_quant_conv.as_ref(), latents.shallow_clone())?;
        self.decoder.forward(&latents)
    }
}

fn through(conv: Option<&AutogradConv2d>, x: Tensor) -> Result<Tensor, TchError> {
    match conv {
        Some(conv) => conv.forward(&x, &Context::base()),
        None => Ok(x),
    }
}
