//! The reading end of the metric store: follows a folder's event files without reading anything twice.
//!
//! Files are taken in lexicographic order. What a later file's restart mark drops stays dropped, even when it is
//! written to an earlier file afterwards, so that polling at any time gives what reading once at the end gives.

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::{Path, PathBuf};

pub use super::drain::ProblemKind;
use super::drain::drain;
use super::event::{Content, Datum, Event, Image};
use super::writer::event_file_names;
use crate::error::{FileError, WithPath};

/// How much is read at once, in bytes.
const CHUNK: u64 = 1 << 20;
/// How many problems are kept with their place; the rest is only counted.
const KEPT_PROBLEMS: usize = 100;

/// Receives what a tail reads, in order.
pub trait EventSink {
    /// A number; `time` in seconds since 1970.
    fn scalar(&mut self, tag: &str, step: u64, time: f64, value: f64);
    /// A text.
    fn text(&mut self, _tag: &str, _step: u64, _time: f64, _text: &str) {}
    /// A picture.
    fn image(&mut self, _tag: &str, _step: u64, _time: f64, _image: &Image<'_>) {}
    /// A restart: everything received so far at `step` or later is void.
    fn purge(&mut self, step: u64);
    /// Files were replaced or cut: everything received so far is void and comes again.
    fn clear(&mut self);
}

/// A damaged place in an event file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The file.
    pub path: PathBuf,
    /// Where in the file, in bytes.
    pub offset: u64,
    /// What is wrong there.
    pub kind: ProblemKind,
}

/// What one poll brought.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Polled {
    /// Values handed to the sink.
    pub values: usize,
    /// Restart marks handed to the sink.
    pub purges: usize,
    /// Whether the sink was told to start afresh.
    pub cleared: bool,
    /// Whether the limit was reached and there is more to read right now.
    pub more: bool,
}

impl Polled {
    /// Whether the sink received anything at all.
    pub fn changed(&self) -> bool {
        self.values > 0 || self.purges > 0 || self.cleared
    }
}

/// Follows the event files of one folder.
#[derive(Debug)]
pub struct EventTail {
    folder: PathBuf,
    files: Vec<FileTail>,
    problems: Vec<Problem>,
    problem_count: usize,
}

#[derive(Debug)]
struct FileTail {
    name: String,
    identity: (u64, u64),
    offset: u64,
    /// The smallest step at which a later file restarted.
    limit: Option<u64>,
    delivered: bool,
    stuck_reported: bool,
}

/// A restart mark came in an earlier file after a later one had been read: only reading again gets the order right.
struct OutOfOrder;

/// How far one piece of a file went.
enum Piece {
    /// Nothing more can be read now.
    Whole,
    /// The file goes on; the next record takes `next` bytes as far as is known.
    Part { consumed: usize, next: u64 },
}

impl EventTail {
    /// A tail of `folder` that has read nothing yet; the folder need not exist.
    pub fn new(folder: &Path) -> Self {
        Self { folder: folder.to_path_buf(), files: Vec::new(), problems: Vec::new(), problem_count: 0 }
    }

    /// The folder followed.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The first damaged places found, at most 100.
    pub fn problems(&self) -> &[Problem] {
        &self.problems
    }

    /// How many damaged places were found.
    pub fn problem_count(&self) -> usize {
        self.problem_count
    }

    /// Bytes read so far, of all files.
    pub fn bytes_read(&self) -> u64 {
        self.files.iter().map(|file| file.offset).sum()
    }

    /// Hands everything written since the last poll to `sink`.
    ///
    /// # Errors
    /// [`FileError`] where the folder or a file cannot be read; the next poll goes on from there.
    pub fn poll(&mut self, sink: &mut impl EventSink) -> Result<Polled, FileError> {
        self.poll_limited(sink, u64::MAX)
    }

