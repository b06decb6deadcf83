//! The training loop.

use super::{Default, Group, Key, Kind, Range};

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
        Default::Fixed("3"),
        "passes over the data, without max_steps",
    ),
    key("max_steps", count(1), Default::Nothing, "steps in all; wins over epochs").alias(&["steps"]),
    later("max_time", "", "longest time a training may take"),
    key("log_steps", count(1), Default::Fixed("1"), "metrics are written every so many steps"),
    key(
        "seed",
        Kind::Whole { min: 0, max: 18_446_744_073_709_551_615 },
        Default::Fixed("0"),
        "seed of data order and initial weights",
    ),
    key("threads", Kind::Whole { min: 1, max: 4096 }, Default::Derived("all of the slot's"), "CPU threads"),
    key(
        "precision",
        Kind::OneOf(&["auto", "fp32", "bf16"]),
        Default::Fixed("auto"),
        "number format of the step; auto is bf16 on CUDA and fp32 on the CPU",
    ),
    later("deterministic", "on the CPU runs repeat anyway", "the same numbers each time, also on CUDA"),
    later("gradient_checkpointing", "", "compute activations again instead of keeping them"),
    later("ema_decay", "", "also keep a running average of the adapters"),
    later("early_stopping", "", "end when the held-out loss no longer falls"),
    later("quantize_base", "", "how frozen weights are kept: none, nf4 or keep"),
];
