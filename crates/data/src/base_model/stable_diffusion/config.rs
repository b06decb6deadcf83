//! The sizes and constants of a Stable Diffusion 1.x or 2.x model, under the names of the diffusers folder's
//! `config.json` files, whichever file they come from.

/// The parts of a Stable Diffusion model that hold weights.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Component {
    /// `text_encoder/`: CLIP's text transformer.
    TextEncoder,
    /// `unet/`: the denoising network.
    Unet,
    /// `vae/`: the autoencoder between pictures and latents.
    Vae,
}

/// `unet/config.json` (diffusers' `UNet2DConditionModel`).
#[derive(Clone, Debug, PartialEq)]
pub struct UnetConfig {
    /// Channels of the latents that go in.
    pub in_channels: usize,
    /// Channels that come out.
    pub out_channels: usize,
    /// Channels of each resolution, finest first.
    pub block_out_channels: Vec<usize>,
    /// For each down block, whether it is a `CrossAttnDownBlock2D` (else a `DownBlock2D`).
    pub down_attention: Vec<bool>,
    /// For each up block, coarsest first, whether it is a `CrossAttnUpBlock2D` (else an `UpBlock2D`).
    pub up_attention: Vec<bool>,
    /// Residual blocks of a down block; an up block has one more.
    pub layers_per_block: usize,
    /// Attention heads of each resolution, finest first (`attention_head_dim` means this number).
    pub attention_heads: Vec<usize>,
    /// Transformer layers of each attention block.
    pub transformer_layers: usize,
    /// Width of the text encoder's states.
    pub cross_attention_dim: usize,
    /// Groups of every group norm.
    pub norm_num_groups: usize,
    /// ε of the group norms outside the transformer blocks (there it is 1e-6).
    pub norm_eps: f64,
    /// Whether a transformer's `proj_in` and `proj_out` are linear layers (Stable Diffusion 2) or 1×1 convolutions.
    pub use_linear_projection: bool,
    /// Whether the time embedding's cosines stand before its sines.
    pub flip_sin_to_cos: bool,
    /// Subtracted from the half width in the time embedding's exponent.
    pub freq_shift: f64,
}

/// `vae/config.json` (diffusers' `AutoencoderKL`).
#[derive(Clone, Debug, PartialEq)]
pub struct VaeConfig {
    /// Channels of a picture.
    pub in_channels: usize,
    /// Channels of a decoded picture.
    pub out_channels: usize,
    /// Channels of a latent.
    pub latent_channels: usize,
    /// Channels of each resolution, finest first.
    pub block_out_channels: Vec<usize>,
    /// Residual blocks of an encoder block; a decoder block has one more.
    pub layers_per_block: usize,
    /// Groups of every group norm.
    pub norm_num_groups: usize,
    /// A latent is multiplied by this before the UNet sees it.
    pub scaling_factor: f64,
    /// Whether the middle blocks hold an attention layer.
    pub mid_block_attention: bool,
    /// Whether `quant_conv` exists.
    pub use_quant_conv: bool,
    /// Whether `post_quant_conv` exists.
    pub use_post_quant_conv: bool,
}

/// The activation of CLIP's feed-forward blocks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Activation {
    /// `x · σ(1.702 x)`.
    QuickGelu,
    /// The exact GELU.
    Gelu,
}

/// `text_encoder/config.json` (transformers' `CLIPTextModel`).
#[derive(Clone, Debug, PartialEq)]
pub struct ClipTextConfig {
    /// Rows of the token embedding.
    pub vocab_size: usize,
    /// Width of the states.
    pub hidden_size: usize,
    /// Width inside the feed-forward blocks.
    pub intermediate_size: usize,
    /// Layers.
    pub num_hidden_layers: usize,
    /// Attention heads.
    pub num_attention_heads: usize,
    /// Rows of the position embedding: tokens of one chunk.
    pub max_position_embeddings: usize,
    /// Activation.
    pub hidden_act: Activation,
    /// ε of the layer norms.
    pub layer_norm_eps: f64,
}

/// How the noise's share grows over the steps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BetaSchedule {
    /// Evenly from `beta_start` to `beta_end`.
    Linear,
    /// Evenly in the square roots.
    ScaledLinear,
}

/// What the UNet predicts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PredictionType {
    /// The noise.
    Epsilon,
    /// The velocity `√ᾱ·ε − √(1−ᾱ)·x` (Salimans and Ho, 2022).
    VPrediction,
}

/// `scheduler/scheduler_config.json`.
#[derive(Clone, Debug, PartialEq)]
pub struct SchedulerConfig {
    /// Noise levels of training.
    pub num_train_timesteps: usize,
    /// The first level's β.
    pub beta_start: f64,
    /// The last level's β.
    pub beta_end: f64,
    /// The β between.
    pub beta_schedule: BetaSchedule,
    /// What the UNet predicts.
    pub prediction_type: PredictionType,
    /// Added to the timesteps of sampling.
    pub steps_offset: usize,
    /// Whether the level before the first counts as free of noise.
    pub set_alpha_to_one: bool,
}
