use proptest::prelude::*;

use super::*;
use crate::launch::slot::{SlotKind, SlotMemory};

const GIB: u64 = 1 << 30;

fn cpu(index: u32) -> Slot {
    Slot::of(SlotKind::Cpu { index, threads: 1 })
}

fn gpu(index: u32, total: u64) -> Slot {
    let memory = Some(SlotMemory { total, used: 0 });
    Slot { memory, ..Slot::of(SlotKind::Gpu { index, uuid: format!("GPU-0000000{index}") }) }
}

fn queued(name: &str, priority: i64, since: i64) -> QueuedRun {
    QueuedRun {
        run: RunFolder::new(name),
        attempt: 1,
        priority,
        queued_at: Moment(since),
        blocked: None,
        needs: Needs::default(),
        memory: None,
        group: None,
    }
}

fn packed(name: &str, runs_per_gpu: u32, memory: Option<u64>) -> QueuedRun {
    QueuedRun { needs: Needs { runs_per_gpu, ..Needs::default() }, memory, ..queued(name, 0, 0) }
}

fn running(name: &str, slot: &Slot, runs_per_gpu: u32, memory: Option<u64>) -> RunningRun {
    RunningRun { run: RunFolder::new(name), slot: slot.id(), runs_per_gpu, memory, group: None }
}

fn starts(schedule: &Schedule<'_>) -> Vec<(String, String)> {
    schedule.starts.iter().map(|start| (start.queued.run.name(), start.slot.id())).collect()
}

fn reasons(schedule: &Schedule<'_>) -> Vec<Waiting> {
    schedule.waiting.iter().map(|(_, reason)| reason.clone()).collect()
}

#[test]
fn priority_comes_before_waiting_time_and_that_before_the_name() {
    let queue = [queued("c", 0, 5), queued("b", 0, 5), queued("a", 0, 9), queued("d", 1, 99)];
    let slots = [cpu(0), cpu(1), cpu(2), cpu(3)];
    let schedule = next(&queue, &[], &slots, &Limits::default());
    let order: Vec<String> = starts(&schedule).into_iter().map(|(run, _)| run).collect();
    assert_eq!(order, ["d", "b", "c", "a"]);
}

#[test]
fn one_run_takes_a_gpu_for_itself() {
    let slots = [gpu(0, 80 * GIB)];
    let queue = [queued("a", 0, 0), packed("b", 4, Some(GIB))];
    let schedule = next(&queue, &[], &slots, &Limits::default());
    assert_eq!(starts(&schedule).len(), 1);
    assert_eq!(reasons(&schedule), [Waiting::Slot], "the first does not share");
}

#[test]
fn runs_share_a_gpu_as_far_as_its_memory_goes() {
    let slots = [gpu(0, 40 * GIB)];
    let queue: Vec<QueuedRun> = ["a", "b", "c", "d"].map(|name| packed(name, 4, Some(12 * GIB))).into();
    let schedule = next(&queue, &[], &slots, &Limits::default());
    assert_eq!(starts(&schedule).len(), 3);
    assert!(schedule.starts.iter().all(|start| start.shared));
    assert_eq!(reasons(&schedule), [Waiting::Memory { needs: 12 * GIB, free: 2 * GIB }]);
    let more: Vec<QueuedRun> = ["a", "b", "c", "d"].map(|name| packed(name, 2, Some(GIB))).into();
    let schedule = next(&more, &[], &slots, &Limits::default());
    assert_eq!((starts(&schedule).len(), reasons(&schedule)[0].clone()), (2, Waiting::Slot));
}

#[test]
fn memory_in_use_counts_where_it_is_more_than_was_kept() {
    let mut slot = gpu(0, 40 * GIB);
    slot.memory = Some(SlotMemory { total: 40 * GIB, used: 30 * GIB });
    let there = [running("x", &slot, 4, Some(10 * GIB))];
    let (slots, queue) = ([slot], [packed("a", 4, Some(12 * GIB))]);
    let schedule = next(&queue, &there, &slots, &Limits::default());
    assert_eq!(reasons(&schedule), [Waiting::Memory { needs: 12 * GIB, free: 8 * GIB }]);
}

#[test]
fn the_first_of_its_kind_trains_alone_until_its_memory_is_known() {
    let slots = [gpu(0, 80 * GIB)];
    let queue = [packed("a", 4, None), packed("b", 4, None)];
    let schedule = next(&queue, &[], &slots, &Limits::default());
    assert_eq!((starts(&schedule).len(), reasons(&schedule)), (1, vec![Waiting::FirstOfItsKind]));
}

#[test]
fn empty_gpus_are_filled_before_shared_ones() {
    let slots = [gpu(0, 80 * GIB), gpu(1, 80 * GIB)];
    let queue: Vec<QueuedRun> = ["a", "b", "c"].map(|name| packed(name, 4, Some(GIB))).into();
    let schedule = next(&queue, &[], &slots, &Limits::default());
    let places: Vec<String> = starts(&schedule).into_iter().map(|(_, slot)| slot).collect();
    assert_eq!(places, ["gpu-GPU-00000000", "gpu-GPU-00000001", "gpu-GPU-00000000"]);
}

