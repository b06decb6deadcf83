//! The training loop.

use super::{DataType, Default, Group, Key, Kind, Range, SEED};

const fn key(name: &'static str, kind: Kind, default: Default, about: &'static str) -> Key {
    Key::new(Group::Training, name, kind, default, about)
}

const fn later(name: &'static str, instead: &'static str, about: &'static str) -> Key {
    Key::not_yet(Group::Training, name, instead, about)
}

const fn count(min: i128) -> Kind {
    Kind::Whole { min, max: 1_000_000_000_000 }
}

pub(super) const KEYS: &[Key] = &[
    key("batch_size", Kind::Whole { min: 1, max: 65_536 }, Default::Fixed("4"), "samples per micro-batch")
        .alias(&["bs"]),
    key(
        "gradient_accumulation",
        Kind::Whole { min: 1, max: 65_536 },
        Default::Fixed("1"),
        "micro-batches per step",
    ),
    key("learning_rate", Kind::Real(Range::Positive), Default::Fixed("2e-4"), "peak learning rate")
        .alias(&["lr"]),
    key(
        "lr_scheduler",
        Kind::OneOf(&["cosine", "linear", "constant"]),
        Default::Fixed("cosine"),
        "how the learning rate falls after warm-up",
    ),
    key("warmup_steps", count(0), Default::Fixed("0"), "steps over which the learning rate rises from zero"),
    later("optimizer", "leave it out: AdamW is used", "the optimizer"),
    key(
        "weight_decay",
        Kind::Real(Range::NotNegative),
        Default::Fixed("0"),
        "AdamW's decoupled weight decay",
    ),
    key(
        "max_grad_norm",
        Kind::Real(Range::NotNegative),
        Default::Fixed("1"),
        "gradients are scaled down to this 2-norm; 0 leaves them",
    ),
    key(
        "epochs",
        Kind::Real(Range::Positive),
        Default::ByTask { text: "3", image: "10" },
        "passes over the data, without max_steps",
    ),
    key("max_steps", count(1), Default::Nothing, "steps in all; wins over epochs").alias(&["steps"]),
    later("max_time", "", "longest time a training may take"),
    key("log_steps", count(1), Default::Fixed("1"), "metrics are written every so many steps"),
    key("seed", SEED, Default::Fixed("0"), "seed of data order and initial weights"),
    key("threads", Kind::Whole { min: 1, max: 4096 }, Default::Derived("all of the slot's"), "CPU threads"),
    key(
        "precision",
        Kind::OneOf(&["auto", "fp32", "bf16", "fp16"]),
        Default::Fixed("auto"),
        "number format of the step; auto is bf16 on CUDA (fp16 for pictures on GPUs without bf16) and fp32 on the CPU; fp16 is for pictures only",
    ),
    later("deterministic", "on the CPU runs repeat anyway", "the same numbers each time, also on CUDA"),
    key(
        "gradient_checkpointing",
        Kind::Flag,
        Default::Fixed("false"),
        "compute activations again in the backward pass instead of keeping them: less memory, about a third slower",
    )
    .only(DataType::Image),
    key(
        "ema_decay",
        Kind::Real(Range::Share),
        Default::Nothing,
        "decay of a running average of the adapters, which is exported instead of them, such as 0.999",
    )
    .only(DataType::Image),
    later("early_stopping", "", "end when the held-out loss no longer falls"),
    later("quantize_base", "", "how frozen weights are kept: none, nf4 or keep"),
];
