//! Keys of language models.

use super::{DataType, Default, Group, Key, Kind};

const fn key(name: &'static str, kind: Kind, default: Default, about: &'static str) -> Key {
    Key::new(Group::Text, name, kind, default, about).only(DataType::Text)
}

const fn later(name: &'static str, instead: &'static str, about: &'static str) -> Key {
    Key::not_yet(Group::Text, name, instead, about)
}

pub(super) const KEYS: &[Key] = &[
    key(
        "max_seq_len",
        Kind::Whole { min: 2, max: 1_048_576 },
        Default::Fixed("2048"),
        "tokens a sample may have; longer ones are cut",
    ),
    later("packing", "", "several samples in one sequence"),
    later("chat_template", "leave it out: the model's own is used", "how chats become text"),
    key(
        "train_on_prompt",
        Kind::Flag,
        Default::Fixed("false"),
        "whether prompt tokens count in the loss too",
    ),
    later("mask_history", "", "only the last answer of a chat counts in the loss"),
    later("neftune_noise_alpha", "", "noise on the embeddings (NEFTune)"),
];
