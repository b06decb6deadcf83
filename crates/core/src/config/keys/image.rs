//! Keys of image models, none of which is supported yet.

use super::{Group, Key};

const fn later(name: &'static str, about: &'static str) -> Key {
    Key::not_yet(Group::Image, name, "image models are not supported yet", about)
}

pub(super) const KEYS: &[Key] = &[
    later("resolution", "pixels of a side"),
    later("min_bucket_reso", "shortest side of a bucket in pixels"),
    later("max_bucket_reso", "longest side of a bucket in pixels"),
    later("bucket_reso_steps", "buckets' sides are multiples of this"),
    later("num_repeats", "how often each picture is seen per epoch"),
    later("flip_aug", "mirror pictures at random"),
    later("random_crop", "crop at random instead of the centre"),
    later("keep_tokens", "first words of a caption that stay in place"),
    later("shuffle_caption", "shuffle a caption's parts"),
    later("caption_dropout_rate", "share of captions left out"),
    later("caption_tag_dropout_rate", "share of a caption's parts left out"),
    later("clip_skip", "layers of the text encoder left out at the end"),
    later("max_token_length", "tokens of a caption: 75, 150 or 225"),
    later("unet_lr", "learning rate of the UNet's adapters"),
    later("text_encoder_lr", "learning rate of the text encoder's adapters; 0 is frozen"),
    later("conv_rank", "rank of adapters on convolutions"),
    later("conv_alpha", "alpha of adapters on convolutions"),
    later("rank_dropout", "share of ranks dropped"),
    later("module_dropout", "share of modules dropped"),
    later("scale_weight_norms", "largest norm of an adapter"),
    later("loss_type", "l2, l1, huber or smooth_l1"),
    later("min_snr_gamma", "weight of noisy steps (min-SNR)"),
    later("debiased_estimation", "weight by 1/sqrt(SNR)"),
    later("noise_offset", "offset of the noise's mean"),
    later("multires_noise_iterations", "noise on several scales"),
    later("multires_noise_discount", "weight of each further scale"),
    later("ip_noise_gamma", "noise on the input"),
    later("masked_loss", "only the masked part counts"),
    later("reg_data_dir", "pictures that keep the class as it is"),
    later("prior_loss_weight", "weight of these pictures"),
    later("cache_latents", "encode every picture once"),
];
