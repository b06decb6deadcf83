//! Handles that this process was started with.

use std::os::fd::{BorrowedFd, RawFd};

use rustix::io::{FdFlags, fcntl_getfd, fcntl_setfd};

/// Keeps every handle but standard input, output and error from what this process starts: a lock that a shell or a
/// supervisor left open would be held as long as any of it lives. For a program's first act.
pub fn keep_to_ourselves() {
    let listed = std::fs::read_dir("/proc/self/fd").into_iter().flatten().flatten();
    let handles: Vec<RawFd> = listed.filter_map(|entry| entry.file_name().to_str()?.parse().ok()).collect();
    handles.into_iter().filter(|handle| *handle > 2).for_each(close_on_exec);
}

#[allow(unsafe_code)]
fn close_on_exec(handle: RawFd) {
    // SAFETY: the borrow lasts for the two calls only, and whatever the number stands for by then is none of Rust's
    // objects that could be closed meanwhile: no other thread has been started. A number that is not open (the listing's
    // own) is an error of the call.
    let borrowed = unsafe { BorrowedFd::borrow_raw(handle) };
    if let Ok(flags) = fcntl_getfd(borrowed) {
        let _ = fcntl_setfd(borrowed, flags | FdFlags::CLOEXEC);
    }
}
