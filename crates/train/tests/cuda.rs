//! On a machine with an NVIDIA driver CUDA is really used: training silently on the CPU there would be a defect.

#![allow(clippy::unwrap_used)]

use std::io::Write as _;
use std::path::Path;

use loradeck_train::device;
use loradeck_train::gpu_memory::GpuMemory;

#[test]
fn where_a_driver_is_the_gpu_is_taken() {
    if !Path::new("/proc/driver/nvidia/version").exists() {
        if let Some(list) = std::env::var_os("LORADECK_SKIPPED") {
            let mut list = std::fs::OpenOptions::new().append(true).create(true).open(list).unwrap();
            writeln!(list, "where_a_driver_is_the_gpu_is_taken: gpu: no NVIDIA driver here").unwrap();
        }
        return;
    }
    let choice = device::choose().unwrap();
    assert!(choice.device.is_cuda(), "{choice:?}");
    let memory = GpuMemory::watch(choice.device).unwrap();
    let sum = tch::Tensor::ones([4, 4], (tch::Kind::Float, choice.device)).sum(tch::Kind::Float);
    assert!((f64::try_from(sum).unwrap() - 16.0).abs() < 1e-9);
    // Our share grows with what we take, and is not the whole device's.
    let (small, block) = (memory.held().unwrap(), 256 << 20);
    let kept = tch::Tensor::ones([block / 4], (tch::Kind::Float, choice.device));
    let grown = memory.held().unwrap() - small;
    assert!((block as u64..block as u64 + (64 << 20)).contains(&grown), "{grown}");
    assert!(memory.held().unwrap() <= loradeck_train::cuda::memory_in_use().unwrap(), "{kept:?}");
}
