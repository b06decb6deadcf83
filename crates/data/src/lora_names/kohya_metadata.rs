//! The header of the single file: kohya's `ss_*` (sd-scripts' `train_network.py`) and `modelspec.*` (its
//! `sai_model_spec.py`). All values are texts; a fact that is not known is left out, not made up.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use crate::base_model::stable_diffusion::hash::SHORT_HASH;
use crate::base_model::stable_diffusion::{PredictionType, StableDiffusionVersion};
use crate::mapped::sha256_hex;

/// What is known of a training; times are seconds since 1970, rates and numbers as the settings have them.
#[derive(Clone, Debug, Default, PartialEq)]
#[allow(
    missing_docs,
    reason = "the fields are kohya's keys without `ss_`, which are explained where they differ"
)]
pub struct KohyaFacts {
    /// The Stable Diffusion that the base descends from; 1 where it is not said.
    pub version: Option<StableDiffusionVersion>,
    pub prediction_type: Option<PredictionType>,
    pub session_id: Option<u32>,
    pub training_started_at: Option<f64>,
    pub training_finished_at: Option<f64>,
    pub output_name: Option<String>,
    pub training_comment: Option<String>,
    pub learning_rate: Option<f64>,
    pub unet_lr: Option<f64>,
    pub text_encoder_lr: Option<f64>,
    pub num_train_images: Option<usize>,
    pub num_reg_images: Option<usize>,
    pub num_batches_per_epoch: Option<usize>,
    pub num_epochs: Option<usize>,
    pub epoch: Option<usize>,
    pub steps: Option<usize>,
    pub max_train_steps: Option<usize>,
    pub lr_scheduler: Option<String>,
    pub lr_warmup_steps: Option<usize>,
    /// As kohya spells it: `torch.optim.adamw.AdamW(weight_decay=0.01)`.
    pub optimizer: Option<String>,
    /// The adapter's rank.
    pub network_dim: Option<usize>,
    pub network_alpha: Option<f64>,
    pub network_dropout: Option<f64>,
    /// Further arguments of the network (`conv_dim`, `conv_alpha`, …), all texts.
    pub network_args: BTreeMap<String, String>,
    pub seed: Option<u64>,
    pub clip_skip: Option<usize>,
    /// `no`, `fp16` or `bf16`.
    pub mixed_precision: Option<String>,
    pub max_token_length: Option<usize>,
    pub cache_latents: Option<bool>,
    pub gradient_checkpointing: Option<bool>,
    pub gradient_accumulation_steps: Option<usize>,
    pub max_grad_norm: Option<f64>,
    pub noise_offset: Option<f64>,
    pub multires_noise_iterations: Option<usize>,
    pub multires_noise_discount: Option<f64>,
    pub ip_noise_gamma: Option<f64>,
    pub min_snr_gamma: Option<f64>,
    pub debiased_estimation: Option<bool>,
    pub scale_weight_norms: Option<f64>,
    pub caption_dropout_rate: Option<f64>,
    pub caption_tag_dropout_rate: Option<f64>,
    pub prior_loss_weight: Option<f64>,
    /// `l2`, `huber` or `smooth_l1`.
    pub loss_type: Option<String>,
    /// One object for each data set, in kohya's shape.
    pub datasets: Option<Value>,
    /// For each folder, how often each tag occurs: the `WebUI` shows these as trigger words.
    pub tag_frequency: BTreeMap<String, BTreeMap<String, usize>>,
    /// For each folder, repeats and number of pictures.
    pub dataset_dirs: BTreeMap<String, (usize, usize)>,
    /// Buckets in kohya's shape.
    pub bucket_info: Option<Value>,
    /// The base's file name.
    pub sd_model_name: Option<String>,
    /// The base's short hash.
    pub sd_model_hash: Option<String>,
    /// The base's sha256.
    pub new_sd_model_hash: Option<String>,
    /// `modelspec.title`.
    pub title: Option<String>,
    /// Width and height of the training: `modelspec.resolution`.
    pub resolution: Option<(usize, usize)>,
    /// `modelspec.date`, as `2026-01-31T12:00:00`.
    pub date: Option<String>,
    /// `modelspec.author`, `.description`, `.license`, `.tags`, `.trigger_phrase`.
    pub author: Option<String>,
    pub description: Option<String>,
    pub license: Option<String>,
    pub tags: Option<String>,
    pub trigger_phrase: Option<String>,
}

