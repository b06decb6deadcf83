//! Everything a training tells the world: summary, journal, events, and the lines of its log.
//!
//! Telling must not end a training: a full disk is said once on standard error and tried again with the next record.
//! Only the last word, the summary's outcome, reports its failure.

use std::io::Write;
use std::time::{Duration, Instant};

use loradeck_core::crash;
use loradeck_core::error::FileError;
use loradeck_core::file::{Durability, LineFile};
use loradeck_core::metrics::{EventWriter, Image};
use loradeck_core::run::{Host, Journal, JournalEntry, Outcome, RunFolder, Summary, Writer};
use loradeck_core::text::harmless;
use loradeck_core::time::Moment;

use crate::device;

const SUMMARY_EVERY: Duration = Duration::from_secs(2);

/// The open records of one attempt.
#[derive(Debug)]
pub struct Record {
    run: RunFolder,
    attempt: u32,
    /// What stands in `summary.json`, or will at its next writing.
    pub summary: Summary,
    journal: Journal,
    events: Option<EventWriter>,
    restart_at: Option<u64>,
    log_file: Option<LineFile>,
    written: Instant,
    began: Instant,
    /// None until this attempt trains: one that is refused leaves the seconds of the earlier ones as they are.
    seconds_before: Option<f64>,
    complained: bool,
}

impl Record {
    /// Opens the records of `attempt`; its first act is `summary.json` with the outcome `running`, its second the
    /// journal's `start`. With `log_to_file`
    /// the log's lines go to `train.log` besides standard output.
    pub fn open(run: &RunFolder, attempt: u32, log_to_file: bool) -> Result<Self, FileError> {
        let mut summary =
            Summary::read(run).ok().flatten().unwrap_or_else(|| Summary::blank(attempt, Moment::now()));
        let now = Moment::now();
        summary.attempt = attempt;
        summary.outcome = Outcome::Running;
        summary.message = None;
        summary.started = now;
        summary.updated = now;
        summary.write(run, Durability::Renamed)?;
        let log_file = if log_to_file { Some(LineFile::open(&run.train_log())?) } else { None };
        let mut journal = Journal::open(run, Writer::Trainer)?;
        journal.append(&start_entry(attempt))?;
        Ok(Self {
            run: run.clone(),
            attempt,
            summary,
            journal,
            events: None,
            restart_at: None,
            log_file,
            written: Instant::now(),
            began: Instant::now(),
            seconds_before: None,
            complained: false,
        })
    }

    /// The run's folder.
    pub fn run(&self) -> &RunFolder {
        &self.run
    }

    /// The attempt's number.
    pub fn attempt(&self) -> u32 {
        self.attempt
    }

    /// Says that this attempt trains from here on, and how many seconds earlier attempts trained up to where it begins.
    pub fn begin_training(&mut self, earlier_seconds: f64) {
        self.seconds_before = Some(earlier_seconds);
    }

    /// Makes readers of the events drop what earlier attempts logged at `step` or later.
    pub fn restart_events_at(&mut self, step: u64) {
        self.restart_at = Some(step);
    }

    /// Seconds of training, over all attempts.
    pub fn seconds(&self) -> f64 {
        self.seconds_before.unwrap_or(0.0) + self.began.elapsed().as_secs_f64()
    }

    /// One line of the log.
    pub fn line(&mut self, text: &str) {
        let text = harmless(text);
        // A terminal that went away must not end the training.
        let _ = writeln!(std::io::stdout(), "{text}");
        if let Some(file) = &mut self.log_file {
            let appended = file.append(&text);
            self.tolerate(appended);
        }
    }

    /// One entry of the journal.
    pub fn journal(&mut self, entry: &JournalEntry) {
        let appended = self.journal.append(entry);
        self.tolerate(appended);
    }

    /// A journal entry of this attempt.
    pub fn entry(&self, kind: &str) -> JournalEntry {
        JournalEntry::new(kind, self.attempt)
    }

    /// Metrics of one step as one event, and into the summary.
    pub fn scalars(&mut self, step: u64, values: &[(&str, f64)], time: Moment) {
        for (tag, value) in values.iter().filter(|(tag, _)| has_a_best(tag)) {
            self.summary.note(tag, step, *value, tag.ends_with("_per_second"));
        }
        let values: Vec<(&str, f32)> = values.iter().map(|(tag, value)| (*tag, *value as f32)).collect();
        self.event(|events| events.scalars(step, &values, time));
    }

    /// A text for TensorBoard.
    pub fn text(&mut self, step: u64, tag: &str, text: &str) {
        self.event(|events| events.text(step, tag, text, Moment::now()));
    }

    /// A picture for TensorBoard, as a PNG file of red, green and blue.
    pub fn image(&mut self, step: u64, tag: &str, width: u32, height: u32, png: &[u8]) {
        let image = Image { height, width, colorspace: 3, encoded: png };
        self.event(|events| events.image(step, tag, image, Moment::now()));
    }

