//! How much GPU memory this process holds, told apart from its neighbours'. The door of NVML in the trainer; NVML is
//! opened at run time, as CUDA is.

use nvml_wrapper::enums::device::UsedGpuMemory;
use nvml_wrapper::{Device, Nvml};
use tch::Device as Place;

use crate::cuda;

/// Measures this process's share of one GPU.
///
/// NVML's figure for this very process is taken where it has one. It has none where process numbers differ, as in a
/// container, or where the driver keeps no account (WSL, some virtual GPUs): then it is what is in use on the whole
/// GPU less what was in use before this process came, in which a neighbour's later growth counts as ours. Where NVML
/// cannot be asked at all it is what CUDA says of the whole GPU.
#[derive(Debug)]
pub struct GpuMemory {
    nvml: Option<(Nvml, String)>,
    before: u64,
}

impl GpuMemory {
    /// To be called before anything is put on the GPU; `None` where `place` is the CPU.
    pub fn watch(place: Place) -> Option<Self> {
        if !place.is_cuda() {
            return None;
        }
        let nvml = Nvml::init().ok().zip(cuda::bus_id());
        let mut this = Self { nvml, before: 0 };
        this.before = this.device().and_then(|device| in_use(&device)).unwrap_or(0);
        Some(this)
    }

    /// Bytes held now.
    pub fn held(&self) -> Option<u64> {
        let Some(device) = self.device() else { return cuda::memory_in_use() };
        own(&device).or_else(|| in_use(&device).map(|bytes| share(bytes, self.before)))
    }

    fn device(&self) -> Option<Device<'_>> {
        let (nvml, bus_id) = self.nvml.as_ref()?;
        nvml.device_by_pci_bus_id(bus_id.as_str()).ok()
    }
}

fn own(device: &Device<'_>) -> Option<u64> {
    let pid = std::process::id();
    let processes = device.running_compute_processes().ok()?;
    let ours = processes.into_iter().find(|process| process.pid == pid)?;
    match ours.used_gpu_memory {
        UsedGpuMemory::Used(bytes) => Some(bytes),
        UsedGpuMemory::Unavailable => None,
    }
}

fn in_use(device: &Device<'_>) -> Option<u64> {
    device.memory_info().ok().map(|memory| memory.used)
}

/// A neighbour that left meanwhile must not make our share negative.
fn share(now: u64, before: u64) -> u64 {
    now.saturating_sub(before)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cpu_has_no_gpu_memory() {
        assert!(GpuMemory::watch(Place::Cpu).is_none());
    }

    #[test]
    fn a_share_is_never_negative() {
        assert_eq!((share(7, 3), share(3, 7)), (4, 0));
    }
}
