//! Follows a growing text log from its end: the last lines first, older ones on demand, never the whole file.

use std::collections::VecDeque;
use std::fs::{self, File};
use std::io;
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::{Path, PathBuf};

use super::log_line::{shrink, visible};
use crate::error::{FileError, WithPath};

/// How much is read at once, in bytes.
const BLOCK: u64 = 64 * 1024;
/// Growth between two polls beyond which following jumps to the end, in bytes.
const JUMP: u64 = 8 << 20;
/// Lines held while following; older ones can be read again.
const HELD: usize = 10_000;
/// How far back one look for older lines goes, in bytes: a line without end is not searched for ever.
const FARTHEST: u64 = 4 << 20;

/// What one poll of a log brought.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LogPolled {
    /// Finished lines added at the end.
    pub added: usize,
    /// Whether the unfinished last line changed.
    pub last_changed: bool,
    /// Whether the lines were replaced: the file was cut, replaced, or grew faster than anybody reads.
    pub cleared: bool,
}

impl LogPolled {
    /// Whether anything looks different.
    pub fn changed(&self) -> bool {
        self.added > 0 || self.last_changed || self.cleared
    }
}

/// The lines at the end of a log, harmless to show.
#[derive(Debug)]
pub struct LogTail {
    path: PathBuf,
    identity: (u64, u64),
    /// How many lines to begin with.
    lines_at_start: usize,
    begun: bool,
    /// Where the first held line begins.
    start: u64,
    /// Where reading goes on.
    offset: u64,
    /// Each finished line with the offset at which it begins.
    lines: VecDeque<(u64, String)>,
    /// What follows the last line feed, as far as it can still be seen.
    unfinished: Vec<u8>,
    unfinished_start: u64,
    unfinished_shown: String,
}

impl LogTail {
    /// A tail of `path` that will begin with the last `lines_at_start` lines; the file need not exist yet.
    pub fn new(path: &Path, lines_at_start: usize) -> Self {
        Self {
            path: path.to_path_buf(),
            identity: (0, 0),
            lines_at_start,
            begun: false,
            start: 0,
            offset: 0,
            lines: VecDeque::new(),
            unfinished: Vec::new(),
            unfinished_start: 0,
            unfinished_shown: String::new(),
        }
    }

    /// The log.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The lines held, oldest first, the present state of an unfinished last one included.
    pub fn lines(&self) -> impl DoubleEndedIterator<Item = &str> {
        let unfinished = (!self.unfinished_shown.is_empty()).then_some(self.unfinished_shown.as_str());
        self.lines.iter().map(|(_, line)| line.as_str()).chain(unfinished)
    }

    /// The finished lines held, oldest first.
    pub fn finished(&self) -> impl DoubleEndedIterator<Item = &str> {
        self.lines.iter().map(|(_, line)| line.as_str())
    }

    /// The present state of the line that is still being written; empty where there is none.
    pub fn unfinished(&self) -> &str {
        &self.unfinished_shown
    }

    /// How many lines [`LogTail::lines`] gives.
    pub fn len(&self) -> usize {
        self.lines.len() + usize::from(!self.unfinished_shown.is_empty())
    }

    /// Whether there is no line.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether older lines stand before the first one held.
    pub fn has_older(&self) -> bool {
        self.start > 0
    }

    /// Takes up what was written since the last poll.
    ///
    /// # Errors
    /// [`FileError`] where the log cannot be read; a missing one is empty.
    pub fn poll(&mut self) -> Result<LogPolled, FileError> {
        let metadata = match fs::metadata(&self.path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(self.forget_all()),
            metadata => metadata.with_path(&self.path, "read")?,
        };
        let identity = (metadata.dev(), metadata.ino());
        let mut polled = LogPolled::default();
        if self.begun && (metadata.len() < self.offset || identity != self.identity) {
            polled = self.forget_all();
        }
        if metadata.len() == self.offset {
            return Ok(polled);
        }
        let file = File::open(&self.path).with_path(&self.path, "open")?;
        self.identity = identity;
        if !self.begun || metadata.len() - self.offset > JUMP {
            polled.cleared |= self.begun;
            self.begin(&file, metadata.len()).with_path(&self.path, "read")?;
        }
        self.read_on(&file, &mut polled).with_path(&self.path, "read")?;
        Ok(polled)
    }

