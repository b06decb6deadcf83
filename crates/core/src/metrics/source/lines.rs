//! Whole lines out of whatever pieces a growing text comes in.

/// A line beyond this is no line of metrics; it is dropped rather than kept in memory, in bytes.
const LONGEST: usize = 1 << 20;

/// Which bytes end a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ending {
    /// Line feeds.
    LineFeed,
    /// Line feeds and carriage returns: every state of a progress bar is a line.
    AnyReturn,
}

/// Gathers pieces of a text into lines.
#[derive(Debug)]
pub(super) struct LineSplitter {
    ending: Ending,
    pending: Vec<u8>,
    is_too_long: bool,
}

impl LineSplitter {
    pub(super) fn new(ending: Ending) -> Self {
        Self { ending, pending: Vec::new(), is_too_long: false }
    }

    /// Takes the next piece and passes every finished line on, without what ends it.
    pub(super) fn push(&mut self, piece: &[u8], mut take: impl FnMut(&[u8])) {
        let returns = self.ending == Ending::AnyReturn;
        let mut rest = piece;
        while let Some(at) = rest.iter().position(|byte| *byte == b'\n' || (returns && *byte == b'\r')) {
            self.keep(&rest[..at]);
            rest = &rest[at + 1..];
            self.finish(&mut take);
        }
        self.keep(rest);
    }

    /// Passes the unfinished line on, if there is one: the text has ended.
    pub(super) fn finish(&mut self, mut take: impl FnMut(&[u8])) {
        if !self.pending.is_empty() && !self.is_too_long {
            take(self.pending.strip_suffix(b"\r").unwrap_or(&self.pending));
        }
        self.restart();
    }

    /// Forgets the unfinished line.
    pub(super) fn restart(&mut self) {
        self.pending.clear();
        self.is_too_long = false;
    }

    fn keep(&mut self, part: &[u8]) {
        self.is_too_long |= self.pending.len() + part.len() > LONGEST;
        if self.is_too_long {
            self.pending.clear();
        } else {
            self.pending.extend_from_slice(part);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(ending: Ending, pieces: &[&[u8]]) -> Vec<String> {
        let mut splitter = LineSplitter::new(ending);
        let mut lines = Vec::new();
        for piece in pieces {
            splitter.push(piece, |line| lines.push(String::from_utf8_lossy(line).into_owned()));
        }
        splitter.finish(|line| lines.push(String::from_utf8_lossy(line).into_owned()));
        lines
    }

    #[test]
    fn lines_come_whole_and_a_bars_states_apart() {
        assert_eq!(lines(Ending::LineFeed, &[b"a,", b"b\r\n\nc"]), ["a,b", "c"]);
        assert_eq!(lines(Ending::AnyReturn, &[b"1%\r2", b"%\rdone\n"]), ["1%", "2%", "done"]);
    }

    #[test]
    fn endless_lines_are_dropped_and_the_next_one_is_read() {
        let long = vec![b'x'; LONGEST];
        assert_eq!(lines(Ending::LineFeed, &[&long, b"x", b"y\nz\n"]), ["z"]);
    }
}
