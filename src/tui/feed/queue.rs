//! Slots, pauses and reasons of waiting of all workspaces.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use loradeck_core::run::{QueueEntry, Workspace, read_attempts};

use super::look::{Answer, Question};
use crate::launch::{HostSlots, QueueSettings, ShownJobs, Slot, SlotKind, SlotSettings, Waiting};
use crate::store::{RunId, ShownState, Store};
use crate::tui::state::{QueueView, SlotView, SweepView};

/// The reasons are asked for again after this, whatever was seen: disks fill and GPUs are taken by others.
const OLD: Duration = Duration::from_secs(5);

/// Looks at the queues, and says what somebody slower is to look at.
pub(super) struct QueueReader {
    workspaces: Vec<Workspace>,
    last: Option<QueueView>,
    /// The devices of attempts looked up before.
    devices: HashMap<(RunId, u32), Vec<String>>,
    known: Vec<Known>,
    /// What is to be asked next.
    question: Question,
    /// Whether an answer is awaited. A driver that hangs is asked once.
    awaits: bool,
}

/// What is known of a workspace's queue from answers.
#[derive(Default)]
struct Known {
    /// What decided about the slots when they were last asked for.
    slots_asked: Option<SlotSettings>,
    slots: Vec<Slot>,
    /// What the reasons followed from when they were last asked for, and when that was.
    waiting_asked: Option<(Basis, Instant)>,
    waiting: Vec<(RunId, Waiting)>,
}

/// What decides about the waiting of runs, as far as files tell.
#[derive(PartialEq)]
struct Basis {
    runs: Vec<(RunId, ShownState, QueueEntry)>,
    settings: QueueSettings,
    paused_sweeps: Vec<(String, u32)>,
}

impl QueueReader {
    pub(super) fn new(workspaces: Vec<Workspace>) -> Self {
        let known = workspaces.iter().map(|_| Known::default()).collect();
        Self {
            workspaces,
            last: None,
            devices: HashMap::new(),
            known,
            question: Question::default(),
            awaits: false,
        }
    }

    /// The queues, if they are other than last time.
    pub(super) fn read(&mut self, store: &Store, sweeps: &[SweepView]) -> Option<QueueView> {
        let mut view = QueueView::default();
        let occupied = self.occupied(store);
        let host = HostSlots::open().ok();
        let mut seen: Vec<String> = Vec::new();
        self.question = Question::default();
        for (index, (workspace, known)) in self.workspaces.iter().zip(&mut self.known).enumerate() {
            let settings = QueueSettings::read(workspace).unwrap_or_default();
            if settings.paused {
                view.paused.push(index);
            }
            let slot_settings = SlotSettings::read(workspace, &settings);
            if known.slots_asked.as_ref() != Some(&slot_settings) {
                self.question.slots.push((index, slot_settings));
            }
            if known.wants_reasons(&Basis::of(index, settings, store, sweeps)) {
                self.question.waiting.push(index);
            }
            view.waiting.extend(known.waiting.iter().cloned());
            view.jobs.extend(jobs(index, workspace, store));
            let taken = host.as_ref().map(|host| host.taken(&known.slots)).unwrap_or_default();
            for slot in known.slots.iter().filter(|slot| !seen.contains(&slot.id())) {
                let run = occupied.get(&slot.id()).copied();
                let foreign = run.is_none() && taken.contains(&slot.id());
                view.slots.push(SlotView { workspace: index, name: short_name(slot), run, foreign });
            }
            seen.extend(known.slots.iter().map(Slot::id));
        }
        if self.last.as_ref() == Some(&view) {
            return None;
        }
        self.last = Some(view.clone());
        Some(view)
    }

    /// What is to be looked at now. While an answer is awaited nothing is.
    pub(super) fn question(&mut self, store: &Store, sweeps: &[SweepView]) -> Option<Question> {
        if self.awaits || self.question.is_empty() {
            return None;
        }
        self.awaits = true;
        let question = std::mem::take(&mut self.question);
        for (index, settings) in &question.slots {
            self.known[*index].slots_asked = Some(settings.clone());
        }
        for index in &question.waiting {
            let settings = QueueSettings::read(&self.workspaces[*index]).unwrap_or_default();
            let basis = Basis::of(*index, settings, store, sweeps);
            self.known[*index].waiting_asked = Some((basis, Instant::now()));
        }
        Some(question)
    }

    /// Takes an answer up.
    pub(super) fn take(&mut self, answer: Answer, store: &Store) {
        self.awaits = false;
        for (index, slots) in answer.slots {
            self.known[index].slots = slots;
        }
        for (index, waiting) in answer.waiting {
            let of_store = |(folder, reason): (loradeck_core::run::RunFolder, Waiting)| {
                Some((store.find(folder.path())?, reason))
            };
            self.known[index].waiting = waiting.into_iter().filter_map(of_store).collect();
        }
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

impl Known {
    /// Whether it is to be asked why runs wait; where none does, what was known is forgotten.
    fn wants_reasons(&mut self, basis: &Basis) -> bool {
        if !basis.runs.iter().any(|(_, state, _)| is_waiting(*state)) {
            (self.waiting_asked, self.waiting) = (None, Vec::new());
            return false;
        }
        let asked = self.waiting_asked.as_ref();
        asked.is_none_or(|(before, when)| before != basis || when.elapsed() >= OLD)
    }
}

impl Basis {
    fn of(index: usize, settings: QueueSettings, store: &Store, sweeps: &[SweepView]) -> Self {
        let runs = store.runs().filter(|run| run.workspace == index);
        let runs = runs.map(|run| (run.id, run.state(), &run.queue));
        let deciding = runs.filter(|(_, state, _)| state.is_live() || is_waiting(*state));
        let paused = sweeps.iter().filter(|sweep| sweep.id.workspace == index && sweep.paused.is_some());
        Self {
            runs: deciding.map(|(id, state, entry)| (id, state, entry.clone())).collect(),
            settings,
            paused_sweeps: paused.map(|sweep| (sweep.id.experiment.clone(), sweep.id.number)).collect(),
        }
    }
}

fn is_waiting(state: ShownState) -> bool {
    matches!(state, ShownState::Queued | ShownState::Held)
}

/// What Slurm last said of the runs that it has.
fn jobs(index: usize, workspace: &Workspace, store: &Store) -> Vec<(RunId, String)> {
    let shown = ShownJobs::read(workspace);
    if shown.runs.is_empty() {
        return Vec::new();
    }
    let runs = store.runs().filter(|run| run.workspace == index);
    let of_run = |run: &crate::store::Run| Some((run.id, shown.of(&run.folder)?.words()));
    runs.filter(|run| run.state().is_live() || is_waiting(run.state())).filter_map(of_run).collect()
}

fn short_name(slot: &Slot) -> String {
    match &slot.kind {
        SlotKind::Cpu { index, threads } => format!("cpu-{index} ({threads} threads)"),
        SlotKind::Gpu { index, .. } => format!("gpu-{index}"),
    }
}
