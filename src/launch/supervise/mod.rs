//! The supervisor: own session, holds `run.lock`, owns the trainer (or adopts an orphaned one), writes the end.

mod child;
mod displaced;
mod gpu_memory;
mod memory_kill;
mod requests;

use std::io::Write;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use loradeck_core::crash;
use loradeck_core::error::WithPath;
use loradeck_core::patience::AT_THE_END;
use loradeck_core::run::{
    CommandExit, EndReason, FileLock, Heartbeat, Host, Journal, JournalEntry, ProcessEnd, RunFolder, State,
    Status, Summary, Workspace, Writer, end_state, try_exclusive,
};
use loradeck_core::time::Moment;
use rustix::process::Signal;
use serde_json::json;

use self::child::{Trainer, signal_group};
use self::displaced::{Displaced, HeldFolder};
use self::gpu_memory::GpuMemory;
pub(super) use self::memory_kill::{KILL_TOLD_BY_A_SHELL, MemoryKills};
use self::requests::Requests;
use super::door::Permit;
use super::leftovers::end_in_group;
use super::program::{detach, ensure_dispatcher};
use super::recover::recorded_pid;
use super::slurm::ended_by_interruption;
use super::trust::{NotTrusted, permit};

const TICK: Duration = Duration::from_millis(20);
const LOOK_AT_REQUESTS: Duration = Duration::from_millis(100);
const BEAT: Duration = Duration::from_secs(10);
const WAIT_FOR_RUN_LOCK: Duration = Duration::from_secs(5);

/// Supervises attempt `attempt` of the run at `path` to its end. With `adopt` the trainer is already at work.
pub fn supervise(path: &Path, attempt: u32, adopt: bool) -> Result<()> {
    detach().context("cannot leave the session")?;
    let terminated = listen_for_termination()?;
    let run =
        RunFolder::new(std::fs::canonicalize(path).with_context(|| format!("no run at {}", path.display()))?);
    let Some(lock) = take_run_lock(&run, WAIT_FOR_RUN_LOCK)? else {
        bail!("another supervisor already runs {}", run.label())
    };
    if !is_ours(&run, attempt, adopt)? {
        return Ok(());
    }
    say_locked();
    crash::point("supervise.after-lock");
    let mut supervisor = Supervisor::new(run.clone(), attempt, terminated)?;
    let end = if adopt { supervisor.adopt() } else { supervisor.start(&permit) };
    supervisor.write_end(end)?;
    drop(lock);
    if let Ok(workspace) = Workspace::find(run.path()) {
        ensure_dispatcher(&workspace)?;
    }
    Ok(())
}

/// SIGTERM asks for a graceful stop; SIGHUP (a terminal that went away) means nothing to a supervisor.
fn listen_for_termination() -> Result<Arc<AtomicBool>> {
    let terminated = Arc::new(AtomicBool::new(false));
    signal_hook::flag::register(signal_hook::consts::SIGTERM, Arc::clone(&terminated))?;
    signal_hook::flag::register(signal_hook::consts::SIGHUP, Arc::new(AtomicBool::new(false)))?;
    Ok(terminated)
}

/// The run's lock, waited for: a supervisor that is on its way out may still hold it.
pub(super) fn take_run_lock(run: &RunFolder, patience: Duration) -> Result<Option<FileLock>> {
    let until = Instant::now() + patience;
    loop {
        if let Some(lock) = try_exclusive(&run.run_lock())? {
            return Ok(Some(lock));
        }
        if Instant::now() >= until {
            return Ok(None);
        }
        thread::sleep(TICK);
    }
}

/// Whether the status still speaks of this attempt: a late supervisor finds that recovery has gone on without it.
fn is_ours(run: &RunFolder, attempt: u32, adopt: bool) -> Result<bool> {
    let Some(status) = Status::read(run)? else { return Ok(false) };
    let expected = if adopt { status.state.is_live() } else { status.state == State::Starting };
    Ok(status.attempt == attempt && expected)
}

/// The dispatcher waits for this word on our standard output; it may be gone already.
fn say_locked() {
    let mut output = std::io::stdout();
    let _ = output.write_all(b"locked\n").and_then(|()| output.flush());
    let _ = silence_output();
}

/// Nothing may be written to the dispatcher's pipe, or to a terminal, after the word.
fn silence_output() -> std::io::Result<()> {
    let nowhere = std::fs::OpenOptions::new().write(true).open("/dev/null")?;
    Ok(rustix::stdio::dup2_stdout(&nowhere)?)
}

