//! Run folders and what stands in them: status, claims, locks, journal, control requests, summary.
//!
//! A run's folder is its database. Each file has one writer (named at its type); everybody may read.

mod attempt;
mod comeback;
mod command_exit;
mod control;
mod folder;
mod heartbeat;
mod home;
mod host;
mod journal;
mod lock;
mod queue;
mod recovery;
mod status;
mod summary;
mod workspace;
mod writable;

pub use attempt::{
    Attempt, Claim, ClusterJob, Place, claim, has_started, latest_attempt, read_attempt, read_attempts,
};
pub use comeback::comeback;
pub use command_exit::CommandExit;
pub use control::{
    Deed, Request, RequestFile, asked_to_end, pending_requests, post_request, withdraw_requests,
};
pub use folder::{CHECKPOINT_PREFIX, RunFolder, RunName, checkpoint_step};
pub use heartbeat::{Heartbeat, Pulse};
pub use home::{HOME_BEAT, Home, HomeIs, STANDSTILL};
pub use host::Host;
pub use journal::{Journal, JournalEntry, JournalReading, Writer, read_journal};
pub use lock::{FileLock, is_held, is_held_patiently, try_exclusive};
pub use queue::{Needs, QueueEntry};
pub use recovery::{Liveness, ProcessEnd, Recovery, decide_recovery, end_state};
pub use status::{EndReason, State, Status};
pub use summary::{Evidence, MetricBest, Outcome, Summary};
pub use workspace::{ExperimentFolder, FORMAT, Workspace, WorkspaceError};
pub use writable::why_unwritable;
