//! Settings for tests.

use std::collections::BTreeMap;

use loradeck_core::config::{ImageSettings, LossType, OnBadSample, SampleScheduler};

/// The settings of a file that asks for nothing.
pub(crate) fn settings() -> ImageSettings {
    ImageSettings {
        trigger_word: None,
        lora_dropout: 0.0,
        rank_pattern: BTreeMap::new(),
        alpha_pattern: BTreeMap::new(),
        strength_warmup: None,
        ema_decay: None,
        gradient_checkpointing: false,
        resolution: 512,
        min_bucket_reso: 256,
        max_bucket_reso: 1024,
        bucket_reso_steps: 64,
        num_repeats: 1,
        flip_aug: false,
        random_crop: false,
        background: "white".into(),
        keep_tokens: 0,
        shuffle_caption: false,
        caption_dropout_rate: 0.0,
        caption_tag_dropout_rate: 0.0,
        clip_skip: 1,
        max_token_length: 75,
        on_bad_sample: OnBadSample::Stop,
        unet_lr: 2e-4,
        text_encoder_lr: 0.0,
        conv_rank: None,
        conv_alpha: None,
        rank_dropout: 0.0,
        module_dropout: 0.0,
        scale_weight_norms: None,
        loss_type: LossType::L2,
        min_snr_gamma: None,
        debiased_estimation: false,
        noise_offset: 0.0,
        multires_noise_iterations: 0,
        multires_noise_discount: 0.3,
        ip_noise_gamma: 0.0,
        masked_loss: false,
        reg_data_dir: None,
        prior_loss_weight: 1.0,
        cache_latents: true,
        cache_latents_to_disk: false,
        sample_steps: None,
        sample_seeds: Vec::new(),
        sample_scheduler: SampleScheduler::Ddim,
        sample_inference_steps: 20,
        sample_guidance: 7.5,
        sample_negative_prompt: String::new(),
    }
}
