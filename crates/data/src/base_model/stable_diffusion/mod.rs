//! Stable Diffusion 1.x and 2.x base models: a diffusers folder, or one checkpoint file in the original (LDM) layout.
//! Both give the same configuration and the same weights under diffusers' names.

mod checkpoint;
mod config;
mod folder;
mod from_shapes;
pub(crate) mod hash;
pub(crate) mod layers;
mod noise;
mod parts;
mod read_scheduler;
mod read_text_encoder;
mod read_unet;
mod read_vae;
mod recognise;
mod stored;
mod weight_file;

use std::path::{Path, PathBuf};

pub use config::{
    Activation, BetaSchedule, ClipTextConfig, Component, PredictionType, SchedulerConfig, UnetConfig,
    VaeConfig,
};
use parts::Places;

use super::{BaseModelError, WeightView};
use crate::safetensors::SafetensorsFile;
use crate::tokenizer::TokenizerError;
use crate::tokenizer::clip::ClipTokenizer;

/// In which form a Stable Diffusion model lies on the disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StableDiffusionLayout {
    /// A diffusers folder: `model_index.json` and a folder for each part.
    Diffusers,
    /// One `.safetensors` file in the original layout.
    Checkpoint,
}

impl StableDiffusionLayout {
    /// The word for it in reports and files.
    pub fn name(self) -> &'static str {
        match self {
            Self::Diffusers => "diffusers",
            Self::Checkpoint => "checkpoint",
        }
    }
}

/// Which Stable Diffusion a model descends from, by its text encoder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StableDiffusionVersion {
    /// CLIP's text encoder.
    One,
    /// `OpenCLIP`'s text encoder.
    Two,
}

/// Choices in opening a model.
#[derive(Clone, Copy, Debug, Default)]
pub struct OpenOptions {
    /// Take a checkpoint file's moving average (`model_ema.*`) as the UNet's weights. A diffusers folder holds one set
    /// of weights only: there this is an error.
    pub use_ema: bool,
    /// What the UNet of a checkpoint file predicts, where the file does not say; an error where it says
    /// something else. A diffusers folder always says.
    pub prediction_type: Option<PredictionType>,
}

/// An opened Stable Diffusion model: its configuration is known and supported, its weights are mapped and all there.
#[derive(Debug)]
pub struct StableDiffusion {
    path: PathBuf,
    layout: StableDiffusionLayout,
    version: StableDiffusionVersion,
    unet: UnetConfig,
    vae: VaeConfig,
    text_encoder: ClipTextConfig,
    scheduler: SchedulerConfig,
    upcast_attention: bool,
    own_name: Option<String>,
    files: Vec<SafetensorsFile>,
    places: Places,
}

/// Whether a path looks like an image base: a folder with `model_index.json`, or a `.safetensors` file. Reads no file.
pub fn looks_like_stable_diffusion(path: &Path) -> bool {
    let safetensors = path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("safetensors"));
    if path.is_dir() { path.join("model_index.json").is_file() } else { safetensors && path.is_file() }
}

impl StableDiffusion {
    /// Opens a diffusers folder or a checkpoint file. Reads configurations and headers, no weights.
    pub fn open(path: &Path) -> Result<Self, BaseModelError> {
        Self::open_with(path, OpenOptions::default())
    }

    /// The same with choices.
    pub fn open_with(path: &Path, options: OpenOptions) -> Result<Self, BaseModelError> {
        if path.is_dir() { folder::open(path, options) } else { checkpoint::open(path, options) }
    }

    /// The form on the disk.
    pub fn kind(&self) -> StableDiffusionLayout {
        self.layout
    }

    /// The Stable Diffusion that the model descends from.
    pub fn version(&self) -> StableDiffusionVersion {
        self.version
    }

    /// The folder or the file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The files that hold the weights: text encoder, UNet, VAE, or the one checkpoint file.
    pub fn weight_files(&self) -> impl Iterator<Item = &Path> {
        self.files.iter().map(|file| file.file().path())
    }

    /// The UNet's configuration.
    pub fn unet(&self) -> &UnetConfig {
        &self.unet
    }

    /// The VAE's configuration.
    pub fn vae(&self) -> &VaeConfig {
        &self.vae
    }

    /// The text encoder's configuration.
    pub fn text_encoder(&self) -> &ClipTextConfig {
        &self.text_encoder
    }

    /// The noise schedule and what the UNet predicts.
    pub fn scheduler(&self) -> &SchedulerConfig {
        &self.scheduler
    }

    /// Whether the UNet's attention is to be computed in single precision when the rest is in half (`upcast_attention`
    /// of Stable Diffusion 2.1: its scores overflow in half precision). It changes no number in single precision.
    pub fn upcast_attention(&self) -> bool {
        self.upcast_attention
    }

    /// The model's own name, or the last part of its path.
    pub fn name(&self) -> String {
        let last = || self.path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        self.own_name.clone().unwrap_or_else(last)
    }

    /// All weights of a part: diffusers' and transformers' names (the text encoder's with the prefix `text_model.`) and
    /// shapes, outermost size first. All of them are there: that has been checked in opening.
    pub fn expected_weights(&self, component: Component) -> Vec<(String, Vec<usize>)> {
        layers::weights(&self.layers(component))
    }

    fn layers(&self, component: Component) -> Vec<layers::Layer> {
        layers::of(component, &self.unet, &self.vae, &self.text_encoder)
    }

    /// One of the weights that [`expected_weights`](Self::expected_weights) names, in the shape given there; not copied.
    pub fn weight(&self, component: Component, name: &str) -> Result<WeightView<'_>, BaseModelError> {
        self.places.weight(&self.files, component, name).ok_or_else(|| BaseModelError::Weight {
            path: self.path.clone(),
            name: name.to_owned(),
            problem: "is no weight of this model".into(),
        })
    }

    /// The number of weights of a part.
    pub fn parameters(&self, component: Component) -> u64 {
        let sizes = |(_, shape): &(String, Vec<usize>)| shape.iter().product::<usize>() as u64;
        self.expected_weights(component).iter().map(sizes).sum()
    }

    /// The tokenizer: the folder's own, or CLIP's, which is part of this program, for a checkpoint file.
    pub fn tokenizer(&self) -> Result<ClipTokenizer, TokenizerError> {
        let context = self.text_encoder.max_position_embeddings;
        let tokenizer = match self.layout {
            StableDiffusionLayout::Diffusers => {
                ClipTokenizer::from_folder(&self.path.join("tokenizer"), context)?
            }
            StableDiffusionLayout::Checkpoint => match self.version {
                StableDiffusionVersion::One => ClipTokenizer::embedded(context)?,
                StableDiffusionVersion::Two => ClipTokenizer::embedded_for_open_clip(context)?,
            },
        };
        let largest = tokenizer.largest_id();
        if largest as usize >= self.text_encoder.vocab_size {
            let problem = format!(
                "it gives ids up to {largest}, the text encoder knows {} tokens",
                self.text_encoder.vocab_size
            );
            return Err(TokenizerError::Unusable { path: self.path.clone(), problem });
        }
        Ok(tokenizer)
    }
}

/// Refuses channels that a group norm cannot share out.
fn check_groups(channels: usize, groups: usize) -> Result<(), String> {
    if channels.is_multiple_of(groups) {
        return Ok(());
    }
    Err(format!("{channels} channels cannot be split into {groups} groups ('norm_num_groups')"))
}

#[cfg(test)]
pub(crate) mod testing;
#[cfg(test)]
mod tests;
