//! Handing a held lock to a child: the lock belongs to the open file, so a child that inherits it holds it without a
//! moment between in which nobody does.

use std::io;

use loradeck_core::run::FileLock;
use rustix::io::{FdFlags, fcntl_getfd, fcntl_setfd};

/// Runs `spawn` while the lock's handle is inheritable.
pub(crate) fn while_inheritable<T>(lock: &FileLock, spawn: impl FnOnce() -> io::Result<T>) -> io::Result<T> {
    fcntl_setfd(lock.file(), fcntl_getfd(lock.file())? - FdFlags::CLOEXEC)?;
    let spawned = spawn();
    fcntl_setfd(lock.file(), fcntl_getfd(lock.file())? | FdFlags::CLOEXEC)?;
    spawned
}
