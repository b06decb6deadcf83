//! The GPUs of this machine, the door of NVML. A machine without a driver simply has none.

use nvml_wrapper::Nvml;

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
}

/// All GPUs, by index; empty where there is no NVIDIA driver.
pub(crate) fn list() -> Vec<Gpu> {
    let Ok(nvml) = Nvml::init() else { return Vec::new() };
    let count = nvml.device_count().unwrap_or(0);
    (0..count).filter_map(|index| describe(&nvml, index)).collect()
}

fn describe(nvml: &Nvml, index: u32) -> Option<Gpu> {
    let device = nvml.device_by_index(index).ok()?;
    Some(Gpu {
        index,
        uuid: device.uuid().ok()?,
        name: device.name().unwrap_or_default(),
        memory_bytes: device.memory_info().map_or(0, |memory| memory.total),
    })
}
