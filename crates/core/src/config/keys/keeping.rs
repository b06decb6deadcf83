//! Checkpoints, evaluation and samples.

use super::{Default, Group, Key, Kind};

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
        "held-out loss every so many steps, besides the beginning and the end",
    ),
    key(
        "eval_batch_size",
        Kind::Whole { min: 1, max: 65_536 },
        Default::Derived("batch_size"),
        "samples per evaluation batch",
    ),
    later(
        "sample_steps",
        "sample_prompts are answered before and after training",
        "samples every so many steps",
    ),
    key(
        "sample_prompts",
        Kind::TextList,
        Default::Fixed("[]"),
        "prompts that are answered before and after training",
    ),
    later("sample_seeds", "answers are greedy, which needs no seed", "seeds of samples"),
    later("on_oom", "", "what happens when memory does not suffice"),
    later("on_bad_sample", "", "what happens at a bad sample: stop or skip"),
];
