//! Waiting until something can be written: for room on a disk, or for leave to write in a folder. What a training has come to cannot be had again, and a person can make room: so the last
//! words of a run are tried again as long as there is none.

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
        let (until, mut is_told) = (Instant::now() + self.limit, false);
        loop {
            match write() {
                Err(error) if error.wants_room() && Instant::now() < until => {
                    if !std::mem::replace(&mut is_told, true) {
                        tell(&error);
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
