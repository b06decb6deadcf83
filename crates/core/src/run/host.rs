//! Which machine this is, and since which boot.

use std::fs;

use serde::{Deserialize, Serialize};

/// A machine within one boot.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Host {
    /// The host's name.
    pub host: String,
    /// The kernel's id of this boot; empty where it has none.
    pub boot_id: String,
}

impl Host {
    /// This machine.
    pub fn here() -> Self {
        let host = rustix::system::uname().nodename().to_string_lossy().into_owned();
        let boot_id = fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default();
        Self { host, boot_id: boot_id.trim().to_owned() }
    }
}