    /// Reads up to `count` lines before the first one held; how many there were.
    ///
    /// # Errors
    /// [`FileError`] where the log cannot be read.
    pub fn load_older(&mut self, count: usize) -> Result<usize, FileError> {
        if self.start == 0 || count == 0 {
            return Ok(0);
        }
        let file = File::open(&self.path).with_path(&self.path, "open")?;
        let end = self.start;
        let begin = start_of_last_lines(&file, end, count).with_path(&self.path, "read")?;
        let bytes = read_range(&file, begin, end).with_path(&self.path, "read")?;
        let mut at = begin;
        let older: Vec<(u64, String)> = bytes
            .split_inclusive(|byte| *byte == b'\n')
            .map(|line| {
                let start = at;
                at += line.len() as u64;
                (start, visible(line.strip_suffix(b"\n").unwrap_or(line)))
            })
            .collect();
        let found = older.len();
        older.into_iter().rev().for_each(|line| self.lines.push_front(line));
        self.start = begin;
        Ok(found)
    }

    fn forget_all(&mut self) -> LogPolled {
        let cleared = self.begun && (self.offset > 0);
        *self = Self::new(&self.path, self.lines_at_start);
        LogPolled { cleared, ..LogPolled::default() }
    }

    /// Begins (again) with the last lines of a file of `size` bytes.
    fn begin(&mut self, file: &File, size: u64) -> io::Result<()> {
        let start = start_of_last_lines(file, size, self.lines_at_start)?;
        self.lines.clear();
        self.unfinished.clear();
        (self.start, self.offset, self.unfinished_start) = (start, start, start);
        self.begun = true;
        Ok(())
    }

    fn read_on(&mut self, file: &File, polled: &mut LogPolled) -> io::Result<()> {
        let before = self.unfinished_shown.clone();
        loop {
            let block = read_range(file, self.offset, self.offset + BLOCK)?;
            if block.is_empty() {
                break;
            }
            self.take(&block, polled);
        }
        self.unfinished_shown = visible(&self.unfinished);
        polled.last_changed = self.unfinished_shown != before;
        Ok(())
    }

    /// Takes bytes that follow what was read.
    fn take(&mut self, block: &[u8], polled: &mut LogPolled) {
        for piece in block.split_inclusive(|byte| *byte == b'\n') {
            self.offset += piece.len() as u64;
            let Some(end) = piece.strip_suffix(b"\n") else {
                self.unfinished.extend_from_slice(piece);
                shrink(&mut self.unfinished);
                continue;
            };
            self.unfinished.extend_from_slice(end);
            let line = visible(&self.unfinished);
            self.unfinished.clear();
            self.lines.push_back((self.unfinished_start, line));
            self.unfinished_start = self.offset;
            polled.added += 1;
        }
        while self.lines.len() > HELD {
            self.lines.pop_front();
            self.start = self.lines.front().map_or(self.unfinished_start, |line| line.0);
        }
    }
}

/// Where the last `count` lines before `end` begin; a line feed just before `end` ends the last of them.
fn start_of_last_lines(file: &File, end: u64, count: usize) -> io::Result<u64> {
    if count == 0 {
        return Ok(end);
    }
    let floor = end.saturating_sub(FARTHEST);
    let mut wanted = count;
    let mut from = end;
    while from > floor {
        let begin = from.saturating_sub(BLOCK).max(floor);
        let block = read_range(file, begin, from)?;
        for (index, _) in block.iter().enumerate().rev().filter(|(_, byte)| **byte == b'\n') {
            let after = begin + index as u64 + 1;
            if after == end {
                continue;
            }
            wanted -= 1;
            if wanted == 0 {
                return Ok(after);
            }
        }
        from = begin;
    }
    // Nothing but a line (or lines) longer than one look back: begin in its middle rather than search on.
    Ok(floor)
}

/// The bytes from `start` to `end`, fewer where the file ends before.
fn read_range(file: &File, start: u64, end: u64) -> io::Result<Vec<u8>> {
    let mut bytes = vec![0; usize::try_from(end.saturating_sub(start)).map_err(io::Error::other)?];
    let mut filled = 0;
    while filled < bytes.len() {
        match file.read_at(&mut bytes[filled..], start + filled as u64) {
            Ok(0) => break,
            Ok(count) => filled += count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    bytes.truncate(filled);
    Ok(bytes)
}

#[cfg(test)]
#[path = "log_tail_tests.rs"]
mod tests;
