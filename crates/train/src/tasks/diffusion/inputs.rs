//! From settings to everything a training on pictures reads. What can be refused is refused before anything heavy.

use std::path::Path;
use std::sync::Arc;

use loradeck_core::cache;
use loradeck_core::config::{ImageSettings, Settings};
use loradeck_data::base_model::stable_diffusion::StableDiffusion;
use loradeck_data::image::{ImageData, ImagePlan, image_metadata_csv};
use loradeck_data::image_check::{ImageInputs, open_image_inputs};
use loradeck_data::lora_names::ChosenSite;
use loradeck_data::mapped::sha256_hex;
use tch::Kind;

use super::Diffusion;
use crate::device::{self, Hardware};
use crate::engine::checkpoint::{Identity, identity};
use crate::error::TrainError;
use crate::tasks::{Task, TaskInputs};

/// What is read before the model: cheap to refuse.
#[derive(Debug)]
pub struct Inputs {
    /// The settings in force.
    pub settings: Settings,
    /// Those of image models.
    pub image: ImageSettings,
    /// The base model's opened files.
    pub base: Arc<StableDiffusion>,
    /// The pictures.
    pub data: ImageData,
    /// The order of training.
    pub plan: ImagePlan,
    /// The layers that receive an adapter.
    pub sites: Vec<ChosenSite>,
}

impl Inputs {
    /// Opens base model and pictures of `settings`, whose paths are relative to `root`.
    pub fn read(settings: Settings, root: &Path) -> Result<Self, TrainError> {
        let Some(image) = settings.image().cloned() else {
            return Err(TrainError::Refused("data_type: these settings are for text".to_owned()));
        };
        let ImageInputs { base, data, plan, sites } = open_image_inputs(root, &settings, &image, &|_| {})?;
        Ok(Self { settings, image, base: Arc::new(base), data, plan, sites })
    }
}

impl TaskInputs for Inputs {
    fn settings(&self) -> &Settings {
        &self.settings
    }

    fn metadata_csv(&self) -> String {
        let mut parts = vec![("train", &self.data.train)];
        parts.extend(self.data.held_out.as_ref().map(|held_out| ("eval", held_out)));
        image_metadata_csv(&parts)
    }

    fn warnings(&self) -> Vec<String> {
        self.data.skipped.iter().map(|problem| format!("left out: {problem}")).collect()
    }

    fn data_fingerprint(&self) -> String {
        self.data.train.fingerprint.clone()
    }

    fn base_name(&self) -> String {
        self.base.name()
    }

    fn base_hash(&self) -> Box<dyn FnOnce() -> String + Send> {
        let base = Arc::clone(&self.base);
        Box::new(move || base.known_hash(cache::of_user(cache::BASE_HASHES).as_deref()))
    }

    fn identity(&self, kind: Kind) -> Identity {
        let settings = &self.settings;
        let held_out = self.data.held_out.as_ref().map(|part| part.fingerprint.clone()).unwrap_or_default();
        let sites: Vec<(String, u32)> = self.sites.iter().map(|site| (site.name(), site.rank)).collect();
        let base = &self.base;
        let shapes = format!("{:?}", (base.unet(), base.vae(), base.text_encoder(), base.scheduler()));
        Identity::default()
            .with("base_model", base.header_hash())
            .with(identity::COMPUTES, sha256_hex([shapes.as_bytes()]))
            .with("train_data", &self.data.train.fingerprint)
            .with("eval_data", held_out)
            .with("reg_data", self.data.regularisation_fingerprint.clone().unwrap_or_default())
            .with("eval_split", settings.eval_split)
            .with("lora_rank", settings.lora_rank)
            .with("lora_alpha", settings.lora_alpha)
            .with("lora_targets", sites)
            .with("precision", device::kind_name(kind))
            .with("batch_size", settings.batch_size)
            .with("gradient_accumulation", settings.gradient_accumulation)
            .with("seed", settings.seed)
            .with("image", identity_of_image(&self.image))
    }

    fn build<'a>(&'a self, hardware: &Hardware) -> Result<Box<dyn Task + 'a>, TrainError> {
        Ok(Box::new(Diffusion::build(self, hardware)?))
    }
}

/// What of the image settings must stay the same: not how samples are drawn.
fn identity_of_image(image: &ImageSettings) -> ImageSettings {
    ImageSettings {
        sample_steps: None,
        sample_seeds: Vec::new(),
        sample_negative_prompt: String::new(),
        sample_guidance: 0.0,
        sample_inference_steps: 0,
        // The same numbers either way, so a run that ran out of memory may go on with it.
        gradient_checkpointing: false,
        cache_latents_to_disk: false,
        // Rates may change between attempts as the language models' may.
        unet_lr: f64::from(u8::from(image.unet_lr > 0.0)),
        text_encoder_lr: f64::from(u8::from(image.text_encoder_lr > 0.0)),
        ..image.clone()
    }
}
