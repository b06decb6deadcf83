//! Which waiting runs are for Slurm: their frozen settings say so.

use std::collections::HashMap;

use loradeck_core::config::{Launcher, SlurmSettings, load_frozen};
use loradeck_core::run::{QueueEntry, RunFolder};

use crate::launch::schedule::{QueuedRun, Waiting};

/// A waiting run with what it asks of Slurm.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ForSlurm {
    /// Where it stands in the queue.
    pub(crate) queued: QueuedRun,
    /// What it asks for.
    pub(crate) settings: SlurmSettings,
}

impl ForSlurm {
    /// Whether it may be given to Slurm now, or by itself later.
    pub(crate) fn may_start(&self) -> bool {
        self.queued.blocked.as_ref().is_none_or(Waiting::may_pass)
    }
}

/// Remembers what was read: a frozen configuration does not change, only the overrides of another attempt do.
#[derive(Debug, Default)]
pub(crate) struct Launchers {
    known: HashMap<(RunFolder, u32), Option<SlurmSettings>>,
}

impl Launchers {
    /// Takes the runs for Slurm out of `queue`.
    pub(crate) fn take_out(&mut self, queue: &mut Vec<QueuedRun>) -> Vec<ForSlurm> {
        let mut known = HashMap::new();
        let mut taken = Vec::new();
        queue.retain(|queued| {
            let key = (queued.run.clone(), queued.attempt);
            let settings = self.known.remove(&key).unwrap_or_else(|| settings_of(&queued.run));
            taken.extend(settings.clone().map(|settings| ForSlurm { queued: queued.clone(), settings }));
            let is_local = settings.is_none();
            known.insert(key, settings);
            is_local
        });
        self.known = known;
        taken
    }
}

/// What the run asks of Slurm; `None` where this machine starts it. One whose configuration cannot be read is left
/// to this machine, whose trainer says what is wrong with it.
pub(crate) fn settings_of(run: &RunFolder) -> Option<SlurmSettings> {
    let overrides = QueueEntry::read(run).map(|entry| entry.overrides).unwrap_or_default();
    let (settings, _) = load_frozen(&run.config(), &overrides).ok()?;
    match settings.running.launcher {
        Launcher::Slurm => Some(settings.running.slurm.unwrap_or_default()),
        Launcher::Local => None,
    }
}
