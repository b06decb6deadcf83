//! What the hosts' mounts are like: without this, the tests on them would show nothing.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};

use crate::hosts::Host;
use crate::support::wait_until;

/// A flock taken on one host is free on the other, and held on its own.
pub fn locks_do_not_reach_across(here: &Host<'_>, there: &Host<'_>, root: &Path) {
    let mut holder = Command::new("flock");
    holder.args(["premise.lock", "sh", "-c", "echo held; cat"]).current_dir(root);
    let mut holder = here.command(&holder).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let mut word = String::new();
    BufReader::new(holder.stdout.as_mut().unwrap()).read_line(&mut word).unwrap();
    assert_eq!(word, "held\n");
    assert!(there.shell(root, "flock --nonblock premise.lock true").status.success());
    assert!(!here.shell(root, "flock --nonblock premise.lock true").status.success());
    drop(holder.stdin.take());
    assert!(holder.wait().unwrap().success());
}

/// The kernel announces what a host does itself, and nothing of what another one does.
pub fn changes_are_not_announced(here: &Host<'_>, there: &Host<'_>, root: &Path) {
    let mut watcher = Command::new("python3");
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/system/slurm/announced.py");
    watcher.arg(script).arg(root).current_dir(root);
    let mut watcher = here.command(&watcher).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(watcher.stdout.take().unwrap()).lines();
    assert_eq!(lines.next().unwrap().unwrap(), "watching");
    there.says(root, "echo > of-another");
    wait_until("the other's file is there", || here.shell(root, "test -e of-another").status.success());
    here.says(root, "echo > of-its-own");
    assert_eq!(lines.next().unwrap().unwrap(), "of-its-own", "the first announcement of all");
    drop(watcher.stdin.take());
    assert!(watcher.wait().unwrap().success());
}

/// A size that was asked for is told again for a while, whatever another host has written; so is an absence.
pub fn changes_are_seen_late(here: &Host<'_>, there: &Host<'_>, root: &Path) {
    let size = || here.says(root, "stat --format=%s grows");
    let is_there = || here.shell(root, "test -e comes").status.success();
    there.says(root, "echo 1 > grows");
    assert_eq!(size(), "2");
    assert!(!is_there());
    there.says(root, "echo 2 >> grows; echo > comes");
    assert_eq!(size(), "2", "not yet");
    assert!(!is_there(), "not yet");
    wait_until("both are seen", || size() == "4" && is_there());
}
