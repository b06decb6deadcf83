//! A command at work: what it writes is read, what is asked of it passed on, until it ends.

use std::os::unix::process::ExitStatusExt;
use std::process::Child;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use loradeck_core::crash;
use loradeck_core::metrics::LogTail;
use loradeck_core::patience::AT_THE_END;
use loradeck_core::run::{CommandExit, JournalEntry, Outcome, RunFolder};
use loradeck_core::time::Moment;
use rustix::process::{Pid, Signal, kill_process};

use super::outcome::outcome_of;
use super::record::Record;
use super::requests::{Requests, Wish};
use super::tell;
use crate::launch::leftovers::{in_words, leftovers_of};
use crate::launch::supervise::MemoryKills;

const TICK: Duration = Duration::from_millis(20);
const LOOK_AT_METRICS: Duration = Duration::from_millis(250);
const LOOK_AT_MEMORY: Duration = Duration::from_secs(1);
/// How long processes that the command started may take to end after it.
const LEAVING: Duration = Duration::from_millis(400);
/// How many lines of the log may say why a command failed.
const LAST_LINES: usize = 40;

/// How a command ended.
pub(super) struct End {
    pub(super) outcome: Outcome,
    pub(super) message: Option<String>,
    pub(super) killed_for_memory: bool,
}

/// A command at work.
pub(super) struct Started {
    pub(super) child: Child,
    /// The sources in words, for those that bring nothing.
    pub(super) sources: Vec<String>,
    pub(super) memory_kills: MemoryKills,
}

pub(super) fn follow(
    run: &RunFolder,
    attempt: u32,
    record: &mut Record,
    mut started: Started,
    terminated: &AtomicBool,
) -> Result<End> {
    let mut requests = Requests::new(run, attempt);
    // In its first moments the child is still this very program.
    let (mut metrics_at, mut memory_at) = (Instant::now(), Instant::now() + LOOK_AT_METRICS);
    let mut was_asked = false;
    let status = loop {
        if let Some(status) = started.child.try_wait().context("cannot wait for the command")? {
            break status;
        }
        let (now, raised) = (Instant::now(), terminated.load(Ordering::Relaxed));
        was_asked |= raised;
        let refuse = |file: &loradeck_core::run::RequestFile| refuse(record, file);
        if let Some(wish) = requests.look(raised, now, refuse) {
            was_asked |= wish == Wish::Terminate;
            signal(started.child.id(), if wish == Wish::Kill { Signal::KILL } else { Signal::TERM });
        }
        if now >= metrics_at {
            record.convert(false);
            metrics_at = Instant::now() + LOOK_AT_METRICS;
        }
        if now >= memory_at {
            record.note_memory(resident_peak(started.child.id()).unwrap_or(0));
            memory_at = now + LOOK_AT_MEMORY;
        }
        thread::sleep(TICK);
    };
    let exit = CommandExit { attempt, code: status.code(), signal: status.signal(), time: Moment::now() };
    crash::point("exec.before-exit");
    AT_THE_END.with(tell, || exit.write(run))?;
    crash::point("exec.after-exit");
    record.convert(true);
    record.tell_silent_sources(&started.sources);
    let killed_for_memory = started.memory_kills.explain(status.code(), status.signal());
    // A signal that came together with the end counts as well.
    let was_asked = was_asked || terminated.load(Ordering::Relaxed);
    let asked = was_asked.then(|| requests.asked());
    let (outcome, message) = outcome_of(exit, asked, killed_for_memory, &last_lines(run));
    let left = tell_leftovers(run, attempt, record);
    let message = message.or(left);
    Ok(End { outcome, message, killed_for_memory: killed_for_memory && asked.is_none() })
}

/// Notes what the command left at work: in its group it is ended, what has left that is only named. The words are for
/// an end that has none of its own.
fn tell_leftovers(run: &RunFolder, attempt: u32, record: &mut Record) -> Option<String> {
    let own_group = rustix::process::getpgrp().as_raw_nonzero().get().cast_unsigned();
    let until = Instant::now() + LEAVING;
    let mut left = leftovers_of(run, attempt);
    while !left.is_empty() && Instant::now() < until {
        thread::sleep(TICK);
        left = leftovers_of(run, attempt);
    }
    let (ended, away): (Vec<_>, Vec<_>) = left.into_iter().partition(|one| one.group == own_group);
    let mut words = Vec::new();
    for (kind, what, processes) in [
        (
            "left-running",
            "the command returned while processes that it had started were running; they were ended",
            ended,
        ),
        (
            "left-behind",
            "processes that the command started are still running, in sessions of their own",
            away,
        ),
    ] {
        if !processes.is_empty() {
            let message = format!("{what}: {}", in_words(&processes));
            let entry = record.entry(kind).with("message", message.as_str());
            record.journal(&entry);
            words.push(message);
        }
    }
    (!words.is_empty()).then(|| words.join("; "))
}

fn refuse(record: &mut Record, file: &loradeck_core::run::RequestFile) {
    let entry: JournalEntry = record
        .entry("control")
        .with("id", file.id.as_str())
        .with("do", format!("{:?}", file.request.deed).to_lowercase())
        .with("answer", "refused: the run's own command does not support it");
    record.journal(&entry);
}

fn signal(pid: u32, signal: Signal) {
    if let Some(pid) = i32::try_from(pid).ok().and_then(Pid::from_raw) {
        let _ = kill_process(pid, signal);
    }
}

/// The highest resident memory of a process so far, in bytes (`VmHWM` of proc(5)).
fn resident_peak(pid: u32) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let kibibytes = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    Some(kibibytes.trim().trim_end_matches("kB").trim().parse::<u64>().ok()? * 1024)
}

fn last_lines(run: &RunFolder) -> Vec<String> {
    let mut tail = LogTail::new(&run.train_log(), LAST_LINES);
    let _ = tail.poll();
    tail.lines().map(str::to_owned).collect()
}
