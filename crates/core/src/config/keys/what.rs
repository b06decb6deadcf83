//! Models, data and names.

use super::{DataType, Default, Group, Key, Kind, Range, SEED};

const fn key(name: &'static str, kind: Kind, default: Default, about: &'static str) -> Key {
    Key::new(Group::What, name, kind, default, about)
}

pub(super) const KEYS: &[Key] = &[
    key(
        "base_model",
        Kind::Path,
        Default::Required,
        "the model that is adapted: a GGUF file or a Hugging Face folder; for pictures a diffusers folder or a single \
         .safetensors file",
    ),
    key("train_data_dir", Kind::Path, Default::Required, "the training data: a file or a folder"),
    key("output_dir", Kind::Path, Default::Nothing, "where a run outside a workspace writes"),
    key("eval_data_dir", Kind::Path, Default::Nothing, "held-out data: a file or a folder"),
    key(
        "eval_split",
        Kind::Real(Range::Share),
        Default::Fixed("0"),
        "share of the training data that is held out, instead of eval_data_dir",
    ),
    key(
        "split_seed",
        SEED,
        Default::Fixed("0"),
        "seed of the choice that eval_split makes; it does not depend on seed",
    ),
    key(
        "data_type",
        Kind::OneOf(&["auto", "text", "image"]),
        Default::Derived("recognised by the names of the data and of the base model"),
        "text or image, where it cannot be recognised",
    ),
    key("run_name", Kind::Text, Default::Nothing, "a name for people; part of the run folder's name"),
    key("version", Kind::Text, Default::Nothing, "a version for people, shown in the report"),
    key(
        "trigger_word",
        Kind::Text,
        Default::Nothing,
        "the word that triggers the adapter's style or character; put before every caption that lacks it",
    )
    .only(DataType::Image),
    key("notes", Kind::Text, Default::Nothing, "free text for the report"),
];
