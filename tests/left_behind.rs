//! What a command leaves behind, and what is taken away from under it: no lock reaches its children, what goes on is
//! named, and a run whose folder has gone gets no ghost.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::semicolon_if_nothing_returned)]

mod support;

use std::fs;
use std::path::Path;

use loradeck_core::run::{CommandExit, EndReason, RunFolder, State, is_held, read_journal};
use support::{Deck, kill_9, kinds_of, state, status, supervisor_pid, wait_for_end, wait_until};

/// Queues a run of a shell script.
fn run_script(deck: &Deck, script: &str) -> RunFolder {
    let folder = deck.workspace.experiment("x").path().to_path_buf();
    fs::create_dir_all(&folder).unwrap();
    fs::write(
        folder.join("experiment.yaml"),
        "command: [sh, ./script.sh]\nresume_command: [sh, ./script.sh]\n",
    )
    .unwrap();
    fs::write(deck.workspace.root().join("script.sh"), script).unwrap();
    let output = deck.run(&["run", "x"]);
    assert!(output.status.success(), "{output:?}");
    deck.workspace.experiment("x").runs().pop().unwrap()
}

fn message_of(run: &RunFolder, kind: &str) -> String {
    let entries = read_journal(run).entries;
    let entry =
        entries.iter().find(|entry| entry.kind == kind).unwrap_or_else(|| panic!("no {kind}: {entries:?}"));
    entry.text("message").unwrap_or_default().to_owned()
}

fn pid_in(run: &RunFolder) -> u32 {
    fs::read_to_string(run.path().join("pid")).unwrap().trim().parse().unwrap()
}

fn is_alive(pid: u32) -> bool {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    stat.rsplit_once(") ").is_some_and(|(_, rest)| !rest.starts_with('Z'))
}

#[test]
fn no_lock_and_no_other_handle_reaches_a_command() {
    let deck = Deck::new();
    let run = run_script(
        &deck,
        "for fd in /proc/$$/fd/*; do echo \"${fd##*/} $(readlink $fd)\"; done > $LORADECK_RUN_DIR/handles\n",
    );
    assert_eq!(wait_for_end(&run).state, State::Finished);
    let handles = fs::read_to_string(run.path().join("handles")).unwrap();
    assert!(handles.contains("0 /dev/null\n"), "{handles}");
    assert!(!handles.contains(".lock"), "{handles}");
    let log = run.train_log().display().to_string();
    for line in handles.lines() {
        let (fd, target) = line.split_once(' ').unwrap();
        let is_log = ["1", "2"].contains(&fd) && target == log;
        // The shell's own: its script, and the file that this is written to.
        let is_saved = fd.len() == 2 && (target == log || target == "/dev/null");
        let is_shells = is_saved || ["script.sh", "handles"].iter().any(|name| target.ends_with(name));
        // A command substitution reads through a pipe.
        let is_pipe = fd == "3" && target.starts_with("pipe:");
        assert!(fd == "0" || is_log || is_shells || is_pipe, "{handles}");
    }
}

#[test]
fn a_service_left_behind_keeps_neither_slot_nor_run_and_is_named() {
    let deck = Deck::new();
    let leaves = "setsid sleep 300 > /dev/null 2>&1 &\necho $! > $LORADECK_RUN_DIR/pid\n";
    let first = run_script(&deck, leaves);
    assert_eq!(wait_for_end(&first).state, State::Finished);
    let service = pid_in(&first);
    assert!(is_alive(service), "it has a session of its own");
    assert!(!is_held(&first.train_lock()).unwrap());
    let words = message_of(&first, "left-behind");
    assert!(words.contains(&format!("sleep ({service})")), "{words}");
    assert!(status(&first).message.unwrap().contains("still running"));
    wait_until("the report names it", || {
        fs::read_to_string(first.path().join("README.md"))
            .is_ok_and(|text| text.contains(&format!("sleep ({service})")))
    });
    let second = run_script(&deck, "exit 0\n");
    assert_eq!(wait_for_end(&second).state, State::Finished, "it got the slot");
    let output = deck.run(&["remove", "x/1"]);
    assert!(output.status.success(), "{output:?}");
    kill_9(service);
}

