//! From a plan to trained runs: submitting, the queue, the dispatcher, the supervisor, and what people ask of runs.

pub mod action;
pub mod dispatch;
mod environment;
mod gpu;
mod inherit;
mod program;
mod queue_settings;
mod recover;
mod schedule;
mod slots;
mod start;
mod submit;
pub mod supervise;
mod write_up;

pub use environment::trainer_program;
pub use program::{ensure_dispatcher, own_program};
pub use queue_settings::QueueSettings;
pub use schedule::{QueuedRun, RunningRun, Slot, SlotKind, next};
pub use slots::{HostSlots, detect_slots};
pub use submit::{NewRun, Submission, SubmitError, submit};
pub use write_up::{WriteUp, commit_pending, write_up_experiment, write_up_run};
