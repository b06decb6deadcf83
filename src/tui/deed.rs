//! What can be done to runs, to which of them, and how to say so.

use crate::store::{Run, ShownState};

/// Something that changes runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Deed {
    /// Write a checkpoint and end; a waiting run leaves the queue.
    Stop,
    /// End at once.
    Kill,
    /// Go on from the newest checkpoint.
    Resume,
    /// Train again as a new run.
    Retry,
    /// Move to the trash.
    Remove,
    /// Hold a waiting run back, or let it go.
    Hold,
    /// Let a waiting run start before others.
    Raise,
    /// Let others start before a waiting run.
    Lower,
    /// Never let its sweep give a trial up, or leave it to the sweep again.
    Keep,
    /// Send a run that Slurm has back into Slurm's queue.
    Requeue,
}

impl Deed {
    /// The verb, as on a button.
    pub fn verb(self) -> &'static str {
        match self {
            Self::Stop => "Stop",
            Self::Kill => "Kill",
            Self::Resume => "Resume",
            Self::Retry => "Retry",
            Self::Remove => "Remove",
            Self::Hold => "Hold or release",
            Self::Raise => "Raise",
            Self::Lower => "Lower",
            Self::Keep => "Protect from pruning or not",
            Self::Requeue => "Requeue",
        }
    }

    /// Its name in `loradeck.yaml`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Stop => "stop",
            Self::Kill => "kill",
            Self::Resume => "resume",
            Self::Retry => "retry",
            Self::Remove => "remove",
            Self::Hold => "hold",
            Self::Raise => "raise",
            Self::Lower => "lower",
            Self::Keep => "keep",
            Self::Requeue => "requeue",
        }
    }

    /// Said of one run to which it was done.
    pub fn done(self) -> &'static str {
        match self {
            Self::Stop => "asked to stop",
            Self::Kill => "asked to end at once",
            Self::Resume => "queued to resume",
            Self::Retry => "queued again as a new run",
            Self::Remove => "moved to the trash",
            Self::Hold => "held or released",
            Self::Raise => "raised",
            Self::Lower => "lowered",
            Self::Keep => "protected from pruning or not",
            Self::Requeue => "returns to Slurm's queue with a checkpoint",
        }
    }

    /// Whether it is asked before.
    pub fn needs_word(self, count: usize) -> bool {
        matches!(self, Self::Stop | Self::Kill | Self::Remove | Self::Requeue)
            || count > 1 && !matches!(self, Self::Raise | Self::Lower)
    }

    /// What will happen to `run`; `Err` says why it does not apply.
    pub fn effect(self, run: &Run) -> Result<&'static str, &'static str> {
        use ShownState as S;
        let state = run.state();
        let waits = matches!(state, S::Queued | S::Held);
        let ended = matches!(state, S::Finished | S::Failed | S::Stopped | S::Pruned | S::Lost);
        match self {
            _ if state == S::Archived && self != Self::Remove => Err("archived: read-only"),
            Self::Stop | Self::Kill if waits => Ok("leaves the queue"),
            Self::Stop if state == S::Ending => Err("was asked to end already (kill ends it at once)"),
            Self::Stop if state.is_live() => Ok("writes a checkpoint, then ends; can be resumed"),
            Self::Kill if state.is_live() => Ok("ends at once; work since the last checkpoint is lost"),
            Self::Stop | Self::Kill => Err("has ended already"),
            Self::Resume if state == S::Finished => Err("finished: nothing is left to train"),
            Self::Resume if ended => Ok("resumes from its newest checkpoint"),
            Self::Resume => Err("has not ended"),
            Self::Retry => Ok("the same settings as a new run"),
            Self::Remove if state.is_live() => Err("is running: stop it first"),
            Self::Remove => Ok("moves to the trash (restore brings it back)"),
            Self::Hold if state == S::Held => Ok("may start again"),
            Self::Hold if waits => Ok("waits until released"),
            Self::Raise if waits => Ok("goes before others"),
            Self::Lower if waits => Ok("lets others go before it"),
            Self::Hold | Self::Raise | Self::Lower => Err("is not waiting"),
            Self::Keep if run.queue.sweep.is_none() => Err("is no trial of a sweep"),
            Self::Keep if ended => Err("has ended already"),
            Self::Keep if run.queue.keep => Ok("may be pruned by its sweep again"),
            Self::Keep => Ok("will not be pruned by its sweep"),
            Self::Requeue if run.is_with_slurm() => {
                Ok("writes a checkpoint, then waits in Slurm's queue again")
            }
            Self::Requeue => Err("is not running on a Slurm node"),
        }
    }
}
