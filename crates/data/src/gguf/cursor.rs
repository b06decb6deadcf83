//! A reading position in untrusted bytes: nothing is read past the end, and no list is begun that cannot fit.

use super::header::Malformed;

/// A position in the bytes of a file.
pub(super) struct Cursor<'a> {
    bytes: &'a [u8],
    position: usize,
}

impl<'a> Cursor<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, position: 0 }
    }

    pub(super) fn position(&self) -> usize {
        self.position
    }

    fn remaining(&self) -> usize {
        self.bytes.len() - self.position
    }

    /// The next `count` bytes, which hold `what`.
    pub(super) fn take(&mut self, count: usize, what: &'static str) -> Result<&'a [u8], Malformed> {
        let truncated = Malformed::Truncated { what, offset: self.position };
        let end = self.position.checked_add(count).ok_or(truncated.clone())?;
        let taken = self.bytes.get(self.position..end).ok_or(truncated)?;
        self.position = end;
        Ok(taken)
    }

    pub(super) fn array<const N: usize>(&mut self, what: &'static str) -> Result<[u8; N], Malformed> {
        let mut out = [0; N];
        out.copy_from_slice(self.take(N, what)?);
        Ok(out)
    }

    pub(super) fn u32(&mut self, what: &'static str) -> Result<u32, Malformed> {
        self.array(what).map(u32::from_le_bytes)
    }

    pub(super) fn u64(&mut self, what: &'static str) -> Result<u64, Malformed> {
        self.array(what).map(u64::from_le_bytes)
    }

    /// A count of things that take at least `smallest` bytes each, checked against the bytes that are left.
    pub(super) fn count(&mut self, smallest: usize, what: &'static str) -> Result<usize, Malformed> {
        let offset = self.position;
        let count = self.u64(what)?;
        let fits = |count: usize| count.checked_mul(smallest).is_some_and(|bytes| bytes <= self.remaining());
        let refused = Malformed::Count { what, count, offset };
        usize::try_from(count).ok().filter(|count| fits(*count)).ok_or(refused)
    }

    /// A text with its length before it.
    pub(super) fn text(&mut self, what: &'static str) -> Result<String, Malformed> {
        let offset = self.position;
        let length = self.count(1, what)?;
        let bytes = self.take(length, what)?;
        std::str::from_utf8(bytes).map(str::to_owned).map_err(|_| Malformed::Text { what, offset })
    }
}
