//! What a run uses of its GPU's memory, watched by its supervisor: by it the queue knows how many of its kind fit.

use std::env;
use std::time::{Duration, Instant};

use crate::launch::gpu;

const LOOK: Duration = Duration::from_secs(1);

/// The most that was seen.
pub(super) struct GpuMemory {
    uuid: Option<String>,
    last: Option<Instant>,
    peak: Option<u64>,
}

impl GpuMemory {
    /// Watches the GPU that this process and its trainer were given; none on the CPU.
    pub(super) fn begin() -> Self {
        let uuid = env::var("CUDA_VISIBLE_DEVICES").ok().filter(|devices| devices.starts_with("GPU-"));
        Self { uuid: uuid.filter(|devices| !devices.contains(',')), last: None, peak: None }
    }

    /// Looks, at most once a second; whether the peak has grown by what matters.
    pub(super) fn look(&mut self, pid: Option<u32>, now: Instant) -> bool {
        let (Some(uuid), Some(pid)) = (&self.uuid, pid) else { return false };
        if self.last.is_some_and(|last| now - last < LOOK) {
            return false;
        }
        self.last = Some(now);
        let Some(used) = gpu::memory_of(uuid, &[pid]) else { return false };
        let has_grown = self.peak.is_none_or(|peak| used as f64 > peak as f64 * 1.02);
        self.peak = self.peak.max(Some(used));
        has_grown
    }

    pub(super) fn peak(&self) -> Option<u64> {
        self.peak
    }
}