    /// As [`EventTail::poll`], but returns after about `limit` bytes with `more` set.
    ///
    /// # Errors
    /// As [`EventTail::poll`].
    pub fn poll_limited(&mut self, sink: &mut impl EventSink, limit: u64) -> Result<Polled, FileError> {
        let names = event_file_names(&self.folder)?;
        let mut polled = Polled::default();
        if self.was_replaced(&names) {
            self.restart(sink, &mut polled);
        }
        self.add(names);
        let mut left = limit;
        let mut index = 0;
        while index < self.files.len() {
            match self.read_file(index, sink, &mut left, &mut polled)? {
                Ok(()) if polled.more => break,
                Ok(()) => index += 1,
                Err(OutOfOrder) => {
                    let names = self.files.iter().map(|file| file.name.clone()).collect();
                    self.restart(sink, &mut polled);
                    self.add(names);
                    index = 0;
                }
            }
        }
        Ok(polled)
    }

    fn restart(&mut self, sink: &mut impl EventSink, polled: &mut Polled) {
        self.files.clear();
        self.problems.clear();
        self.problem_count = 0;
        sink.clear();
        *polled = Polled { cleared: true, ..Polled::default() };
    }

    /// Whether a known file went away, shrank, became another file, or got a new one before it.
    fn was_replaced(&self, names: &[String]) -> bool {
        let same_order = self.files.iter().zip(names).all(|(file, name)| file.name == *name);
        let intact = |file: &FileTail| {
            let metadata = fs::metadata(self.folder.join(&file.name));
            metadata.is_ok_and(|now| {
                file.offset == 0 || (now.len() >= file.offset && identity(&now) == file.identity)
            })
        };
        self.files.len() > names.len() || !same_order || !self.files.iter().all(intact)
    }

    fn add(&mut self, names: Vec<String>) {
        for name in names.into_iter().skip(self.files.len()) {
            self.files.push(FileTail {
                name,
                identity: (0, 0),
                offset: 0,
                limit: None,
                delivered: false,
                stuck_reported: false,
            });
        }
    }

    fn read_file(
        &mut self,
        index: usize,
        sink: &mut impl EventSink,
        left: &mut u64,
        polled: &mut Polled,
    ) -> Result<Result<(), OutOfOrder>, FileError> {
        let path = self.folder.join(&self.files[index].name);
        if fs::metadata(&path).with_path(&path, "read")?.len() == self.files[index].offset {
            return Ok(Ok(()));
        }
        let handle = File::open(&path).with_path(&path, "open")?;
        let metadata = handle.metadata().with_path(&path, "read")?;
        self.files[index].identity = identity(&metadata);
        let mut buffer = Vec::new();
        let mut wanted = CHUNK;
        loop {
            let offset = self.files[index].offset;
            let available = metadata.len().saturating_sub(offset);
            if *left == 0 && available > 0 {
                polled.more = true;
                return Ok(Ok(()));
            }
            read_at(&handle, &mut buffer, offset, available.min(wanted)).with_path(&path, "read")?;
            let consumed = match self.take_piece(index, &buffer, available, sink, polled) {
                Ok(Piece::Whole) => return Ok(Ok(())),
                Ok(Piece::Part { consumed, next }) => {
                    wanted = if consumed == 0 { next.max(wanted.saturating_mul(2)) } else { CHUNK };
                    consumed
                }
                Err(out_of_order) => return Ok(Err(out_of_order)),
            };
            *left = left.saturating_sub(consumed as u64);
        }
    }

    /// Hands the records in `buffer`, which begins where file `index` was left, to `sink`. `available` bytes are in
    /// the file from there on.
    fn take_piece(
        &mut self,
        index: usize,
        buffer: &[u8],
        available: u64,
        sink: &mut impl EventSink,
        polled: &mut Polled,
    ) -> Result<Piece, OutOfOrder> {
        let offset = self.files[index].offset;
        let last = buffer.len() as u64 >= available;
        let mut deliver = Delivery { tail: self, index, offset, sink, polled, out_of_order: false };
        let drained = drain(buffer, last, |at, event| deliver.take(at, event));
        if deliver.out_of_order {
            return Err(OutOfOrder);
        }
        self.files[index].offset += drained.consumed as u64;
        if last || buffer.is_empty() {
            self.note_stuck(index, drained.stuck && buffer.len() > drained.consumed);
            return Ok(Piece::Whole);
        }
        // A record that is longer than the file (yet) needs no larger buffer.
        let is_short = drained.consumed == 0 && drained.wanted > available;
        Ok(if is_short {
            Piece::Whole
        } else {
            Piece::Part { consumed: drained.consumed, next: drained.wanted }
        })
    }

