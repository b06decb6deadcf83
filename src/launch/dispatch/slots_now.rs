//! The slots as they are at this moment.

use loradeck_core::run::Workspace;

use super::scan::Found;
use crate::launch::queue_settings::QueueSettings;
use crate::launch::schedule::Limits;
use crate::launch::slot::Slot;
use crate::launch::slots::{HostSlots, SlotSettings, detect_slots};

/// How many more runs could start now; where runs share a GPU, one more may.
pub(super) fn room(found: &Found, slots: &[Slot], limits: &Limits) -> usize {
    let is_free = |slot: &&Slot| {
        let id = slot.id();
        !slot.only_on_request && !limits.taken.contains(&id) && found.running.iter().all(|run| run.slot != id)
    };
    let shares = found.running.iter().any(|run| run.runs_per_gpu > 1);
    slots.iter().filter(is_free).count() + usize::from(shares)
}

/// The slots as they are now, and what the workspace allows in them. `groups_with_slurm` are those of
/// [`Limits::groups_with_slurm`].
pub(super) fn look_at_slots(
    workspace: &Workspace,
    host: &HostSlots,
    queue: &QueueSettings,
    groups_with_slurm: Vec<String>,
) -> (Vec<Slot>, Limits) {
    let settings = SlotSettings::read(workspace, queue);
    let slots = detect_slots(&settings);
    let limits = Limits {
        groups: queue.groups.clone().into_iter().collect(),
        groups_with_slurm,
        shared_with_others: settings.file.shared_with_others,
        taken: host.taken(&slots),
    };
    (slots, limits)
}