fn text(value: &impl ToString) -> String {
    value.to_string()
}

/// A number as Python writes it: `1.0`, `1e-05`.
fn number(value: f64) -> String {
    let plain = format!("{value:?}");
    match plain.split_once('e') {
        // Rust writes `1e-5`.
        Some((digits, exponent)) => {
            let (sign, digits_of_exponent) =
                exponent.strip_prefix('-').map_or(("+", exponent), |rest| ("-", rest));
            format!("{digits}e{sign}{digits_of_exponent:0>2}")
        }
        // Python goes over to exponents below 1e-4.
        None if value != 0.0 && value.abs() < 1e-4 => number_small(value),
        None => plain,
    }
}

fn number_small(value: f64) -> String {
    let plain = format!("{value:e}");
    let (digits, exponent) = plain.split_once("e-").unwrap_or((&plain, "0"));
    format!("{digits}e-{exponent:0>2}")
}

fn python_bool(value: bool) -> String {
    if value { "True".into() } else { "False".into() }
}

impl KohyaFacts {
    /// All metadata of the file but the hashes of its tensors.
    pub fn metadata(&self) -> BTreeMap<String, String> {
        let ss = self.identity().into_iter().chain(self.course()).chain(self.method()).chain(self.data());
        let ss = ss.filter_map(|(key, value)| Some((format!("ss_{key}"), value?)));
        let spec = self.model_spec().into_iter();
        ss.chain(spec.filter_map(|(key, value)| Some((format!("modelspec.{key}"), value?)))).collect()
    }

    fn is_second(&self) -> bool {
        self.version == Some(StableDiffusionVersion::Two)
    }

    fn predicts_velocity(&self) -> bool {
        self.prediction_type == Some(PredictionType::VPrediction)
    }

    fn identity(&self) -> Vec<(&'static str, Option<String>)> {
        let version = if self.is_second() { "sd_v2" } else { "sd_v1" };
        let version = if self.predicts_velocity() { format!("{version}_v") } else { version.to_owned() };
        // kohya writes its arguments as JSON, `null`-like texts included.
        let arguments = json!(self.network_args).to_string();
        vec![
            ("v2", Some(python_bool(self.is_second()))),
            ("base_model_version", Some(version)),
            ("network_module", Some("networks.lora".into())),
            ("network_dim", self.network_dim.as_ref().map(text)),
            ("network_alpha", self.network_alpha.map(number)),
            ("network_dropout", self.network_dropout.map(number)),
            ("network_args", Some(arguments)),
            ("session_id", self.session_id.as_ref().map(text)),
            ("output_name", self.output_name.clone()),
            ("training_comment", self.training_comment.clone()),
            ("sd_model_name", self.sd_model_name.clone()),
            ("sd_model_hash", self.sd_model_hash.clone()),
            ("new_sd_model_hash", self.new_sd_model_hash.clone()),
        ]
    }

    fn course(&self) -> Vec<(&'static str, Option<String>)> {
        vec![
            ("training_started_at", self.training_started_at.map(number)),
            ("training_finished_at", self.training_finished_at.map(number)),
            ("num_train_images", self.num_train_images.as_ref().map(text)),
            ("num_reg_images", self.num_reg_images.as_ref().map(text)),
            ("num_batches_per_epoch", self.num_batches_per_epoch.as_ref().map(text)),
            ("num_epochs", self.num_epochs.as_ref().map(text)),
            ("epoch", self.epoch.as_ref().map(text)),
            ("steps", self.steps.as_ref().map(text)),
            ("max_train_steps", self.max_train_steps.as_ref().map(text)),
            ("seed", self.seed.as_ref().map(text)),
        ]
    }

