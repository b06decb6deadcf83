//! Where other trainers write their metrics: event files, JSON lines, CSV, a trainer's state, or the log itself.
//!
//! Every source gives what was written since the last look as [`Reading`]s. What a source says twice, because its file
//! was replaced or is read again from its beginning, [`super::converter`] knows already. To add a source: one file and
//! one line in `OPENERS`.

mod columns;
mod csv;
mod events;
mod follow;
mod jsonl;
mod lines;
mod names;
mod pattern;
mod python_json;
mod spec;
mod trainer_state;

use std::path::Path;

pub use self::events::{event_folders, is_part_of_data};
use self::names::Names;
pub use self::pattern::PatternError;
pub(crate) use self::pattern::syntax_problem;
pub use self::spec::{SourceKind, SourceSpec, SpecProblem};
use crate::error::FileError;

/// One number that a trainer wrote.
#[derive(Clone, Debug, PartialEq)]
pub struct Reading {
    /// Its tag.
    pub tag: String,
    /// The training step.
    pub step: u64,
    /// Seconds since 1970: as written, else when it was read.
    pub time: f64,
    /// The number; may be NaN or infinite.
    pub value: f64,
}

/// One kind of source at work: finds what was written since the last look, under the names the trainer uses.
trait Follow: Send {
    /// Adds new readings to `found`. `now` stands in where no time is written; with `finished` nothing more will be
    /// written, so that an unfinished last line counts.
    fn poll(&mut self, now: f64, finished: bool, found: &mut Vec<Reading>) -> Result<(), FileError>;
}

type Opener = fn(&SourceSpec, &Path) -> Result<Box<dyn Follow>, PatternError>;

/// The registry of sources.
const OPENERS: [(SourceKind, Opener); 5] = [
    (SourceKind::Tfevents, events::open),
    (SourceKind::Jsonl, jsonl::open),
    (SourceKind::Csv, csv::open),
    (SourceKind::TrainerState, trainer_state::open),
    (SourceKind::Log, pattern::open),
];

/// A source that is being followed.
pub struct MetricSource {
    follow: Box<dyn Follow>,
    names: Names,
    readings: usize,
}

impl MetricSource {
    /// Follows the source at `path`, a file or a folder that need not exist yet.
    ///
    /// # Errors
    /// [`PatternError`] where the specification's regular expression is none.
    pub fn open(spec: &SourceSpec, path: &Path) -> Result<Self, PatternError> {
        let opener = OPENERS.iter().find(|(kind, _)| *kind == spec.source).map(|(_, opener)| opener);
        let open = opener.unwrap_or(&OPENERS[0].1);
        Ok(Self { follow: open(spec, path)?, names: Names::new(spec), readings: 0 })
    }

    /// What was written since the last look, under our names.
    ///
    /// # Errors
    /// [`FileError`] where something is there but cannot be read; the next look goes on from there.
    pub fn poll(&mut self, now: f64, finished: bool) -> Result<Vec<Reading>, FileError> {
        let mut found = Vec::new();
        let polled = self.follow.poll(now, finished, &mut found);
        found.retain_mut(|reading| match self.names.ours(&reading.tag) {
            Some(tag) => {
                reading.tag = tag;
                true
            }
            None => false,
        });
        self.readings += found.len();
        polled.map(|()| found)
    }

    /// How many readings there have been.
    pub fn readings(&self) -> usize {
        self.readings
    }
}

#[cfg(test)]
mod tests;
