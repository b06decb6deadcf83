//! The reading side: run folders become batches of news for the screen.
//!
//! It runs in a thread of its own and reads only when the screen asks for news, so that it can never run ahead of a
//! slow terminal, and a slow disk never holds up a key.

mod document;
mod gallery;
mod look;
mod metrics;
mod queue;
mod story;
mod studio;
mod sweeps;

use std::collections::HashMap;
use std::path::PathBuf;

use loradeck_core::metrics::LogTail;
use loradeck_core::run::Workspace;

use super::message::{Batch, Interest, LogChange};
use crate::store::{RunId, Store};
use crate::watch::{Change, Followed};
pub use document::read_document;
pub use gallery::read_pictures;
pub use look::{Answer, Looker, Question};
use metrics::MetricTail;
pub use story::read_story;
pub use studio::Studio;

/// Lines of a log to begin with.
const LINES_AT_START: usize = 500;
/// Lines fetched when somebody scrolls up to the first.
const OLDER_LINES: usize = 1000;
/// Bytes of event files read for one batch: about 50,000 points.
const BATCH_BYTES: u64 = 2 << 20;

/// Reads what is asked for, from where it was.
pub struct Feed {
    store: Store,
    interest: Interest,
    metrics: HashMap<RunId, MetricTail>,
    log: Option<LogReader>,
    queue: queue::QueueReader,
    sweeps: sweeps::SweepReader,
    /// Whether an answer about the queue has come that was not handed on.
    answered: bool,
}

struct LogReader {
    run: RunId,
    tail: LogTail,
    /// Whether there may be something to read.
    stale: bool,
    /// Whether nothing was handed on yet.
    fresh: bool,
}

impl Feed {
    /// A feed of these workspaces that has read nothing yet.
    pub fn new(workspaces: Vec<Workspace>) -> Self {
        Self {
            queue: queue::QueueReader::new(workspaces.clone()),
            sweeps: sweeps::SweepReader::default(),
            answered: false,
            store: Store::new(workspaces),
            interest: Interest::default(),
            metrics: HashMap::new(),
            log: None,
        }
    }

    /// The store, for those who act on runs.
    pub fn store(&self) -> &Store {
        &self.store
    }

    /// Follows other files from now on.
    pub fn set_interest(&mut self, interest: Interest) {
        self.metrics.retain(|id, _| interest.metrics.contains(id));
        for id in &interest.metrics {
            if let Some(run) = self.store.get(*id) {
                self.metrics.entry(*id).or_insert_with(|| MetricTail::new(&run.folder.logs()));
            }
        }
        if self.log.as_ref().map(|log| log.run) != interest.log {
            self.log = interest.log.and_then(|run| {
                let tail = LogTail::new(&self.store.get(run)?.folder.train_log(), LINES_AT_START);
                Some(LogReader { run, tail, stale: true, fresh: true })
            });
        }
        self.interest = interest;
    }

    /// What a watcher should pay attention to.
    pub fn followed(&self) -> Followed {
        let folder = |id: &RunId| self.store.get(*id).map(|run| run.path().to_path_buf());
        let mut on_screen: Vec<PathBuf> = self.interest.metrics.iter().filter_map(folder).collect();
        on_screen.extend(self.interest.log.as_ref().and_then(folder));
        let in_state = |wanted: &dyn Fn(&crate::store::Run) -> bool| {
            self.store.runs().filter(|run| wanted(run)).map(|run| run.path().to_path_buf()).collect()
        };
        Followed {
            on_screen,
            live: in_state(&|run| run.state().is_live()),
            queued: in_state(&|run| matches!(run.state().word(), "queued" | "held")),
        }
    }

