//! What a run's slots are called by others than us.

use crate::launch::gpu::Gpu;

/// A slot as CUDA takes it: a GPU's UUID or index; a share of the CPU as it is.
pub(super) fn cuda_name(slot: &str) -> String {
    slot.strip_prefix("gpu-").unwrap_or(slot).to_owned()
}

/// Devices as a person calls them: by product, `cpu` for any share of it.
pub(super) fn product_names(devices: &[String], gpus: &[Gpu]) -> String {
    let name = |device: &String| {
        let gpu = gpus.iter().find(|gpu| gpu.uuid == *device || gpu.index.to_string() == *device);
        match gpu {
            Some(gpu) => gpu.name.clone(),
            None if device.starts_with("cpu") => "cpu".to_owned(),
            None => device.clone(),
        }
    };
    devices.iter().map(name).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slots_are_named_as_cuda_and_people_name_them() {
        assert_eq!(["gpu-GPU-1a2b", "gpu-0", "cpu-1"].map(cuda_name), ["GPU-1a2b", "0", "cpu-1"]);
        let gpu = Gpu {
            index: 0,
            uuid: "GPU-1a2b".into(),
            name: "NVIDIA H200".into(),
            memory_bytes: 0,
            used_bytes: 0,
            processes: 0,
        };
        let names = ["GPU-1a2b", "0", "GPU-gone", "cpu-1"].map(str::to_owned);
        assert_eq!(product_names(&names, &[gpu]), "NVIDIA H200, NVIDIA H200, GPU-gone, cpu");
    }
}
