//! Whether a run's folder can be written and has room, before a run is started in it.

use loradeck_core::run::{RunFolder, why_unwritable};
use rustix::fs::{StatVfsMountFlags, statvfs};

use super::schedule::Waiting;

/// The least that must be free: a checkpoint of a small adapter with its optimiser state, logs and events.
const LEAST_FREE: u64 = 256 << 20;

/// Why nothing may start in the folder of `run`; `None` where it may, or where the system does not say.
pub(super) fn complaint(run: &RunFolder) -> Option<Waiting> {
    let space = statvfs(run.path()).ok()?;
    let free = space.f_bavail.saturating_mul(space.f_frsize);
    let read_only = space.f_flag.contains(StatVfsMountFlags::RDONLY);
    if is_unfit(free, read_only) {
        return Some(Waiting::Disk { free, read_only });
    }
    why_unwritable(run).map(|error| Waiting::ReadOnlyFolder(error.to_string()))
}

fn is_unfit(free: u64, read_only: bool) -> bool {
    read_only || free < LEAST_FREE
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn full_and_read_only_disks_are_unfit() {
        assert!(is_unfit(1 << 20, false) && is_unfit(1 << 40, true) && !is_unfit(1 << 30, false));
        let here = tempfile::tempdir().unwrap();
        assert_eq!(complaint(&RunFolder::new(here.path())), None);
        assert_eq!(complaint(&RunFolder::new(here.path().join("gone"))), None);
    }
}
