//! Keys of image models. Names and meanings are sd-scripts' where it has the key.

use super::lora::RANK;
use super::{DataType, Default, Group, Key, Kind, Range};

const fn key(name: &'static str, kind: Kind, default: Default, about: &'static str) -> Key {
    Key::new(Group::Image, name, kind, default, about).only(DataType::Image)
}

const fn flag(name: &'static str, default: &'static str, about: &'static str) -> Key {
    key(name, Kind::Flag, Default::Fixed(default), about)
}

/// A share from 0 to below 1 that is 0 where it is not given.
const fn share(name: &'static str, about: &'static str) -> Key {
    key(name, Kind::Real(Range::Share), Default::Fixed("0"), about)
}

const SIDE: Kind = Kind::Whole { min: 8, max: 16_384 };
const NOT_NEGATIVE: Kind = Kind::Real(Range::NotNegative);
const POSITIVE: Kind = Kind::Real(Range::Positive);

pub(super) const KEYS: &[Key] = &[
    key(
        "resolution",
        SIDE,
        Default::Fixed("512"),
        "pixels of a square picture's side; all buckets have about as many pixels as its square",
    ),
    key(
        "min_bucket_reso",
        SIDE,
        Default::Derived("half of resolution, rounded to bucket_reso_steps"),
        "shortest side of a bucket in pixels",
    ),
    key(
        "max_bucket_reso",
        SIDE,
        Default::Derived("twice resolution, rounded to bucket_reso_steps"),
        "longest side of a bucket in pixels",
    ),
    key(
        "bucket_reso_steps",
        Kind::Whole { min: 8, max: 1024 },
        Default::Fixed("64"),
        "buckets' sides are multiples of this, itself a multiple of 8",
    ),
    key(
        "num_repeats",
        Kind::Whole { min: 1, max: 100_000 },
        Default::Fixed("1"),
        "how often each picture is seen per epoch, times what a folder named 10_name says",
    ),
    flag("flip_aug", "false", "mirror pictures at random"),
    flag("random_crop", "false", "crop at random instead of the centre"),
    key(
        "background",
        Kind::Colour,
        Default::Fixed("white"),
        "the colour behind transparent pictures: white, black, or \"#rrggbb\" in quotes",
    ),
    key(
        "keep_tokens",
        Kind::Whole { min: 0, max: 1000 },
        Default::Fixed("0"),
        "comma-separated parts at a caption's front that stay in place",
    ),
    flag("shuffle_caption", "false", "shuffle a caption's comma-separated parts"),
    share("caption_dropout_rate", "share of captions left out"),
    share("caption_tag_dropout_rate", "share of a caption's parts left out, beyond keep_tokens"),
    key(
        "clip_skip",
        Kind::Whole { min: 1, max: 24 },
        Default::Fixed("1"),
        "which of the text encoder's layers counted from the end gives the states: 1 is the last",
    ),
    key(
        "max_token_length",
        Kind::WholeOf(&[75, 150, 225]),
        Default::Fixed("75"),
        "tokens of a caption: 75, 150 or 225",
    ),
    key(
        "unet_lr",
        NOT_NEGATIVE,
        Default::Derived("learning_rate"),
        "learning rate of the UNet's adapters; 0 leaves the UNet without adapters",
    ),
    key(
        "text_encoder_lr",
        NOT_NEGATIVE,
        Default::Fixed("0"),
        "learning rate of the text encoder's adapters; 0 leaves it frozen",
    ),
    key("conv_rank", RANK, Default::Nothing, "rank of adapters on 3x3 convolutions; none without it"),
    key(
        "conv_alpha",
        POSITIVE,
        Default::Derived("2 · conv_rank, where that is given"),
        "alpha of adapters on convolutions",
    ),
    share("rank_dropout", "share of ranks dropped"),
    share("module_dropout", "share of modules dropped"),
    key(
        "scale_weight_norms",
        POSITIVE,
        Default::Nothing,
        "largest norm of an adapter's product; larger ones are scaled down after each step",
    ),
    key(
        "loss_type",
        Kind::OneOf(&["l2", "l1", "huber", "smooth_l1"]),
        Default::Fixed("l2"),
        "loss between prediction and target: l2, l1, huber or smooth_l1",
    ),
    key(
        "min_snr_gamma",
        POSITIVE,
        Default::Nothing,
        "gamma of the min-SNR weighting, which lowers the weight of steps with little noise, such as 5",
    ),
    flag("debiased_estimation", "false", "weight losses by 1/sqrt(SNR)"),
    key("noise_offset", NOT_NEGATIVE, Default::Fixed("0"), "offset of the noise's mean, such as 0.05"),
    key(
        "multires_noise_iterations",
        Kind::Whole { min: 0, max: 64 },
        Default::Fixed("0"),
        "scales of noise added to the noise; 0 is none",
    ),
    key(
        "multires_noise_discount",
        Kind::Real(Range::Share),
        Default::Fixed("0.3"),
        "weight of each further scale",
    ),
    key("ip_noise_gamma", NOT_NEGATIVE, Default::Fixed("0"), "noise added to the input's noise only"),
    flag(
        "masked_loss",
        "false",
        "only the masked part counts: alpha channel, NAME.mask.png or masks/NAME.png",
    ),
    key("reg_data_dir", Kind::Path, Default::Nothing, "pictures that keep the class as it is"),
    key("prior_loss_weight", NOT_NEGATIVE, Default::Fixed("1"), "weight of these pictures' loss"),
    flag("cache_latents", "true", "encode every picture once instead of at every step"),
    flag(
        "cache_latents_to_disk",
        "false",
        "keep encoded pictures in the user's cache for later trainings, at most 4 GiB",
    ),
    key(
        "sample_scheduler",
        Kind::OneOf(&["ddim", "euler", "euler_a", "dpmpp_2m"]),
        Default::Fixed("ddim"),
        "the sampler of sample pictures: ddim, euler, euler_a or dpmpp_2m",
    ),
    key(
        "sample_inference_steps",
        Kind::Whole { min: 1, max: 1000 },
        Default::Fixed("20"),
        "steps of the sampler",
    ),
    key(
        "sample_guidance",
        NOT_NEGATIVE,
        Default::Fixed("7.5"),
        "how strongly sample pictures follow their prompt (classifier-free guidance); 1 is none",
    ),
    key("sample_negative_prompt", Kind::Text, Default::Fixed("\"\""), "what sample pictures shall not show"),
];
