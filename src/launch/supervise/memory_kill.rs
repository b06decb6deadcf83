//! Whether the kernel ended a process for memory: the count of such kills that it keeps for our cgroup, or, where there
//! is none, for the system.
//!
//! Sources: the kernel's documentation of cgroup v2 (`memory.events`, field `oom_kill`) and v1 (`memory.oom_control`,
//! the same field), cgroups(7) and `proc_pid_mountinfo(5)` for where they are, `oom_kill` of `/proc/vmstat`.

use std::fs;
use std::path::{Path, PathBuf};

/// SIGKILL.
const KILL: i32 = 9;
/// The exit code by which a shell tells that SIGKILL ended its own child.
pub(in crate::launch) const KILL_TOLD_BY_A_SHELL: u8 = 128 + KILL as u8;

/// The count when a process was started.
#[derive(Clone, Debug)]
pub(in crate::launch) struct MemoryKills {
    file: Option<PathBuf>,
    before: u64,
}

impl MemoryKills {
    /// Looks at the count before a process is started.
    pub(in crate::launch) fn begin() -> Self {
        let membership = fs::read_to_string("/proc/self/cgroup").unwrap_or_default();
        let mounts = fs::read_to_string("/proc/self/mountinfo").unwrap_or_default();
        let mut files = counters(&membership, &mounts);
        files.push("/proc/vmstat".into());
        let found = files.into_iter().find_map(|file| Some((count_in(&file)?, file)));
        Self { before: found.as_ref().map_or(0, |(count, _)| *count), file: found.map(|(_, file)| file) }
    }

    /// Whether a process that ended so was killed for memory.
    pub(in crate::launch) fn explain(&self, code: Option<i32>, signal: Option<i32>) -> bool {
        let is_killed = signal == Some(KILL) || code == Some(KILL_TOLD_BY_A_SHELL.into());
        is_killed && self.file.as_deref().and_then(count_in).is_some_and(|now| now > self.before)
    }
}

fn count_in(file: &Path) -> Option<u64> {
    oom_kills(&fs::read_to_string(file).ok()?)
}

/// Where our cgroup's counts are: of version 1, where memory is under its control, then of version 2.
fn counters(membership: &str, mounts: &str) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for line in membership.lines() {
        let mut parts = line.splitn(3, ':');
        let (Some(number), Some(controllers), Some(path)) = (parts.next(), parts.next(), parts.next()) else {
            continue;
        };
        if controllers.split(',').any(|name| name == "memory") {
            let folder = folder_of(path, mounts, |kind, options| {
                kind == "cgroup" && options.split(',').any(|option| option == "memory")
            });
            files.splice(0..0, folder.map(|folder| folder.join("memory.oom_control")));
        } else if number == "0" && controllers.is_empty() {
            let folder = folder_of(path, mounts, |kind, _| kind == "cgroup2");
            files.extend(folder.map(|folder| folder.join("memory.events")));
        }
    }
    files
}

/// The folder of a cgroup's path. A container may see its own cgroup as the root of the mount.
fn folder_of(path: &str, mounts: &str, is_wanted: impl Fn(&str, &str) -> bool) -> Option<PathBuf> {
    mounts.lines().find_map(|line| {
        let (before, after) = line.split_once(" - ")?;
        let (mut before, mut after) = (before.split(' ').skip(3), after.split(' '));
        let (root, mount) = (before.next()?, before.next()?);
        let (kind, options) = (after.next()?, after.nth(1)?);
        let inside = Path::new(path).strip_prefix(root).unwrap_or(Path::new(""));
        is_wanted(kind, options).then(|| Path::new(mount).join(inside))
    })
}

fn oom_kills(events: &str) -> Option<u64> {
    events.lines().find_map(|line| line.strip_prefix("oom_kill "))?.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const V1: &str = "\
31 23 0:28 / /sys/fs/cgroup rw,relatime - tmpfs tmpfs rw,mode=755
32 31 0:29 / /sys/fs/cgroup/cpu rw,relatime - cgroup cgroup rw,cpu
36 31 0:33 / /sys/fs/cgroup/memory rw,relatime shared:9 - cgroup cgroup rw,memory
";

    #[test]
    fn the_counts_of_both_versions_are_found() {
        let v2 = "29 23 0:26 / /sys/fs/cgroup rw shared:4 - cgroup2 cgroup2 rw,nsdelegate\n";
        assert_eq!(
            counters("0::/user.slice/session-1.scope\n", v2),
            [PathBuf::from("/sys/fs/cgroup/user.slice/session-1.scope/memory.events")]
        );
        assert_eq!(
            counters("12:pids:/a\n4:cpu,memory:/jobs/7\n0::/\n", V1),
            [PathBuf::from("/sys/fs/cgroup/memory/jobs/7/memory.oom_control")]
        );
        let contained = V1.replace("0:33 / ", "0:33 /docker/abc ");
        for path in ["/docker/abc", "/../elsewhere"] {
            assert_eq!(
                counters(&format!("4:memory:{path}\n"), &contained),
                [PathBuf::from("/sys/fs/cgroup/memory/memory.oom_control")]
            );
        }
        assert!(counters("", V1).is_empty());
    }

    #[test]
    fn the_kernels_files_are_understood() {
        assert_eq!(oom_kills("low 0\nhigh 2\noom 1\noom_kill 3\noom_group_kill 0\n"), Some(3));
        assert_eq!(oom_kills("oom_kill_disable 0\nunder_oom 0\noom_kill 2\n"), Some(2));
        assert_eq!(oom_kills("low 0\n"), None);
    }

    #[test]
    fn a_kill_is_explained_by_a_count_that_has_grown() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("memory.events");
        fs::write(&file, "oom_kill 1\n").unwrap();
        let kills = MemoryKills { file: Some(file.clone()), before: 1 };
        assert!(!kills.explain(None, Some(9)));
        fs::write(&file, "oom_kill 2\n").unwrap();
        assert!(kills.explain(None, Some(9)) && kills.explain(Some(137), None));
        assert!(!kills.explain(Some(1), None) && !kills.explain(None, Some(15)));
    }
}