    fn note_stuck(&mut self, index: usize, stuck: bool) {
        if stuck && !self.files[index].stuck_reported {
            self.files[index].stuck_reported = true;
            let file = &self.files[index];
            let (path, offset) = (self.folder.join(&file.name), file.offset);
            self.note(Problem { path, offset, kind: ProblemKind::BadLength });
        } else if !stuck {
            self.files[index].stuck_reported = false;
        }
    }

    fn note(&mut self, problem: Problem) {
        self.problem_count += 1;
        if self.problems.len() < KEPT_PROBLEMS {
            self.problems.push(problem);
        }
    }
}

fn identity(metadata: &fs::Metadata) -> (u64, u64) {
    (metadata.dev(), metadata.ino())
}

/// Reads up to `count` bytes at `offset`; fewer where the file ends before.
fn read_at(file: &File, buffer: &mut Vec<u8>, offset: u64, count: u64) -> io::Result<()> {
    buffer.resize(usize::try_from(count).map_err(io::Error::other)?, 0);
    let mut filled = 0;
    while filled < buffer.len() {
        match file.read_at(&mut buffer[filled..], offset + filled as u64) {
            Ok(0) => break,
            Ok(read) => filled += read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    buffer.truncate(filled);
    Ok(())
}

/// Passes the events of one piece of one file on.
struct Delivery<'t, S> {
    tail: &'t mut EventTail,
    index: usize,
    offset: u64,
    sink: &'t mut S,
    polled: &'t mut Polled,
    out_of_order: bool,
}

impl<S: EventSink> Delivery<'_, S> {
    fn take(&mut self, at: usize, event: Result<Event<'_>, ProblemKind>) {
        if self.out_of_order {
            return;
        }
        match event {
            Ok(Event { step, content: Content::SessionStart, .. }) => self.start(step),
            Ok(Event { step, wall_time, content: Content::Summary(values) }) => {
                self.tail.files[self.index].delivered = true;
                if self.tail.files[self.index].limit.is_some_and(|limit| step >= limit) {
                    return;
                }
                for value in &values {
                    self.value(&value.tag, step, wall_time, &value.datum);
                }
            }
            Ok(_) => {}
            Err(kind) => {
                let path = self.tail.folder.join(&self.tail.files[self.index].name);
                // Damage that held up an earlier poll has been named then.
                if at == 0 && std::mem::take(&mut self.tail.files[self.index].stuck_reported) {
                    return;
                }
                self.tail.note(Problem { path, offset: self.offset + at as u64, kind });
            }
        }
    }

    fn value(&mut self, tag: &str, step: u64, time: f64, datum: &Datum<'_>) {
        match datum {
            Datum::Scalar(value) => self.sink.scalar(tag, step, time, *value),
            Datum::Text(text) => self.sink.text(tag, step, time, text),
            Datum::Image(image) => self.sink.image(tag, step, time, image),
            Datum::Other => return,
        }
        self.polled.values += 1;
    }

    fn start(&mut self, step: u64) {
        let (before, after) = self.tail.files.split_at_mut(self.index + 1);
        if after.iter().any(|file| file.delivered) {
            self.out_of_order = true;
            return;
        }
        for file in &mut before[..self.index] {
            file.limit = Some(file.limit.map_or(step, |limit| limit.min(step)));
        }
        self.sink.purge(step);
        self.polled.purges += 1;
    }
}

#[cfg(test)]
#[path = "tail_tests.rs"]
mod tests;
