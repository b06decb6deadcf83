//! Taking the whole records off a piece of an event file: pure, so that every cut and damage can be tested.

use super::event::Event;
use super::record::{OVERHEAD, Scan, next_header, scan};

/// Why some bytes of an event file could not be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProblemKind {
    /// A record's length is damaged; reading went on at the next intact record, if there is one.
    BadLength,
    /// A record's data does not match its checksum though more data follows.
    BadData,
    /// A record with a right checksum holds no event.
    NoEvent,
}

/// How far [`drain`] came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Drained {
    /// Bytes that need not be looked at again.
    pub(super) consumed: usize,
    /// Bytes that the next record takes, as far as is known; 0 where everything was consumed.
    pub(super) wanted: u64,
    /// The rest begins with damage behind which no intact record follows (yet).
    pub(super) stuck: bool,
}

/// Hands every whole event in `bytes` to `found`, with its offset, and every damaged place.
///
/// `last` says that `bytes` ends where the file ends: what is damaged there may still be being written.
pub(super) fn drain<'a>(
    bytes: &'a [u8],
    last: bool,
    mut found: impl FnMut(usize, Result<Event<'a>, ProblemKind>),
) -> Drained {
    let mut at = 0;
    loop {
        let rest = &bytes[at..];
        if rest.is_empty() {
            return Drained { consumed: at, wanted: 0, stuck: false };
        }
        match scan(rest) {
            Scan::Record { data, size } => {
                found(at, Event::decode(data).map_err(|_| ProblemKind::NoEvent));
                at += size;
            }
            Scan::Short { wanted } => return Drained { consumed: at, wanted, stuck: false },
            Scan::BadData { size } if size == rest.len() && last => {
                return Drained { consumed: at, wanted: size as u64, stuck: false };
            }
            Scan::BadData { size } => {
                found(at, Err(ProblemKind::BadData));
                at += size;
            }
            Scan::BadLength => match next_header(rest) {
                Some(skipped) => {
                    found(at, Err(ProblemKind::BadLength));
                    at += skipped;
                }
                None => {
                    return Drained {
                        consumed: at,
                        wanted: rest.len() as u64 + OVERHEAD as u64,
                        stuck: true,
                    };
                }
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::event::Content;
    use super::super::record::frame;
    use super::*;

    fn record(step: u64) -> Vec<u8> {
        frame(&Event { wall_time: 1.0, step, content: Content::Other }.encode())
    }

    fn run(bytes: &[u8], last: bool) -> (Vec<Result<u64, ProblemKind>>, Drained) {
        let mut all = Vec::new();
        let drained = drain(bytes, last, |_, event| all.push(event.map(|event| event.step)));
        (all, drained)
    }

    #[test]
    fn a_damaged_record_is_skipped_only_when_data_follows() {
        let mut bytes = [record(1), record(2), record(3)].concat();
        let size = record(1).len();
        bytes[2 * size - 1] ^= 1;
        assert_eq!(run(&bytes, true).0, [Ok(1), Err(ProblemKind::BadData), Ok(3)]);
        let (all, drained) = run(&bytes[..2 * size], true);
        assert_eq!((all, drained.consumed, drained.stuck), (vec![Ok(1)], size, false));
        assert_eq!(run(&bytes[..2 * size], false).0, [Ok(1), Err(ProblemKind::BadData)]);
    }

    #[test]
    fn reading_goes_on_behind_a_damaged_length() {
        let mut bytes = [record(1), record(2), record(3)].concat();
        let size = record(1).len();
        bytes[size] ^= 1;
        assert_eq!(run(&bytes, true).0, [Ok(1), Err(ProblemKind::BadLength), Ok(3)]);
        let (all, drained) = run(&bytes[..2 * size], true);
        assert_eq!((all, drained.consumed, drained.stuck), (vec![Ok(1)], size, true));
    }

    #[test]
    fn a_record_without_event_is_named() {
        let bytes = [frame(&[0x0b]), record(2)].concat();
        assert_eq!(run(&bytes, true).0, [Err(ProblemKind::NoEvent), Ok(2)]);
    }
}
