//! The slots of this host, and the host-wide locks by which several workspaces and users share them.

use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::{env, fs, thread};

use loradeck_core::error::{FileError, WithPath};
use loradeck_core::run::{FileLock, is_held, try_exclusive};

use super::gpu;
use super::queue_settings::QueueSettings;
use super::schedule::{Slot, SlotKind};

/// One slot per GPU; else the CPU in as many shares as the queue's settings say (one).
///
/// `LORADECK_DEVICE=cpu` leaves the GPUs alone.
pub fn detect_slots(settings: &QueueSettings) -> Vec<Slot> {
    let forced_cpu = env::var("LORADECK_DEVICE").is_ok_and(|device| device.eq_ignore_ascii_case("cpu"));
    let gpus = if forced_cpu { Vec::new() } else { gpu::list() };
    if gpus.is_empty() {
        return cpu_slots(settings.slots.unwrap_or(1));
    }
    let limit = settings.slots.map_or(gpus.len(), |slots| slots as usize);
    gpus.into_iter()
        .take(limit)
        .map(|gpu| Slot { kind: SlotKind::Gpu { index: gpu.index, uuid: gpu.uuid } })
        .collect()
}

fn cpu_slots(count: u32) -> Vec<Slot> {
    let cores = thread::available_parallelism().map_or(1, usize::from) as u32;
    let threads = (cores / count.max(1)).max(1);
    (0..count).map(|index| Slot { kind: SlotKind::Cpu { index, threads } }).collect()
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

    /// Takes a slot, unless a run of whatever workspace is in it.
    pub fn take(&self, slot: &Slot) -> Result<Option<FileLock>, FileError> {
        let path = self.path(slot);
        let lock = try_exclusive(&path)?;
        let _ = fs::set_permissions(&path, fs::Permissions::from_mode(0o666));
        Ok(lock)
    }

    /// Ids of the slots that somebody holds.
    pub fn taken(&self, slots: &[Slot]) -> Vec<String> {
        slots.iter().filter(|slot| is_held(&self.path(slot)).unwrap_or(false)).map(Slot::id).collect()
    }
}
