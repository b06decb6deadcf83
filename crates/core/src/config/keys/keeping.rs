//! Checkpoints, evaluation and samples.

use super::{DataType, Default, Group, Key, Kind};

const fn key(name: &'static str, kind: Kind, default: Default, about: &'static str) -> Key {
    Key::new(Group::Keeping, name, kind, default, about)
}

const fn later(name: &'static str, instead: &'static str, about: &'static str) -> Key {
    Key::not_yet(Group::Keeping, name, instead, about)
}

const STEPS: Kind = Kind::Whole { min: 1, max: 1_000_000_000_000 };

pub(super) const KEYS: &[Key] = &[
    key("save_steps", STEPS, Default::Fixed("100"), "a full checkpoint every so many steps"),
    key(
        "keep_checkpoints",
        Kind::Whole { min: 1, max: 1_000_000 },
        Default::Fixed("3"),
        "how many of the newest checkpoints are kept",
    ),
    later("keep_best", "", "also keep the best checkpoint by a metric: {metric, mode}"),
    key(
        "eval_steps",
        STEPS,
        Default::Nothing,
        "held-out loss every so many steps, and at the beginning and the end",
    ),
    key(
        "eval_batch_size",
        Kind::Whole { min: 1, max: 65_536 },
        Default::Derived("batch_size"),
        "samples per evaluation batch",
    ),
    key(
        "sample_steps",
        STEPS,
        Default::Nothing,
        "sample pictures every so many steps, and before and after training",
    )
    .only(DataType::Image),
    key(
        "sample_prompts",
        Kind::TextList,
        Default::Fixed("[]"),
        "prompts that are answered, or drawn, before and after training",
    ),
    key(
        "sample_seeds",
        Kind::WholeList { min: 0, max: 18_446_744_073_709_551_615 },
        Default::Fixed("[0]"),
        "a seed for each sample prompt; the last one serves the prompts beyond",
    )
    .only(DataType::Image),
    later("on_oom", "", "what happens when memory does not suffice"),
    key(
        "on_bad_sample",
        Kind::OneOf(&["stop", "skip"]),
        Default::Fixed("stop"),
        "what happens at pictures that cannot be used: stop refuses the training, skip leaves them out and names them",
    )
    .only(DataType::Image),
];
