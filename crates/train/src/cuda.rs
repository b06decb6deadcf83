//! Opening CUDA at run time, so that one program serves machines with and without a GPU.
//!
//! The program is linked to libtorch's CPU half alone. Where a driver is, `libtorch_cuda.so` is opened globally before
//! the first question to CUDA; afterwards libtorch finds it as if it had been linked.

use std::ffi::{CStr, CString, c_char, c_int, c_void};
use std::fs;
use std::path::PathBuf;

/// What was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Opened {
    /// No NVIDIA driver on this machine.
    NoDriver,
    /// A driver, but no CUDA half of libtorch: the loader's words.
    NoLibrary(String),
    /// CUDA's half of libtorch is loaded.
    Library,
}

const RTLD_LAZY: c_int = 0x001;
const RTLD_NOW: c_int = 0x002;
const RTLD_GLOBAL: c_int = 0x100;

/// Opens CUDA if there is a driver.
pub fn open() -> Opened {
    if load(c"libcuda.so.1", RTLD_LAZY).is_err() {
        return Opened::NoDriver;
    }
    let beside = library_folder().map(|folder| folder.join("libtorch_cuda.so")).filter(|path| path.exists());
    let name = beside
        .and_then(|path| CString::new(path.into_os_string().into_encoded_bytes()).ok())
        .unwrap_or_else(|| c"libtorch_cuda.so".to_owned());
    match load(&name, RTLD_NOW | RTLD_GLOBAL) {
        Ok(()) => Opened::Library,
        Err(words) => Opened::NoLibrary(words),
    }
}

/// The folder that this process loaded libtorch from.
pub fn library_folder() -> Option<PathBuf> {
    let maps = fs::read_to_string("/proc/self/maps").ok()?;
    let line = maps.lines().find(|line| line.ends_with("/libtorch_cpu.so"))?;
    let path = PathBuf::from(&line[line.find('/')?..]);
    path.parent().map(PathBuf::from)
}

#[allow(unsafe_code)]
mod foreign {
    use super::{c_char, c_int, c_void};

    unsafe extern "C" {
        pub(super) fn dlopen(name: *const c_char, flags: c_int) -> *mut c_void;
        pub(super) fn dlerror() -> *mut c_char;
        pub(super) fn dlsym(handle: *mut c_void, name: *const c_char) -> *mut c_void;
    }
}

#[allow(unsafe_code)]
fn load(name: &CStr, flags: c_int) -> Result<(), String> {
    // SAFETY: the name ends with a zero byte; the handle is kept for the life of the process. The libraries' own
    // start-up code is trusted as that of any linked library.
    let handle = unsafe { foreign::dlopen(name.as_ptr(), flags) };
    if !handle.is_null() {
        return Ok(());
    }
    // SAFETY: after a failure dlerror gives a string that is valid until this thread's next call to the loader.
    let words = unsafe {
        let words = foreign::dlerror();
        if words.is_null() { String::new() } else { CStr::from_ptr(words).to_string_lossy().into_owned() }
    };
    Err(words)
}

/// The address of a function in any library that was opened globally.
#[allow(unsafe_code)]
fn symbol(name: &CStr) -> Option<*mut c_void> {
    // SAFETY: the null handle is RTLD_DEFAULT, the name ends with a zero byte.
    let address = unsafe { foreign::dlsym(std::ptr::null_mut(), name.as_ptr()) };
    (!address.is_null()).then_some(address)
}

/// Bytes in use on the current device, by all processes; `None` without CUDA.
#[allow(unsafe_code)]
pub fn memory_in_use() -> Option<u64> {
    type MemoryInfo = unsafe extern "C" fn(*mut usize, *mut usize) -> c_int;
    let address = symbol(c"cudaMemGetInfo")?;
    let (mut free, mut total) = (0usize, 0usize);
    // SAFETY: the runtime's documented signature; both pointers are valid for the call.
    let status = unsafe {
        let memory_info = std::mem::transmute::<*mut c_void, MemoryInfo>(address);
        memory_info(&raw mut free, &raw mut total)
    };
    (status == 0).then(|| total.saturating_sub(free) as u64)
}

/// The name of the first visible GPU; `None` without CUDA.
pub fn device_name() -> Option<String> {
    text_of_device(c"cuDeviceGetName")
}

/// The major number of the first visible GPU's compute capability; `None` without CUDA.
#[allow(unsafe_code)]
pub fn compute_capability() -> Option<i32> {
    type Init = unsafe extern "C" fn(u32) -> c_int;
    type Capability = unsafe extern "C" fn(*mut c_int, *mut c_int, c_int) -> c_int;
    let (init, capability) = (symbol(c"cuInit")?, symbol(c"cuDeviceComputeCapability")?);
    let (mut major, mut minor) = (0, 0);
    // SAFETY: the driver's documented signatures; both pointers are valid for the call.
    let status = unsafe {
        let init = std::mem::transmute::<*mut c_void, Init>(init);
        let capability = std::mem::transmute::<*mut c_void, Capability>(capability);
        init(0) | capability(&raw mut major, &raw mut minor, 0)
    };
    (status == 0).then_some(major)
}

/// The PCI address of the first visible GPU, by which NVML knows it; `None` without CUDA.
pub fn bus_id() -> Option<String> {
    text_of_device(c"cuDeviceGetPCIBusId")
}

/// What a driver's function of the signature `(char *, int, CUdevice)` says of the first visible GPU.
#[allow(unsafe_code)]
fn text_of_device(function: &CStr) -> Option<String> {
    type Init = unsafe extern "C" fn(u32) -> c_int;
    type GetText = unsafe extern "C" fn(*mut c_char, c_int, c_int) -> c_int;
    let (init, get_text) = (symbol(c"cuInit")?, symbol(function)?);
    let mut text = [0 as c_char; 256];
    // SAFETY: the driver's documented signatures; the buffer is as long as said and stays zero-terminated.
    let status = unsafe {
        let init = std::mem::transmute::<*mut c_void, Init>(init);
        let get_text = std::mem::transmute::<*mut c_void, GetText>(get_text);
        init(0) | get_text(text.as_mut_ptr(), 255, 0)
    };
    let bytes: Vec<u8> = text.iter().take_while(|c| **c != 0).map(|c| *c as u8).collect();
    (status == 0).then(|| String::from_utf8_lossy(&bytes).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_library_is_told_in_the_loaders_words() {
        let words = load(c"libthere-is-no-such-thing.so", RTLD_NOW).unwrap_err();
        assert!(words.contains("no-such-thing"), "{words}");
    }

    #[test]
    fn the_folder_of_the_loaded_libtorch_is_known() {
        let _ = tch::Tensor::from_slice(&[1f32]);
        assert!(library_folder().unwrap().join("libtorch_cpu.so").exists());
    }
}
