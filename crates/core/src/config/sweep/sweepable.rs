//! Which keys may differ between the runs of a sweep.

use crate::config::keys::Key;
use crate::config::place::{Place, Problem};

/// The key, if runs of one sweep may differ in it.
pub(crate) fn sweepable(key: &'static Key, spelling: &str, place: Place) -> Result<&'static Key, Problem> {
    if is_sweepable(key) {
        return Ok(key);
    }
    Err(Problem::new(place, spelling, "cannot be swept: it is the same for all runs"))
}

/// Whether runs of one sweep may differ in the key.
pub(crate) fn is_sweepable(key: &Key) -> bool {
    let common = [
        "output_dir",
        "data_type",
        "priority",
        "after",
        "stop_sweep_after_failures",
        "on_finish",
        "on_fail",
        "command",
        "resume_command",
        "env",
        "working_dir",
        "metrics",
        "adopted",
    ];
    !common.contains(&key.name)
}
