//! Which queued run starts next, and where: one pure function over the queue, what runs and the slots.

mod waiting;

use std::collections::HashMap;

use loradeck_core::run::{Needs, RunFolder};
use loradeck_core::time::Moment;

use super::slot::Slot;
pub use waiting::Waiting;

/// Share of a GPU's memory that is given away; the rest covers what allocators and contexts hold beyond their word.
const USABLE_MEMORY: f64 = 0.95;

/// A run that waits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QueuedRun {
    /// Its folder.
    pub run: RunFolder,
    /// The attempt to start.
    pub attempt: u32,
    /// Higher goes first.
    pub priority: i64,
    /// Since when it waits.
    pub queued_at: Moment,
    /// What holds it back whatever is free, if anything does.
    pub blocked: Option<Waiting>,
    /// What it needs of a device.
    pub needs: Needs,
    /// GPU memory in bytes: stated, or seen in earlier runs of its sweep.
    pub memory: Option<u64>,
    /// The group whose share it takes.
    pub group: Option<String>,
}

/// A run that occupies a slot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunningRun {
    /// Its folder.
    pub run: RunFolder,
    /// The slot's id.
    pub slot: String,
    /// How many runs of its kind may share a GPU.
    pub runs_per_gpu: u32,
    /// GPU memory in bytes that is kept for it; unknown: all.
    pub memory: Option<u64>,
    /// The group whose share it takes.
    pub group: Option<String>,
}

/// What the queue allows besides the slots themselves.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Limits {
    /// The most runs at once of a group.
    pub groups: HashMap<String, u32>,
    /// Groups of runs that Slurm has or is to get: they use their groups' shares.
    pub groups_with_slurm: Vec<String>,
    /// Runs may go where programs are that are not ours.
    pub shared_with_others: bool,
    /// Ids of slots that another workspace's run holds for itself.
    pub taken: Vec<String>,
}

/// One start.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Start<'a> {
    /// The run.
    pub queued: &'a QueuedRun,
    /// Where.
    pub slot: &'a Slot,
    /// Whether others may join it there.
    pub shared: bool,
}

/// Who starts, and why the others do not.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Schedule<'a> {
    /// In the order in which they start.
    pub starts: Vec<Start<'a>>,
    /// In the order in which they would.
    pub waiting: Vec<(&'a QueuedRun, Waiting)>,
}

/// Pairs waiting runs with free slots: highest priority first, then longest waiting, then by folder.
///
/// A slot takes one run, or, where all that are in it allow it, as many as their memory leaves room for. A run that
/// finds no place does not keep smaller ones behind it from theirs.
pub fn next<'a>(
    queue: &'a [QueuedRun],
    running: &[RunningRun],
    slots: &'a [Slot],
    limits: &Limits,
) -> Schedule<'a> {
    let mut occupied = Occupied::by(running);
    let mut waiting: Vec<&QueuedRun> =
        queue.iter().filter(|queued| running.iter().all(|other| other.run != queued.run)).collect();
    waiting.sort_by(|left, right| {
        (right.priority, left.queued_at, &left.run).cmp(&(left.priority, right.queued_at, &right.run))
    });
    let mut schedule = Schedule::default();
    for queued in waiting {
        match occupied.place(queued, slots, limits) {
            Ok(slot) => {
                occupied.add(queued, slot);
                schedule.starts.push(Start { queued, slot, shared: is_shared(queued, slot) });
            }
            Err(reason) => schedule.waiting.push((queued, reason)),
        }
    }
    schedule
}

fn is_shared(queued: &QueuedRun, slot: &Slot) -> bool {
    slot.is_gpu() && queued.needs.runs_per_gpu > 1
}

/// What one occupant of a slot keeps from others.
#[derive(Clone, Copy)]
struct Occupant {
    runs_per_gpu: u32,
    memory: Option<u64>,
}

/// Who is where, those about to start included.
struct Occupied {
    slots: HashMap<String, Vec<Occupant>>,
    groups: HashMap<String, u32>,
}

impl Occupied {
    fn by(running: &[RunningRun]) -> Self {
        let mut occupied = Self { slots: HashMap::new(), groups: HashMap::new() };
        for run in running {
            let occupant = Occupant { runs_per_gpu: run.runs_per_gpu, memory: run.memory };
            occupied.slots.entry(run.slot.clone()).or_default().push(occupant);
            run.group.iter().for_each(|group| *occupied.groups.entry(group.clone()).or_default() += 1);
        }
        occupied
    }

