//! Retries the final writes of a run while there is no room on the disk, or its folder may not be written into: the result
//! cannot be recomputed, but space can be freed and a folder made writable.

use std::time::{Duration, Instant};

use crate::error::FileError;

/// How long, and how often within it.
#[derive(Clone, Copy, Debug)]
pub struct Patience {
    /// After so long the error stands.
    pub limit: Duration,
    /// Between two tries.
    pub pause: Duration,
}

/// For the end of a run: long enough for somebody to see that the disk is full.
pub const AT_THE_END: Patience = Patience { limit: Duration::from_hours(6), pause: Duration::from_secs(1) };

/// What may be an error for want of room.
pub trait WantsRoom {
    /// Whether it is one.
    fn wants_room(&self) -> bool;
}

impl WantsRoom for FileError {
    /// The disk is full, a quota is used up, or nothing can be written for now: the file system or the folder was made
    /// read-only.
    fn wants_room(&self) -> bool {
        use std::io::ErrorKind::{PermissionDenied, QuotaExceeded, ReadOnlyFilesystem, StorageFull};
        match self.source.kind() {
            StorageFull | QuotaExceeded | ReadOnlyFilesystem => true,
            PermissionDenied => self.action != "read",
            _ => false,
        }
    }
}

impl Patience {
    /// Tries `write` until it succeeds or fails for another reason. `tell` hears of the first failure.
    ///
    /// # Errors
    /// The last error of `write`.
    pub fn with<T, E: WantsRoom>(
        self,
        mut tell: impl FnMut(&E),
        mut write: impl FnMut() -> Result<T, E>,
    ) -> Result<T, E> {
        self.unless(&mut (), |()| false, |(), error| tell(error), |()| write())
    }

    /// The same until `is_stopped`, asked after each try that found no room. `of` is what all three work on.
    ///
    /// # Errors
    /// The last error of `write`.
    pub fn unless<C, T, E: WantsRoom>(
        self,
        of: &mut C,
        mut is_stopped: impl FnMut(&mut C) -> bool,
        mut tell: impl FnMut(&mut C, &E),
        mut write: impl FnMut(&mut C) -> Result<T, E>,
    ) -> Result<T, E> {
        let (until, mut is_told) = (Instant::now() + self.limit, false);
        loop {
            match write(of) {
                Err(error) if error.wants_room() && Instant::now() < until => {
                    if !std::mem::replace(&mut is_told, true) {
                        tell(of, &error);
                    }
                    if is_stopped(of) {
                        return Err(error);
                    }
                    std::thread::sleep(self.pause);
                }
                other => return other,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Error, ErrorKind};

    use super::*;

    const QUICK: Patience = Patience { limit: Duration::from_secs(60), pause: Duration::ZERO };

    fn error(kind: ErrorKind) -> FileError {
        FileError::new("x", "write", Error::from(kind))
    }

    #[test]
    fn room_is_waited_for_and_told_of_once() {
        let mut answers = vec![
            Ok(7),
            Err(error(ErrorKind::ReadOnlyFilesystem)),
            Err(error(ErrorKind::PermissionDenied)),
            Err(error(ErrorKind::QuotaExceeded)),
            Err(error(ErrorKind::StorageFull)),
        ];
        let mut told = 0;
        let written = QUICK.with(|_| told += 1, || answers.pop().unwrap());
        assert_eq!((written.unwrap(), told, answers.len()), (7, 1, 0));
    }

    #[test]
    fn a_stop_ends_the_wait() {
        let mut tries = 0;
        let written = QUICK.unless(
            &mut tries,
            |tries| *tries == 3,
            |_, _| (),
            |tries| {
                *tries += 1;
                Err::<(), _>(error(ErrorKind::StorageFull))
            },
        );
        assert!(written.is_err() && tries == 3);
    }

    #[test]
    fn nothing_else_is_waited_for_and_nothing_for_ever() {
        let mut tries = 0;
        let missing = QUICK.with(
            |_| (),
            || {
                tries += 1;
                Err::<(), _>(error(ErrorKind::NotFound))
            },
        );
        assert!(missing.is_err() && tries == 1);
        let brief = Patience { limit: Duration::ZERO, pause: Duration::ZERO };
        assert!(brief.with(|_| (), || Err::<(), _>(error(ErrorKind::StorageFull))).is_err());
    }
}
