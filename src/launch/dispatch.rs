//! The dispatcher: one per workspace, detached, ends itself when nothing can start, lives or waits to be written up.
//!
//! Starting the next run comes first; reports and commits follow in a second thread.

mod deeds;
mod facts;
mod for_slurm;
mod refusing;
mod scan;
mod slots_now;
mod waiting_reader;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use loradeck_core::error::FileError;
use loradeck_core::run::{FileLock, Recovery, Workspace, try_exclusive};
use loradeck_core::time::Moment;

pub(super) use self::facts::{AllFacts, Mark, mark_of};
use self::for_slurm::{SlurmQueue, TakenOut};
use self::refusing::Refusing;
use self::scan::{Found, Scanner};
use self::slots_now::{look_at_slots, room};
pub use self::waiting_reader::{WaitingReader, waiting};
use super::door::Permit;
use super::home::{HomeBeat, settle};
use super::logout::Refuge;
use super::program::{detach, ensure_dispatcher, poke_mark};
use super::recover::recover;
use super::schedule::{QueuedRun, next};
use super::search::{Advance, QueueNow, Searches};
use super::slot::Slot;
use super::slots::HostSlots;
use super::slurm::{Cluster, ForSlurm, Order};
use super::start::{Started, adopt, start};
use super::trust::permit;
use super::write_up::Writing;

const TICK: Duration = Duration::from_millis(50);
/// Trials that early stopping judges are looked at this often.
const WATCH: Duration = Duration::from_millis(250);
/// Unasked, the folders are read again this often: another file system's view may come late.
const RESCAN: Duration = Duration::from_secs(2);

/// Why a dispatcher ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// Another one owns the workspace.
    AnotherIsAtWork,
    /// Another host has become home of the workspace.
    AnotherHostIsHome,
    /// Nothing is left to do.
    NothingLeft,
    /// SIGTERM or SIGINT.
    Asked,
    /// Another one takes over where a logout does not end it.
    Moved,
}

