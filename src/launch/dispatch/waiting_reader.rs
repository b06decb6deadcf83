//! What every waiting run waits for, as it is shown to people.

use anyhow::Result;
use loradeck_core::run::{RunFolder, Workspace};

use super::for_slurm::{self, SlurmQueue};
use super::scan::Scanner;
use super::slots_now::look_at_slots;
use crate::launch::schedule::{Waiting, next};
use crate::launch::slots::HostSlots;

/// Every waiting run of a workspace and what it waits for, in the order in which they would start.
pub fn waiting(workspace: &Workspace) -> Result<Vec<(RunFolder, Waiting)>> {
    WaitingReader::default().read(workspace)
}

/// Asks [`waiting`] again and again, reading only the files that have changed.
#[derive(Debug, Default)]
pub struct WaitingReader {
    scanner: Scanner,
    slurm_queue: SlurmQueue,
}

impl WaitingReader {
    /// As [`waiting`].
    pub fn read(&mut self, workspace: &Workspace) -> Result<Vec<(RunFolder, Waiting)>> {
        let mut found = self.scanner.scan(workspace)?;
        let for_slurm = self.slurm_queue.take_out(workspace, &mut found).waiting;
        let groups = for_slurm::groups_with_slurm(&for_slurm, &found);
        let (slots, limits) = look_at_slots(workspace, &HostSlots::open()?, &found.settings, groups);
        let schedule = next(&found.queued, &found.running, &slots, &limits);
        let starts = schedule.starts.iter().map(|start| (start.queued.run.clone(), Waiting::Nothing));
        let waits = schedule.waiting.iter().map(|(queued, reason)| (queued.run.clone(), reason.clone()));
        let for_slurm = for_slurm
            .into_iter()
            .map(|waiting| (waiting.queued.run, waiting.queued.blocked.unwrap_or(Waiting::Nothing)));
        Ok(starts.chain(waits).chain(for_slurm).collect())
    }
}
