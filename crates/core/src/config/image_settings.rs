//! The settings that only image models have.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// The loss between prediction and target.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LossType {
    /// Squared differences.
    L2,
    /// Absolute differences.
    L1,
    /// `2δ(√(d² + δ²) − δ)` with δ = 0.1 (sd-scripts' `huber` at a constant schedule).
    Huber,
    /// `2(√(d² + δ²) − δ)` with δ = 0.1 (sd-scripts' `smooth_l1` at a constant schedule).
    SmoothL1,
}

/// The sampler of preview pictures.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SampleScheduler {
    /// Denoising diffusion implicit models.
    Ddim,
    /// Euler's method.
    Euler,
    /// Euler's method with ancestral noise.
    EulerA,
    /// DPM-Solver++ of second order, multistep.
    #[serde(rename = "dpmpp_2m")]
    DpmPp2M,
}

/// What happens at a picture that cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum OnBadSample {
    /// The training is refused, naming all of them.
    Stop,
    /// They are left out, each named in check, log and report.
    Skip,
}

/// Weaker adapters in the first rounds: the adapters' output is multiplied by a weight that rises evenly from `weight`
/// to 1 over the first `epochs`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct StrengthWarmup {
    /// Passes over the data until full strength.
    pub epochs: f64,
    /// The first weight, 0 to below 1.
    pub weight: f64,
}

/// Settings of a training on pictures with captions.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ImageSettings {
    /// The word that calls up the adapter; put before every caption that lacks it.
    pub trigger_word: Option<String>,
    /// Share of the adapters' inputs that is dropped.
    pub lora_dropout: f64,
    /// Other ranks for modules whose name matches a regular expression (PEFT's rule: the key is a suffix pattern).
    pub rank_pattern: BTreeMap<String, u32>,
    /// Other alphas for modules likewise.
    pub alpha_pattern: BTreeMap<String, f64>,
    /// Weaker adapters in the first rounds.
    pub strength_warmup: Option<StrengthWarmup>,
    /// Decay of a running average of the adapters, which is exported instead.
    pub ema_decay: Option<f64>,
    /// Whether activations are computed again instead of being kept.
    pub gradient_checkpointing: bool,

    /// Pixels of a square picture's side; buckets have about `resolution²` pixels.
    pub resolution: u32,
    /// Shortest side of a bucket in pixels; default half of `resolution`, rounded down to `bucket_reso_steps`.
    pub min_bucket_reso: u32,
    /// Longest side of a bucket in pixels; default twice `resolution`, rounded down to `bucket_reso_steps`.
    pub max_bucket_reso: u32,
    /// Sides of buckets are multiples of this.
    pub bucket_reso_steps: u32,
    /// How often each picture is seen in an epoch, times what a kohya folder's name says.
    pub num_repeats: u32,
    /// Whether pictures are mirrored at random.
    pub flip_aug: bool,
    /// Whether the crop lies anywhere instead of in the centre.
    pub random_crop: bool,
    /// The colour behind transparent pictures: `white`, `black`, or `#rrggbb` in small letters.
    pub background: String,
    /// Comma-separated parts at a caption's front that stay in place.
    pub keep_tokens: u32,
    /// Whether the other parts are shuffled.
    pub shuffle_caption: bool,
    /// Share of captions that are left out.
    pub caption_dropout_rate: f64,
    /// Share of a caption's parts (beyond `keep_tokens`) that is left out.
    pub caption_tag_dropout_rate: f64,
    /// Which of the text encoder's layers counted from the end gives the states: 1 is the last.
    pub clip_skip: u32,
    /// Tokens of a caption, without begin and end: 75, 150 or 225.
    pub max_token_length: u32,
    /// What happens at a picture that cannot be used.
    pub on_bad_sample: OnBadSample,

    /// Learning rate of the adapters in the noise predictor (`UNet`); default `learning_rate`. 0 leaves it without adapters.
    pub unet_lr: f64,
    /// Learning rate of the text encoder's adapters; 0 leaves it frozen.
    pub text_encoder_lr: f64,
    /// Rank of adapters on 3×3 convolutions; none without it.
    pub conv_rank: Option<u32>,
    /// Alpha of these adapters; default twice `conv_rank`.
    pub conv_alpha: Option<f64>,
    /// Share of ranks dropped.
    pub rank_dropout: f64,
    /// Share of modules dropped.
    pub module_dropout: f64,
    /// Largest Frobenius norm of an adapter's product; larger ones are scaled down after each step.
    pub scale_weight_norms: Option<f64>,

    /// The loss.
    pub loss_type: LossType,
    /// γ of the min-SNR weighting (Hang et al., 2023).
    pub min_snr_gamma: Option<f64>,
    /// Whether losses are weighted by 1/√SNR.
    pub debiased_estimation: bool,
    /// Size of an offset of the noise's mean for each channel.
    pub noise_offset: f64,
    /// Scales of noise added to the noise; 0 is off.
    pub multires_noise_iterations: u32,
    /// Weight of each further scale.
    pub multires_noise_discount: f64,
    /// Noise added to the noise of the input only (input perturbation).
    pub ip_noise_gamma: f64,
    /// Whether only the masked part counts: the alpha channel, or `NAME.mask.png`/`masks/NAME.png`.
    pub masked_loss: bool,
    /// Pictures that keep the class as it is.
    pub reg_data_dir: Option<String>,
    /// Weight of these pictures' loss.
    pub prior_loss_weight: f64,
    /// Whether latents are kept instead of being encoded at every step.
    pub cache_latents: bool,
    /// Whether latents are kept on the disk for later trainings too.
    #[serde(default)]
    pub cache_latents_to_disk: bool,

    /// Sample pictures every so many steps, besides before and after training.
    pub sample_steps: Option<u64>,
    /// A seed for each sample prompt, at least one; the last one serves the prompts beyond.
    pub sample_seeds: Vec<u64>,
    /// The sampler.
    pub sample_scheduler: SampleScheduler,
    /// Steps of the sampler.
    pub sample_inference_steps: u32,
    /// Guidance scale; 1 is none.
    pub sample_guidance: f64,
    /// The negative prompt.
    pub sample_negative_prompt: String,
}