    /// Looks at what `changes` name and at what was left over, and says what became different.
    pub fn collect(&mut self, changes: &[Change]) -> Batch {
        let news = self.store.refresh(changes);
        let mut batch = Batch {
            runs: news.runs.iter().filter_map(|id| self.store.get(*id).cloned()).collect(),
            ..Batch::default()
        };
        if news.list {
            batch.order = Some(self.store.runs().map(|run| run.id).collect());
        }
        self.note_stale(changes);
        self.poll_metrics(&mut batch);
        batch.log = self.poll_log(&mut batch.problems);
        if sweeps::may_concern(changes) {
            batch.sweeps = self.sweeps.read(self.store.workspaces(), &self.store);
        }
        let is_other = news.queue || news.list || !batch.runs.is_empty() || batch.sweeps.is_some();
        if std::mem::take(&mut self.answered) || is_other {
            batch.queue = self.queue.read(&self.store, self.sweeps.known());
        }
        batch
    }

    /// What somebody who may be slow is to look at now; the answer goes to [`Feed::take_answer`].
    pub fn question(&mut self) -> Option<Question> {
        self.queue.question(&self.store, self.sweeps.known())
    }

    /// Takes an answer up; the next [`Feed::collect`] hands it on.
    pub fn take_answer(&mut self, answer: Answer) {
        self.queue.take(answer, &self.store);
        self.answered = true;
    }

    /// Reads older lines of the shown log.
    pub fn older_log(&mut self) -> Batch {
        let mut batch = Batch::default();
        let Some(log) = &mut self.log else { return batch };
        match log.tail.load_older(OLDER_LINES) {
            Ok(count) => {
                let older = log.tail.lines().take(count).map(str::to_owned).collect();
                batch.log = Some(LogChange { older, ..log.change() });
            }
            Err(error) => batch.problems.push(error.to_string()),
        }
        batch
    }

    fn note_stale(&mut self, changes: &[Change]) {
        let everything = changes.contains(&Change::Everything);
        let holds = |wanted: Change| everything || changes.contains(&wanted);
        for (id, tail) in &mut self.metrics {
            let Some(run) = self.store.get(*id) else { continue };
            tail.stale |= holds(Change::Metrics(run.path().to_path_buf()));
        }
        if let Some(log) = &mut self.log
            && let Some(run) = self.store.get(log.run)
        {
            log.stale |= holds(Change::Log(run.path().to_path_buf()));
        }
    }

    fn poll_metrics(&mut self, batch: &mut Batch) {
        let mut left = BATCH_BYTES;
        // In the order of interest: what the user looks at comes first.
        for id in &self.interest.metrics {
            let Some(tail) = self.metrics.get_mut(id).filter(|tail| tail.stale) else { continue };
            if left == 0 {
                batch.more = true;
                return;
            }
            match tail.poll(&mut left) {
                Ok(changes) if changes.is_empty() => {}
                Ok(changes) => batch.metrics.push((*id, changes)),
                Err(error) => batch.problems.push(error.to_string()),
            }
            batch.more |= tail.stale;
        }
    }

    fn poll_log(&mut self, problems: &mut Vec<String>) -> Option<LogChange> {
        let log = self.log.as_mut().filter(|log| log.stale)?;
        log.stale = false;
        match log.tail.poll() {
            Ok(polled) if !polled.changed() && !log.fresh => None,
            Ok(polled) => {
                let all = polled.cleared || std::mem::take(&mut log.fresh);
                let finished = log.tail.finished().count();
                let known = if all { 0 } else { finished.saturating_sub(polled.added) };
                let added = log.tail.finished().skip(known).map(str::to_owned).collect();
                Some(LogChange { cleared: all, added, ..log.change() })
            }
            Err(error) => {
                problems.push(error.to_string());
                None
            }
        }
    }
}

impl LogReader {
    /// A change that brings no lines.
    fn change(&self) -> LogChange {
        LogChange {
            run: self.run,
            cleared: false,
            older: Vec::new(),
            added: Vec::new(),
            unfinished: self.tail.unfinished().to_owned(),
            has_older: self.tail.has_older(),
        }
    }
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
