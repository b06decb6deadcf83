//! The dispatcher's third thread: it alone talks to Slurm, so that a slow controller delays no local run.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use anyhow::Result;
use loradeck_core::error::FileError;
use loradeck_core::file;
use loradeck_core::run::{RunFolder, Workspace, is_held};
use loradeck_core::time::Moment;

use super::deeds;
use super::launchers::ForSlurm;
use super::poll::Poll;
use super::shares::Shares;
use super::shown::{ShownJob, ShownJobs};
use super::submission::{Filed, open_submissions};
use super::submit;
use super::tools::SlurmError;
use crate::launch::program::poke;

/// Slurm is asked at most this often.
const POLL: Duration = Duration::from_secs(2);
/// After a failure it is left alone for a while.
const PAUSE: Duration = Duration::from_secs(10);

/// What the dispatcher wants of the keeper at one turn.
#[derive(Clone, Debug, Default)]
pub(crate) struct Order {
    /// Waiting runs for Slurm, those that it has already included.
    pub(crate) waiting: Vec<ForSlurm>,
    /// How many of each group may be with Slurm.
    pub(crate) shares: Shares,
}

impl Order {
    /// Marks again who finds its group's share used up, by what Slurm has by now: nothing else gives it runs.
    fn mark(&mut self, open: &[Filed]) {
        if !self.shares.is_empty() {
            let taken: HashSet<RunFolder> = open.iter().flat_map(Filed::open_runs).collect();
            self.shares.mark(&mut self.waiting, &|run| taken.contains(run));
        }
    }

    /// Whether the queue holds this run back, by a person's wish or for any other reason; `None` where it is not known
    /// as waiting.
    pub(super) fn is_blocked(&self, run: &RunFolder) -> Option<bool> {
        let waiting = self.waiting.iter().find(|waiting| waiting.queued.run == *run)?;
        Some(waiting.queued.blocked.is_some())
    }
}

