//! Whether the kernel ended a process for memory: the cgroup's own count of such kills.
//!
//! Source: the kernel's documentation of cgroup v2, `memory.events`, field `oom_kill`.

use std::fs;
use std::path::Path;

/// Kills for memory in our cgroup so far; `None` where the system has no cgroup v2.
pub(in crate::launch) fn count() -> Option<u64> {
    let membership = fs::read_to_string("/proc/self/cgroup").ok()?;
    let path = unified_path(&membership)?;
    let events = fs::read_to_string(Path::new("/sys/fs/cgroup").join(path).join("memory.events")).ok()?;
    oom_kills(&events)
}

fn unified_path(membership: &str) -> Option<&str> {
    membership.lines().find_map(|line| line.strip_prefix("0::/"))
}

fn oom_kills(events: &str) -> Option<u64> {
    events.lines().find_map(|line| line.strip_prefix("oom_kill "))?.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kernels_files_are_understood() {
        assert_eq!(
            unified_path("12:pids:/a\n0::/user.slice/session-1.scope\n"),
            Some("user.slice/session-1.scope")
        );
        assert_eq!(oom_kills("low 0\nhigh 2\noom 1\noom_kill 3\noom_group_kill 0\n"), Some(3));
        assert_eq!(oom_kills("low 0\n"), None);
    }
}
