//! Pictures as latents: the autoencoder's distribution of each look at a picture, encoded once and kept.

use std::collections::HashMap;

use loradeck_data::image::{ImageSample, Pixels, Rgb, View, cache_key, load_pixels};
use tch::{Device, Kind, TchError, Tensor};

use super::latent_store::{Fetched, LatentStore};
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
    store: Option<LatentStore>,
    told: Told,
}

/// Where looks came from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Told {
    /// From files.
    pub fetched: usize,
    /// From the autoencoder.
    pub computed: usize,
    /// Why files could not be written, where they could not: the first reason.
    pub unwritten: Option<String>,
}

impl LatentCache {
    /// An empty cache. `vae` is in fp32 on `device`.
    pub fn new(vae: Vae, device: Device, background: Rgb, keeps: bool) -> Self {
        let told = Told::default();
        Self { vae, device, background, keeps, kept: HashMap::new(), store: None, told }
    }

    /// Takes looks from `store` and puts new ones there.
    pub fn use_store(&mut self, store: LatentStore) {
        self.store = Some(store);
    }

    /// Where the looks so far came from.
    pub fn told(&self) -> &Told {
        &self.told
    }

    /// Has all of these looks ready; what is too much on the disk goes.
    pub fn prepare<'s>(
        &mut self,
        looks: impl Iterator<Item = (&'s ImageSample, View)>,
    ) -> Result<(), TrainError> {
        for (sample, view) in looks {
            self.look(sample, view)?;
        }
        if let Some(store) = &self.store {
            store.trim();
        }
        Ok(())
    }

    /// The distribution of what `view` shows of `sample`.
    pub fn look(&mut self, sample: &ImageSample, view: View) -> Result<Look, TrainError> {
        // Everything that the numbers depend on, but the encoder: that is one for the life of this cache.
        let key = cache_key(sample, view, self.background);
        if let Some(look) = self.kept.get(&key) {
            return Ok(look.share());
        }
        if let Some(look) = self.fetch(&key)? {
            self.told.fetched += 1;
            self.kept.insert(key, look.share());
            return Ok(look);
        }
        let pixels = load_pixels(sample, view, self.background)
            .map_err(|problem| TrainError::Refused(problem.to_string()))?;
        let look = self.encode(&pixels, &sample.name)?;
        self.told.computed += 1;
        if let Some(store) = &self.store
            && let Err(error) = store.keep(&key, &look)
        {
            self.told.unwritten.get_or_insert_with(|| error.to_string());
        }
        if self.keeps {
            self.kept.insert(key, look.share());
        }
        Ok(look)
    }

    fn fetch(&self, key: &str) -> Result<Option<Look>, TrainError> {
        let Some(store) = &self.store else { return Ok(None) };
        match store.fetch(key)? {
            Fetched::Whole(look) => Ok(Some(look)),
            Fetched::Missing => Ok(None),
        }
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