    fn method(&self) -> Vec<(&'static str, Option<String>)> {
        vec![
            ("learning_rate", self.learning_rate.map(number)),
            ("unet_lr", self.unet_lr.map(number)),
            ("text_encoder_lr", self.text_encoder_lr.map(number)),
            ("lr_scheduler", self.lr_scheduler.clone()),
            ("lr_warmup_steps", self.lr_warmup_steps.as_ref().map(text)),
            ("optimizer", self.optimizer.clone()),
            ("max_grad_norm", self.max_grad_norm.map(number)),
            ("mixed_precision", self.mixed_precision.clone()),
            ("gradient_checkpointing", self.gradient_checkpointing.map(python_bool)),
            ("gradient_accumulation_steps", self.gradient_accumulation_steps.as_ref().map(text)),
            ("clip_skip", self.clip_skip.as_ref().map(text)),
            ("max_token_length", self.max_token_length.as_ref().map(text)),
            ("noise_offset", self.noise_offset.map(number)),
            ("multires_noise_iterations", self.multires_noise_iterations.as_ref().map(text)),
            ("multires_noise_discount", self.multires_noise_discount.map(number)),
            ("ip_noise_gamma", self.ip_noise_gamma.map(number)),
            ("min_snr_gamma", self.min_snr_gamma.map(number)),
            ("debiased_estimation", self.debiased_estimation.map(python_bool)),
            ("scale_weight_norms", self.scale_weight_norms.map(number)),
            ("caption_dropout_rate", self.caption_dropout_rate.map(number)),
            ("caption_tag_dropout_rate", self.caption_tag_dropout_rate.map(number)),
            ("prior_loss_weight", self.prior_loss_weight.map(number)),
            ("loss_type", self.loss_type.clone()),
        ]
    }

    fn data(&self) -> Vec<(&'static str, Option<String>)> {
        let dirs: Map<String, Value> = self
            .dataset_dirs
            .iter()
            .map(|(folder, (repeats, pictures))| {
                (folder.clone(), json!({"n_repeats": repeats, "img_count": pictures}))
            })
            .collect();
        let some = |empty: bool, value: Value| (!empty).then(|| value.to_string());
        vec![
            ("cache_latents", self.cache_latents.map(python_bool)),
            ("datasets", self.datasets.as_ref().map(text)),
            ("tag_frequency", some(self.tag_frequency.is_empty(), json!(self.tag_frequency))),
            ("dataset_dirs", some(self.dataset_dirs.is_empty(), Value::Object(dirs))),
            ("bucket_info", self.bucket_info.as_ref().map(text)),
        ]
    }

    fn model_spec(&self) -> Vec<(&'static str, Option<String>)> {
        let architecture = match (self.is_second(), self.predicts_velocity()) {
            (false, _) => "stable-diffusion-v1/lora",
            (true, false) => "stable-diffusion-v2-512/lora",
            (true, true) => "stable-diffusion-v2-768-v/lora",
        };
        let prediction = if self.predicts_velocity() { "v" } else { "epsilon" };
        vec![
            ("sai_model_spec", Some("1.0.1".into())),
            ("architecture", Some(architecture.into())),
            ("implementation", Some("diffusers".into())),
            ("prediction_type", Some(prediction.into())),
            ("title", self.title.clone().or_else(|| self.output_name.clone())),
            ("resolution", self.resolution.map(|(width, height)| format!("{width}x{height}"))),
            ("date", self.date.clone()),
            ("author", self.author.clone()),
            ("description", self.description.clone()),
            ("license", self.license.clone()),
            ("tags", self.tags.clone()),
            ("trigger_phrase", self.trigger_phrase.clone()),
            ("encoder_layer", self.clip_skip.as_ref().map(text)),
        ]
    }
}

/// `sshs_model_hash`: the sha256 of the file's tensor data (all that follows the header), given in pieces.
pub fn sshs_model_hash<'a>(data: impl IntoIterator<Item = &'a [u8]>) -> String {
    sha256_hex(data)
}

/// `sshs_legacy_hash`: eight digits of the sha256 of the 64 KiB from 1 MiB on of a file whose header holds the `ss_*`
/// metadata only; of a shorter file, of what there is.
pub fn sshs_legacy_hash(file: &[u8]) -> String {
    let end = SHORT_HASH.end.min(file.len());
    let mut hash = sha256_hex([&file[SHORT_HASH.start.min(end)..end]]);
    hash.truncate(8);
    hash
}