    /// Writes into the event file; after a failure the next event begins a new file, since this one may end torn.
    fn event(&mut self, write: impl FnOnce(&mut EventWriter) -> Result<(), FileError>) {
        let written = match self.open_events() {
            Ok(events) => write(events),
            Err(error) => Err(error),
        };
        if written.is_err() {
            self.events = None;
        }
        self.tolerate(written);
    }

    fn open_events(&mut self) -> Result<&mut EventWriter, FileError> {
        if self.events.is_none() {
            let (logs, host, now) = (self.run.logs(), Host::here().host, Moment::now());
            let events = match self.restart_at {
                Some(step) => EventWriter::open_for_resume(&logs, &host, now, step)?,
                None => EventWriter::create(&logs, &host, now)?,
            };
            self.restart_at = None;
            self.events = Some(events);
        }
        self.events
            .as_mut()
            .ok_or_else(|| FileError::new(self.run.logs(), "open", std::io::ErrorKind::NotFound.into()))
    }

    /// Writes the summary if the last writing is old enough.
    pub fn touch_summary(&mut self) {
        if self.written.elapsed() >= SUMMARY_EVERY {
            self.write_summary(Durability::Renamed);
        }
    }

    /// Writes the summary now.
    pub fn write_summary(&mut self, durability: Durability) {
        self.written = Instant::now();
        self.refresh();
        let written = self.summary.write(&self.run, durability);
        self.tolerate(written);
    }

    fn refresh(&mut self) {
        self.summary.updated = Moment::now();
        if self.seconds_before.is_some() {
            self.summary.seconds = self.seconds();
        }
        self.summary.peak_memory_bytes = self.summary.peak_memory_bytes.max(device::memory().1);
    }

    /// The attempt's last word.
    pub fn end(&mut self, outcome: Outcome, message: Option<String>) -> Result<(), FileError> {
        if let Some(events) = &self.events {
            let synced = events.sync();
            self.tolerate(synced);
        }
        let mut entry = self.entry("end").at(self.summary.step).with("outcome", word(outcome));
        if let Some(message) = &message {
            entry = entry.with("message", message.as_str());
        }
        self.journal(&entry);
        self.summary.outcome = outcome;
        self.summary.message = message;
        self.refresh();
        crash::point("summary.before-end");
        self.summary.write(&self.run, Durability::Synced)?;
        crash::point("summary.after-end");
        Ok(())
    }

    fn tolerate(&mut self, result: Result<(), FileError>) {
        if let Err(error) = result
            && !std::mem::replace(&mut self.complained, true)
        {
            let _ = writeln!(std::io::stderr(), "warning: {error} (training continues)");
        }
    }
}

fn start_entry(attempt: u32) -> JournalEntry {
    JournalEntry::new("start", attempt)
        .with("pid", std::process::id())
        .with("program", concat!("loradeck-train ", env!("CARGO_PKG_VERSION")))
        .with("arguments", std::env::args().skip(1).collect::<Vec<_>>())
}

fn word(outcome: Outcome) -> String {
    serde_json::to_value(outcome).ok().and_then(|value| value.as_str().map(str::to_owned)).unwrap_or_default()
}

/// Whether a best value of the metric means something.
fn has_a_best(tag: &str) -> bool {
    tag != "train/epoch" && !tag.starts_with("system/")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_attempt_that_never_trains_leaves_the_earlier_seconds() {
        let folder = tempfile::tempdir().unwrap();
        let run = RunFolder::new(folder.path());
        let read = || Summary::read(&run).unwrap().unwrap();
        let mut first = Record::open(&run, 1, false).unwrap();
        first.begin_training(100.0);
        first.end(Outcome::Finished, None).unwrap();
        assert!(read().seconds >= 100.0);
        let before = read().seconds;
        Record::open(&run, 2, false).unwrap().end(Outcome::Config, Some("refused".into())).unwrap();
        assert_eq!((read().seconds.to_bits(), read().outcome), (before.to_bits(), Outcome::Config));
    }

    #[test]
    fn the_first_act_is_a_running_summary_and_the_last_the_outcome() {
        let folder = tempfile::tempdir().unwrap();
        let run = RunFolder::new(folder.path());
        let mut record = Record::open(&run, 3, true).unwrap();
        let read = || Summary::read(&run).unwrap().unwrap();
        assert_eq!((read().attempt, read().outcome), (3, Outcome::Running));
        record.scalars(1, &[("train/loss", 2.0)], Moment::now());
        record.line("a\u{1b}[2Jb");
        record.end(Outcome::NonFinite, Some("x".into())).unwrap();
        assert_eq!((read().outcome, read().metrics["train/loss"].last_step), (Outcome::NonFinite, 1));
        assert_eq!(std::fs::read_to_string(run.train_log()).unwrap(), "a␛[2Jb\n");
        let journal = loradeck_core::run::read_journal(&run);
        assert_eq!(journal.entries[0].kind, "start");
        assert_eq!(journal.entries[1].text("outcome"), Some("non-finite"));
    }
}
