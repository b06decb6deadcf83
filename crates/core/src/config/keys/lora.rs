//! The adapters.

use super::{DataType, Default, Group, Key, Kind, Range};

const fn key(name: &'static str, kind: Kind, default: Default, about: &'static str) -> Key {
    Key::new(Group::Lora, name, kind, default, about)
}

const fn later(name: &'static str, about: &'static str) -> Key {
    Key::not_yet(Group::Lora, name, "", about)
}

/// Ranks.
pub(super) const RANK: Kind = Kind::Whole { min: 1, max: 65_536 };

pub(super) const KEYS: &[Key] = &[
    key(
        "lora_rank",
        RANK,
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
    key(
        "lora_dropout",
        Kind::Real(Range::Share),
        Default::Fixed("0"),
        "share of the adapters' inputs that is dropped",
    )
    .alias(&["dropout"])
    .only(DataType::Image),
    key(
        "lora_targets",
        Kind::TextOrList,
        Default::ByTask { text: "qkv", image: "attention" },
        "which projections get an adapter: qkv (text), attention, character, kohya (pictures), all-linear, a list of \
         module names, or a regular expression",
    )
    .alias(&["targets"]),
    key(
        "rank_pattern",
        Kind::WholeMap { min: 1, max: 65_536 },
        Default::Fixed("{}"),
        "other ranks for modules whose name ends with a pattern: {PATTERN: rank}",
    )
    .only(DataType::Image),
    key(
        "alpha_pattern",
        Kind::RealMap(Range::Positive),
        Default::Fixed("{}"),
        "other alphas for modules whose name ends with a pattern: {PATTERN: alpha}",
    )
    .only(DataType::Image),
    later("layers_to_transform", "only these layers"),
    later("lora_init", "how the adapters begin: kaiming, gaussian or pissa"),
    later("init_from", "adapter to continue training"),
    later("use_rslora", "scale by lora_alpha / sqrt(lora_rank)"),
    later("use_dora", "train magnitudes separately from directions (DoRA)"),
    later("loraplus_lr_ratio", "learning rate of B as a multiple of A's (LoRA+)"),
    later("modules_to_save", "modules that are trained whole"),
    key(
        "strength_warmup",
        Kind::StrengthWarmup,
        Default::Nothing,
        "weaker adapters in the first rounds: {epochs, weight}; the weight rises evenly to 1 over these epochs",
    )
    .only(DataType::Image),
];
