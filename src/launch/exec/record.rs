//! What is told of a foreign command: its summary, its journal, and its metrics as the run's own events.
//!
//! The command's parent writes all of it, as the built-in trainer does for itself, under the same `train.lock`: so a
//! supervisor may die and another adopt the run without a metric missing or a file with two writers. Telling must not
//! end a training: what cannot be written now is tried again.

use std::time::{Duration, Instant};

use loradeck_core::error::FileError;
use loradeck_core::file::Durability;
use loradeck_core::metrics::{Converter, EventTail, EventWriter, MetricSource};
use loradeck_core::run::{Evidence, Host, Journal, JournalEntry, Outcome, RunFolder, Summary, Writer};
use loradeck_core::time::Moment;

const SUMMARY_EVERY: Duration = Duration::from_secs(2);

pub(super) struct Record {
    run: RunFolder,
    attempt: u32,
    summary: Summary,
    journal: Journal,
    sources: Vec<MetricSource>,
    converter: Converter,
    store: EventTail,
    events: Option<EventWriter>,
    began: Instant,
    seconds_before: f64,
    written: Instant,
    complained: Vec<String>,
}

impl Record {
    /// Opens the records of `attempt`: its first acts are `summary.json` as `running` and the journal's `start`.
    pub(super) fn open(run: &RunFolder, attempt: u32) -> Result<Self, FileError> {
        let earlier = Summary::read(run).ok().flatten();
        let seconds_before = earlier.as_ref().map_or(0.0, |summary| summary.seconds);
        let summary = Summary { attempt, ..fresh(earlier) };
        summary.write(run, Durability::Renamed)?;
        let mut journal = Journal::open(run, Writer::Trainer)?;
        journal.append(&JournalEntry::new("start", attempt).with("pid", std::process::id()))?;
        Ok(Self {
            run: run.clone(),
            attempt,
            summary,
            journal,
            sources: Vec::new(),
            converter: Converter::default(),
            store: EventTail::new(&run.logs()),
            events: None,
            began: Instant::now(),
            seconds_before,
            written: Instant::now(),
            complained: Vec::new(),
        })
    }

    /// What is known of the command before it starts.
    pub(super) fn describe(&mut self, environment: Evidence, total_steps: u64, sources: Vec<MetricSource>) {
        self.summary.environment = environment;
        self.summary.total_steps = total_steps;
        self.sources = sources;
    }

    /// One entry of the journal.
    pub(super) fn journal(&mut self, entry: &JournalEntry) {
        let appended = self.journal.append(entry);
        self.tolerate(appended);
    }

    /// An entry of this attempt.
    pub(super) fn entry(&self, kind: &str) -> JournalEntry {
        JournalEntry::new(kind, self.attempt)
    }

    /// Notes the command's resident memory.
    pub(super) fn note_memory(&mut self, bytes: u64) {
        self.summary.peak_memory_bytes = self.summary.peak_memory_bytes.max(bytes);
    }

    /// Takes up what the sources have; with `finished` nothing more will come.
    pub(super) fn convert(&mut self, finished: bool) {
        // Events that stand in the run's folder already: those of earlier attempts, and of a command that writes
        // them there itself.
        let read = self.store.poll(&mut self.converter);
        self.tolerate(read);
        let now = Moment::now();
        for index in 0..self.sources.len() {
            let readings = match self.sources[index].poll(now.seconds(), finished) {
                Ok(readings) => readings,
                Err(error) => {
                    self.tolerate::<()>(Err(error));
                    continue;
                }
            };
            let update = self.converter.take(index, readings);
            if !update.is_empty() {
                let written = self.writer(now).and_then(|events| update.write(events, now));
                self.tolerate(written);
            }
        }
        if finished || self.written.elapsed() >= SUMMARY_EVERY {
            self.write_summary(Durability::Renamed);
        }
    }

    fn writer(&mut self, now: Moment) -> Result<&mut EventWriter, FileError> {
        if self.events.is_none() {
            self.events = Some(EventWriter::create(&self.run.logs(), &Host::here().host, now)?);
        }
        let missing = || FileError::new(self.run.logs(), "write to", std::io::ErrorKind::NotFound.into());
        self.events.as_mut().ok_or_else(missing)
    }

    /// Names the sources that brought nothing.
    pub(super) fn tell_silent_sources(&mut self, described: &[String]) {
        for (source, words) in self.sources.iter().zip(described) {
            if source.readings() == 0 {
                let entry = JournalEntry::new("metrics-missing", self.attempt)
                    .with("message", format!("no metric was found in {words}"));
                let appended = self.journal.append(&entry);
                drop(appended);
            }
        }
    }

    /// The last word on this attempt.
    pub(super) fn end(&mut self, outcome: Outcome, message: Option<String>) -> Result<(), FileError> {
        self.summary.outcome = outcome;
        self.summary.message = message;
        self.bring_up_to_date();
        self.summary.write(&self.run, Durability::Synced)
    }

    fn write_summary(&mut self, durability: Durability) {
        self.written = Instant::now();
        self.bring_up_to_date();
        let written = self.summary.write(&self.run, durability);
        self.tolerate(written);
    }

    fn bring_up_to_date(&mut self) {
        let summary = &mut self.summary;
        summary.metrics = self.converter.bests();
        summary.not_finite = self.converter.not_finite();
        summary.step = self.converter.last_step().unwrap_or(summary.step);
        summary.epoch = self.converter.last("train/epoch").unwrap_or(summary.epoch);
        summary.seconds = self.seconds_before + self.began.elapsed().as_secs_f64();
        summary.updated = Moment::now();
    }

    /// Says an error once, in the log.
    fn tolerate<T>(&mut self, result: Result<T, FileError>) {
        if let Err(error) = result {
            let text = error.to_string();
            if !self.complained.contains(&text) && self.complained.len() < 100 {
                eprintln!("loradeck: {}", loradeck_core::text::harmless(&text));
                self.complained.push(text);
            }
        }
    }
}

fn fresh(earlier: Option<Summary>) -> Summary {
    let now = Moment::now();
    let earlier = earlier.unwrap_or_else(|| Summary::blank(0, now));
    Summary { outcome: Outcome::Running, message: None, started: now, updated: now, ..earlier }
}
