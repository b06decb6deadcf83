//! The parts of a Stable Diffusion model, loaded.

use std::collections::BTreeSet;

use loradeck_data::base_model::WeightView;
use loradeck_data::base_model::stable_diffusion::{Component, StableDiffusion};
use tch::{Device, Kind};

use super::conditioning::Conditioning;
use crate::error::TrainError;
use crate::models::clip::ClipText;
use crate::models::loader::Loader;
use crate::models::source::WeightSource;
use crate::models::unet::Unet;
use crate::models::vae::Vae;
use crate::tasks::diffusion::scheduler::NoiseSchedule;

/// One component's weights.
struct ComponentSource<'a>(&'a StableDiffusion, Component);

impl WeightSource for ComponentSource<'_> {
    fn weight(&self, name: &str) -> Result<WeightView<'_>, String> {
        self.0.weight(self.1, name).map_err(|error| error.to_string())
    }
}

/// How a model is loaded.
#[derive(Clone, Copy, Debug)]
pub struct Loading {
    /// Where tensors live.
    pub device: Device,
    /// The denoising network's number format.
    pub kind: Kind,
    /// Whether the text encoder carries adapters: it is in `kind` then, else in fp32, with its states kept.
    pub text_encoder_is_trained: bool,
    /// Which of the encoder's layers counted from the end gives the states.
    pub clip_skip: u32,
    /// Tokens of a caption.
    pub max_token_length: u32,
}

/// A loaded model.
#[derive(Debug)]
pub struct Parts {
    /// The denoising network.
    pub unet: Unet,
    /// The text encoder.
    pub conditioning: Conditioning,
    /// The autoencoder, in fp32.
    pub vae: Vae,
    /// The names of its weights.
    pub vae_weights: BTreeSet<String>,
    /// The noise levels, on the device.
    pub schedule: NoiseSchedule,
}

impl Parts {
    /// Loads `base`.
    pub fn load(base: &StableDiffusion, loading: Loading) -> Result<Self, TrainError> {
        let Loading { device, kind, text_encoder_is_trained, clip_skip, max_token_length } = loading;
        let mut unet =
            Unet::load(base.unet(), &Loader::new(&ComponentSource(base, Component::Unet), kind, device))?;
        unet.set_upcast_attention(base.upcast_attention());
        let text_kind = if text_encoder_is_trained { kind } else { Kind::Float };
        let encoder = ClipText::load(
            base.text_encoder(),
            &Loader::new(&ComponentSource(base, Component::TextEncoder), text_kind, device),
        )?;
        let vae_source = ComponentSource(base, Component::Vae);
        let vae_loader = Loader::new(&vae_source, Kind::Float, device);
        let vae = Vae::load(base.vae(), &vae_loader)?;
        let conditioning = Conditioning::new(
            base.tokenizer()?,
            encoder,
            clip_skip,
            max_token_length,
            (device, kind),
            text_encoder_is_trained,
        );
        let schedule = NoiseSchedule::new(base.scheduler())?.on(device)?;
        Ok(Self { unet, conditioning, vae, vae_weights: vae_loader.used(), schedule })
    }
}
