//! What a run uses of its GPU's memory, watched by its supervisor: by it the queue knows how many of its kind fit.

use std::time::{Duration, Instant};
use std::{env, fs};

use crate::launch::gpu;

const LOOK: Duration = Duration::from_secs(1);

/// The most that was seen.
pub(super) struct GpuMemory {
    uuid: Option<String>,
    last: Option<Instant>,
    peak: Option<u64>,
}

impl GpuMemory {
    /// Watches the GPU that this process and its trainer were given; none on the CPU.
    pub(super) fn begin() -> Self {
        let uuid = env::var("CUDA_VISIBLE_DEVICES").ok().filter(|devices| devices.starts_with("GPU-"));
        Self { uuid: uuid.filter(|devices| !devices.contains(',')), last: None, peak: None }
    }

    /// Looks, at most once a second; whether the peak has grown by what matters.
    pub(super) fn look(&mut self, pid: Option<u32>, now: Instant) -> bool {
        let (Some(uuid), Some(pid)) = (&self.uuid, pid) else { return false };
        if self.last.is_some_and(|last| now - last < LOOK) {
            return false;
        }
        self.last = Some(now);
        let Some(used) = gpu::memory_of(uuid, &group_of(pid)) else { return false };
        let has_grown = self.peak.is_none_or(|peak| used as f64 > peak as f64 * 1.02);
        self.peak = self.peak.max(Some(used));
        has_grown
    }

    pub(super) fn peak(&self) -> Option<u64> {
        self.peak
    }
}

/// The processes of the group that `leader` leads: what trains may be a child of a command's, not the command itself.
fn group_of(leader: u32) -> Vec<u32> {
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    let pids = entries.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    pids.filter(|pid| group(*pid) == Some(leader)).collect()
}

/// The group of a process (`/proc/PID/stat`, the third field after the command in parentheses, which may hold anything).
fn group(pid: u32) -> Option<u32> {
    let line = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    line.rsplit_once(')')?.1.split_whitespace().nth(2)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use std::os::unix::process::CommandExt;
    use std::process::{Command, Stdio};

    use super::*;

    #[test]
    fn children_are_of_the_group_and_others_are_not() {
        let mut command = Command::new("sh");
        command.args(["-c", "sleep 60 & echo $!; wait"]).process_group(0).stdout(Stdio::piped());
        let mut leader = command.spawn().unwrap();
        let mut line = String::new();
        let output = leader.stdout.take().unwrap();
        std::io::BufRead::read_line(&mut std::io::BufReader::new(output), &mut line).unwrap();
        let child: u32 = line.trim().parse().unwrap();
        let mut group = group_of(leader.id());
        group.sort_unstable();
        let mut expected = vec![leader.id(), child];
        expected.sort_unstable();
        assert_eq!(group, expected);
        let killed = rustix::process::Pid::from_child(&leader);
        rustix::process::kill_process_group(killed, rustix::process::Signal::KILL).unwrap();
        leader.wait().unwrap();
    }
}
