//! `logs/journal/WRITER.jsonl`: what happened, one line each. Every writer has its own file; readers merge by time.

use std::fs;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::error::FileError;
use crate::file::LineFile;
use crate::run::RunFolder;
use crate::time::Moment;

/// Who writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Writer {
    /// The training process.
    Trainer,
    /// The process that owns it.
    Supervisor,
    /// The dispatcher.
    Dispatcher,
}

impl Writer {
    fn file_name(self) -> &'static str {
        match self {
            Self::Trainer => "trainer.jsonl",
            Self::Supervisor => "supervisor.jsonl",
            Self::Dispatcher => "dispatcher.jsonl",
        }
    }
}

/// One happening.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct JournalEntry {
    /// When.
    pub time: Moment,
    /// What: `start`, `resume`, `checkpoint`, `sample`, `eval`, `non-finite`, `out-of-memory`, `control`, `stop`,
    /// `end`, `commit`, `report`, …
    pub kind: String,
    /// In which attempt.
    pub attempt: u32,
    /// At which training step, where one matters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub step: Option<u64>,
    /// Whatever else belongs to this kind.
    #[serde(flatten)]
    pub facts: Map<String, Value>,
}

impl JournalEntry {
    /// An entry of this moment without a step or facts.
    pub fn new(kind: &str, attempt: u32) -> Self {
        Self { time: Moment::now(), kind: kind.to_owned(), attempt, step: None, facts: Map::new() }
    }

    /// The same at a training step.
    #[must_use]
    pub fn at(mut self, step: u64) -> Self {
        self.step = Some(step);
        self
    }

    /// The same with one more fact.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.facts.insert(name.to_owned(), value.into());
        self
    }

    /// A fact's text, if it has one of that name.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.facts.get(name).and_then(Value::as_str)
    }
}

/// An open journal file.
#[derive(Debug)]
pub struct Journal {
    lines: LineFile,
}

impl Journal {
    /// Opens `writer`'s journal of a run for appending.
    pub fn open(run: &RunFolder, writer: Writer) -> Result<Self, FileError> {
        Ok(Self { lines: LineFile::open(&run.journal().join(writer.file_name()))? })
    }

    /// Appends one entry as a whole line.
    pub fn append(&mut self, entry: &JournalEntry) -> Result<(), FileError> {
        self.lines.append(&serde_json::to_string(entry).unwrap_or_default())
    }
}

/// All entries of all writers by time, and how many lines could not be read.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct JournalReading {
    /// By time; entries of equal times keep their writers' order.
    pub entries: Vec<JournalEntry>,
    /// Torn or foreign lines.
    pub unreadable: usize,
}

/// Reads and merges a run's journals.
pub fn read_journal(run: &RunFolder) -> JournalReading {
    let mut reading = JournalReading::default();
    for writer in [Writer::Dispatcher, Writer::Supervisor, Writer::Trainer] {
        let Ok(bytes) = fs::read(run.journal().join(writer.file_name())) else { continue };
        for line in bytes.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
            match serde_json::from_slice(line) {
                Ok(entry) => reading.entries.push(entry),
                Err(_) => reading.unreadable += 1,
            }
        }
    }
    reading.entries.sort_by_key(|entry| entry.time);
    reading
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn journals_merge_by_time_and_count_torn_lines() {
        let folder = tempfile::tempdir().unwrap();
        let run = RunFolder::new(folder.path());
        let mut entry = JournalEntry::new("checkpoint", 1).at(100).with("bytes", 12);
        entry.time = Moment(2000);
        Journal::open(&run, Writer::Trainer).unwrap().append(&entry).unwrap();
        fs::write(
            run.journal().join("supervisor.jsonl"),
            b"{\"time\":\"1970-01-01T00:00:01.000Z\",\"kind\":\"start\",\"attempt\":1}\n{\"ti",
        )
        .unwrap();
        let reading = read_journal(&run);
        assert_eq!(reading.unreadable, 1);
        assert_eq!(
            reading.entries.iter().map(|e| e.kind.as_str()).collect::<Vec<_>>(),
            ["start", "checkpoint"]
        );
        assert_eq!(reading.entries[1], entry);
    }
}
