//! Starting one queued run: claim, word in the status, spawn, and the supervisor's answer on a pipe.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

use loradeck_core::crash;
use loradeck_core::error::{FileError, WithPath};
use loradeck_core::run::{
    Attempt, Claim, EndReason, FileLock, Host, Journal, JournalEntry, QueueEntry, RunFolder, State, Status,
    Workspace, Writer, claim,
};
use loradeck_core::time::Moment;

use super::door::Permit;
use super::program::own_program;
use super::schedule::QueuedRun;
use super::slot::{Slot, SlotKind};

/// A run whose supervisor is a child of this dispatcher.
#[derive(Debug)]
pub(crate) struct Started {
    pub(crate) run: RunFolder,
    pub(crate) child: Child,
}

/// Starts `queued` in `slot`, whose host-wide lock the supervisor inherits. `None`: somebody was faster, or the
/// spawn failed and the status says so.
pub(crate) fn start(
    _permit: &Permit,
    workspace: &Workspace,
    queued: &QueuedRun,
    slot: &Slot,
    slot_lock: &FileLock,
) -> Result<Option<Started>, FileError> {
    if !claim_for_start(workspace, queued, slot)? {
        return Ok(None);
    }
    let mut command = supervisor(workspace, &queued.run, queued.attempt);
    set_device(&mut command, slot);
    // The slot's lock travels as standard input, through the supervisor on to the trainer: it is held as long as
    // either lives, and by nobody whom they start otherwise.
    let handed_on = slot_lock.file().try_clone().with_path(slot_lock.path(), "hand on")?;
    command.stdin(Stdio::from(handed_on));
    match spawn_and_wait(command) {
        Ok(child) => Ok(Some(Started { run: queued.run.clone(), child })),
        Err(error) => {
            fail_to_spawn(workspace, queued, &error)?;
            Ok(None)
        }
    }
}

/// Starts a supervisor that adopts an orphaned trainer.
pub(crate) fn adopt(workspace: &Workspace, run: &RunFolder, attempt: u32) -> Result<Started, FileError> {
    let mut command = supervisor(workspace, run, attempt);
    command.arg("--adopt");
    let child = spawn_and_wait(command).with_path(run.path(), "start a supervisor for")?;
    Ok(Started { run: run.clone(), child })
}

fn claim_for_start(workspace: &Workspace, queued: &QueuedRun, slot: &Slot) -> Result<bool, FileError> {
    let _queue = workspace.queue_lock()?;
    let run = &queued.run;
    let waits = Status::read(run)?
        .is_some_and(|status| status.state == State::Queued && status.attempt == queued.attempt);
    if !waits {
        return Ok(false);
    }
    let record = Attempt {
        attempt: queued.attempt,
        host: Host::here(),
        devices: vec![slot.id()],
        program: format!("loradeck {}", env!("CARGO_PKG_VERSION")),
        overrides: QueueEntry::read(run)?.overrides,
        time: Moment::now(),
        job: None,
        withdrawn: false,
    };
    crash::point("dispatch.before-claim");
    if claim(run, &record)? == Claim::Taken {
        return Ok(false);
    }
    crash::point("dispatch.after-claim");
    Status::new(State::Starting, queued.attempt, Moment::now()).write(run)?;
    crash::point("dispatch.after-starting");
    Ok(true)
}

fn supervisor(workspace: &Workspace, run: &RunFolder, attempt: u32) -> Command {
    let mut command = Command::new(own_program());
    command
        .arg("supervise")
        .arg(run.path())
        .args(["--attempt", &attempt.to_string()])
        .current_dir(workspace.root())
        .stdin(Stdio::null())
        .stdout(Stdio::piped());
    command
}

fn set_device(command: &mut Command, slot: &Slot) {
    match &slot.kind {
        SlotKind::Cpu { threads, .. } => {
            command.env("LORADECK_DEVICE", "cpu").env("LORADECK_THREADS", threads.to_string());
        }
        SlotKind::Gpu { uuid, .. } => {
            command.env("CUDA_VISIBLE_DEVICES", uuid);
        }
    }
}

/// Spawns and waits until the supervisor says `locked` or ends. It waits for its lock a bounded time, so this does
/// too.
fn spawn_and_wait(mut command: Command) -> std::io::Result<Child> {
    let mut child = command.spawn()?;
    if let Some(pipe) = child.stdout.take() {
        let mut word = String::new();
        // An end without a word is recovery's business: the locks will tell.
        let _ = BufReader::new(pipe).read_line(&mut word);
    }
    Ok(child)
}

fn fail_to_spawn(workspace: &Workspace, queued: &QueuedRun, error: &std::io::Error) -> Result<(), FileError> {
    let _queue = workspace.queue_lock()?;
    let message = format!("the supervisor could not be started: {error}");
    Journal::open(&queued.run, Writer::Dispatcher)?
        .append(&JournalEntry::new("spawn-failed", queued.attempt).with("message", message.as_str()))?;
    Status::new(State::Failed, queued.attempt, Moment::now())
        .because(EndReason::Spawn, message)
        .write(&queued.run)
}
