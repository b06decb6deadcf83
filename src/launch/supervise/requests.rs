//! Requests to a running attempt as its supervisor sees them: `stop` and `prune` are passed on as SIGTERM and, after
//! a grace period, as SIGKILL to the whole process group; `kill` is SIGKILL at once.
//!
//! `save`, `sample` and `keep` are the trainer's own.

use std::collections::HashSet;
use std::time::{Duration, Instant};

use loradeck_core::run::{
    Deed, Journal, JournalEntry, RequestFile, RunFolder, State, pending_requests, withdraw_requests,
};
use rustix::process::Signal;

use super::child::signal_group;

/// How long a trainer may take to write its checkpoint after a stop.
const GRACE: Duration = Duration::from_secs(300);

pub(super) struct Requests {
    attempt: u32,
    answered: HashSet<String>,
    requested: Option<State>,
    stopping_since: Option<Instant>,
    killed: bool,
}

impl Requests {
    pub(super) fn new(attempt: u32) -> Self {
        Self { attempt, answered: HashSet::new(), requested: None, stopping_since: None, killed: false }
    }

    /// The end that was asked for, if one was.
    pub(super) fn requested_end(&self) -> Option<State> {
        self.requested
    }

    /// Whether the trainer was killed on request.
    pub(super) fn killed(&self) -> bool {
        self.killed
    }

    /// Looks for new requests and acts on them. `terminated`: this supervisor itself was asked to end.
    pub(super) fn look(
        &mut self,
        run: &RunFolder,
        journal: &mut Journal,
        terminated: bool,
        pid: Option<u32>,
        now: Instant,
    ) {
        for file in pending_requests(run) {
            if !self.answered.contains(&file.id) {
                self.answer(journal, &file, pid, now);
            }
        }
        if terminated && self.stopping_since.is_none() {
            self.begin_stop(State::Stopped, pid, now);
        }
        if self.stopping_since.is_some_and(|since| now - since > GRACE) && !self.killed {
            let _ = journal.append(&JournalEntry::new("grace-over", self.attempt));
            self.kill(pid);
        }
    }

    fn answer(&mut self, journal: &mut Journal, file: &RequestFile, pid: Option<u32>, now: Instant) {
        let deed = file.request.deed;
        let ours = file.request.attempt == self.attempt;
        let answer = match deed {
            _ if !ours => "expired",
            Deed::Stop => self.begin_stop(State::Stopped, pid, now),
            Deed::Prune => self.begin_stop(State::Pruned, pid, now),
            Deed::Kill => self.kill(pid),
            Deed::Save | Deed::Sample | Deed::Keep => return,
        };
        self.answered.insert(file.id.clone());
        let entry = JournalEntry::new("control", self.attempt)
            .with("id", file.id.as_str())
            .with("do", format!("{deed:?}").to_lowercase())
            .with("answer", answer);
        let _ = journal.append(&entry);
    }

    fn begin_stop(&mut self, end: State, pid: Option<u32>, now: Instant) -> &'static str {
        self.requested = Some(end);
        self.stopping_since.get_or_insert(now);
        let Some(pid) = pid else { return "left to the trainer" };
        signal_group(pid, Signal::TERM);
        "passed on"
    }

    /// The cluster wants its node back: a checkpoint, and no end of the run.
    pub(super) fn interrupt(&mut self, journal: &mut Journal, pid: Option<u32>, now: Instant) {
        if self.stopping_since.is_none() {
            self.stopping_since = Some(now);
            let _ = journal.append(&JournalEntry::new("interrupt", self.attempt));
            if let Some(pid) = pid {
                signal_group(pid, Signal::TERM);
            }
        }
    }

    /// The run went on elsewhere without us: nothing more may be written to its folder.
    pub(super) fn give_up(&mut self, pid: Option<u32>) {
        self.kill(pid);
    }

    fn kill(&mut self, pid: Option<u32>) -> &'static str {
        let Some(pid) = pid else { return "no process known" };
        self.killed = true;
        signal_group(pid, Signal::KILL);
        "killed"
    }

    /// Takes away what was answered, so that the folder does not grow.
    pub(super) fn withdraw(&self, run: &RunFolder) {
        let ids: Vec<String> = self.answered.iter().cloned().collect();
        withdraw_requests(run, &ids);
    }
}
