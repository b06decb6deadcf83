//! The GPUs of this machine, the door of NVML. A machine without a driver simply has none.

use nvml_wrapper::Nvml;
use nvml_wrapper::enums::device::UsedGpuMemory;

/// One GPU as NVML sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Gpu {
    /// NVML's index.
    pub(crate) index: u32,
    /// `GPU-xxxxxxxx-…`.
    pub(crate) uuid: String,
    /// Product name.
    pub(crate) name: String,
    /// Bytes in all.
    pub(crate) memory_bytes: u64,
    /// Bytes in use, by whomever.
    pub(crate) used_bytes: u64,
    /// Processes that compute on it, of whatever user.
    pub(crate) processes: usize,
}

/// All GPUs, by index; empty where there is no NVIDIA driver.
pub(crate) fn list() -> Vec<Gpu> {
    let Ok(nvml) = Nvml::init() else { return Vec::new() };
    let count = nvml.device_count().unwrap_or(0);
    (0..count).filter_map(|index| describe(&nvml, index)).collect()
}

fn describe(nvml: &Nvml, index: u32) -> Option<Gpu> {
    let device = nvml.device_by_index(index).ok()?;
    let memory = device.memory_info().ok();
    Some(Gpu {
        index,
        uuid: device.uuid().ok()?,
        name: device.name().unwrap_or_default(),
        memory_bytes: memory.as_ref().map_or(0, |memory| memory.total),
        used_bytes: memory.as_ref().map_or(0, |memory| memory.used),
        processes: device.running_compute_processes().map_or(0, |processes| processes.len()),
    })
}

/// The GPU memory of the processes `pids` on the GPU `uuid`.
///
/// In a container the driver's process numbers are the host's, not ours: where only one process computes there, all
/// that is in use is taken for ours.
pub(crate) fn memory_of(uuid: &str, pids: &[u32]) -> Option<u64> {
    let nvml = Nvml::init().ok()?;
    let device = nvml.device_by_uuid(uuid).ok()?;
    let processes = device.running_compute_processes().ok()?;
    let of_process = |memory: &UsedGpuMemory| match memory {
        UsedGpuMemory::Used(bytes) => Some(*bytes),
        UsedGpuMemory::Unavailable => None,
    };
    let ours = processes.iter().filter(|process| pids.contains(&process.pid));
    let ours: u64 = ours.filter_map(|process| of_process(&process.used_gpu_memory)).sum();
    match (ours, processes.len()) {
        (0, 1) => device.memory_info().ok().map(|memory| memory.used),
        (0, _) => None,
        (ours, _) => Some(ours),
    }
}
