//! Follows one growing text file, also when it is cut, replaced or written afresh.

use std::fs::{self, File};
use std::io::{self, Read, Seek, SeekFrom};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use super::lines::{Ending, LineSplitter};
use super::{Follow, Reading};
use crate::error::{FileError, WithPath};

/// How much is read at once, in bytes.
const BLOCK: usize = 1 << 18;
/// How many bytes before the place of reading are remembered: a file written afresh has others there.
const REMEMBERED: usize = 256;

/// Understands the lines of one file.
pub(super) trait LineReader: Send {
    /// The file begins again.
    fn restart(&mut self) {}
    /// The readings of one line.
    fn line(&mut self, line: &str, now: f64, found: &mut Vec<Reading>);
}

/// A file whose lines a reader understands.
#[derive(Debug)]
pub(super) struct Followed<R> {
    path: PathBuf,
    reader: R,
    splitter: LineSplitter,
    identity: (u64, u64),
    offset: u64,
    before: Vec<u8>,
}

impl<R: LineReader> Followed<R> {
    /// Follows the file at `path`, which need not exist yet.
    pub(super) fn new(path: &Path, ending: Ending, reader: R) -> Self {
        let splitter = LineSplitter::new(ending);
        Self { path: path.to_path_buf(), reader, splitter, identity: (0, 0), offset: 0, before: Vec::new() }
    }

    fn begin_again(&mut self) {
        self.offset = 0;
        self.before.clear();
        self.splitter.restart();
        self.reader.restart();
    }

    /// Whether the file is another one than the one read so far, or holds other text before the place of reading.
    fn was_replaced(&self, file: &mut File, about: &fs::Metadata) -> io::Result<bool> {
        if self.offset == 0 {
            return Ok(false);
        }
        if about.len() < self.offset || identity(about) != self.identity {
            return Ok(true);
        }
        let mut there = vec![0; self.before.len()];
        file.seek(SeekFrom::Start(self.offset - there.len() as u64))?;
        file.read_exact(&mut there)?;
        Ok(there != self.before)
    }

    fn read_on(&mut self, file: &mut File, now: f64, found: &mut Vec<Reading>) -> io::Result<()> {
        file.seek(SeekFrom::Start(self.offset))?;
        let mut block = vec![0; BLOCK];
        loop {
            let count = match file.read(&mut block) {
                Ok(0) => return Ok(()),
                Ok(count) => count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(error),
            };
            let Self { splitter, reader, .. } = self;
            splitter.push(&block[..count], |line| reader.line(&String::from_utf8_lossy(line), now, found));
            self.offset += count as u64;
            self.before.extend_from_slice(&block[..count]);
            let surplus = self.before.len().saturating_sub(REMEMBERED);
            self.before.drain(..surplus);
        }
    }
}

impl<R: LineReader> Follow for Followed<R> {
    fn poll(&mut self, now: f64, finished: bool, found: &mut Vec<Reading>) -> Result<(), FileError> {
        let mut file = match File::open(&self.path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            opened => opened.with_path(&self.path, "open")?,
        };
        let about = file.metadata().with_path(&self.path, "read")?;
        if self.was_replaced(&mut file, &about).with_path(&self.path, "read")? {
            self.begin_again();
        }
        self.identity = identity(&about);
        self.read_on(&mut file, now, found).with_path(&self.path, "read")?;
        if finished {
            let Self { splitter, reader, .. } = self;
            splitter.finish(|line| reader.line(&String::from_utf8_lossy(line), now, found));
        }
        Ok(())
    }
}

fn identity(about: &fs::Metadata) -> (u64, u64) {
    (about.dev(), about.ino())
}
