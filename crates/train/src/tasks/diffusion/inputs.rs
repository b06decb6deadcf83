//! From settings to everything a training on pictures reads. What can be refused is refused before anything heavy.

use std::path::Path;
use std::sync::Arc;

use loradeck_core::config::{ImageSettings, Settings};
use loradeck_data::base_model::stable_diffusion::StableDiffusion;
use loradeck_data::image::{ImageData, ImagePlan, image_metadata_csv};
use loradeck_data::image_check::{ImageInputs, open_image_inputs};
use loradeck_data::lora_names::ChosenSite;

use super::Diffusion;
use crate::device::Hardware;
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
        Box::new(move || base.full_hash())
    }

    fn build<'a>(&'a self, hardware: &Hardware) -> Result<Box<dyn Task + 'a>, TrainError> {
        Ok(Box::new(Diffusion::build(self, hardware)?))
    }
}
