//! Which queued run starts next, and where: one pure function over the queue, what runs and the slots.

use loradeck_core::run::RunFolder;
use loradeck_core::time::Moment;

/// What a slot computes on.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SlotKind {
    /// Share number `index` of the CPU.
    Cpu {
        /// From 0.
        index: u32,
        /// Threads of this share.
        threads: u32,
    },
    /// One GPU.
    Gpu {
        /// NVML's index.
        index: u32,
        /// NVML's UUID, which also goes into `CUDA_VISIBLE_DEVICES`.
        uuid: String,
    },
}

/// A place where one run can train.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Slot {
    /// What it computes on.
    pub kind: SlotKind,
}

impl Slot {
    /// The word written into attempts and lock names: `cpu-0` or `gpu-UUID`.
    pub fn id(&self) -> String {
        match &self.kind {
            SlotKind::Cpu { index, .. } => format!("cpu-{index}"),
            SlotKind::Gpu { uuid, .. } => format!("gpu-{uuid}"),
        }
    }
}

/// A run that waits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QueuedRun {
    /// Its folder.
    pub run: RunFolder,
    /// The attempt to start.
    pub attempt: u32,
    /// Higher goes first.
    pub priority: i64,
    /// Held back.
    pub hold: bool,
    /// Since when it waits.
    pub queued_at: Moment,
}

/// A run that occupies a slot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunningRun {
    /// Its folder.
    pub run: RunFolder,
    /// The slot's id.
    pub slot: String,
}

/// Pairs waiting runs with free slots: highest priority first, then longest waiting, then by folder.
///
/// A slot is free where no run of ours is in it and `taken` (another workspace's run, by the host-wide lock) does
/// not name it.
pub fn next<'a>(
    queue: &'a [QueuedRun],
    running: &[RunningRun],
    slots: &'a [Slot],
    taken: &[String],
) -> Vec<(&'a QueuedRun, &'a Slot)> {
    let free = slots.iter().filter(|slot| {
        let id = slot.id();
        !taken.contains(&id) && running.iter().all(|run| run.slot != id)
    });
    let mut waiting: Vec<&QueuedRun> = queue
        .iter()
        .filter(|queued| !queued.hold && running.iter().all(|other| other.run != queued.run))
        .collect();
    waiting.sort_by(|left, right| {
        (right.priority, left.queued_at, &left.run).cmp(&(left.priority, right.queued_at, &right.run))
    });
    waiting.into_iter().zip(free).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn cpu(index: u32) -> Slot {
        Slot { kind: SlotKind::Cpu { index, threads: 1 } }
    }

    fn queued(name: &str, priority: i64, since: i64) -> QueuedRun {
        QueuedRun { run: RunFolder::new(name), attempt: 1, priority, hold: false, queued_at: Moment(since) }
    }

    #[test]
    fn priority_comes_before_waiting_time_and_that_before_the_name() {
        let queue = [queued("c", 0, 5), queued("b", 0, 5), queued("a", 0, 9), queued("d", 1, 99)];
        let slots = [cpu(0), cpu(1), cpu(2), cpu(3)];
        let order: Vec<String> =
            next(&queue, &[], &slots, &[]).iter().map(|(queued, _)| queued.run.name()).collect();
        assert_eq!(order, ["d", "b", "c", "a"]);
    }

    proptest! {
        #[test]
        fn no_slot_and_no_run_is_given_twice(
            runs in proptest::collection::vec((0i64..3, 0i64..5, any::<bool>()), 0..12),
            slot_count in 0u32..6, busy in proptest::collection::vec(0u32..6, 0..4), taken in proptest::collection::vec(0u32..6, 0..3),
        ) {
            let queue: Vec<QueuedRun> = runs.iter().enumerate().map(|(index, (priority, since, hold))| {
                QueuedRun { hold: *hold, ..queued(&format!("{index:02}"), *priority, *since) }
            }).collect();
            let slots: Vec<Slot> = (0..slot_count).map(cpu).collect();
            let running: Vec<RunningRun> = busy.iter().map(|slot| RunningRun { run: RunFolder::new(format!("r{slot}")), slot: format!("cpu-{slot}") }).collect();
            let taken: Vec<String> = taken.iter().map(|slot| format!("cpu-{slot}")).collect();
            let started = next(&queue, &running, &slots, &taken);
            let mut used: Vec<String> = started.iter().map(|(_, slot)| slot.id()).collect();
            let mut names: Vec<String> = started.iter().map(|(queued, _)| queued.run.name()).collect();
            for id in &used {
                prop_assert!(!taken.contains(id) && running.iter().all(|run| run.slot != *id));
            }
            prop_assert!(started.iter().all(|(queued, _)| !queued.hold));
            let free = slots.iter().filter(|slot| !taken.contains(&slot.id()) && running.iter().all(|run| run.slot != slot.id())).count();
            prop_assert_eq!(started.len(), free.min(queue.iter().filter(|queued| !queued.hold).count()));
            used.sort(); used.dedup(); names.sort(); names.dedup();
            prop_assert_eq!((used.len(), names.len()), (started.len(), started.len()));
        }
    }
}