#[test]
fn programs_that_are_not_ours_are_left_alone_unless_told() {
    let mut busy = gpu(0, 80 * GIB);
    busy.processes = 1;
    let slots = [busy];
    let queue = [queued("a", 0, 0)];
    assert_eq!(reasons(&next(&queue, &[], &slots, &Limits::default())), [Waiting::Foreign]);
    let limits = Limits { shared_with_others: true, ..Limits::default() };
    assert_eq!(next(&queue, &[], &slots, &limits).starts.len(), 1);
}

#[test]
fn named_devices_are_the_only_ones_and_the_cpu_beside_gpus_waits_to_be_named() {
    let share = Slot { only_on_request: true, ..cpu(0) };
    let slots = [gpu(0, GIB), gpu(1, GIB), share];
    let named = |name: &str, devices: &[&str]| {
        let devices = devices.iter().map(|device| (*device).to_owned()).collect();
        QueuedRun { needs: Needs { devices, ..Needs::default() }, ..queued(name, 0, 0) }
    };
    let queue =
        [named("a", &["1"]), named("b", &["cpu"]), named("c", &["7"]), queued("d", 0, 1), queued("e", 0, 2)];
    let schedule = next(&queue, &[], &slots, &Limits::default());
    let places: Vec<String> =
        starts(&schedule).into_iter().map(|(run, slot)| format!("{run} {slot}")).collect();
    assert_eq!(places, ["a gpu-GPU-00000001", "b cpu-0", "d gpu-GPU-00000000"]);
    assert_eq!(reasons(&schedule), [Waiting::NoSuchDevice(vec!["7".into()]), Waiting::Slot]);
}

#[test]
fn groups_have_their_share() {
    let grouped = |name: &str| QueuedRun { group: Some("night".into()), ..queued(name, 0, 0) };
    let queue = [grouped("a"), grouped("b"), queued("c", 0, 1)];
    let slots = [cpu(0), cpu(1), cpu(2)];
    let limits = |share| Limits { groups: [("night".to_owned(), share)].into(), ..Limits::default() };
    let schedule = next(&queue, &[], &slots, &limits(1));
    assert_eq!((schedule.starts.len(), reasons(&schedule)), (2, vec![Waiting::GroupFull("night".into())]));
    assert_eq!(reasons(&next(&queue, &[], &slots, &limits(0)))[0], Waiting::GroupPaused("night".into()));
    let groups_with_slurm = vec!["night".to_owned(), "day".to_owned()];
    let limits = Limits { groups_with_slurm, ..limits(2) };
    assert_eq!(next(&queue, &[], &slots, &limits).starts.len(), 2, "Slurm has one of the two");
}

proptest! {
    #[test]
    fn no_slot_is_given_beyond_what_it_holds_and_no_run_twice(
        runs in proptest::collection::vec((0i64..3, 0i64..5, any::<bool>(), 1u32..5, proptest::option::of(1u64..30)), 0..14),
        gpus in 0u32..4, cpus in 0u32..3, taken in proptest::collection::vec(0u32..4, 0..2),
    ) {
        let queue: Vec<QueuedRun> = runs.iter().enumerate().map(|(index, (priority, since, held, share, memory))| QueuedRun {
            blocked: held.then_some(Waiting::Held),
            needs: Needs { runs_per_gpu: *share, ..Needs::default() },
            memory: memory.map(|gib| gib * GIB),
            ..queued(&format!("{index:02}"), *priority, *since)
        }).collect();
        let slots: Vec<Slot> = (0..gpus).map(|index| gpu(index, 40 * GIB)).chain((0..cpus).map(cpu)).collect();
        let taken: Vec<String> = taken.iter().map(|index| gpu(*index, 0).id()).collect();
        let limits = Limits { taken: taken.clone(), ..Limits::default() };
        let schedule = next(&queue, &[], &slots, &limits);
        prop_assert_eq!(schedule.starts.len() + schedule.waiting.len(), queue.len());
        let mut names: Vec<String> = schedule.starts.iter().map(|start| start.queued.run.name()).collect();
        let count = names.len();
        names.sort();
        names.dedup();
        prop_assert_eq!(names.len(), count);
        for slot in &slots {
            let there: Vec<&QueuedRun> =
                schedule.starts.iter().filter(|start| start.slot == slot).map(|start| start.queued).collect();
            prop_assert!(there.is_empty() || !taken.contains(&slot.id()));
            prop_assert!(there.iter().all(|run| run.blocked.is_none()));
            if there.len() > 1 {
                prop_assert!(slot.is_gpu());
                prop_assert!(there.iter().all(|run| run.needs.runs_per_gpu as usize >= there.len()));
                prop_assert!(there.iter().map(|run| run.memory.unwrap()).sum::<u64>() <= 38 * GIB);
            }
        }
        // Nobody that could start on an empty slot waits.
        let empty = slots.iter().any(|slot| !taken.contains(&slot.id()) && schedule.starts.iter().all(|start| start.slot != slot));
        prop_assert!(!empty || schedule.waiting.iter().all(|(run, _)| run.blocked.is_some() || run.memory.is_some_and(|needs| needs > 38 * GIB)));
    }
}
