//! Sending a running element back into Slurm's queue: the signal that Slurm itself sends before a time limit.

use loradeck_core::run::{RunFolder, Status, Workspace, read_attempt};

use super::tools;
use super::withdraw::has_live_job;
use crate::launch::action::{ActionError, refused};

/// Has the run write a checkpoint and wait in Slurm's queue again, from which it goes on as its next attempt.
pub fn requeue(workspace: &Workspace, run: &RunFolder) -> Result<(), ActionError> {
    let status = Status::read(run)?;
    let job = status
        .as_ref()
        .filter(|status| has_live_job(run, status))
        .and_then(|status| read_attempt(run, status.attempt)?.job);
    let Some(job) = job else {
        let state = status.map_or("archived", |status| status.state.word());
        return Err(refused(
            run,
            state,
            "only a run that is running on a Slurm node can return to Slurm's queue",
        ));
    };
    // Only the supervisor, which stands in the batch shell's place, is to hear it.
    let arguments = ["--batch", "--signal=USR1", &job.id];
    tools::ask("scancel", workspace.root(), &arguments)?;
    Ok(())
}
