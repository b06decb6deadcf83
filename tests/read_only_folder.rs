//! A run folder that somebody makes read-only while it trains, or before it starts: it says why it does not end or start,
//! ends as it would have once it can be written, and costs no other run anything.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::semicolon_if_nothing_returned)]

mod support;

use std::fs;
use std::os::unix::fs::{PermissionsExt, lchown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use loradeck_core::run::{RunFolder, State};
use support::{Deck, kill_9, path_text, state, supervisor_pid, wait_for_end, wait_until};

/// A user of this machine who is not root, whom modes do not bind.
const SOMEBODY: u32 = 65534;

/// A deck whose programs are started by somebody who is not root.
struct Unprivileged {
    deck: Deck,
}

impl Unprivileged {
    fn new() -> Self {
        let mut deck = Deck::new();
        deck.upgrade();
        let experiment = deck.workspace.experiment("x").path().to_path_buf();
        fs::create_dir_all(&experiment).unwrap();
        let script = format!("while [ ! -e {} ]; do sleep 0.02; done", path_text(&go_of(&deck)));
        fs::write(experiment.join("experiment.yaml"), format!("command: [sh, -c, {script:?}]\n")).unwrap();
        hand_over(deck.slots().parent().unwrap());
        // Trust is a user's own.
        let unprivileged = Self { deck };
        unprivileged.say(&["trust", "--yes"]);
        unprivileged
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = self.deck.command(arguments);
        if is_root() {
            command.uid(SOMEBODY).gid(SOMEBODY);
        }
        command
    }

    fn say(&self, arguments: &[&str]) -> String {
        let output = self.command(arguments).output().unwrap();
        assert!(output.status.success(), "{arguments:?}: {output:?}");
        String::from_utf8(output.stdout).unwrap()
    }

    /// Queues a run that ends once it is told to.
    fn submit(&self) -> RunFolder {
        self.say(&["run", "x", "--yes"]);
        self.deck.workspace.experiment("x").runs().pop().unwrap()
    }

    fn start(&self) -> RunFolder {
        let run = self.submit();
        wait_until("the command is at work", || {
            fs::read_to_string(run.logs().join("journal/trainer.jsonl"))
                .is_ok_and(|text| text.contains("command_pid"))
        });
        run
    }

    fn go(&self) {
        fs::write(go_of(&self.deck), "").unwrap();
    }
}

fn log_of(run: &RunFolder) -> String {
    fs::read_to_string(run.train_log()).unwrap_or_default()
}

fn go_of(deck: &Deck) -> PathBuf {
    deck.slots().with_extension("go")
}

fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

/// Gives a folder and all in it to whom the programs run as.
fn hand_over(path: &Path) {
    if !is_root() {
        return;
    }
    lchown(path, Some(SOMEBODY), Some(SOMEBODY)).unwrap();
    if path.is_dir() && !path.is_symlink() {
        for entry in fs::read_dir(path).unwrap() {
            hand_over(&entry.unwrap().path());
        }
    }
}

/// Takes the right to write away from everything below, or gives it back.
fn set_writable(path: &Path, writable: bool) {
    let mode = fs::metadata(path).unwrap().permissions().mode();
    let mode = if writable { mode | 0o200 } else { mode & !0o222 };
    if writable {
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    }
    if path.is_dir() {
        for entry in fs::read_dir(path).unwrap() {
            set_writable(&entry.unwrap().path(), writable);
        }
    }
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

#[test]
fn a_run_whose_folder_was_made_read_only_says_so_and_ends_once_it_can_be_written() {
    let deck = Unprivileged::new();
    let run = deck.start();
    set_writable(run.path(), false);
    deck.go();
    wait_until("its log says what it waits for", || log_of(&run).contains("Permission denied"));
    for words in [deck.say(&["list"]), deck.say(&["show", "x/1"])] {
        assert!(words.contains("running") && words.contains("cannot write into"), "{words}");
    }
    set_writable(run.path(), true);
    assert_eq!(wait_for_end(&run).state, State::Finished);
    wait_until("the note is gone", || !deck.say(&["list"]).contains("cannot write into"));
}

#[test]
fn its_end_is_known_even_if_supervisor_and_parent_die_while_they_wait() {
    let deck = Unprivileged::new();
    let run = deck.start();
    let supervisor = supervisor_pid(&run);
    set_writable(run.path(), false);
    // Killed, the command's parent writes no outcome, and the supervisor has the end alone.
    let journal = fs::read_to_string(run.journal().join("supervisor.jsonl")).unwrap();
    let start: serde_json::Value = serde_json::from_str(journal.lines().next().unwrap()).unwrap();
    kill_9(u32::try_from(start["pid"].as_u64().unwrap()).unwrap());
    wait_until("the supervisor has noted the end", || {
        fs::read_to_string(run.journal().join("supervisor.jsonl")).unwrap().contains("\"end\"")
    });
    kill_9(supervisor);
    wait_until("it is told", || {
        deck.say(&["list"]).lines().any(|line| line.contains("lost") && line.contains("cannot write into"))
    });
    // Another run is not held up by it.
    deck.go();
    assert_eq!(wait_for_end(&deck.submit()).state, State::Finished);
    set_writable(run.path(), true);
    deck.say(&["list"]);
    let end = wait_for_end(&run);
    assert_eq!((end.state, end.message.as_deref()), (State::Failed, Some("signal 9 ended the trainer")));
}

#[test]
fn a_waiting_run_in_a_read_only_folder_says_so_and_the_others_start() {
    let deck = Unprivileged::new();
    deck.say(&["queue", "pause"]);
    let (first, second) = (deck.submit(), deck.submit());
    set_writable(first.path(), false);
    deck.go();
    deck.say(&["queue", "resume"]);
    assert_eq!(wait_for_end(&second).state, State::Finished);
    assert_eq!(state(&first), State::Queued);
    let queue = deck.say(&["queue"]);
    assert!(queue.contains("cannot write into"), "{queue}");
    set_writable(first.path(), true);
    assert_eq!(wait_for_end(&first).state, State::Finished);
}