/// The dispatcher's handle on the keeper.
pub(crate) struct Cluster {
    sender: Option<Sender<Order>>,
    busy: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Cluster {
    /// Starts the keeper; it sleeps as long as no run is for Slurm.
    pub(crate) fn begin(workspace: Workspace) -> Self {
        let busy = Arc::new(AtomicBool::new(!open_submissions(&workspace).0.is_empty()));
        let (sender, receiver) = channel();
        let shared = Arc::clone(&busy);
        let thread = thread::spawn(move || keep(workspace, &receiver, &shared));
        Self { sender: Some(sender), busy, thread: Some(thread) }
    }

    /// Whether Slurm has something of ours, or is to get it.
    pub(crate) fn is_busy(&self) -> bool {
        self.busy.load(Ordering::Acquire)
    }

    /// Hands the keeper what waits now; a workspace without a run for Slurm does not wake it.
    pub(crate) fn hand_over(&self, order: Order) {
        let is_new = order.waiting.iter().any(|waiting| waiting.queued.blocked.is_none());
        if is_new {
            self.busy.store(true, Ordering::Release);
        }
        if (is_new || self.is_busy())
            && let Some(sender) = &self.sender
        {
            let _ = sender.send(order);
        }
    }
}

impl Drop for Cluster {
    /// Waits for the call of Slurm's that is under way.
    fn drop(&mut self) {
        self.sender = None;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn keep(workspace: Workspace, orders: &Receiver<Order>, busy: &AtomicBool) {
    let mut keeper = Keeper::new(workspace);
    let mut order = Order::default();
    let mut next = Instant::now();
    loop {
        let patience = if busy.load(Ordering::Acquire) {
            next.saturating_duration_since(Instant::now())
        } else {
            Duration::from_secs(3600)
        };
        match orders.recv_timeout(patience) {
            Ok(newer) => order = newer,
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => return,
        }
        while let Ok(newer) = orders.try_recv() {
            order = newer;
        }
        if Instant::now() < next {
            continue;
        }
        let is_busy = keeper.turn_and_tell(&mut order);
        next = Instant::now() + if keeper.problem.is_some() { PAUSE } else { POLL };
        busy.store(is_busy, Ordering::Release);
    }
}

/// Everything the keeper remembers between turns; nothing of it is needed after a crash.
pub(super) struct Keeper {
    pub(super) workspace: Workspace,
    /// Since when each element has been what it is.
    since: HashMap<(String, u32), (String, Instant)>,
    /// Since when a submission without a job number is looked for in vain.
    pub(super) missing: HashMap<String, Instant>,
    problem: Option<String>,
}

impl Keeper {
    fn new(workspace: Workspace) -> Self {
        Self { workspace, since: HashMap::new(), missing: HashMap::new(), problem: None }
    }

    /// One turn; whether anything of ours is, or is to be, with Slurm. What goes wrong is told and tried again.
    fn turn_and_tell(&mut self, order: &mut Order) -> bool {
        self.problem = None;
        let is_busy = self.turn(order).unwrap_or_else(|error| {
            self.tell(&format!("{error:#}"));
            true
        });
        is_busy || self.problem.is_some()
    }

    fn turn(&mut self, order: &mut Order) -> Result<bool> {
        let (mut open, unreadable) = open_submissions(&self.workspace);
        order.mark(&open);
        for error in unreadable {
            self.tell(&error.to_string());
        }
        let known = open.len();
        let poll = match Poll::of(&open, self.workspace.root()) {
            Ok(poll) => poll,
            Err(error) => {
                self.tell_slurm(&error)?;
                return Ok(true);
            }
        };
        let mut changed = false;
        for filed in &mut open {
            changed |= self.look_after(filed, &poll, order)?;
        }
        changed |= submit::submit_waiting(self, order, &mut open)?;
        self.since.retain(|(id, _), _| open.iter().any(|filed| filed.submission.id == *id));
        self.show(&open, &poll)?;
        if changed {
            poke(&self.workspace)?;
        }
        Ok(known > 0 || open.iter().any(|filed| filed.submission.is_open()))
    }

    /// Brings one submission's runs and jobs together.
    fn look_after(&mut self, filed: &mut Filed, poll: &Poll, order: &Order) -> Result<bool> {
        if filed.submission.job.is_none() && !submit::find_job(self, filed, poll, order)? {
            return Ok(false);
        }
        submit::cancel_doubles(self, filed, poll);
        let mut changed = false;
        for index in 1..=filed.submission.elements.len() as u32 {
            changed |= deeds::look_after(self, filed, index, poll, order)?;
        }
        Ok(changed)
    }

    /// How long the element has been what `what` says.
    pub(super) fn lasting(&mut self, filed: &Filed, index: u32, what: &str) -> Duration {
        let now = Instant::now();
        let entry = self
            .since
            .entry((filed.submission.id.clone(), index))
            .and_modify(|(known, since)| {
                if known != what {
                    (*known, *since) = (what.to_owned(), now);
                }
            })
            .or_insert_with(|| (what.to_owned(), now));
        now - entry.1
    }

    fn show(&self, open: &[Filed], poll: &Poll) -> Result<(), FileError> {
        let mut shown =
            ShownJobs { time: Moment::now(), problem: self.problem.clone(), ..ShownJobs::default() };
        for filed in open {
            let elements = (1..).zip(&filed.submission.elements).filter(|(_, run)| !run.over);
            for (index, element) in elements {
                let job = poll.element(filed, index).map_or_else(ShownJob::default, |element| ShownJob {
                    job: element.id(),
                    state: element.word.clone(),
                    reason: element.reason.clone(),
                    start: element.start,
                    nodes: element.nodes.clone(),
                });
                shown.runs.insert(filed.run(element).label(), job);
            }
        }
        shown.write(&self.workspace)
    }

    fn tell_slurm(&mut self, error: &SlurmError) -> Result<(), FileError> {
        self.tell(&error.to_string());
        let mut shown = ShownJobs::read(&self.workspace);
        shown.problem.clone_from(&self.problem);
        shown.write(&self.workspace)
    }

    /// Notes what went wrong in the dispatcher's log and for whoever shows the queue.
    pub(super) fn tell(&mut self, problem: &str) {
        if let Ok(mut log) = file::LineFile::open(&self.workspace.dispatch_log()) {
            let _ = log.append(&format!("{} slurm: {problem}", Moment::now().to_rfc3339()));
        }
        self.problem = Some(problem.to_owned());
    }
}

/// Whether a call of sbatch for this submission is still under way, of whichever dispatcher.
pub(super) fn is_being_submitted(filed: &Filed) -> Result<bool, FileError> {
    is_held(&filed.sbatch_lock())
}
