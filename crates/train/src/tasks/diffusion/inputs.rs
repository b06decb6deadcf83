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
use serde_json::Value;
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
    /// What the report should tell, one sentence each.
    pub remarks: Vec<String>,
}

impl Inputs {
    /// Opens base model and pictures of `settings`, whose paths are relative to `root`.
    pub fn read(settings: Settings, root: &Path) -> Result<Self, TrainError> {
        let Some(image) = settings.image().cloned() else {
            return Err(TrainError::Refused("data_type: these settings are for text".to_owned()));
        };
        let ImageInputs { base, data, plan, sites, remarks } =
            open_image_inputs(root, &settings, &image, &|_| {})?;
        Ok(Self { settings, image, base: Arc::new(base), data, plan, sites, remarks })
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

    fn remarks(&self) -> Vec<String> {
        self.remarks.clone()
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
        let identity = Identity::default()
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
            .with("seed", settings.seed);
        // A field for each key, so that the one that differs is named with both values.
        bound_keys(&self.image)
            .into_iter()
            .fold(identity, |identity, (key, value)| identity.with(&key, value))
    }

    fn build<'a>(&'a self, hardware: &Hardware) -> Result<Box<dyn Task + 'a>, TrainError> {
        Ok(Box::new(Diffusion::build(self, hardware)?))
    }
}

/// Keys that change how pictures are drawn, how the same numbers are come by, or rates (which may change between
/// attempts as the language models' may): a resumed training may have others.
const FREE: [&str; 10] = [
    "sample_steps",
    "sample_seeds",
    "sample_scheduler",
    "sample_negative_prompt",
    "sample_guidance",
    "sample_inference_steps",
    "cache_latents",
    "cache_latents_to_disk",
    "gradient_checkpointing",
    "on_bad_sample",
];

/// The image settings that must stay the same, by key.
fn bound_keys(image: &ImageSettings) -> Vec<(String, Value)> {
    let image = ImageSettings {
        unet_lr: f64::from(u8::from(image.unet_lr > 0.0)),
        text_encoder_lr: f64::from(u8::from(image.text_encoder_lr > 0.0)),
        ..image.clone()
    };
    match serde_json::to_value(image) {
        Ok(Value::Object(keys)) => {
            keys.into_iter().filter(|(key, _)| !FREE.contains(&key.as_str())).collect()
        }
        // There is nothing in it that JSON cannot hold; if there were, it would differ from everything.
        other => vec![("image".to_owned(), other.unwrap_or(Value::Null))],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn image(extra: &str) -> ImageSettings {
        let text = format!("base_model: m\ntrain_data_dir: d\ndata_type: image\n{extra}");
        let read = loradeck_core::config::read_frozen(Path::new("e.yaml"), &text, &[]).unwrap().0;
        read.image().cloned().unwrap()
    }

    fn identity(extra: &str) -> Identity {
        let keys = bound_keys(&image(extra)).into_iter();
        keys.fold(Identity::default(), |identity, (key, value)| identity.with(&key, value))
    }

    #[test]
    fn what_only_draws_may_change_and_what_trains_is_named() {
        for free in
            ["sample_scheduler: euler\n", "sample_guidance: 3\n", "cache_latents: false\n", "unet_lr: 1e-5\n"]
        {
            assert_eq!(identity(free).difference(&identity("")), None, "{free}");
        }
        let difference = identity("noise_offset: 0.1\n").difference(&identity("")).unwrap();
        let told = [difference.field.as_str(), &difference.stored, &difference.wanted];
        assert_eq!(told, ["noise_offset", "0.0", "0.1"]);
        let frozen = identity("unet_lr: 0\ntext_encoder_lr: 1e-5\n").difference(&identity("")).unwrap();
        assert_eq!(frozen.field, "unet_lr");
    }

    #[test]
    fn a_checkpoint_with_all_keys_in_one_field_is_still_of_the_same_training() {
        let earlier = |extra: &str| {
            let mut all = serde_json::to_value(image(extra)).unwrap();
            all["unet_lr"] = 1.0.into();
            // A key that this version has and that one had not.
            all.as_object_mut().unwrap().remove("masked_loss");
            Identity::default().with("image", all)
        };
        assert_eq!(identity("sample_scheduler: euler\n").difference(&earlier("")), None);
        assert_eq!(identity("").difference(&earlier("resolution: 256\n")).unwrap().field, "resolution");
    }
}
