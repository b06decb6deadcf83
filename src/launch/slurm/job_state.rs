//! What Slurm says of a job, as far as the launcher acts on it.
//!
//! The words are those of `squeue(1)` and `sacct(1)`, section "JOB STATE CODES".

/// How a job was over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Ending {
    /// The element's supervisor ended with 0.
    Completed,
    /// It ended with another code or by a signal.
    Failed,
    /// Somebody cancelled the job.
    Cancelled,
    /// The time limit came.
    TimedOut,
    /// The node failed.
    NodeFailed,
    /// Another job took the node.
    Preempted,
    /// Slurm's memory limit ended it.
    OutOfMemory,
    /// It never started on its node.
    LaunchFailed,
    /// Slurm no longer knows the job.
    Unknown,
}

/// Where a job stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum JobState {
    /// It waits, for the first time or again.
    Waits,
    /// It has a node; its processes may be at work.
    AtWork,
    /// It is over.
    Over(Ending),
}

impl JobState {
    /// The state that Slurm's word means. A word of a newer Slurm counts as at work: nothing is concluded from it,
    /// and the job's disappearance will tell.
    pub(crate) fn of_word(word: &str) -> Self {
        // sacct adds by whom a job was cancelled, both may add flags after a `+`.
        let word = word.split([' ', '+']).next().unwrap_or_default();
        match word {
            "PENDING" | "REQUEUED" | "REQUEUE_FED" | "REQUEUE_HOLD" | "SPECIAL_EXIT" | "RESV_DEL_HOLD" => {
                Self::Waits
            }
            "COMPLETED" => Self::Over(Ending::Completed),
            "FAILED" => Self::Over(Ending::Failed),
            "CANCELLED" | "REVOKED" => Self::Over(Ending::Cancelled),
            "TIMEOUT" | "DEADLINE" => Self::Over(Ending::TimedOut),
            "NODE_FAIL" => Self::Over(Ending::NodeFailed),
            "PREEMPTED" => Self::Over(Ending::Preempted),
            "OUT_OF_MEMORY" => Self::Over(Ending::OutOfMemory),
            "BOOT_FAIL" | "LAUNCH_FAILED" | "RECONFIG_FAIL" => Self::Over(Ending::LaunchFailed),
            _ => Self::AtWork,
        }
    }
}

impl Ending {
    /// What people are told.
    pub(crate) fn words(self) -> &'static str {
        match self {
            Self::Completed => "the job ended",
            Self::Failed => "the job failed",
            Self::Cancelled => "the job was cancelled in Slurm",
            Self::TimedOut => "the job reached its time limit",
            Self::NodeFailed => "the job's node failed",
            Self::Preempted => "another job took the node",
            Self::OutOfMemory => "the job's memory limit ended it",
            Self::LaunchFailed => "the job could not be started on its node",
            Self::Unknown => "Slurm no longer knows the job",
        }
    }

    /// Whether the cluster ended the job rather than anything in the run: it is worth going on elsewhere.
    pub(crate) fn is_of_the_cluster(self) -> bool {
        matches!(
            self,
            Self::TimedOut | Self::NodeFailed | Self::Preempted | Self::LaunchFailed | Self::Unknown
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_of_both_programs_are_known_and_new_ones_conclude_nothing() {
        for (word, state) in [
            ("PENDING", JobState::Waits),
            ("REQUEUED", JobState::Waits),
            ("RUNNING", JobState::AtWork),
            ("COMPLETING", JobState::AtWork),
            ("CANCELLED by 1000", JobState::Over(Ending::Cancelled)),
            ("CANCELLED+", JobState::Over(Ending::Cancelled)),
            ("NODE_FAIL", JobState::Over(Ending::NodeFailed)),
            ("HIBERNATING", JobState::AtWork),
            ("", JobState::AtWork),
        ] {
            assert_eq!(JobState::of_word(word), state, "{word}");
        }
    }
}
