//! A memory limit of the kernel's own: what its out-of-memory killer ends is named so.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::semicolon_if_nothing_returned)]

mod support;

use std::fs;
use std::path::{Path, PathBuf};

use loradeck_core::run::{EndReason, RunFolder};
use support::{Deck, path_text, wait_for_end, wait_until};

const LIMIT: &str = "67108864";

/// A cgroup of our own with little memory, removed at the end.
struct Cgroup(PathBuf);

impl Cgroup {
    /// Of version 1 where memory is under its control, else of version 2.
    fn new() -> Self {
        let name = format!("loradeck-test-{}", std::process::id());
        let first = Path::new("/sys/fs/cgroup/memory");
        if first.is_dir() {
            let folder = first.join(name);
            fs::create_dir(&folder).unwrap();
            fs::write(folder.join("memory.limit_in_bytes"), LIMIT).unwrap();
            return Self(folder);
        }
        let root = Path::new("/sys/fs/cgroup");
        fs::write(root.join("cgroup.subtree_control"), "+memory").unwrap();
        let folder = root.join(name);
        fs::create_dir(&folder).unwrap();
        fs::write(folder.join("memory.max"), LIMIT).unwrap();
        // Without it the kernel swaps instead.
        let _ = fs::write(folder.join("memory.swap.max"), "0");
        Self(folder)
    }
}

impl Drop for Cgroup {
    fn drop(&mut self) {
        // The last process in it may take a moment to go.
        wait_until("the cgroup is gone", || fs::remove_dir(&self.0).is_ok());
    }
}

#[test]
#[ignore = "child: `just test-system` runs it, as root, with a real cgroup"]
fn the_kernels_kill_for_memory_is_named() {
    let (cgroup, deck) = (Cgroup::new(), Deck::new());
    let hungry = "python3 -c \"print(len(b'x' * (256 << 20)))\"";
    for (name, script) in [("direct", format!("exec {hungry}")), ("by-a-shell", format!("{hungry}; exit $?"))]
    {
        let experiment = deck.workspace.experiment(name);
        fs::create_dir_all(experiment.path()).unwrap();
        fs::write(experiment.file(), format!("command: [sh, -c, {script:?}]\n")).unwrap();
        let join = format!("echo $$ > {}/cgroup.procs && exec \"$0\" \"$@\"", path_text(&cgroup.0));
        let start = deck.command(&["run", name]);
        let status = std::process::Command::new("sh")
            .args(["-c", &join])
            .arg(start.get_program())
            .args(start.get_args())
            .current_dir(deck.workspace.root())
            .envs(start.get_envs().filter_map(|(name, value)| Some((name, value?))))
            .status();
        assert!(status.unwrap().success());
        let run: RunFolder = experiment.runs().remove(0);
        let status = wait_for_end(&run);
        assert_eq!(status.reason, Some(EndReason::KilledForMemory), "{name}: {status:?}");
        assert_eq!(status.message.as_deref(), Some("the kernel ended the command: memory ran out"));
        wait_until("the dispatcher has ended", || !deck.dispatcher_is_at_work());
    }
}
