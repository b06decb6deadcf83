//! A place where runs train: a share of the CPU, or a GPU with its memory.

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

/// A place where runs can train, as it was found.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Slot {
    /// What it computes on.
    pub kind: SlotKind,
    /// A GPU's memory; none where nobody could say.
    pub memory: Option<SlotMemory>,
    /// Processes on a GPU, ours or not, as NVML counts them.
    pub processes: usize,
    /// A share of the CPU beside GPUs: only for runs that ask for it.
    pub only_on_request: bool,
}

/// A GPU's memory in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SlotMemory {
    /// All of it.
    pub total: u64,
    /// What is in use, by whomever.
    pub used: u64,
}

impl Slot {
    /// A slot of which no more is known.
    pub fn of(kind: SlotKind) -> Self {
        Self { kind, memory: None, processes: 0, only_on_request: false }
    }

    /// The word written into attempts and lock names: `cpu-0` or `gpu-UUID`.
    pub fn id(&self) -> String {
        match &self.kind {
            SlotKind::Cpu { index, .. } => format!("cpu-{index}"),
            SlotKind::Gpu { uuid, .. } => format!("gpu-{uuid}"),
        }
    }

    /// Whether it is a GPU.
    pub fn is_gpu(&self) -> bool {
        matches!(self.kind, SlotKind::Gpu { .. })
    }

    /// Whether `device` names it: `cpu`, `cpu-1`, `0`, `gpu-0`, a UUID or its beginning (`GPU-1a2b…`).
    pub fn is_named(&self, device: &str) -> bool {
        let device = device.trim();
        match &self.kind {
            SlotKind::Cpu { index, .. } => device == "cpu" || device == format!("cpu-{index}"),
            SlotKind::Gpu { index, uuid } => {
                let number = device.strip_prefix("gpu-").or(device.strip_prefix("cuda:")).unwrap_or(device);
                number.parse() == Ok(*index) || (device.len() >= 8 && uuid.starts_with(device))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn devices_are_named_as_people_name_them() {
        let gpu = Slot::of(SlotKind::Gpu { index: 1, uuid: "GPU-1a2b3c4d-5e6f".into() });
        for name in ["1", "gpu-1", "cuda:1", "GPU-1a2b3c4d", "GPU-1a2b3c4d-5e6f"] {
            assert!(gpu.is_named(name), "{name}");
        }
        for name in ["0", "GPU", "GPU-9", "cpu", ""] {
            assert!(!gpu.is_named(name), "{name}");
        }
        let cpu = Slot::of(SlotKind::Cpu { index: 0, threads: 2 });
        assert!(cpu.is_named("cpu") && cpu.is_named("cpu-0") && !cpu.is_named("0"));
    }
}
