//! Points of one run, noted in order so that another thread can take them up.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;

use loradeck_core::error::FileError;
use loradeck_core::metrics::{EventSink, EventTail, Point};

use crate::tui::message::MetricChange;

/// A run's event files and the place up to which they were handed on.
pub(super) struct MetricTail {
    tail: EventTail,
    tags: HashMap<Box<str>, Arc<str>>,
    /// Whether nothing was handed on yet.
    fresh: bool,
    /// Whether there may be something to read.
    pub(super) stale: bool,
}

impl MetricTail {
    pub(super) fn new(logs: &Path) -> Self {
        Self { tail: EventTail::new(logs), tags: HashMap::new(), fresh: true, stale: true }
    }

    /// Reads on, at most about `left` bytes, which are subtracted.
    pub(super) fn poll(&mut self, left: &mut u64) -> Result<Vec<MetricChange>, FileError> {
        self.stale = false;
        let before = self.tail.bytes_read();
        // Points of an earlier tail may still be on their way: they are void.
        let changes = if std::mem::take(&mut self.fresh) { vec![MetricChange::Clear] } else { Vec::new() };
        let mut notes = Notes { tags: &mut self.tags, changes, open: HashMap::new() };
        let polled = self.tail.poll_limited(&mut notes, *left)?;
        self.stale = polled.more;
        let changes = notes.changes;
        // Files that were replaced are read from their beginning.
        let read = self.tail.bytes_read().checked_sub(before).unwrap_or_else(|| self.tail.bytes_read());
        *left = left.saturating_sub(read);
        Ok(changes)
    }
}

struct Notes<'t> {
    tags: &'t mut HashMap<Box<str>, Arc<str>>,
    changes: Vec<MetricChange>,
    /// Where the points of a tag are being noted.
    open: HashMap<Arc<str>, usize>,
}

impl EventSink for Notes<'_> {
    fn scalar(&mut self, tag: &str, step: u64, time: f64, value: f64) {
        let tag = match self.tags.get(tag) {
            Some(known) => Arc::clone(known),
            None => Arc::clone(self.tags.entry(tag.into()).or_insert_with(|| tag.into())),
        };
        let point = Point { step, time, value };
        let open = self.open.get(&tag).copied().and_then(|index| self.changes.get_mut(index));
        if let Some(MetricChange::Points { points, .. }) = open {
            points.push(point);
        } else {
            self.open.insert(Arc::clone(&tag), self.changes.len());
            self.changes.push(MetricChange::Points { tag, points: vec![point] });
        }
    }

    fn purge(&mut self, step: u64) {
        self.open.clear();
        self.changes.push(MetricChange::Purge(step));
    }

    fn clear(&mut self) {
        self.open.clear();
        self.changes.clear();
        self.changes.push(MetricChange::Clear);
    }
}
