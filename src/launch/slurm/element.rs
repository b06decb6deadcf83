//! The node's side: an element of an array claims its own attempt, supervises it, and takes the cluster's
//! interruptions for what they are.
//!
//! Source of the variables: `sbatch(1)`, "OUTPUT ENVIRONMENT VARIABLES".

use std::env;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use loradeck_core::crash;
use loradeck_core::error::FileError;
use loradeck_core::run::{
    Attempt, Claim, ClusterJob, Deed, EndReason, Host, QueueEntry, RunFolder, State, Status, claim,
    pending_requests, read_attempt,
};
use loradeck_core::time::Moment;

use super::interruption::go_on_later;
use crate::launch::door::Permit;
use crate::launch::supervise::{Supervisor, take_run_lock};

/// How long a shared file system may take to show a run folder to a node: NFS clients keep a missing name for up to a
/// minute (`acdirmax`, nfs(5)).
const VISIBILITY: Duration = Duration::from_secs(90);
/// How long an earlier start's supervisor may take to see that it has been superseded.
const PREDECESSOR: Duration = Duration::from_secs(60);

/// What the cluster asked of this element.
#[derive(Debug, Default)]
struct Asked {
    /// SIGUSR1: the time limit is near.
    time_limit: Arc<AtomicBool>,
    /// SIGTERM: preempted, requeued or cancelled.
    terminated: Arc<AtomicBool>,
}

/// Supervises the run at `path` as an element of `submission`, which was to start `attempt`.
pub fn supervise_element(path: &Path, attempt: u32, submission: &str) -> Result<()> {
    let asked = listen()?;
    let job = job_from(submission, |name| env::var(name).ok())?;
    let run = RunFolder::new(wait_for_folder(path)?);
    let Some(attempt) = claim_attempt(&run, attempt, &job)? else { return Ok(()) };
    crash::point("slurm.element-claimed");
    let Some(lock) = take_run_lock(&run, PREDECESSOR)? else {
        bail!("another supervisor already runs {}", run.label())
    };
    if let Some(end) = end_asked_before(&run, attempt) {
        return Ok(end.write(&run)?);
    }
    Status::new(State::Starting, attempt, Moment::now()).write(&run)?;
    crash::point("slurm.element-starting");
    let mut supervisor = Supervisor::new(run.clone(), attempt, Arc::new(AtomicBool::new(false)))?;
    supervisor.interrupt_on([Arc::clone(&asked.time_limit), Arc::clone(&asked.terminated)]);
    let end = supervisor.start(&|workspace| Ok(Permit::given_at_submission(workspace)));
    // A later attempt's run is not ours to write to.
    if run.attempt(attempt + 1).exists() {
        return Ok(());
    }
    if supervisor.was_interrupted(&end) {
        go_on_later(&run, attempt, &job, asked.time_limit.load(Ordering::Relaxed))?;
    } else {
        supervisor.write_end(end)?;
    }
    drop(lock);
    Ok(())
}

fn listen() -> Result<Asked> {
    let asked = Asked::default();
    signal_hook::flag::register(signal_hook::consts::SIGUSR1, Arc::clone(&asked.time_limit))?;
    signal_hook::flag::register(signal_hook::consts::SIGTERM, Arc::clone(&asked.terminated))?;
    signal_hook::flag::register(signal_hook::consts::SIGHUP, Arc::new(AtomicBool::new(false)))?;
    Ok(asked)
}

fn job_from(submission: &str, variable: impl Fn(&str) -> Option<String>) -> Result<ClusterJob> {
    let number = |name: &str| -> Result<u64> {
        let text =
            variable(name).with_context(|| format!("{name} is not set: this is no array job of Slurm"))?;
        text.parse().with_context(|| format!("{name}={text} is no number"))
    };
    let (array, index) = (number("SLURM_ARRAY_JOB_ID")?, number("SLURM_ARRAY_TASK_ID")?);
    let restart = variable("SLURM_RESTART_COUNT").and_then(|text| text.parse().ok()).unwrap_or(0);
    Ok(ClusterJob { submission: submission.to_owned(), id: format!("{array}_{index}"), restart })
}

fn wait_for_folder(path: &Path) -> Result<std::path::PathBuf> {
    let until = Instant::now() + VISIBILITY;
    loop {
        match std::fs::canonicalize(path) {
            Ok(folder) if folder.join("status.json").exists() => return Ok(folder),
            _ if Instant::now() >= until => bail!("no run at {}", path.display()),
            _ => thread::sleep(Duration::from_millis(200)),
        }
    }
}

