//! What others want of a training: signals, and requests left in the run's folder.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use loradeck_core::run::{Deed, RequestFile, RunFolder, is_held, pending_requests, withdraw_requests};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};

use super::record::Record;

/// Requests are looked for this often at most, however short the steps.
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// The flag that SIGTERM and SIGINT raise.
#[derive(Clone, Debug, Default)]
pub struct Signals {
    stop: Arc<AtomicBool>,
}

impl Signals {
    /// Listens for SIGTERM and SIGINT; a second SIGINT ends the process at once. In the foreground a hang-up stops as
    /// well; a supervised training leaves it to its supervisor.
    pub fn listen(foreground: bool) -> io::Result<Self> {
        let signals = Self::default();
        signal_hook::flag::register_conditional_shutdown(SIGINT, 130, Arc::clone(&signals.stop))?;
        for signal in [SIGTERM, SIGINT] {
            signal_hook::flag::register(signal, Arc::clone(&signals.stop))?;
        }
        if foreground {
            signal_hook::flag::register(SIGHUP, Arc::clone(&signals.stop))?;
        }
        Ok(signals)
    }

    /// Raises the flag, as a signal would.
    pub fn raise(&self) {
        self.stop.store(true, Ordering::Relaxed);
    }

    /// Takes the flag down: what was asked for has been done.
    pub fn lower(&self) {
        self.stop.store(false, Ordering::Relaxed);
    }

    /// Whether a signal has come.
    pub fn raised(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }
}

/// How a training is asked to end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// At a checkpoint.
    Stop,
    /// At a checkpoint, given up by its sweep.
    Prune,
    /// At once.
    Kill,
}

/// What is asked for now. Requests are answered when they have been done.
#[derive(Debug, Default)]
pub struct Wishes {
    /// To end, and how.
    pub end: Option<End>,
    /// To write a checkpoint.
    pub save: Vec<RequestFile>,
    /// To answer the sample prompts.
    pub sample: Vec<RequestFile>,
    /// To keep the newest checkpoint.
    pub keep: Vec<RequestFile>,
    ends: Vec<RequestFile>,
}

/// Looks for signals and requests.
#[derive(Debug)]
pub struct Watch {
    run: RunFolder,
    attempt: u32,
    signals: Signals,
    looked: Option<Instant>,
}

impl Watch {
    /// Watches the requests to `attempt`.
    pub fn new(run: &RunFolder, attempt: u32, signals: Signals) -> Self {
        Self { run: run.clone(), attempt, signals, looked: None }
    }

    /// Whether something asks for an end; for the middle of longer work.
    pub fn wants_end(&mut self) -> bool {
        self.signals.raised()
            || self.is_time()
                && pending_requests(&self.run)
                    .iter()
                    .any(|file| file.request.attempt == self.attempt && end_of(file.request.deed).is_some())
    }

    fn is_time(&mut self) -> bool {
        let now = Instant::now();
        if self.looked.is_some_and(|looked| now - looked < LOOK_EVERY) {
            return false;
        }
        self.looked = Some(now);
        true
    }

    /// What is asked for. Requests to other attempts are answered `expired`. Requests to end are a supervisor's to
    /// answer where there is one; it passes them on as a signal.
    pub fn look(&mut self, record: &mut Record) -> Wishes {
        let raised = self.signals.raised();
        if !raised && !self.is_time() {
            return Wishes::default();
        }
        let requests = pending_requests(&self.run);
        let mut wishes = Wishes { end: raised.then_some(End::Stop), ..Wishes::default() };
        if requests.is_empty() {
            return wishes;
        }
        let alone = !is_held(&self.run.run_lock()).unwrap_or(false);
        for file in requests {
            self.sort(file, alone, &mut wishes, record);
        }
        wishes
    }

    fn sort(&self, file: RequestFile, alone: bool, wishes: &mut Wishes, record: &mut Record) {
        let deed = file.request.deed;
        let end = end_of(deed);
        if file.request.attempt != self.attempt {
            if end.is_none() || alone {
                self.answer(record, &file, "expired");
            }
            return;
        }
        match (deed, end) {
            (Deed::Save, _) => wishes.save.push(file),
            (Deed::Sample, _) => wishes.sample.push(file),
            (Deed::Keep, _) => wishes.keep.push(file),
            (_, Some(end)) => {
                // Under a supervisor the request waits for its signal, but says what kind of stop that is.
                if alone || (end == End::Prune && wishes.end.is_some()) {
                    wishes.end = Some(end);
                }
                if alone {
                    wishes.ends.push(file);
                }
            }
            (_, None) => {}
        }
    }

    /// Writes a request's answer into the journal and takes the request away.
    pub fn answer(&self, record: &mut Record, file: &RequestFile, answer: &str) {
        let entry = record
            .entry("control")
            .at(record.summary.step)
            .with("id", file.id.as_str())
            .with("do", format!("{:?}", file.request.deed).to_lowercase())
            .with("answer", answer);
        record.journal(&entry);
        withdraw_requests(&self.run, std::slice::from_ref(&file.id));
    }

    /// Answers the requests to end that this training has followed.
    pub fn answer_ends(&self, record: &mut Record, wishes: &Wishes) {
        for file in &wishes.ends {
            self.answer(record, file, "done");
        }
    }
}

fn end_of(deed: Deed) -> Option<End> {
    match deed {
        Deed::Stop => Some(End::Stop),
        Deed::Prune => Some(End::Prune),
        Deed::Kill => Some(End::Kill),
        Deed::Save | Deed::Sample | Deed::Keep => None,
    }
}

#[cfg(test)]
mod tests {
    use loradeck_core::run::{Request, post_request, read_journal, try_exclusive};
    use loradeck_core::time::Moment;

    use super::*;

    fn asked(deeds: &[(u32, Deed)]) -> (tempfile::TempDir, Record, Watch) {
        let folder = tempfile::tempdir().unwrap();
        let run = RunFolder::new(folder.path());
        for (attempt, deed) in deeds {
            post_request(&run, &Request { attempt: *attempt, time: Moment::now(), deed: *deed }).unwrap();
        }
        let record = Record::open(&run, 2, false).unwrap();
        let watch = Watch::new(&run, 2, Signals::default());
        (folder, record, watch)
    }

    fn answers(run: &RunFolder) -> Vec<String> {
        let entries = read_journal(run).entries;
        entries.iter().filter_map(|entry| entry.text("answer").map(str::to_owned)).collect()
    }

    #[test]
    fn alone_it_follows_stops_and_tells_expired_ones() {
        let (_folder, mut record, mut watch) = asked(&[(1, Deed::Stop), (2, Deed::Prune), (2, Deed::Save)]);
        let wishes = watch.look(&mut record);
        assert_eq!((wishes.end, wishes.save.len()), (Some(End::Prune), 1));
        watch.answer_ends(&mut record, &wishes);
        assert_eq!(answers(record.run()), ["expired", "done"]);
        assert_eq!(pending_requests(record.run()).len(), 1);
    }

    #[test]
    fn under_a_supervisor_a_stop_waits_for_the_signal() {
        let (_folder, mut record, mut watch) = asked(&[(2, Deed::Prune)]);
        let _lock = try_exclusive(&record.run().run_lock()).unwrap().unwrap();
        assert_eq!(watch.look(&mut record).end, None);
        watch.signals.raise();
        assert_eq!(watch.look(&mut record).end, Some(End::Prune));
        assert!(answers(record.run()).is_empty());
    }
}
