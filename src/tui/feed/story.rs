//! A run's story: what its folder tells about its way.

use loradeck_core::run::{RunFolder, read_attempts, read_journal};

use crate::store::RunId;
use crate::tui::state::Details;

/// Reads it.
pub fn read_story(id: RunId, run: &RunFolder) -> Details {
    Details {
        run: id,
        attempts: read_attempts(run),
        journal: read_journal(run).entries,
        checkpoints: run.checkpoint_steps(),
        report: run.report().is_file(),
    }
}
