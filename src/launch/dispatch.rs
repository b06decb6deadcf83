//! The dispatcher: one per workspace, detached, ends itself when nothing can start, lives or waits to be written up.
//!
//! Starting the next run comes first; reports and commits follow in a second thread.

mod scan;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use loradeck_core::run::{FileLock, Recovery, Workspace, try_exclusive};

use self::scan::{Found, Scanner};
use super::home::{HomeBeat, be_home};
use super::program::{detach, poke_mark};
use super::queue_settings::QueueSettings;
use super::recover::recover;
use super::schedule::next;
use super::slots::{HostSlots, detect_slots};
use super::start::{Started, adopt, start};
use super::write_up::Writing;

const TICK: Duration = Duration::from_millis(50);
/// Unasked, the folders are read again this often: another file system's view may come late.
const RESCAN: Duration = Duration::from_secs(2);

/// Why a dispatcher ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// Another one owns the workspace.
    AnotherIsAtWork,
    /// Nothing is left to do.
    NothingLeft,
    /// SIGTERM or SIGINT.
    Asked,
}

/// Dispatches the workspace's queue until nothing is left.
pub fn dispatch(workspace: &Workspace, detached: bool) -> Result<Ended> {
    if detached {
        detach().context("cannot leave the session")?;
    }
    workspace.ensure_state_folder()?;
    let asked = Arc::new(AtomicBool::new(false));
    for signal in [signal_hook::consts::SIGTERM, signal_hook::consts::SIGINT] {
        signal_hook::flag::register(signal, Arc::clone(&asked))?;
    }
    signal_hook::flag::register(signal_hook::consts::SIGHUP, Arc::new(AtomicBool::new(false)))?;
    let Some(mut lock) = try_exclusive(&workspace.dispatch_lock())? else {
        return Ok(Ended::AnotherIsAtWork);
    };
    be_home(workspace)?;
    loop {
        let mut dispatcher = Dispatcher::new(workspace)?;
        dispatcher.work(&asked)?;
        dispatcher.home.take().into_iter().for_each(|beat| beat.end(workspace));
        drop(lock);
        if asked.load(Ordering::Relaxed) {
            return Ok(Ended::Asked);
        }
        // Work that came between the last look and letting the lock go would wait for nobody.
        if !dispatcher.something_waits()? {
            return Ok(Ended::NothingLeft);
        }
        match try_exclusive(&workspace.dispatch_lock())? {
            Some(again) => lock = again,
            None => return Ok(Ended::AnotherIsAtWork),
        }
    }
}

struct Dispatcher<'a> {
    workspace: &'a Workspace,
    host: HostSlots,
    scanner: Scanner,
    started: Vec<Started>,
    writing: Writing,
    home: Option<HomeBeat>,
}

impl<'a> Dispatcher<'a> {
    fn new(workspace: &'a Workspace) -> Result<Self> {
        Ok(Self {
            workspace,
            host: HostSlots::open()?,
            scanner: Scanner::default(),
            started: Vec::new(),
            writing: Writing::begin(workspace.clone()),
            home: Some(HomeBeat::begin()),
        })
    }

    fn work(&mut self, asked: &AtomicBool) -> Result<()> {
        loop {
            let mark = poke_mark(self.workspace);
            self.home.iter_mut().for_each(|beat| beat.beat(self.workspace));
            let found = self.turn()?;
            if asked.load(Ordering::Relaxed) || (!found.anything_left() && self.writing.is_idle()) {
                return Ok(());
            }
            self.wait_for_news(mark, &found, asked);
        }
    }

    /// One look at everything, recovery, starts, and work handed to the writing thread.
    fn turn(&mut self) -> Result<Found> {
        self.started.retain_mut(|started| matches!(started.child.try_wait(), Ok(None)));
        let mut found = self.scanner.scan(self.workspace)?;
        if self.recover_unattended(&found)? {
            found = self.scanner.scan(self.workspace)?;
        }
        if self.start_next(&found)? {
            found = self.scanner.scan(self.workspace)?;
        }
        self.writing.hand_over(&found.ended, &found.quiet_experiments);
        Ok(found)
    }

    fn recover_unattended(&mut self, found: &Found) -> Result<bool> {
        let mut changed = false;
        for (run, attempt) in &found.unattended {
            let ours = self.started.iter().any(|started| started.run == *run);
            match if ours { Recovery::Nothing } else { recover(self.workspace, run)? } {
                Recovery::Nothing => {}
                Recovery::Adopt => {
                    self.started.push(adopt(self.workspace, run, *attempt)?);
                    changed = true;
                }
                Recovery::Requeue | Recovery::End => changed = true,
            }
        }
        Ok(changed)
    }

    fn start_next(&mut self, found: &Found) -> Result<bool> {
        let settings = QueueSettings::read(self.workspace)?;
        if settings.paused || found.queued.is_empty() {
            return Ok(false);
        }
        let slots = detect_slots(&settings);
        let taken = self.host.taken(&slots);
        let mut any = false;
        for (queued, slot) in next(&found.queued, &found.running, &slots, &taken) {
            let Some(lock) = self.host.take(slot)? else { continue };
            any |= self.start_one(queued, slot, lock)?;
        }
        Ok(any)
    }

    fn start_one(
        &mut self,
        queued: &super::schedule::QueuedRun,
        slot: &super::schedule::Slot,
        lock: FileLock,
    ) -> Result<bool> {
        let started = start(self.workspace, queued, slot, &lock)?;
        drop(lock);
        Ok(started.map(|started| self.started.push(started)).is_some())
    }

    fn wait_for_news(
        &mut self,
        mark: Option<(u64, std::time::SystemTime)>,
        found: &Found,
        asked: &AtomicBool,
    ) {
        let until = Instant::now() + RESCAN;
        while Instant::now() < until && !asked.load(Ordering::Relaxed) {
            thread::sleep(TICK);
            let ended = self.started.iter_mut().any(|started| !matches!(started.child.try_wait(), Ok(None)));
            let written = self.writing.is_idle() && !found.anything_left();
            if ended || written || poke_mark(self.workspace) != mark {
                return;
            }
        }
    }

    fn something_waits(&mut self) -> Result<bool> {
        Ok(self.scanner.scan(self.workspace)?.anything_left())
    }
}
