//! The adapters.

use super::{Default, Group, Key, Kind, Range};

const fn key(name: &'static str, kind: Kind, default: Default, about: &'static str) -> Key {
    Key::new(Group::Lora, name, kind, default, about)
}

const fn later(name: &'static str, about: &'static str) -> Key {
    Key::not_yet(Group::Lora, name, "", about)
}

pub(super) const KEYS: &[Key] = &[
    key(
        "lora_rank",
        Kind::Whole { min: 1, max: 65_536 },
        Default::Fixed("8"),
        "rank r of the adapters: 4 to 8 for styles and formats, 16 and more for new knowledge",
    )
    .alias(&["rank", "r"]),
    key(
        "lora_alpha",
        Kind::Real(Range::Positive),
        Default::Derived("2 · lora_rank"),
        "the adapters' scale is lora_alpha / lora_rank",
    )
    .alias(&["alpha"]),
    later("lora_dropout", "share of the adapters' inputs that is dropped").alias(&["dropout"]),
    key(
        "lora_targets",
        Kind::TextOrList,
        Default::Fixed("qkv"),
        "which projections get an adapter: qkv, attention, character, all-linear, a list of module names, or a \
         regular expression",
    )
    .alias(&["targets"]),
    later("rank_pattern", "other ranks for some modules"),
    later("alpha_pattern", "other alphas for some modules"),
    later("layers_to_transform", "only these layers"),
    later("lora_init", "how the adapters begin: kaiming, gaussian or pissa"),
    later("init_from", "adapter to go on from"),
    later("use_rslora", "scale by lora_alpha / sqrt(lora_rank)"),
    later("use_dora", "train magnitudes beside directions (DoRA)"),
    later("loraplus_lr_ratio", "learning rate of B as a multiple of A's (LoRA+)"),
    later("modules_to_save", "modules that are trained whole"),
    later("strength_warmup", "weaker adapters in the first rounds: {epochs, weight}"),
];
