//! Processes that a run's command left behind: known by the variables that it was started with, which its children
//! inherit, so that no number of a process is ever taken for a sign.

use std::fs;
use std::os::unix::ffi::OsStrExt;

use loradeck_core::run::RunFolder;
use rustix::process::{Pid, Signal, kill_process_group};

/// A process of a run's attempt that is at work.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Leftover {
    /// Its number.
    pub(super) pid: u32,
    /// Its process group.
    pub(super) group: u32,
    /// Its program's name, as the kernel has it.
    pub(super) name: String,
}

/// The processes of attempt `attempt` of `run` besides this one. What cannot be looked at is somebody else's.
pub(super) fn leftovers_of(run: &RunFolder, attempt: u32) -> Vec<Leftover> {
    let folder = [b"LORADECK_RUN_DIR=", run.path().as_os_str().as_bytes()].concat();
    let attempt = format!("LORADECK_ATTEMPT={attempt}");
    let is_of_run = |pid: u32| {
        let environment = fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
        let has = |wanted: &[u8]| environment.split(|byte| *byte == 0).any(|variable| variable == wanted);
        has(&folder) && has(attempt.as_bytes())
    };
    let processes = fs::read_dir("/proc").into_iter().flatten().flatten();
    let pids = processes.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    pids.filter(|pid| *pid != std::process::id() && is_of_run(*pid)).filter_map(look).collect()
}

/// Names and numbers for people.
pub(super) fn in_words(leftovers: &[Leftover]) -> String {
    let shown = leftovers.iter().map(|one| format!("{} ({})", one.name, one.pid));
    shown.collect::<Vec<_>>().join(", ")
}

/// Ends what an attempt left in the process group `group`, if anything is there.
pub(super) fn end_in_group(run: &RunFolder, attempt: u32, group: u32) {
    let is_there = leftovers_of(run, attempt).iter().any(|one| one.group == group);
    if let Some(group) = i32::try_from(group).ok().filter(|_| is_there).and_then(Pid::from_raw) {
        let _ = kill_process_group(group, Signal::KILL);
    }
}

/// `None` where it has ended meanwhile.
fn look(pid: u32) -> Option<Leftover> {
    let (name, state, group) = parse(&fs::read_to_string(format!("/proc/{pid}/stat")).ok()?)?;
    (!['Z', 'X'].contains(&state)).then_some(Leftover { pid, group, name })
}

/// Name, state and process group in a line of `/proc/PID/stat` (proc(5)); the name may hold anything, brackets too.
fn parse(line: &str) -> Option<(String, char, u32)> {
    let (before, after) = line.rsplit_once(')')?;
    let name = before.split_once('(')?.1.to_owned();
    let mut fields = after.split_whitespace();
    let state = fields.next()?.chars().next()?;
    Some((name, state, fields.nth(1)?.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_may_hold_brackets() {
        let parsed = parse("12 (a) b (c)) S 1 34 12 0 -1");
        assert_eq!(parsed, Some(("a) b (c)".to_owned(), 'S', 34)));
        assert_eq!(parse("12 sleep S 1"), None);
    }

    #[test]
    fn only_processes_with_the_runs_variables_are_its_leftovers() {
        let run = RunFolder::new("/no/such/run");
        let start = |attempt: &str| {
            let mut command = std::process::Command::new("sleep");
            command.arg("60").env("LORADECK_RUN_DIR", run.path()).env("LORADECK_ATTEMPT", attempt);
            command.spawn().unwrap()
        };
        let (mut ours, mut earlier) = (start("2"), start("1"));
        // In its first moment a child is still this program, with its variables.
        let found = loop {
            let found = leftovers_of(&run, 2);
            if found.iter().any(|one| one.name == "sleep") {
                break found;
            }
        };
        assert_eq!(found.iter().map(|one| one.pid).collect::<Vec<_>>(), [ours.id()]);
        for child in [&mut ours, &mut earlier] {
            child.kill().unwrap();
            child.wait().unwrap();
        }
        assert_eq!(leftovers_of(&run, 2), []);
    }
}
