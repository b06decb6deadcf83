//! The part of the queue that goes to Slurm, with the shares of its groups.

use loradeck_core::run::Workspace;

use super::scan::Found;
use crate::launch::slurm::{ForSlurm, Launchers, Shares, runs_with_slurm};

/// Takes runs for Slurm out of what was found, again and again.
#[derive(Debug, Default)]
pub(super) struct SlurmQueue {
    launchers: Launchers,
}

/// What was taken out.
#[derive(Debug)]
pub(super) struct TakenOut {
    /// Waiting runs for Slurm, those that it has already included, with what holds them back.
    pub(super) waiting: Vec<ForSlurm>,
    /// By which the shares of groups were marked.
    pub(super) shares: Shares,
}

impl SlurmQueue {
    pub(super) fn take_out(&mut self, workspace: &Workspace, found: &mut Found) -> TakenOut {
        let mut waiting = self.launchers.take_out(&mut found.queued);
        let groups = found.settings.groups.clone();
        let here = found.running.iter().filter_map(|run| run.group.clone());
        let shares = Shares::new(groups.into_iter().collect(), here.chain(found.groups_on_nodes.clone()));
        if !shares.is_empty() && !waiting.is_empty() {
            let with_slurm = runs_with_slurm(workspace);
            shares.mark(&mut waiting, &|run| with_slurm.contains(run));
        }
        TakenOut { waiting, shares }
    }
}

/// The group of each run that Slurm has or gets.
pub(super) fn groups_with_slurm(waiting: &[ForSlurm], found: &Found) -> Vec<String> {
    let free = waiting.iter().filter(|waiting| waiting.queued.blocked.is_none());
    let groups = free.filter_map(|waiting| waiting.queued.group.clone());
    groups.chain(found.groups_on_nodes.iter().cloned()).collect()
}
