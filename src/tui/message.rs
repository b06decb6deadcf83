//! What can happen, and what is to be done about it.

use std::sync::Arc;

use loradeck_core::metrics::Point;

use super::deed::Deed;
use super::state::{Details, DocumentOf, Drawn, QueueView, RunPictures, SweepId, SweepView, Wish};
use super::terminal::{KeyEvent, MouseEvent};
use crate::store::{Run, RunId};

/// What changed of a run's metrics, in order.
#[derive(Clone, Debug, PartialEq)]
pub enum MetricChange {
    /// New points of one metric.
    Points {
        /// Its tag.
        tag: Arc<str>,
        /// The points, in the order in which they were written.
        points: Vec<Point>,
    },
    /// Points at this step and later are void.
    Purge(u64),
    /// All points are void.
    Clear,
}

/// What changed of the log that is shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogChange {
    /// Whose log.
    pub run: RunId,
    /// The lines known so far are void.
    pub cleared: bool,
    /// Lines that stand before those known.
    pub older: Vec<String>,
    /// Lines that follow.
    pub added: Vec<String>,
    /// The line that is still being written; empty where there is none.
    pub unfinished: String,
    /// Whether still older lines can be had.
    pub has_older: bool,
}

/// Everything that changed on disk since the last batch.
#[derive(Debug, Default)]
pub struct Batch {
    /// Runs that are new or different.
    pub runs: Vec<Run>,
    /// The runs that are there, where that changed.
    pub order: Option<Vec<RunId>>,
    /// New points.
    pub metrics: Vec<(RunId, Vec<MetricChange>)>,
    /// The shown log.
    pub log: Option<LogChange>,
    /// Slots and pauses, where they changed.
    pub queue: Option<QueueView>,
    /// The sweeps, where they changed.
    pub sweeps: Option<Vec<SweepView>>,
    /// What could not be read.
    pub problems: Vec<String>,
    /// Whether more is waiting already.
    pub more: bool,
}

impl Batch {
    /// Whether nothing changed.
    pub fn is_empty(&self) -> bool {
        self.runs.is_empty()
            && self.order.is_none()
            && self.metrics.is_empty()
            && self.log.is_none()
            && self.queue.is_none()
            && self.sweeps.is_none()
            && self.problems.is_empty()
    }
}

/// Something happened.
#[derive(Debug)]
pub enum Msg {
    /// A key was pressed.
    Key(KeyEvent),
    /// The mouse was used.
    Mouse(MouseEvent),
    /// Text was pasted.
    Paste(String),
    /// The window has another size: columns, rows.
    Resize(u16, u16),
    /// Time has passed.
    Tick,
    /// Files changed.
    Batch(Box<Batch>),
    /// A deed was done to a run, or not.
    Done {
        /// What.
        deed: Deed,
        /// The run's label.
        run: String,
        /// What came of it.
        result: Result<String, String>,
    },
    /// A run's story was read.
    Details(Box<Details>),
    /// A report or comparison was read, or could not be.
    Document {
        /// Whose.
        of: DocumentOf,
        /// Its text.
        text: Result<String, String>,
    },
    /// The names of runs' sample pictures were read.
    Pictures(Vec<RunPictures>),
    /// A picture was drawn, or could not be.
    Drawn(Box<(Wish, Drawn)>),
    /// The terminal's cells have another size in pixels.
    Cell(Option<(u16, u16)>),
    /// A queue or a sweep was paused or let go on, or not.
    Queue {
        /// What was asked for.
        what: String,
        /// What came of it.
        result: Result<String, String>,
    },
    /// Something is to be told.
    Note(Result<String, String>),
}

/// Which files matter at the moment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Interest {
    /// Runs whose metrics are shown.
    pub metrics: Vec<RunId>,
    /// The run whose log is shown.
    pub log: Option<RunId>,
}

/// Something to be done outside.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Effect {
    /// End the dashboard.
    Quit,
    /// Hand the terminal to the shell.
    Suspend,
    /// Clear and draw everything.
    Redraw,
    /// Turn the mouse on or off.
    Mouse(bool),
    /// Follow other files.
    Watch(Interest),
    /// Read older lines of the shown log.
    OlderLog,
    /// Read a run's story.
    ReadDetails(RunId),
    /// Read a report or comparison.
    ReadDocument(DocumentOf),
    /// Read the names of runs' sample pictures.
    ReadPictures(Vec<RunId>),
    /// Draw pictures, the first one first; what was asked for before matters no more.
    Draw(Vec<Wish>),
    /// Do something to runs.
    Do(Deed, Vec<RunId>),
    /// Pause the queue of the workspace with this number, or let it go on.
    PauseQueue(usize, bool),
    /// Pause a sweep, or let it go on.
    PauseSweep(SweepId, bool),
    /// Put text into the user's clipboard.
    Copy(String),
}
