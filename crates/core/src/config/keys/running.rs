//! Where and how runs are started.

use super::{Default, Group, Key, Kind};

const fn key(name: &'static str, kind: Kind, default: Default, about: &'static str) -> Key {
    Key::new(Group::Running, name, kind, default, about)
}

pub(super) const KEYS: &[Key] = &[
    key(
        "launcher",
        Kind::OneOf(&["local", "slurm"]),
        Default::Fixed("local"),
        "who starts the run: this machine's dispatcher, or Slurm",
    ),
    key(
        "slurm",
        Kind::Slurm,
        Default::Nothing,
        "what the run asks of Slurm: {partition, account, gres, time, memory, array_parallelism, extra}",
    ),
    key(
        "devices",
        Kind::TextList,
        Default::Fixed("[]"),
        "GPUs that a run may use, by index or UUID, or cpu; none named: whichever is free",
    ),
    key(
        "runs_per_gpu",
        Kind::Whole { min: 1, max: 64 },
        Default::Fixed("1"),
        "how many runs may share a GPU, if its memory suffices",
    ),
    key(
        "gpu_memory",
        Kind::Memory,
        Default::Nothing,
        "GPU memory that a run needs; unset: the peak measured for earlier runs of the sweep",
    ),
    key(
        "priority",
        Kind::Whole { min: -1_000_000, max: 1_000_000 },
        Default::Fixed("0"),
        "higher goes first in the queue",
    ),
    key("after", Kind::TextList, Default::Fixed("[]"), "runs that must have finished first"),
    key(
        "auto_resume",
        Kind::Whole { min: 0, max: 1_000 },
        Default::Fixed("0"),
        "how often a lost or crashed run is resumed automatically from its last checkpoint",
    ),
    key("on_finish", Kind::Command, Default::Nothing, "a command that runs once the run has finished"),
    key("on_fail", Kind::Command, Default::Nothing, "a command that runs once the run has failed"),
    key(
        "code",
        Kind::OneOf(&["record", "snapshot"]),
        Default::Fixed("record"),
        "snapshot: the command runs in a copy of the code as it was at submit; record: commit and changes are noted",
    ),
    key(
        "stop_sweep_after_failures",
        Kind::Whole { min: 1, max: 10_000 },
        Default::Nothing,
        "after so many failures in a row shortly after their start, the rest of the sweep is held",
    ),
    key(
        "command",
        Kind::Command,
        Default::Nothing,
        "another trainer's program and arguments; ${name} stands for a setting, a parameter or a fact of the run",
    ),
    key(
        "resume_command",
        Kind::Command,
        Default::Nothing,
        "the command that resumes another trainer after an earlier attempt; without it a run cannot be resumed",
    ),
    key(
        "env",
        Kind::Environment,
        Default::Fixed("{}"),
        "environment variables of the run; those of secrets are named here and taken from your environment",
    ),
    key("working_dir", Kind::Path, Default::Nothing, "where the command runs; unset: the workspace's root"),
    key(
        "metrics",
        Kind::Metrics,
        Default::Fixed("[]"),
        "where another trainer writes its metrics: tfevents, jsonl, csv, trainer_state, or a pattern over the log",
    ),
    key(
        "adopted",
        Kind::Path,
        Default::Nothing,
        "another program's folder that this run tracks; written by `loradeck adopt`",
    ),
];
