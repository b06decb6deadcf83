//! The trainer as a child process in a process group of its own.

use std::fs::OpenOptions;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use anyhow::{Context, Result, bail};
use loradeck_core::error::WithPath;
use loradeck_core::run::{FileLock, ProcessEnd, RunFolder, Workspace, try_exclusive};
use rustix::process::{Pid, Signal, kill_process_group};

use super::memory_kill::MemoryKills;
use crate::launch::door::{HANDED_ON, Permit};
use crate::launch::environment::{TrainerProgram, trainer_program};
use crate::launch::exec;
use crate::launch::inherit::while_inheritable;
use crate::launch::program::own_program;
use crate::launch::submitted_environment::SubmittedEnvironment;

pub(super) struct Trainer {
    child: Child,
    program: PathBuf,
    memory_kills: MemoryKills,
}

impl Trainer {
    /// Spawns the trainer with `train.lock` already held and inherited, so that there is no moment in which it lives
    /// without its lock.
    pub(super) fn spawn(permit: &Permit, run: &RunFolder, attempt: u32) -> Result<Self> {
        let is_foreign = exec::is_foreign(run);
        let (mut command, program) = if is_foreign {
            let mut command = permit.command(own_program());
            command.env(HANDED_ON, permit.root());
            (command, own_program())
        } else {
            let trainer = built_in(&Workspace::at(permit.root()))?;
            let mut command = trainer.permitted(permit);
            if let Some(environment) =
                SubmittedEnvironment::of_run(&Workspace::at(permit.root()), run, attempt)
            {
                environment.apply(&mut command);
            }
            (command, trainer.path().to_path_buf())
        };
        let lock = take_train_lock(run)?;
        command
            .arg(if is_foreign { "exec" } else { "--run" })
            .arg(run.path())
            .args(["--attempt", &attempt.to_string()])
            .env("LORADECK_RUN_DIR", run.path())
            .env("LORADECK_ATTEMPT", attempt.to_string())
            .env("LORADECK_TRAIN_LOCK_INHERITED", "1")
            // Standard input carries the slot's lock; the trainer, which starts nothing, or `exec`, which does not hand
            // it on, holds it.
            .stdin(Stdio::inherit())
            .current_dir(permit.root())
            .process_group(0);
        direct_output(&mut command, &run.train_log())?;
        let memory_kills = MemoryKills::begin();
        let spawned = if is_foreign {
            // As standard output, which `exec` never writes to: a handle of any other number would be handed on to the
            // command and all that it leaves behind.
            command.stdout(lock.file().try_clone().with_path(lock.path(), "hand on")?);
            command.spawn()
        } else {
            while_inheritable(&lock, || command.spawn())
        };
        let child = spawned.with_context(|| format!("cannot start {}", program.display()))?;
        drop(lock);
        Ok(Self { child, program, memory_kills })
    }

    pub(super) fn pid(&self) -> u32 {
        self.child.id()
    }

    pub(super) fn program(&self) -> &Path {
        &self.program
    }

    /// How it ended, if it has; whatever it left in its process group is ended too.
    pub(super) fn try_end(&mut self) -> Result<Option<ProcessEnd>> {
        let Some(status) = self.child.try_wait().context("cannot wait for the trainer")? else {
            return Ok(None);
        };
        signal_group(self.child.id(), Signal::KILL);
        let killed_for_memory = self.memory_kills.explain(status.code(), status.signal());
        Ok(Some(ProcessEnd { code: status.code(), signal: status.signal(), killed_for_memory }))
    }
}

fn built_in(workspace: &Workspace) -> Result<TrainerProgram> {
    trainer_program(Some(workspace)).context(
        "the trainer 'loradeck-train' was not found (searched: trainer: in loradeck.yaml, $LORADECK_TRAIN, loradeck's own folder, PATH)",
    )
}

fn take_train_lock(run: &RunFolder) -> Result<FileLock> {
    match try_exclusive(&run.train_lock())? {
        Some(lock) => Ok(lock),
        None => bail!("another training process of {} is still alive", run.label()),
    }
}

fn direct_output(command: &mut Command, log: &Path) -> Result<()> {
    if let Some(folder) = log.parent() {
        loradeck_core::file::create_folder(folder)?;
    }
    let open = || OpenOptions::new().create(true).append(true).open(log).with_path(log, "open");
    command.stdout(Stdio::from(open()?)).stderr(Stdio::from(open()?));
    Ok(())
}

/// Sends `signal` to the process group led by `pid`; a group that is gone needs none.
pub(super) fn signal_group(pid: u32, signal: Signal) {
    if let Some(pid) = i32::try_from(pid).ok().and_then(Pid::from_raw) {
        let _ = kill_process_group(pid, signal);
    }
}