#[test]
fn what_was_started_in_the_background_is_ended_and_that_is_told() {
    let deck = Deck::new();
    let run = run_script(&deck, "sleep 300 &\necho $! > $LORADECK_RUN_DIR/pid\necho launched\n");
    assert_eq!(wait_for_end(&run).state, State::Finished);
    let sleep = pid_in(&run);
    wait_until("it is ended with the command's group", || !is_alive(sleep));
    let words = message_of(&run, "left-running");
    assert!(words.contains(&format!("sleep ({sleep})")), "{words}");
    let shown = deck.run(&["show", "x/1"]);
    assert!(String::from_utf8_lossy(&shown.stdout).contains("they were ended: sleep"), "{shown:?}");
    wait_until("the report tells it", || {
        fs::read_to_string(run.path().join("README.md")).is_ok_and(|text| text.contains("were ended with it"))
    });
}

#[test]
fn with_its_supervisor_killed_a_run_ends_by_its_commands_exit_whatever_was_left() {
    let deck = Deck::new();
    let run = run_script(
        &deck,
        "setsid sleep 300 > /dev/null 2>&1 &\necho $! > $LORADECK_RUN_DIR/pid\n\
         while [ ! -e $LORADECK_RUN_DIR/go ]; do sleep 0.02; done; exit 1\n",
    );
    wait_until("it is at work", || run.path().join("pid").exists());
    kill_9(supervisor_pid(&run));
    wait_until("another supervisor adopts it", || kinds_of(&run).contains(&"adopt".to_owned()));
    fs::write(run.path().join("go"), "").unwrap();
    let end = wait_for_end(&run);
    assert_eq!((end.state, end.reason), (State::Failed, Some(EndReason::Error)), "{end:?}");
    assert_eq!(CommandExit::process_end(&run, 1).code, Some(1));
    let resumed = deck.run(&["resume", "x/1"]);
    assert!(resumed.status.success(), "{resumed:?}");
    kill_9(pid_in(&run));
    wait_until("the second attempt ends", || status(&run).attempt == 2 && state(&run).is_end());
}

#[test]
fn with_supervisor_and_parent_killed_the_command_does_not_train_on_unseen() {
    let deck = Deck::new();
    let run = run_script(
        &deck,
        "echo $$ > $LORADECK_RUN_DIR/pid\necho $PPID > $LORADECK_RUN_DIR/parent\nexec sleep 300\n",
    );
    wait_until("it is at work", || run.path().join("parent").exists());
    let parent: u32 = fs::read_to_string(run.path().join("parent")).unwrap().trim().parse().unwrap();
    kill_9(supervisor_pid(&run));
    kill_9(parent);
    assert_eq!(wait_for_end(&run).state, State::Failed);
    let command = pid_in(&run);
    wait_until("the command is ended", || !is_alive(command));
}

const WAITS: &str = "echo $$ > $LORADECK_RUN_DIR/pid\nwhile true; do sleep 0.05; done\n";

#[test]
fn a_run_folder_removed_while_it_trains_does_not_come_back() {
    let deck = Deck::new();
    let run = run_script(&deck, WAITS);
    wait_until("it is at work", || run.path().join("pid").exists());
    let command = pid_in(&run);
    fs::remove_dir_all(run.path()).unwrap();
    wait_until("the training is ended", || !is_alive(command));
    wait_until("the dispatcher ends", || !deck.dispatcher_is_at_work());
    assert!(
        !run.path().exists(),
        "{:?}",
        fs::read_dir(run.path()).map(|entries| entries.flatten().collect::<Vec<_>>())
    );
    let next = run_script(&deck, "exit 0\n");
    assert_eq!(wait_for_end(&next).state, State::Finished);
}

