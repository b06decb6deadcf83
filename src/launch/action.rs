//! What people ask of runs: stop, kill, resume, remove, restore. Each is one small change under the queue lock, or
//! one request file.

use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use loradeck_core::config::{Settings, Value};
use loradeck_core::error::{FileError, WithPath};
use loradeck_core::file;
use loradeck_core::run::{
    Deed, ExperimentFolder, Journal, JournalEntry, QueueEntry, Request, RunFolder, State, Status, Summary,
    Workspace, Writer, is_held_patiently, pending_requests, post_request, withdraw_requests,
};
use loradeck_core::time::Moment;

use super::adopt::is_adopted;
use super::home::{HomeError, be_home, is_elsewhere, may_act};
use super::program::ensure_dispatcher;
use super::queue_settings::QueueSettings;
use super::recover::{FarRun, liveness};
use super::slurm::{SlurmError, Withdrawal, has_live_job, is_with_slurm, withdraw};
use super::submitted_environment::SubmittedEnvironment;
use super::sweep_file::SweepFile;
use super::trust::{NotTrusted, permit};

const PATIENCE: Duration = Duration::from_secs(2);

/// Why an action was refused.
#[derive(Debug, thiserror::Error)]
pub enum ActionError {
    /// The run's state does not allow it.
    #[error("{run} is {state}: {why}")]
    Refused {
        /// The run's label.
        run: String,
        /// Its state.
        state: String,
        /// Why that does not go together, with a hint.
        why: &'static str,
    },
    /// Another host acts on this workspace.
    #[error(transparent)]
    Home(#[from] HomeError),
    /// Nothing that the workspace names may be started.
    #[error(transparent)]
    NotTrusted(#[from] NotTrusted),
    /// Slurm refused it, or did not answer.
    #[error(transparent)]
    Slurm(#[from] SlurmError),
    /// A file could not be read or written.
    #[error(transparent)]
    File(#[from] FileError),
}

/// What was done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Done {
    /// Taken out of the queue before it started.
    Dropped,
    /// A request was left for the processes at work.
    Requested,
    /// A request was left for the dispatcher on the home host: the run waits.
    RequestedOfHome,
    /// Queued as this attempt.
    Queued(u32),
    /// Moved there.
    Moved(PathBuf),
}

pub(super) fn refused(run: &RunFolder, state: impl Into<String>, why: &'static str) -> ActionError {
    ActionError::Refused { run: run.label(), state: state.into(), why }
}

fn status_of(run: &RunFolder) -> Result<Status, ActionError> {
    Status::read(run)?.ok_or_else(|| {
        if is_adopted(run) {
            return refused(run, "tracked in place", "the program that trains it is not loradeck's");
        }
        refused(run, "archived", "it has no status here (a clone lists runs but does not run them)")
    })
}

/// Asks a run to write a checkpoint and end; a waiting one leaves the queue.
pub fn stop(workspace: &Workspace, run: &RunFolder) -> Result<Done, ActionError> {
    end(workspace, run, Deed::Stop)
}

/// Ends a run at once; a waiting one leaves the queue.
pub fn kill(workspace: &Workspace, run: &RunFolder) -> Result<Done, ActionError> {
    end(workspace, run, Deed::Kill)
}

fn end(workspace: &Workspace, run: &RunFolder, deed: Deed) -> Result<Done, ActionError> {
    let _queue = workspace.queue_lock()?;
    let status = status_of(run)?;
    match status.state {
        // The queue's lock does not hold off the dispatcher there: a waiting run is left to that one.
        State::Queued if is_elsewhere(workspace) => {
            post_request(run, &Request { attempt: status.attempt, time: Moment::now(), deed })?;
            Ok(Done::RequestedOfHome)
        }
        State::Queued if take_out(run, status.attempt)? == Withdrawal::TooLate => {
            post_request(run, &Request { attempt: status.attempt, time: Moment::now(), deed })?;
            Ok(Done::Requested)
        }
        State::Queued => {
            if is_with_slurm(run) {
                // Its job is still to be cancelled.
                ensure_dispatcher(workspace)?;
            }
            Ok(Done::Dropped)
        }
        State::Starting | State::Running => {
            post_request(run, &Request { attempt: status.attempt, time: Moment::now(), deed })?;
            Ok(Done::Requested)
        }
        ended => Err(refused(run, ended.word(), "it has ended already")),
    }
}

/// Takes a waiting run out of the queue. The caller holds the queue's lock.
fn take_out(run: &RunFolder, attempt: u32) -> Result<Withdrawal, FileError> {
    let withdrawal = withdraw(run, attempt)?;
    if withdrawal == Withdrawal::Done {
        let mut stopped = Status::new(State::Stopped, attempt, Moment::now());
        stopped.message = Some("removed from the queue".to_owned());
        stopped.write(run)?;
    }
    Ok(withdrawal)
}

/// Takes out what another host asked to end while it waited. One that an element has claimed meanwhile is left to it.
pub(super) fn drop_unwanted(workspace: &Workspace, run: &RunFolder, attempt: u32) -> Result<(), FileError> {
    let _queue = workspace.queue_lock()?;
    let waits = |status: &Status| status.state == State::Queued && status.attempt == attempt;
    if Status::read(run)?.as_ref().is_some_and(waits) && take_out(run, attempt)? == Withdrawal::Done {
        let answered: Vec<String> = pending_requests(run).into_iter().map(|file| file.id).collect();
        withdraw_requests(run, &answered);
    }
    Ok(())
}

/// Queues the next attempt of an ended (or lost) run, from its newest checkpoint. `overrides` are `key=value` and
/// stay in force for later attempts; the caller has checked them.
pub fn resume(workspace: &Workspace, run: &RunFolder, overrides: &[String]) -> Result<Done, ActionError> {
    permit(workspace)?;
    // Watched from the beginning: its host may be the one that was home and has gone.
    let far = FarRun::begin(run)?;
    be_home(workspace)?;
    refuse_far(run, far)?;
    let attempt = {
        let _queue = workspace.queue_lock()?;
        let status = status_of(run)?;
        if has_live_job(run, &status) {
            return Err(refused(
                run,
                status.state.word(),
                "it is in Slurm's queue and resumes there by itself",
            ));
        }
        let live = liveness(run)?;
        if !(status.state.is_end() || live.is_lost(status.state)) {
            return Err(refused(run, status.state.word(), "only a run that has ended can be resumed"));
        }
        if status.state == State::Finished && overrides.is_empty() {
            return Err(refused(
                run,
                "finished",
                "nothing is left to train (hint: resume RUN max_steps=… extends it)",
            ));
        }
        if let Some(why) = super::exec::why_not_resumable(run) {
            return Err(refused(run, status.state.word(), why));
        }
        if is_held_patiently(&run.run_lock(), PATIENCE)? || is_held_patiently(&run.train_lock(), PATIENCE)? {
            return Err(refused(run, status.state.word(), "its processes are still alive"));
        }
        let mut entry = QueueEntry::read(run)?;
        entry.overrides.extend(overrides.iter().cloned());
        entry.queued_at = Moment::now();
        entry.hold = false;
        entry.environment = Some(SubmittedEnvironment::here().store(workspace)?);
        entry.write(run)?;
        let attempt = status.attempt.max(loradeck_core::run::latest_attempt(run)) + 1;
        // A run dropped before its first start has no attempt to count.
        let attempt = if loradeck_core::run::latest_attempt(run) == 0 { status.attempt } else { attempt };
        Status::new(State::Queued, attempt, Moment::now()).write(run)?;
        attempt
    };
    ensure_dispatcher(workspace)?;
    Ok(Done::Queued(attempt))
}

/// Not under the queue's lock: this may take a minute.
fn refuse_far(run: &RunFolder, far: Option<FarRun>) -> Result<(), ActionError> {
    match far.map(|mut far| far.is_alive(run)).transpose()? {
        Some(true) => Err(refused(run, "running", "it trains on another host (hint: stop it first)")),
        _ => Ok(()),
    }
}

/// Whether a finished run has done all the steps already that these settings give it: it is extended, never shortened.
pub fn is_no_extension(run: &RunFolder, settings: &Settings) -> Result<bool, FileError> {
    let is_finished = Status::read(run)?.is_some_and(|status| status.state == State::Finished);
    let steps = Summary::read(run)?.map_or(0, |summary| summary.step);
    let Some(Value::Whole(wanted)) = settings.value_of("max_steps") else { return Ok(false) };
    Ok(is_finished && wanted <= i128::from(steps))
}

/// Moves an ended or waiting run to its experiment's trash.
pub fn remove(workspace: &Workspace, run: &RunFolder) -> Result<Done, ActionError> {
    let far = FarRun::begin(run)?;
    may_act(workspace)?;
    refuse_far(run, far)?;
    let _queue = workspace.queue_lock()?;
    let status = Status::read(run)?;
    let live = liveness(run)?;
    if live.supervisor
        || live.trainer
        || status.as_ref().is_some_and(|status| has_live_job(run, status))
        || status.as_ref().is_some_and(|status| status.state == State::Starting)
    {
        return Err(refused(run, "running", "stop it first"));
    }
    if status.is_some_and(|status| status.state == State::Queued) {
        let status = status_of(run)?;
        if withdraw(run, status.attempt)? == Withdrawal::TooLate {
            return Err(refused(run, "running", "stop it first"));
        }
        Status::new(State::Stopped, status.attempt, Moment::now()).write(run)?;
    }
    move_between(run, "runs", "trash")
}

/// Moves a removed run back.
pub fn restore(workspace: &Workspace, run: &RunFolder) -> Result<Done, ActionError> {
    may_act(workspace)?;
    let moved = {
        let _queue = workspace.queue_lock()?;
        move_between(run, "trash", "runs")?
    };
    // A run may wait for this one.
    ensure_dispatcher(workspace)?;
    Ok(moved)
}

fn move_between(run: &RunFolder, from: &'static str, to: &str) -> Result<Done, ActionError> {
    let parent = run.path().parent().filter(|parent| parent.file_name().is_some_and(|name| name == from));
    let Some(experiment) = parent.and_then(|parent| parent.parent()) else {
        return Err(refused(
            run,
            "elsewhere",
            "only runs of an experiment can be moved to or from its trash",
        ));
    };
    let target = experiment.join(to).join(run.name());
    if target.exists() {
        return Err(refused(run, "doubled", "a run of that name is there already"));
    }
    file::create_folder(&experiment.join(to))?;
    fs::rename(run.path(), &target).with_path(&target, "move the run to")?;
    Ok(Done::Moved(target))
}

/// Holds a waiting run back, or lets it go.
pub fn set_hold(workspace: &Workspace, run: &RunFolder, hold: bool) -> Result<(), ActionError> {
    change_place(workspace, run, |entry| entry.hold = hold)
}

/// Lets a waiting run take the share of `group`, or of none.
pub fn set_group(workspace: &Workspace, run: &RunFolder, group: Option<&str>) -> Result<(), ActionError> {
    change_place(workspace, run, |entry| entry.group = group.map(str::to_owned))
}

/// Changes the place in the queue of a run that waits: one that does not has none.
fn change_place(
    workspace: &Workspace,
    run: &RunFolder,
    change: impl FnOnce(&mut QueueEntry),
) -> Result<(), ActionError> {
    may_act(workspace)?;
    let _queue = workspace.queue_lock()?;
    let status = status_of(run)?;
    if status.state != State::Queued {
        return Err(refused(run, status.state.word(), "only a run that waits has a place in the queue"));
    }
    let mut entry = QueueEntry::read(run)?;
    change(&mut entry);
    Ok(entry.write(run)?)
}

/// Keeps a trial that its sweep would give up, or leaves it to the sweep again.
pub fn set_keep(workspace: &Workspace, run: &RunFolder, keep: bool) -> Result<(), ActionError> {
    may_act(workspace)?;
    let _queue = workspace.queue_lock()?;
    let mut entry = QueueEntry::read(run)?;
    entry.keep = keep;
    Ok(entry.write(run)?)
}

/// Gives a waiting run another priority; higher goes first.
pub fn set_priority(workspace: &Workspace, run: &RunFolder, priority: i64) -> Result<(), ActionError> {
    change_place(workspace, run, |entry| entry.priority = priority)
}

/// Pauses the queue (nothing new starts), or lets it go on.
pub fn pause_queue(workspace: &Workspace, paused: bool) -> Result<(), ActionError> {
    may_act(workspace)?;
    {
        let _queue = workspace.queue_lock()?;
        let mut settings = QueueSettings::read(workspace)?;
        settings.paused = paused;
        settings.write(workspace)?;
    }
    Ok(ensure_dispatcher(workspace)?)
}

/// Pauses a sweep (no further trial of it starts, and `why` is said of those that wait), or lets it go on.
pub fn pause_sweep(
    workspace: &Workspace,
    experiment: &ExperimentFolder,
    number: u32,
    why: Option<&str>,
) -> Result<(), ActionError> {
    be_home(workspace)?;
    let pause = |sweep: &mut SweepFile| sweep.set_paused(why, Moment::now());
    if !SweepFile::change(workspace, experiment, number, pause)? {
        let run = format!("{}:{number}", experiment.name());
        return Err(ActionError::Refused { run, state: "gone".into(), why: "its file no longer exists" });
    }
    Ok(ensure_dispatcher(workspace)?)
}

/// Notes in the dispatcher's journal what a person did to a run outside its processes.
pub(crate) fn note(run: &RunFolder, entry: &JournalEntry) -> Result<(), FileError> {
    Journal::open(run, Writer::Dispatcher)?.append(entry)
}

/// The removed run that `name` (`EXPERIMENT/RUN` or its number) means.
pub fn find_removed(workspace: &Workspace, name: &str) -> Result<RunFolder, ActionError> {
    let (wanted, run) =
        name.split_once('/').map_or((None, name), |(experiment, run)| (Some(experiment), run));
    let trash = workspace
        .experiments()
        .into_iter()
        .filter(|experiment| wanted.is_none_or(|w| experiment.name() == w));
    let mut found = trash.flat_map(|experiment| experiment.removed_runs()).filter(|folder| {
        let parsed = loradeck_core::run::RunName::parse(&folder.name());
        folder.name() == run || parsed.is_some_and(|parsed| run.parse() == Ok(parsed.number))
    });
    match (found.next(), found.next()) {
        (Some(one), None) => Ok(one),
        (None, _) => Err(refused(&RunFolder::new(name), "unknown", "no removed run has that name")),
        _ => Err(refused(
            &RunFolder::new(name),
            "ambiguous",
            "several removed runs have that name (hint: EXPERIMENT/RUN)",
        )),
    }
}
