//! On what a training runs: the CPU or the first visible GPU, with which threads and in which number format.

use std::env;
use std::fs;

use loradeck_core::config::{Precision, Settings};
use loradeck_core::run::{Evidence, Host};
use tch::{Device, Kind};

use crate::cuda::{self, Opened};
use crate::error::TrainError;
use crate::gpu_memory::GpuMemory;

/// The version of libtorch that tch is pinned to.
pub const LIBTORCH_VERSION: &str = "2.11.0";

/// The major number of the first compute capability whose GPUs compute in bf16 (Ampere).
const FIRST_WITH_BF16: i32 = 8;

/// The device chosen, and what to say about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Choice {
    /// Where tensors live.
    pub device: Device,
    /// The CPU's model or the GPU's name.
    pub name: String,
    /// Why a GPU that seems to be there is not used.
    pub remark: Option<String>,
}

/// What a training runs on.
#[derive(Debug)]
pub struct Hardware {
    /// The device.
    pub choice: Choice,
    /// The number format of the forward and backward pass.
    pub kind: Kind,
    /// CPU threads.
    pub threads: u32,
    /// This process's share of the GPU; `None` on the CPU.
    pub memory: Option<GpuMemory>,
}

impl Hardware {
    /// Chooses the device and sets the threads as `settings` ask for.
    pub fn prepare(settings: &Settings) -> Result<Self, TrainError> {
        let choice = choose()?;
        let memory = GpuMemory::watch(choice.device);
        let threads = set_threads(settings.threads);
        let kind = kind(settings, choice.device);
        Ok(Self { choice, kind, threads, memory })
    }

    /// Where tensors live.
    pub fn device(&self) -> Device {
        self.choice.device
    }

    /// Everything that the last bits of computed numbers may depend on.
    pub fn numerics(&self) -> String {
        let threads = if self.device().is_cuda() { 0 } else { self.threads };
        format!("{} {threads} libtorch {LIBTORCH_VERSION}", self.choice.name)
    }

    /// Hardware and programs, for the summary.
    pub fn evidence(&self) -> Evidence {
        Evidence {
            host: Host::here().host,
            device: self.choice.name.clone(),
            precision: kind_name(self.kind).to_owned(),
            threads: self.threads,
            trainer: env!("CARGO_PKG_VERSION").to_owned(),
            libtorch: LIBTORCH_VERSION.to_owned(),
        }
    }
}

/// Chooses the device. `LORADECK_DEVICE=cpu` leaves GPUs alone, `LORADECK_DEVICE=cuda` insists on one; else a GPU is
/// taken where a driver and libtorch's CUDA half are. Both there and still no GPU to be had is an error.
pub fn choose() -> Result<Choice, TrainError> {
    let wanted = env::var("LORADECK_DEVICE").unwrap_or_default().to_ascii_lowercase();
    if wanted == "cpu" {
        return Ok(cpu(None));
    }
    let insists = wanted.starts_with("cuda");
    match cuda::open() {
        Opened::NoDriver if insists => {
            Err(TrainError::Device("LORADECK_DEVICE asks for CUDA, but no NVIDIA driver was found".to_owned()))
        }
        Opened::NoDriver => Ok(cpu(None)),
        Opened::NoLibrary(words) if insists => Err(TrainError::Device(format!(
            "LORADECK_DEVICE asks for CUDA, but libtorch_cuda.so could not be opened: {words}"
        ))),
        Opened::NoLibrary(words) => Ok(cpu(Some(format!(
            "an NVIDIA driver is here, but libtorch's CUDA half is not, so this trains on the CPU (LORADECK_CUDA=1 ./x fetches it): {words}"
        )))),
        Opened::Library if tch::Cuda::is_available() => Ok(gpu()),
        Opened::Library => Err(TrainError::Device(
            "an NVIDIA driver and libtorch_cuda.so are here, but CUDA is not available: is the driver too old for CUDA 13, \
             or does CUDA_VISIBLE_DEVICES hide every GPU? (hint: LORADECK_DEVICE=cpu trains on the CPU)"
                .to_owned(),
        )),
    }
}

fn cpu(remark: Option<String>) -> Choice {
    let text = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = text.lines().find_map(|line| line.strip_prefix("model name")?.split_once(':'));
    let name = model.map_or("CPU", |(_, name)| name.trim()).to_owned();
    Choice { device: Device::Cpu, name, remark }
}

fn gpu() -> Choice {
    let name = cuda::device_name().unwrap_or_else(|| "CUDA GPU".to_owned());
    Choice { device: Device::Cuda(0), name, remark: None }
}

/// The number format of the forward and backward pass.
pub fn kind(settings: &Settings, device: Device) -> Kind {
    let lacks_bf16 = || cuda::compute_capability().is_some_and(|major| major < FIRST_WITH_BF16);
    kind_of(settings.precision, device, || settings.is_image() && lacks_bf16())
}

fn kind_of(precision: Precision, device: Device, prefers_fp16: impl Fn() -> bool) -> Kind {
    match precision {
        Precision::Bf16 => Kind::BFloat16,
        Precision::Fp16 => Kind::Half,
        Precision::Auto if device.is_cuda() && prefers_fp16() => Kind::Half,
        Precision::Auto if device.is_cuda() => Kind::BFloat16,
        Precision::Fp32 | Precision::Auto => Kind::Float,
    }
}

/// `fp32`, `bf16` or `fp16`.
pub fn kind_name(kind: Kind) -> &'static str {
    match kind {
        Kind::BFloat16 => "bf16",
        Kind::Half => "fp16",
        _ => "fp32",
    }
}

/// Sets libtorch's threads: as configured, else as `LORADECK_THREADS` says, else libtorch's own choice. Returns how
/// many there are.
pub fn set_threads(configured: Option<u32>) -> u32 {
    let from_slot = || env::var("LORADECK_THREADS").ok()?.parse::<u32>().ok();
    if let Some(threads) = configured.or_else(from_slot).filter(|threads| *threads > 0) {
        tch::set_num_threads(i32::try_from(threads).unwrap_or(i32::MAX));
    }
    u32::try_from(tch::get_num_threads()).unwrap_or(1)
}

/// `(now, highest)` resident bytes of this process.
pub fn memory() -> (u64, u64) {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let kilobytes = |name: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(name))?;
        line.split_whitespace().next()?.parse::<u64>().ok()
    };
    let bytes = |name| kilobytes(name).unwrap_or(0) * 1024;
    (bytes("VmRSS:"), bytes("VmHWM:"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn precision_follows_the_device() {
        let of = |precision, device, fp16| kind_name(kind_of(precision, device, || fp16));
        for old in [false, true] {
            assert_eq!(of(Precision::Auto, Device::Cpu, old), "fp32");
            assert_eq!(of(Precision::Auto, Device::Cuda(0), old), if old { "fp16" } else { "bf16" });
            assert_eq!(of(Precision::Bf16, Device::Cuda(0), old), "bf16");
            assert_eq!(of(Precision::Fp16, Device::Cpu, old), "fp16");
        }
    }

    #[test]
    fn resident_memory_is_read() {
        let (now, highest) = memory();
        assert!(now > 1_000_000 && highest >= now);
    }
}
