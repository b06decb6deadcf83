//! `status.json`: where a run stands in the table of states.

use serde::{Deserialize, Serialize};

use crate::error::FileError;
use crate::file::{self, Durability};
use crate::run::RunFolder;
use crate::time::Moment;

/// A run's state. `lost`, `orphaned` and `resumable` are derived, never written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// Waits for a slot.
    Queued,
    /// Claimed by the dispatcher; its supervisor has not reported yet.
    Starting,
    /// A supervisor holds its lock.
    Running,
    /// Trained to the end.
    Finished,
    /// Ended otherwise; the reason says how.
    Failed,
    /// Ended at a checkpoint, or dropped from the queue, on request.
    Stopped,
    /// Ended by early stopping of its sweep.
    Pruned,
}

impl State {
    /// Whether this attempt is over.
    pub fn is_end(self) -> bool {
        matches!(self, Self::Finished | Self::Failed | Self::Stopped | Self::Pruned)
    }

    /// Whether a process should be at work.
    pub fn is_live(self) -> bool {
        matches!(self, Self::Starting | Self::Running)
    }

    /// The word shown and written.
    pub fn word(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Starting => "starting",
            Self::Running => "running",
            Self::Finished => "finished",
            Self::Failed => "failed",
            Self::Stopped => "stopped",
            Self::Pruned => "pruned",
        }
    }
}

/// Why a run failed, where a word says it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum EndReason {
    /// Supervisor and trainer died without writing an end.
    Lost,
    /// The supervisor could not be started.
    Spawn,
    /// The run it waited for failed.
    Parent,
    /// A signal ended the trainer.
    Signal,
    /// The kernel's out-of-memory killer ended the trainer.
    KilledForMemory,
    /// The loss or a gradient was not finite.
    NonFinite,
    /// Memory ran out.
    OutOfMemory,
    /// The configuration was refused.
    Config,
    /// Killed on request.
    Killed,
    /// Anything else.
    Error,
}

/// The contents of `status.json`. Its writer is the one named in the table of states.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Status {
    /// Format of the run folder.
    pub format: u32,
    /// State of the newest attempt.
    pub state: State,
    /// The attempt that the state speaks of, from 1.
    pub attempt: u32,
    /// Since when.
    pub since: Moment,
    /// The class of a failure.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<EndReason>,
    /// A sentence about the state.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// Exit code of the trainer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exit: Option<i32>,
}

impl Status {
    /// A status without reason, message or exit code.
    pub fn new(state: State, attempt: u32, since: Moment) -> Self {
        Self { format: super::FORMAT, state, attempt, since, reason: None, message: None, exit: None }
    }

    /// The same with a reason and a sentence.
    #[must_use]
    pub fn because(mut self, reason: EndReason, message: impl Into<String>) -> Self {
        self.reason = Some(reason);
        self.message = Some(message.into());
        self
    }

    /// Reads `status.json`; `None` for an archived run.
    pub fn read(run: &RunFolder) -> Result<Option<Self>, FileError> {
        file::read_json(&run.status())
    }

    /// Replaces `status.json`, durably.
    pub fn write(&self, run: &RunFolder) -> Result<(), FileError> {
        file::replace_json(&run.status(), self, Durability::Synced)
    }
}
