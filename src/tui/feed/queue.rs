//! Slots and pauses of all workspaces.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use loradeck_core::run::{QueueEntry, Workspace, read_attempts};

use crate::launch::dispatch::WaitingReader;
use crate::launch::{HostSlots, QueueSettings, Slot, SlotKind, SlotSettings, Waiting, detect_slots};
use crate::store::{RunId, ShownState, Store};
use crate::tui::state::{QueueView, SlotView};

/// Looks at the queues.
pub(super) struct QueueReader {
    workspaces: Vec<Workspace>,
    last: Option<QueueView>,
    /// The devices of attempts looked up before.
    devices: HashMap<(RunId, u32), Vec<String>>,
    /// Looking for GPUs takes a moment: only when the settings are others.
    slots: HashMap<usize, (SlotSettings, Vec<Slot>)>,
    reasons: HashMap<usize, Reasons>,
}

/// The reasons are asked for again after this, whatever was seen: disks fill and GPUs are taken by others.
const OLD: Duration = Duration::from_secs(5);

/// What decides about a run's waiting, as far as its folder tells.
type Seen = (RunId, ShownState, QueueEntry);

/// Why runs of a workspace wait, as it was last asked.
#[derive(Default)]
struct Reasons {
    reader: WaitingReader,
    /// What the answer followed from, and when it was asked.
    asked: Option<(Vec<Seen>, QueueSettings, Instant)>,
    answer: Vec<(RunId, Waiting)>,
}

impl QueueReader {
    pub(super) fn new(workspaces: Vec<Workspace>) -> Self {
        Self {
            workspaces,
            last: None,
            devices: HashMap::new(),
            slots: HashMap::new(),
            reasons: HashMap::new(),
        }
    }

    /// The queues, if they are other than last time.
    pub(super) fn read(&mut self, store: &Store) -> Option<QueueView> {
        let mut view = QueueView::default();
        let occupied = self.occupied(store);
        let host = HostSlots::open().ok();
        let mut seen: Vec<String> = Vec::new();
        for (index, workspace) in self.workspaces.iter().enumerate() {
            let settings = QueueSettings::read(workspace).unwrap_or_default();
            if settings.paused {
                view.paused.push(index);
            }
            let reasons = self.reasons.entry(index).or_default();
            view.waiting.extend(reasons.read(index, workspace, &settings, store).iter().cloned());
            let settings = SlotSettings::read(workspace, &settings);
            let known =
                self.slots.entry(index).or_insert_with(|| (settings.clone(), detect_slots(&settings)));
            if known.0 != settings {
                *known = (settings.clone(), detect_slots(&settings));
            }
            let slots = &known.1;
            let taken = host.as_ref().map(|host| host.taken(slots)).unwrap_or_default();
            for slot in slots.iter().filter(|slot| !seen.contains(&slot.id())) {
                let run = occupied.get(&slot.id()).copied();
                let foreign = run.is_none() && taken.contains(&slot.id());
                view.slots.push(SlotView { workspace: index, name: short_name(slot), run, foreign });
            }
            seen.extend(slots.iter().map(Slot::id));
        }
        if self.last.as_ref() == Some(&view) {
            return None;
        }
        self.last = Some(view.clone());
        Some(view)
    }

    /// Which run is in which slot, by the records of the attempts at work.
    fn occupied(&mut self, store: &Store) -> HashMap<String, RunId> {
        let mut occupied = HashMap::new();
        for run in store.runs().filter(|run| run.state().is_live()) {
            let Some(status) = &run.status else { continue };
            let key = (run.id, status.attempt);
            if self.devices.get(&key).is_none_or(Vec::is_empty) {
                let record = read_attempts(&run.folder).into_iter().find(|one| one.attempt == status.attempt);
                self.devices.insert(key, record.map(|record| record.devices).unwrap_or_default());
            }
            let devices = self.devices.get(&key).into_iter().flatten();
            occupied.extend(devices.map(|device| (device.clone(), run.id)));
        }
        occupied
    }
}

impl Reasons {
    fn read(
        &mut self,
        index: usize,
        workspace: &Workspace,
        settings: &QueueSettings,
        store: &Store,
    ) -> &[(RunId, Waiting)] {
        let is_waiting = |state| matches!(state, ShownState::Queued | ShownState::Held);
        let runs = store.runs().filter(|run| run.workspace == index);
        let known: Vec<_> = runs
            .map(|run| (run.id, run.state(), &run.queue))
            .filter(|(_, state, _)| state.is_live() || is_waiting(*state))
            .map(|(id, state, entry)| (id, state, entry.clone()))
            .collect();
        if !known.iter().any(|(_, state, _)| is_waiting(*state)) {
            *self = Self::default();
            return &[];
        }
        let is_fresh = self.asked.as_ref().is_some_and(|(before, under, when)| {
            *before == known && under == settings && when.elapsed() < OLD
        });
        if !is_fresh {
            let found = self.reader.read(workspace).unwrap_or_default();
            let of_store = |(folder, reason): (loradeck_core::run::RunFolder, Waiting)| {
                Some((store.find(folder.path())?, reason))
            };
            self.answer = found.into_iter().filter_map(of_store).collect();
            self.asked = Some((known, settings.clone(), Instant::now()));
        }
        &self.answer
    }
}

fn short_name(slot: &Slot) -> String {
    match &slot.kind {
        SlotKind::Cpu { index, threads } => format!("cpu-{index} ({threads} threads)"),
        SlotKind::Gpu { index, .. } => format!("gpu-{index}"),
    }
}
