//! Pictures as latents: the autoencoder's distribution of each look at a picture, encoded once and kept.

use std::collections::HashMap;

use loradeck_data::image::{ImageSample, Pixels, Rgb, View, cache_key, load_pixels};
use tch::{Device, Kind, TchError, Tensor};

use crate::error::TrainError;
use crate::models::vae::Vae;

/// The distribution of one look at a picture, on the device.
#[derive(Debug)]
pub struct Look {
    /// The mean, fp32 `[channels, height, width]`, not scaled.
    pub mean: Tensor,
    /// The standard deviation likewise.
    pub deviation: Tensor,
    /// The mask of the loss at the latents' size, fp32 `[1, height, width]`, where there is one.
    pub mask: Option<Tensor>,
}

impl Look {
    fn share(&self) -> Self {
        let mask = self.mask.as_ref().map(Tensor::shallow_clone);
        Self { mean: self.mean.shallow_clone(), deviation: self.deviation.shallow_clone(), mask }
    }
}

/// The autoencoder and the looks that were asked for before. The encoder runs in fp32: in half precision Stable
/// Diffusion's gives numbers that are not finite for some pictures.
#[derive(Debug)]
pub struct LatentCache {
    /// The autoencoder.
    pub vae: Vae,
    device: Device,
    background: Rgb,
    /// Whether looks are kept: not where every step crops anew.
    keeps: bool,
    kept: HashMap<String, Look>,
}

impl LatentCache {
    /// An empty cache. `vae` is in fp32 on `device`.
    pub fn new(vae: Vae, device: Device, background: Rgb, keeps: bool) -> Self {
        Self { vae, device, background, keeps, kept: HashMap::new() }
    }

    /// The distribution of what `view` shows of `sample`.
    pub fn look(&mut self, sample: &ImageSample, view: View) -> Result<Look, TrainError> {
        // Everything that the numbers depend on, but the encoder: that is one for the life of this cache.
        let key = cache_key(sample, view, self.background);
        if let Some(look) = self.kept.get(&key) {
            return Ok(look.share());
        }
        let pixels = load_pixels(sample, view, self.background)
            .map_err(|problem| TrainError::Refused(problem.to_string()))?;
        let look = self.encode(&pixels, &sample.name)?;
        if self.keeps {
            self.kept.insert(key, look.share());
        }
        Ok(look)
    }

    fn encode(&self, pixels: &Pixels, name: &str) -> Result<Look, TrainError> {
        let (height, width) = (i64::from(pixels.height), i64::from(pixels.width));
        let picture = Tensor::f_from_slice(&pixels.rgb)?.f_view([1, 3, height, width])?;
        let picture = picture.f_to_device_(self.device, Kind::Float, false, false)?;
        let (mean, deviation) = self.vae.encode(&picture)?;
        if !is_finite(&mean)? || !is_finite(&deviation)? {
            return Err(TrainError::Refused(format!(
                "{name}: the autoencoder gives latents that are not finite for this picture (hint: take it out, or check the base model's vae)"
            )));
        }
        let (rows, columns) = (mean.size()[2], mean.size()[3]);
        let mask = match &pixels.mask {
            None => None,
            Some(mask) => {
                let mask = Tensor::f_from_slice(mask)?.f_view([1, 1, height, width])?;
                let small = mask.f_adaptive_avg_pool2d([rows, columns])?.f_squeeze_dim(0)?;
                Some(small.f_to_device_(self.device, Kind::Float, false, false)?)
            }
        };
        Ok(Look { mean: mean.f_squeeze_dim(0)?, deviation: deviation.f_squeeze_dim(0)?, mask })
    }
}

fn is_finite(tensor: &Tensor) -> Result<bool, TchError> {
    tensor.f_isfinite()?.f_all()?.f_int64_value(&[]).map(|all| all != 0)
}
