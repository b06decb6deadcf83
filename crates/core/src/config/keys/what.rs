//! Models, data and names.

use super::{Default, Group, Key, Kind, Range};

const fn key(name: &'static str, kind: Kind, default: Default, about: &'static str) -> Key {
    Key::new(Group::What, name, kind, default, about)
}

const fn later(name: &'static str, instead: &'static str, about: &'static str) -> Key {
    Key::not_yet(Group::What, name, instead, about)
}

pub(super) const KEYS: &[Key] = &[
    key(
        "base_model",
        Kind::Path,
        Default::Required,
        "the model that is adapted: a GGUF file or a Hugging Face folder",
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
    later(
        "data_type",
        "leave it out: chats as .jsonl are recognised",
        "text or image, where it cannot be recognised",
    ),
    key("run_name", Kind::Text, Default::Nothing, "a name for people; part of the run folder's name"),
    key("version", Kind::Text, Default::Nothing, "a version for people, shown in the report"),
    later("trigger_word", "", "the word that calls up the adapter's style or character"),
    key("notes", Kind::Text, Default::Nothing, "free text for the report"),
];