pub(super) struct Supervisor {
    run: RunFolder,
    attempt: u32,
    journal: Journal,
    requests: Requests,
    terminated: Arc<AtomicBool>,
    /// Raised when the cluster wants the node back; empty on this machine.
    interruptions: Vec<Arc<AtomicBool>>,
    heartbeat: Heartbeat,
    gpu_memory: GpuMemory,
    last_beat: Option<Instant>,
    last_look: Option<Instant>,
    folder: HeldFolder,
    displaced: Option<Displaced>,
}

/// How the attempt ended, and what had been asked of it.
pub(super) struct End {
    process: ProcessEnd,
    message: Option<String>,
}

impl Supervisor {
    pub(super) fn new(run: RunFolder, attempt: u32, terminated: Arc<AtomicBool>) -> Result<Self> {
        let journal = Journal::open(&run, Writer::Supervisor)?;
        let heartbeat =
            Heartbeat { host: Host::here(), pid: std::process::id(), counter: 0, peak_gpu_memory: None };
        let requests = Requests::new(attempt);
        let folder = HeldFolder::open(&run).with_path(run.path(), "open")?;
        Ok(Self {
            run,
            attempt,
            journal,
            requests,
            terminated,
            interruptions: Vec::new(),
            heartbeat,
            gpu_memory: GpuMemory::begin(),
            last_beat: None,
            last_look: None,
            folder,
            displaced: None,
        })
    }

    /// Takes these flags for the cluster's wish to have its node back, and a later attempt's claim for the sign that
    /// it went on without us.
    pub(super) fn interrupt_on(&mut self, flags: impl IntoIterator<Item = Arc<AtomicBool>>) {
        self.interruptions = flags.into_iter().collect();
    }

    fn is_interrupted(&self) -> bool {
        self.interruptions.iter().any(|flag| flag.load(Ordering::Relaxed))
    }

    /// Whether it was an interruption that ended the attempt, so that the next one resumes from its checkpoint.
    pub(super) fn was_interrupted(&self, end: &End) -> bool {
        let outcome =
            Summary::read(&self.run).ok().flatten().and_then(|summary| summary.outcome_of(self.attempt));
        let (requested, killed) = (self.requests.requested_end(), self.requests.killed());
        self.is_interrupted() && ended_by_interruption(requested, killed, outcome, end.process)
    }

    /// Trains, as far as `permit` gives leave to start what the workspace names.
    pub(super) fn start(&mut self, permit: &dyn Fn(&Workspace) -> Result<Permit, NotTrusted>) -> End {
        match self.try_start(permit) {
            Ok(end) => end,
            Err(error) => End {
                process: ProcessEnd { code: Some(1), ..ProcessEnd::default() },
                message: Some(format!("{error:#}")),
            },
        }
    }

    fn try_start(&mut self, permit: &dyn Fn(&Workspace) -> Result<Permit, NotTrusted>) -> Result<End> {
        let permit = permit(&Workspace::find(self.run.path())?)?;
        Status::new(State::Running, self.attempt, Moment::now()).write(&self.run)?;
        crash::point("supervise.before-spawn");
        let mut trainer = Trainer::spawn(&permit, &self.run, self.attempt)?;
        self.journal.append(
            &JournalEntry::new("start", self.attempt)
                .with("pid", trainer.pid())
                .with("program", trainer.program().display().to_string()),
        )?;
        crash::point("supervise.after-spawn");
        loop {
            if let Some(process) = trainer.try_end()? {
                return Ok(End { process, message: None });
            }
            self.look_after(Some(trainer.pid()));
            thread::sleep(TICK);
        }
    }

    fn adopt(&mut self) -> End {
        let pid = recorded_pid(&self.run, self.attempt);
        let _ = Status::new(State::Running, self.attempt, Moment::now()).write(&self.run);
        let entry = JournalEntry::new("adopt", self.attempt).with("pid", pid);
        let _ = self.journal.append(&entry);
        while loradeck_core::run::is_held(&self.run.train_lock()).unwrap_or(true) {
            self.look_after(pid);
            thread::sleep(TICK);
        }
        // As its parent would have ended what it left in its group.
        if let Some(group) = pid {
            end_in_group(&self.run, self.attempt, group);
        }
        End { process: CommandExit::process_end(&self.run, self.attempt), message: None }
    }

