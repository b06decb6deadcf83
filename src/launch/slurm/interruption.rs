//! What an element does when the cluster wants its node back: its run waits for the next attempt.

use std::thread;
use std::time::Duration;

use anyhow::Result;
use loradeck_core::crash;
use loradeck_core::run::{
    ClusterJob, EndReason, Journal, JournalEntry, Outcome, ProcessEnd, RunFolder, State, Status, Writer,
};
use loradeck_core::time::Moment;

use super::job_state::Ending;
use super::obstacle::{obstacle, requeue_entry};
use super::tools::{self, SlurmError};

/// How often a controller that is not reached is asked to requeue; the time limit is near.
const REQUEUE_TRIES: u32 = 4;

/// Queues the next attempt, which this element claims itself when Slurm starts it again, and asks Slurm to.
/// `by_time`: the time limit is near; else the node is taken away, and Slurm has its own plans.
pub(super) fn go_on_later(run: &RunFolder, attempt: u32, job: &ClusterJob, by_time: bool) -> Result<()> {
    let ending = if by_time { Ending::TimedOut } else { Ending::Preempted };
    let mut journal = Journal::open(run, Writer::Supervisor)?;
    if let Some(words) = obstacle(run, ending) {
        journal.append(
            &JournalEntry::new("end", attempt).with("state", "failed").with("message", words.as_str()),
        )?;
        return Ok(Status::new(State::Failed, attempt, Moment::now())
            .because(EndReason::Error, words)
            .write(run)?);
    }
    journal.append(&requeue_entry(run, attempt, ending))?;
    let mut status = Status::new(State::Queued, attempt + 1, Moment::now());
    status.message = Some(format!("{}; resumes from its checkpoint", ending.words()));
    status.write(run)?;
    crash::point("slurm.element-before-requeue");
    // Where this fails, the dispatcher finds the job over and submits again.
    if by_time && let Err(error) = ask_for_requeue(run, &job.id) {
        journal.append(&JournalEntry::new("requeue-refused", attempt).with("message", error.to_string()))?;
    }
    Ok(())
}

/// Asks Slurm to start this element again, a few times where the controller is not reached.
fn ask_for_requeue(run: &RunFolder, id: &str) -> Result<String, SlurmError> {
    let mut tries = 0;
    loop {
        tries += 1;
        match tools::ask("scontrol", run.path(), &["requeue", id]) {
            Err(error) if error.may_pass() && tries < REQUEUE_TRIES => thread::sleep(Duration::from_secs(1)),
            answer => return answer,
        }
    }
}

/// Whether an attempt that ended so was ended by an interruption rather than by itself.
pub(crate) fn ended_by_interruption(
    requested: Option<State>,
    killed: bool,
    outcome: Option<Outcome>,
    process: ProcessEnd,
) -> bool {
    let left_open = matches!(outcome, None | Some(Outcome::Running | Outcome::Stopped));
    requested.is_none() && !killed && left_open && (process.code == Some(3) || process.signal.is_some())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_end_of_its_own_is_no_interruption() {
        let exit = |code| ProcessEnd { code: Some(code), ..ProcessEnd::default() };
        let signal = ProcessEnd { signal: Some(9), ..ProcessEnd::default() };
        assert!(ended_by_interruption(None, false, Some(Outcome::Stopped), exit(3)));
        assert!(ended_by_interruption(None, false, Some(Outcome::Running), signal));
        assert!(!ended_by_interruption(None, false, Some(Outcome::Finished), exit(0)));
        assert!(!ended_by_interruption(None, false, Some(Outcome::NonFinite), exit(4)));
        assert!(!ended_by_interruption(Some(State::Stopped), false, Some(Outcome::Stopped), exit(3)));
        assert!(!ended_by_interruption(None, true, None, signal));
    }
}