/// The attempt that this element has claimed; `None` where there is nothing for it to do.
fn claim_attempt(run: &RunFolder, submitted: u32, job: &ClusterJob) -> Result<Option<u32>, FileError> {
    let Some(status) = Status::read(run)? else { return Ok(None) };
    let before = read_attempt(run, status.attempt).and_then(|attempt| attempt.job);
    let Some(number) = attempt_to_claim(&status, submitted, job, before.as_ref()) else { return Ok(None) };
    let record = Attempt {
        attempt: number,
        host: Host::here(),
        devices: devices(),
        program: format!("loradeck {}", env!("CARGO_PKG_VERSION")),
        overrides: QueueEntry::read(run)?.overrides,
        time: Moment::now(),
        job: Some(job.clone()),
        withdrawn: false,
    };
    crash::point("slurm.element-before-claim");
    Ok((claim(run, &record)? == Claim::Won).then_some(number))
}

/// Which attempt an element may claim. `before` is the job of the attempt that the status speaks of.
fn attempt_to_claim(
    status: &Status,
    submitted: u32,
    job: &ClusterJob,
    before: Option<&ClusterJob>,
) -> Option<u32> {
    match status.state {
        State::Queued => (status.attempt >= submitted).then_some(status.attempt),
        // Started again after a node failed: the attempt that it goes on from was its own.
        State::Starting | State::Running => before
            .is_some_and(|before| before.id == job.id && before.restart < job.restart)
            .then_some(status.attempt + 1),
        State::Finished | State::Failed | State::Stopped | State::Pruned => None,
    }
}

fn devices() -> Vec<String> {
    let gpus = env::var("CUDA_VISIBLE_DEVICES").unwrap_or_default();
    let gpus: Vec<String> =
        gpus.split(',').filter(|gpu| !gpu.is_empty()).map(|gpu| format!("gpu-{gpu}")).collect();
    if gpus.is_empty() { vec!["cpu".to_owned()] } else { gpus }
}

/// The end of an attempt whose predecessor was asked to end when nobody heard it any more.
fn end_asked_before(run: &RunFolder, attempt: u32) -> Option<Status> {
    let requests = pending_requests(run);
    let deed =
        requests.iter().filter(|file| file.request.attempt + 1 >= attempt).find_map(|file| {
            match file.request.deed {
                Deed::Stop => Some(State::Stopped),
                Deed::Prune => Some(State::Pruned),
                Deed::Kill => Some(State::Failed),
                Deed::Save | Deed::Sample | Deed::Keep => None,
            }
        })?;
    let status = Status::new(deed, attempt, Moment::now());
    let words = "asked to end before Slurm started it again";
    Some(match deed {
        State::Failed => status.because(EndReason::Killed, words),
        _ => Status { message: Some(words.to_owned()), ..status },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn job(id: &str, restart: u32) -> ClusterJob {
        ClusterJob { submission: "s".into(), id: id.into(), restart }
    }

    #[test]
    fn an_element_claims_what_waits_for_it_and_goes_on_with_its_own() {
        let status = |state, attempt| Status::new(state, attempt, Moment(0));
        let claims = |status: &Status, submitted, job: &ClusterJob, before: Option<&ClusterJob>| {
            attempt_to_claim(status, submitted, job, before)
        };
        let first = job("7_1", 0);
        assert_eq!(claims(&status(State::Queued, 1), 1, &first, None), Some(1));
        assert_eq!(claims(&status(State::Queued, 1), 2, &first, None), None, "an older view of the run");
        assert_eq!(claims(&status(State::Running, 1), 1, &first, Some(&first)), None);
        let again = job("7_1", 1);
        assert_eq!(claims(&status(State::Running, 1), 1, &again, Some(&first)), Some(2));
        assert_eq!(claims(&status(State::Queued, 2), 1, &again, None), Some(2));
        assert_eq!(claims(&status(State::Running, 1), 1, &again, Some(&job("8_1", 0))), None);
        for state in [State::Finished, State::Failed, State::Stopped, State::Pruned] {
            assert_eq!(claims(&status(state, 1), 1, &again, Some(&first)), None);
        }
    }

    #[test]
    fn an_element_knows_its_job_from_slurms_variables() {
        let variables = |name: &str| match name {
            "SLURM_ARRAY_JOB_ID" => Some("41".to_owned()),
            "SLURM_ARRAY_TASK_ID" => Some("3".to_owned()),
            "SLURM_RESTART_COUNT" => Some("2".to_owned()),
            _ => None,
        };
        assert_eq!(job_from("s", variables).unwrap(), job("41_3", 2));
        let error = job_from("s", |_| None).unwrap_err().to_string();
        assert!(error.contains("SLURM_ARRAY_JOB_ID is not set"), "{error}");
    }
}
