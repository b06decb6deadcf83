//! Taking a run back that Slurm may start at any moment: its attempt is claimed in its stead, so that an element that
//! comes too late finds it taken. The dispatcher cancels the job when it next looks.

use loradeck_core::error::FileError;
use loradeck_core::run::{Attempt, Claim, Host, RunFolder, Status, claim, read_attempt};
use loradeck_core::time::Moment;

use super::submission::holder_of;

/// How an attempt to take a run back ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Withdrawal {
    /// Nobody starts it any more.
    Done,
    /// An element has just claimed it: it is to be asked like a running one.
    TooLate,
}

/// Whether a submission to Slurm has the run.
pub(crate) fn is_with_slurm(run: &RunFolder) -> bool {
    holder_of(run).is_some()
}

/// Whether the newest attempt of a run that is not over was claimed by an element: on another host, where its locks
/// cannot be seen.
pub(crate) fn has_live_job(run: &RunFolder, status: &Status) -> bool {
    let has_job = || read_attempt(run, status.attempt).is_some_and(|attempt| attempt.job.is_some());
    status.state.is_live() && has_job() && is_with_slurm(run)
}

/// Takes back attempt `attempt` of a waiting run. The caller holds the queue's lock.
pub(crate) fn withdraw(run: &RunFolder, attempt: u32) -> Result<Withdrawal, FileError> {
    if !is_with_slurm(run) {
        return Ok(Withdrawal::Done);
    }
    let record = Attempt {
        attempt,
        host: Host::here(),
        devices: Vec::new(),
        program: format!("loradeck {}", env!("CARGO_PKG_VERSION")),
        overrides: Vec::new(),
        time: Moment::now(),
        job: None,
        withdrawn: true,
    };
    Ok(match claim(run, &record)? {
        Claim::Won => Withdrawal::Done,
        Claim::Taken => Withdrawal::TooLate,
    })
}