#[test]
fn a_run_folder_moved_while_it_trains_says_so_at_its_new_place() {
    let deck = Deck::new();
    let run = run_script(&deck, WAITS);
    wait_until("it is at work", || run.path().join("pid").exists());
    let command = pid_in(&run);
    let root = deck.workspace.root();
    let moved = root.with_file_name("moved");
    fs::rename(root, &moved).unwrap();
    wait_until("the training is ended", || !is_alive(command));
    let there = RunFolder::new(moved.join(run.path().strip_prefix(root).unwrap()));
    let end = wait_for_end(&there);
    assert_eq!(end.state, State::Failed);
    assert!(end.message.unwrap().contains("was moved while it trained"));
    assert!(!run.path().exists(), "no ghost at the old place");
}

#[test]
fn a_run_gets_the_environment_of_the_shell_that_submitted_it() {
    let deck = Deck::new();
    let folder = deck.workspace.experiment("x").path().to_path_buf();
    fs::create_dir_all(&folder).unwrap();
    fs::write(folder.join("experiment.yaml"), "command: [tool, \"${env:TAG}\"]\n").unwrap();
    // Each shell has another program of that name in its PATH, as an activated venv has.
    let path_of = |name: &str| {
        let bin = deck.workspace.root().join(name);
        fs::create_dir_all(&bin).unwrap();
        let text = format!(
            "#!/bin/sh\n[ \"$1\" = first ] && while [ ! -e $LORADECK_RUN_DIR/go ]; do sleep 0.02; done\n\
             echo \"{name} $1 $TAG ${{ONLY-none}} ${{HF_TOKEN-none}}\" > $LORADECK_RUN_DIR/said\n"
        );
        fs::write(bin.join("tool"), text).unwrap();
        let executable = std::os::unix::fs::PermissionsExt::from_mode(0o755);
        fs::set_permissions(bin.join("tool"), executable).unwrap();
        format!("{}:{}", bin.display(), std::env::var("PATH").unwrap())
    };
    let submit = |name: &str, more: &[(&str, &str)]| {
        let mut command = deck.command(&["run", "x"]);
        command.env("PATH", path_of(name)).env("TAG", name).envs(more.iter().copied());
        assert!(command.status().unwrap().success());
        deck.workspace.experiment("x").runs().pop().unwrap()
    };
    let first = submit("first", &[("ONLY", "first")]);
    wait_until("the first is at work, and the dispatcher with it", || state(&first) == State::Running);
    let second = submit("second", &[("HF_TOKEN", "hidden")]);
    let third = submit("third", &[]);
    fs::write(first.path().join("go"), "").unwrap();
    let said = |run: &RunFolder| {
        assert_eq!(wait_for_end(run).state, State::Finished);
        fs::read_to_string(run.path().join("said")).unwrap()
    };
    assert_eq!(said(&first), "first first first first none\n");
    assert_eq!(said(&second), "second second second none none\n");
    assert_eq!(said(&third), "third third third none none\n");
    let missing = message_of(&second, "environment-missing");
    assert!(missing.starts_with("HF_TOKEN was set in the environment"), "{missing}");
    let shown = deck.run(&["show", "x/2"]);
    assert!(String::from_utf8_lossy(&shown.stdout).contains("  TAG=second\n"), "{shown:?}");
    for entry in fs::read_dir(deck.workspace.state_folder().join("environments")).unwrap().flatten() {
        assert!(!fs::read_to_string(entry.path()).unwrap().contains("hidden"));
    }
}

#[test]
fn a_workspace_whose_path_is_no_text_is_refused_by_name() {
    use std::os::unix::ffi::OsStrExt;
    let deck = Deck::new();
    let root = deck.workspace.root().with_file_name(Path::new(std::ffi::OsStr::from_bytes(b"N\xe9x")));
    fs::create_dir_all(&root).unwrap();
    for arguments in [&["init"][..], &["list"], &["run", "x"]] {
        let output = deck.command_in(&root, arguments).output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {said}");
        assert!(said.contains("is no UTF-8 text"), "{said}");
        fs::write(root.join("loradeck.yaml"), "format: 1\n").unwrap();
    }
}
