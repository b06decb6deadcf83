//! Where and how runs are started.

use super::{Default, Group, Key, Kind};

const fn later(name: &'static str, instead: &'static str, about: &'static str) -> Key {
    Key::not_yet(Group::Running, name, instead, about)
}

pub(super) const KEYS: &[Key] = &[
    later("launcher", "runs are started on this machine", "local or slurm"),
    later("devices", "a run gets a slot by itself", "which GPUs a run may use"),
    later("runs_per_gpu", "", "how many runs share a GPU"),
    later("gpu_memory", "", "GPU memory that a run needs"),
    Key::new(
        Group::Running,
        "priority",
        Kind::Whole { min: -1_000_000, max: 1_000_000 },
        Default::Fixed("0"),
        "higher goes first in the queue",
    ),
    later("after", "", "runs that must have finished first"),
    later("command", "the built-in trainer is used", "another trainer's command"),
    later("resume_command", "", "how another trainer goes on"),
    later("env", "set variables where you call loradeck", "environment variables of the run"),
    later("metrics", "", "where another trainer writes its metrics"),
    later("code", "", "folder whose commit and changes are recorded"),
    later("on_fail", "", "a command that runs on failure"),
    later("stop_sweep_after_failures", "", "end a sweep after so many failures"),
    later(
        "slurm",
        "",
        "settings of Slurm: {partition, account, gres, time, memory, array_parallelism, extra}",
    ),
];