/// Dispatches the workspace's queue until nothing is left.
pub fn dispatch(workspace: &Workspace, detached: bool) -> Result<Ended> {
    if detached {
        detach().context("cannot leave the session")?;
    }
    permit(workspace)?;
    workspace.ensure_state_folder()?;
    let asked = Arc::new(AtomicBool::new(false));
    for signal in [signal_hook::consts::SIGTERM, signal_hook::consts::SIGINT] {
        signal_hook::flag::register(signal, Arc::clone(&asked))?;
    }
    signal_hook::flag::register(signal_hook::consts::SIGHUP, Arc::new(AtomicBool::new(false)))?;
    let Some(mut lock) = try_exclusive(&workspace.dispatch_lock())? else {
        return Ok(Ended::AnotherIsAtWork);
    };
    loop {
        let mut home = HomeBeat::of(settle(workspace)?);
        clear_staged(workspace)?;
        let mut dispatcher = Dispatcher::new(workspace, detached)?;
        if !dispatcher.work(&asked, &mut home)? {
            return Ok(Ended::AnotherHostIsHome);
        }
        home.end(workspace);
        drop(lock);
        if asked.load(Ordering::Relaxed) {
            return Ok(Ended::Asked);
        }
        if dispatcher.moves {
            ensure_dispatcher(workspace)?;
            return Ok(Ended::Moved);
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
    slurm_queue: SlurmQueue,
    cluster: Cluster,
    searches: Searches,
    refusing: Refusing,
    refuge: Option<Refuge>,
    moves: bool,
}

impl<'a> Dispatcher<'a> {
    fn new(workspace: &'a Workspace, detached: bool) -> Result<Self> {
        Ok(Self {
            workspace,
            host: HostSlots::open()?,
            scanner: Scanner::default(),
            started: Vec::new(),
            writing: Writing::begin(workspace.clone()),
            slurm_queue: SlurmQueue::default(),
            cluster: Cluster::begin(workspace.clone()),
            searches: Searches::default(),
            refusing: Refusing::default(),
            refuge: detached.then(Refuge::look),
            moves: false,
        })
    }

    /// Works until nothing is left or it is asked to end; `false`: until another host has become home.
    fn work(&mut self, asked: &AtomicBool, home: &mut HomeBeat) -> Result<bool> {
        loop {
            let mark = poke_mark(self.workspace);
            if !home.beat(self.workspace) {
                return Ok(false);
            }
            self.moves = self.refuge.as_mut().is_some_and(Refuge::is_open);
            if self.moves {
                return Ok(true);
            }
            let turn = self.turn()?;
            if asked.load(Ordering::Relaxed) || !self.anything_left(&turn) {
                return Ok(true);
            }
            self.wait_for_news(mark, &turn, asked);
        }
    }

    /// One look at everything, recovery, starts, and work handed to the writing thread.
    fn turn(&mut self) -> Result<Turn> {
        self.started.retain_mut(|started| matches!(started.child.try_wait(), Ok(None)));
        let mut found = self.scanner.scan(self.workspace)?;
        if self.recover_unattended(&found)? | self.put_right(&found)? {
            found = self.scanner.scan(self.workspace)?;
        }
        let advance = self.advance_searches(&found)?;
        if advance.queued {
            found = self.scanner.scan(self.workspace)?;
        }
        let (for_slurm, groups) = self.hand_to_slurm(&mut found);
        let (started, may_pass) = self.start_next(&found, groups)?;
        if started {
            found = self.scanner.scan(self.workspace)?;
        }
        self.writing.hand_over(&found.ended, &found.quiet_experiments);
        let pause = match advance {
            Advance { queued: true, .. } => TICK,
            // What has just been started may be a trial that is judged.
            Advance { watching: true, .. } => WATCH,
            _ if started => WATCH,
            _ => found.next_moment(Moment::now()).unwrap_or(RESCAN),
        };
        let anything_left =
            started || may_pass || for_slurm || found.anything_at_work() || advance.open || advance.queued;
        Ok(Turn { anything_left, pause: pause.min(RESCAN) })
    }

    /// Further trials of searches, as long as there is room for them, and the end of those that fall behind.
    fn advance_searches(&mut self, found: &Found) -> Result<Advance> {
        let (workspace, host) = (self.workspace, &self.host);
        let room = || {
            let (slots, limits) = look_at_slots(workspace, host, &found.settings, Vec::new());
            room(found, &slots, &limits)
        };
        let queue = QueueNow { is_paused: found.settings.paused || found.permit.is_none(), room: &room };
        self.searches.advance(workspace, self.scanner.facts(), &queue)
    }

    fn put_right(&mut self, found: &Found) -> Result<bool> {
        let workspace = self.workspace;
        let mut changed = !found.failing_sweeps.is_empty();
        for (run, attempt, pause) in &found.comebacks {
            let done = deeds::come_back(workspace, run, *attempt, *pause);
            changed |= self.refusing.pass_over(workspace, run, done)?.is_some();
        }
        for (run, attempt) in &found.unwanted {
            let done = super::action::drop_unwanted(workspace, run, *attempt);
            changed |= self.refusing.pass_over(workspace, run, done)?.is_some();
        }
        for (run, attempt, why) in &found.forsaken {
            let done = deeds::forsake(workspace, run, *attempt, why);
            changed |= self.refusing.pass_over(workspace, run, done)?.is_some();
        }
        for (experiment, number, why) in &found.failing_sweeps {
            deeds::pause_sweep(workspace, experiment, *number, why)?;
        }
        Ok(changed)
    }

    /// Hands the waiting runs for Slurm to their keeper: whether one is to be submitted now or by itself later, and the
    /// groups of those that Slurm has or gets.
    fn hand_to_slurm(&mut self, found: &mut Found) -> (bool, Vec<String>) {
        let TakenOut { waiting, shares } = self.slurm_queue.take_out(self.workspace, found);
        let groups = for_slurm::groups_with_slurm(&waiting, found);
        let any = waiting.iter().any(ForSlurm::may_start);
        self.cluster.hand_over(Order { waiting, shares });
        (any, groups)
    }

    fn anything_left(&self, turn: &Turn) -> bool {
        turn.anything_left || self.cluster.is_busy() || !self.writing.is_idle()
    }

    fn recover_unattended(&mut self, found: &Found) -> Result<bool> {
        let mut changed = false;
        for (run, attempt) in &found.unattended {
            let ours = self.started.iter().any(|started| started.run == *run);
            if ours {
                continue;
            }
            match self.refusing.pass_over(self.workspace, run, recover(self.workspace, run))? {
                None | Some(Recovery::Nothing) => {}
                Some(Recovery::Adopt) => {
                    let adopted = adopt(self.workspace, run, *attempt);
                    let adopted = self.refusing.pass_over(self.workspace, run, adopted)?;
                    changed |= adopted.map(|started| self.started.push(started)).is_some();
                }
                Some(Recovery::Requeue | Recovery::End) => changed = true,
            }
        }
        Ok(changed)
    }

    /// Whether something was started, and whether something waits for what may come by itself.
    fn start_next(&mut self, found: &Found, groups_with_slurm: Vec<String>) -> Result<(bool, bool)> {
        let Some(permit) = found.permit.as_ref().filter(|_| !found.queued.is_empty()) else {
            return Ok((false, false));
        };
        let (slots, limits) = look_at_slots(self.workspace, &self.host, &found.settings, groups_with_slurm);
        let schedule = next(&found.queued, &found.running, &slots, &limits);
        let mut any = false;
        for start in &schedule.starts {
            let Some(lock) = self.host.take(start.slot, start.shared)? else { continue };
            any |= self.start_one(permit, start.queued, start.slot, lock)?;
        }
        // A start that came to nothing is tried again: somebody else has the slot, for now.
        let may_pass = schedule.starts.len() > usize::from(any)
            || schedule.waiting.iter().any(|(_, reason)| reason.may_pass());
        Ok((any, may_pass))
    }

    fn start_one(
        &mut self,
        permit: &Permit,
        queued: &QueuedRun,
        slot: &Slot,
        lock: FileLock,
    ) -> Result<bool> {
        let started = start(permit, self.workspace, queued, slot, &lock);
        let started = self.refusing.pass_over(self.workspace, &queued.run, started)?.flatten();
        drop(lock);
        Ok(started.map(|started| self.started.push(started)).is_some())
    }

    fn wait_for_news(&mut self, mark: Option<(u64, std::time::SystemTime)>, turn: &Turn, asked: &AtomicBool) {
        let until = Instant::now() + turn.pause;
        while Instant::now() < until && !asked.load(Ordering::Relaxed) {
            thread::sleep(TICK);
            let ended = self.started.iter_mut().any(|started| !matches!(started.child.try_wait(), Ok(None)));
            if ended || !self.anything_left(turn) || poke_mark(self.workspace) != mark {
                return;
            }
        }
    }

    fn something_waits(&mut self) -> Result<bool> {
        let mut found = self.scanner.scan(self.workspace)?;
        let waiting = self.slurm_queue.take_out(self.workspace, &mut found).waiting;
        let groups = for_slurm::groups_with_slurm(&waiting, &found);
        let for_slurm = waiting.iter().any(ForSlurm::may_start);
        let advance = self.advance_searches(&found)?;
        if for_slurm
            || found.anything_at_work()
            || !found.forsaken.is_empty()
            || !found.unwanted.is_empty()
            || advance.queued
            || advance.open
        {
            return Ok(true);
        }
        let (slots, limits) = look_at_slots(self.workspace, &self.host, &found.settings, groups);
        let schedule = next(&found.queued, &found.running, &slots, &limits);
        Ok(!schedule.starts.is_empty() || schedule.waiting.iter().any(|(_, reason)| reason.may_pass()))
    }
}

/// Takes away run folders that whoever made them did not live to put in place. They are made under the queue lock, so
/// that nobody is at it while we hold it.
fn clear_staged(workspace: &Workspace) -> Result<(), FileError> {
    let _queue = workspace.queue_lock()?;
    for experiment in workspace.experiments() {
        let Ok(entries) = std::fs::read_dir(experiment.runs_folder()) else { continue };
        for entry in
            entries.flatten().filter(|entry| entry.file_name().to_string_lossy().starts_with(".tmp-"))
        {
            let _ = std::fs::remove_dir_all(entry.path());
        }
    }
    Ok(())
}

/// What came of one turn.
struct Turn {
    anything_left: bool,
    pause: Duration,
}