    fn look_after(&mut self, pid: Option<u32>) {
        let now = Instant::now();
        if self.last_look.is_none_or(|last| now - last >= LOOK_AT_REQUESTS) {
            self.last_look = Some(now);
            let terminated = self.terminated.load(Ordering::Relaxed);
            self.requests.look(&self.run, &mut self.journal, terminated, pid, now);
            self.look_for_folder(pid);
            if self.is_interrupted() {
                self.requests.interrupt(&mut self.journal, pid, now);
            }
        }
        let has_grown = self.gpu_memory.look(pid, now);
        if has_grown || self.last_beat.is_none_or(|last| now - last >= BEAT) {
            self.last_beat = Some(now);
            self.heartbeat.counter += 1;
            self.heartbeat.peak_gpu_memory = self.gpu_memory.peak();
            // A full disk must not end a training; the next beat tries again.
            let _ = self.heartbeat.write(&self.run);
            let is_superseded = || self.run.attempt(self.attempt + 1).exists();
            if !self.interruptions.is_empty() && is_superseded() {
                self.requests.give_up(pid);
            }
        }
    }

    /// Ends a training whose folder has gone: all that it writes under the old path would be a ghost of the run.
    fn look_for_folder(&mut self, pid: Option<u32>) {
        if self.displaced.is_none() {
            self.displaced = self.folder.look();
            if let (Some(_), Some(pid)) = (&self.displaced, pid) {
                signal_group(pid, Signal::KILL);
            }
        }
    }

    /// Notes at its new place how a run whose folder was moved has ended; one whose folder was removed is not made again.
    fn end_displaced(&self, displaced: &Displaced) -> Result<()> {
        let Displaced::Moved(now) = displaced else { return Ok(()) };
        let run = RunFolder::new(now);
        let message = "its folder was moved while it trained; the training was ended (hint: `loradeck resume` continues from its newest checkpoint)";
        let entry = JournalEntry::new("end", self.attempt).with("state", "failed").with("message", message);
        Journal::open(&run, Writer::Supervisor)?.append(&entry)?;
        let status = Status::new(State::Failed, self.attempt, Moment::now());
        Ok(status.because(EndReason::Killed, message).write(&run)?)
    }

    /// How the attempt's process ended; where the parent of a foreign command died itself, what it had written of the
    /// command's end before.
    fn known_end(&self, process: ProcessEnd, has_outcome: bool) -> ProcessEnd {
        let is_written = self.run.command_exit(self.attempt).exists();
        let is_unknown = process.code.is_none() && !has_outcome && !self.requests.killed();
        if is_written && is_unknown { CommandExit::process_end(&self.run, self.attempt) } else { process }
    }

    pub(super) fn write_end(&mut self, end: End) -> Result<()> {
        crash::point("supervise.before-end");
        if let Some(displaced) = self.displaced.clone().or_else(|| self.folder.look()) {
            return self.end_displaced(&displaced);
        }
        let summary = Summary::read(&self.run).ok().flatten();
        let told = summary.as_ref().and_then(|summary| summary.outcome_of(self.attempt));
        let outcome = told.or_else(|| CommandExit::outcome(&self.run, self.attempt));
        let message = summary.and_then(|summary| summary.message);
        let mut status = end_state(
            self.attempt,
            self.requests.requested_end(),
            self.requests.killed(),
            outcome.map(|outcome| (outcome, message)),
            self.known_end(end.process, outcome.is_some()),
            Moment::now(),
        );
        if end.message.is_some() {
            status.message = end.message;
        }
        let mut entry = JournalEntry::new("end", self.attempt).with("state", status.state.word());
        if let Some(message) = &status.message {
            entry = entry.with("message", message.as_str());
        }
        if let Some(reason) = status.reason {
            entry = entry.with("reason", json!(reason));
        }
        if let Some(signal) = end.process.signal {
            entry = entry.with("signal", signal);
        }
        // Nobody listens here: what there is no room for shows in the state, which stays as it was. The journal is open
        // already and takes the end of a run whose folder was made read-only, for whoever looks after it later.
        AT_THE_END.with(|_| (), || self.journal.append(&entry))?;
        AT_THE_END.with(|_| (), || status.write(&self.run))?;
        crash::point("supervise.after-end");
        self.requests.withdraw(&self.run);
        Ok(())
    }
}