    fn add(&mut self, queued: &QueuedRun, slot: &Slot) {
        let occupant = Occupant { runs_per_gpu: queued.needs.runs_per_gpu, memory: queued.memory };
        self.slots.entry(slot.id()).or_default().push(occupant);
        queued.group.iter().for_each(|group| *self.groups.entry(group.clone()).or_default() += 1);
    }

    fn place<'a>(&self, queued: &QueuedRun, slots: &'a [Slot], limits: &Limits) -> Result<&'a Slot, Waiting> {
        if let Some(blocked) = &queued.blocked {
            return Err(blocked.clone());
        }
        self.check_group(queued, limits)?;
        let wanted: Vec<&Slot> = slots.iter().filter(|slot| is_wanted(queued, slot)).collect();
        if wanted.is_empty() {
            return Err(Waiting::NoSuchDevice(queued.needs.devices.clone()));
        }
        let mut reason = Waiting::Slot;
        let mut best: Option<(usize, &Slot)> = None;
        for slot in wanted {
            match self.fits(queued, slot, limits) {
                // The emptiest first: packing is for when there is no place of one's own.
                Ok(others) if best.is_none_or(|(fewest, _)| others < fewest) => best = Some((others, slot)),
                Ok(_) => {}
                Err(why) => reason = more_telling(reason, why),
            }
        }
        best.map(|(_, slot)| slot).ok_or(reason)
    }

    fn check_group(&self, queued: &QueuedRun, limits: &Limits) -> Result<(), Waiting> {
        let Some(group) = &queued.group else { return Ok(()) };
        let elsewhere = limits.groups_with_slurm.iter().filter(|other| *other == group).count() as u32;
        let used = self.groups.get(group).copied().unwrap_or(0) + elsewhere;
        match limits.groups.get(group) {
            Some(0) => Err(Waiting::GroupPaused(group.clone())),
            Some(most) if used >= *most => Err(Waiting::GroupFull(group.clone())),
            _ => Ok(()),
        }
    }

    /// The number of runs that are there already, if this one may join them.
    fn fits(&self, queued: &QueuedRun, slot: &Slot, limits: &Limits) -> Result<usize, Waiting> {
        let id = slot.id();
        let others = self.slots.get(&id).map_or(&[][..], Vec::as_slice);
        if limits.taken.contains(&id) {
            return Err(Waiting::Slot);
        }
        if others.is_empty() {
            let is_foreign = slot.processes > 0 && !limits.shared_with_others;
            return if is_foreign { Err(Waiting::Foreign) } else { enough(queued, slot, others).map(|()| 0) };
        }
        let most = others.iter().map(|other| other.runs_per_gpu).min().unwrap_or(1);
        let most = most.min(queued.needs.runs_per_gpu) as usize;
        if !is_shared(queued, slot) || others.len() >= most {
            return Err(Waiting::Slot);
        }
        if queued.memory.is_none() || others.iter().any(|other| other.memory.is_none()) {
            return Err(Waiting::FirstOfItsKind);
        }
        enough(queued, slot, others).map(|()| others.len())
    }
}

fn is_wanted(queued: &QueuedRun, slot: &Slot) -> bool {
    let devices = &queued.needs.devices;
    if devices.is_empty() { !slot.only_on_request } else { devices.iter().any(|name| slot.is_named(name)) }
}

/// Whether the memory that a run is known to need is left beside `others`. What they have not taken yet is theirs too.
fn enough(queued: &QueuedRun, slot: &Slot, others: &[Occupant]) -> Result<(), Waiting> {
    let (Some(needs), Some(memory)) = (queued.memory, slot.memory) else { return Ok(()) };
    let kept: u64 = others.iter().filter_map(|other| other.memory).sum();
    let usable = (memory.total as f64 * USABLE_MEMORY) as u64;
    let free = usable.saturating_sub(kept.max(memory.used));
    if needs <= free { Ok(()) } else { Err(Waiting::Memory { needs, free }) }
}

/// Of two reasons the one that says more than that all is taken.
fn more_telling(known: Waiting, new: Waiting) -> Waiting {
    match (&known, &new) {
        (Waiting::Memory { free, .. }, Waiting::Memory { free: more, .. }) if more > free => new,
        (Waiting::Slot, _) => new,
        _ => known,
    }
}

#[cfg(test)]
mod tests;
