//! From a plan to trained runs: submitting, the queue, the dispatcher, the supervisor, and what people ask of runs.

pub mod action;
mod adopt;
mod code_snapshot;
mod cost;
mod deliver;
mod disk;
pub mod dispatch;
mod door;
mod environment;
mod examine;
pub mod exec;
mod gpu;
mod home;
mod hook;
mod identities;
mod inherit;
mod leftovers;
mod logout;
mod new_run;
mod patience;
mod prepare;
mod program;
mod queue_settings;
mod queue_up;
mod recover;
mod schedule;
mod search;
mod slot;
mod slots;
mod slurm;
mod start;
mod submit;
mod submitted_environment;
pub mod supervise;
pub mod sweep_edit;
mod sweep_file;
mod target;
pub mod tidy;
mod trust;
mod wake;
mod write_up;

pub use adopt::{AdoptedRun, adopt_folder, refresh_adopted};
pub use cost::{Cost, cost};
pub use deliver::{Delivery, deliver};
pub use door::Permit;
pub(crate) use environment::library_path;
pub use environment::{TrainerProgram, trainer_program};
pub use examine::examine;
pub(crate) use gpu::{Gpu, list as list_gpus};
pub use home::{HomeError, be_home, is_elsewhere, may_act, take_over};
pub use logout::{Cause, Logout, at_logout, is_ended_at_logout};
pub use loradeck_search::Arrival;
pub(crate) use patience::answer_within;
pub use prepare::{Prepared, prepare};
pub use program::{ensure_dispatcher, own_program};
pub use queue_settings::QueueSettings;
pub use queue_up::{Place, queue, retry};
pub use schedule::{Limits, QueuedRun, RunningRun, Schedule, Start, Waiting, next};
pub use slot::{Slot, SlotKind, SlotMemory};
pub use slots::{HostSlots, SlotSettings, detect_slots};
pub use slurm::{ShownJob, ShownJobs, SlurmError, requeue, supervise_element};
pub use submit::{NewRun, Order, Submission, SubmitError, SweepOf, submit};
pub use submitted_environment::SubmittedEnvironment;
pub use sweep_file::{SweepFile, sweep_numbers};
pub use target::Target;
pub use trust::{Inventory, Named, NotTrusted, inventory, permit, trust_command, waits_for_trust};
pub use wake::{wake_for, wake_for_shown};
pub use write_up::{WriteUp, commit_pending, commit_word, write_up_experiment, write_up_run};

/// What a person asked for and cannot be, with the reason.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct BadInput(pub String);

/// A target that is neither an experiment, a run nor a file.
#[derive(Debug, thiserror::Error)]
#[error(
    "'{target}' is no experiment, run or YAML file here (hint: `loradeck list` shows runs, `ls experiments` experiments)"
)]
pub struct Unknown {
    /// What was named.
    pub target: String,
}
