//! The slots of this host, and the host-wide locks by which several workspaces and users share them.

use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::{env, fs, thread};

use loradeck_core::config::{SlotsOfFile, read_workspace_settings};
use loradeck_core::error::{FileError, WithPath};
use loradeck_core::run::{FileLock, Workspace, is_held, try_exclusive};

use super::gpu;
use super::queue_settings::QueueSettings;
use super::slot::{Slot, SlotKind, SlotMemory};

/// What a workspace lets its runs use of this host: its queue's settings and `slots:` of its `loradeck.yaml`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SlotSettings {
    /// The most slots of the kind that the host has: GPUs, or shares of the CPU.
    pub most: Option<u32>,
    /// `slots:`.
    pub file: SlotsOfFile,
}

impl SlotSettings {
    /// Reads both.
    pub fn read(workspace: &Workspace, queue: &QueueSettings) -> Self {
        let text = std::fs::read_to_string(workspace.settings_file()).unwrap_or_default();
        let settings = read_workspace_settings(&workspace.settings_file(), &text).unwrap_or_default();
        Self { most: queue.slots, file: settings.slots }
    }
}

/// One slot per GPU, and one share of the CPU for runs that ask for it; without GPUs the CPU in as many shares as the
/// settings say (one).
///
/// `LORADECK_DEVICE=cpu` leaves the GPUs alone.
pub fn detect_slots(settings: &SlotSettings) -> Vec<Slot> {
    let forced_cpu = env::var("LORADECK_DEVICE").is_ok_and(|device| device.eq_ignore_ascii_case("cpu"));
    let gpus = if forced_cpu { Vec::new() } else { gpu::list() };
    let mut slots: Vec<Slot> = gpus.into_iter().map(gpu_slot).collect();
    if !settings.file.gpus.is_empty() {
        slots.retain(|slot| settings.file.gpus.iter().any(|name| slot.is_named(name)));
    }
    if slots.is_empty() {
        return cpu_slots(settings.most.or(settings.file.cpu).unwrap_or(1), settings.file.threads);
    }
    slots.truncate(settings.most.map_or(usize::MAX, |most| most as usize));
    let shares = cpu_slots(settings.file.cpu.unwrap_or(1), settings.file.threads);
    slots.extend(shares.into_iter().map(|share| Slot { only_on_request: true, ..share }));
    slots
}

fn gpu_slot(gpu: gpu::Gpu) -> Slot {
    let memory = SlotMemory { total: gpu.memory_bytes, used: gpu.used_bytes };
    Slot {
        memory: (gpu.memory_bytes > 0).then_some(memory),
        processes: gpu.processes,
        ..Slot::of(SlotKind::Gpu { index: gpu.index, uuid: gpu.uuid })
    }
}

fn cpu_slots(count: u32, threads: Option<u32>) -> Vec<Slot> {
    let cores = thread::available_parallelism().map_or(1, usize::from) as u32;
    let threads = threads.unwrap_or((cores / count.max(1)).max(1));
    (0..count).map(|index| Slot::of(SlotKind::Cpu { index, threads })).collect()
}

/// The folder of host-wide slot locks: `/tmp/loradeck`, writable for every user, or `$LORADECK_SLOT_LOCKS`.
#[derive(Clone, Debug)]
pub struct HostSlots {
    folder: PathBuf,
}

impl HostSlots {
    /// The host's folder, created where missing.
    pub fn open() -> Result<Self, FileError> {
        let folder =
            env::var_os("LORADECK_SLOT_LOCKS").map_or_else(|| PathBuf::from("/tmp/loradeck"), PathBuf::from);
        if !folder.is_dir() {
            fs::create_dir_all(&folder).with_path(&folder, "create the folder")?;
            // Everybody on this host shares the slots; the sticky bit keeps others' lock files.
            let _ = fs::set_permissions(&folder, fs::Permissions::from_mode(0o1777));
        }
        Ok(Self { folder })
    }

    fn path(&self, slot: &Slot) -> PathBuf {
        self.folder.join(format!("{}.lock", slot.id()))
    }

    /// Takes a slot, unless a run of whatever workspace is in it that does not share it; `shared`: together with
    /// others that do.
    pub fn take(&self, slot: &Slot, shared: bool) -> Result<Option<FileLock>, FileError> {
        let path = self.path(slot);
        let lock = if shared { FileLock::try_shared(&path)? } else { try_exclusive(&path)? };
        let _ = fs::set_permissions(&path, fs::Permissions::from_mode(0o666));
        Ok(lock)
    }

    /// Ids of the slots that somebody holds for himself.
    pub fn taken(&self, slots: &[Slot]) -> Vec<String> {
        slots.iter().filter(|slot| is_held(&self.path(slot)).unwrap_or(false)).map(Slot::id).collect()
    }
}
