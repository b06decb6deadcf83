//! The terminal goes away while half of the runs still wait: nothing is lost.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::semicolon_if_nothing_returned)]

mod support;

use std::process::Command;

use loradeck_core::run::State;
use portable_pty::{CommandBuilder, PtySize, native_pty_system};
use support::{Deck, starts, state, wait_until};

#[test]
fn runs_outlive_the_terminal_that_started_them() {
    let deck = Deck::new();
    let root = deck.workspace.root().to_path_buf();
    assert!(deck.run(&["init", "."]).status.success());
    for arguments in [["config", "user.name", "test"], ["config", "user.email", "test@example.invalid"]] {
        assert!(Command::new("git").args(arguments).current_dir(&root).status().unwrap().success());
    }
    let runs = deck.queue(&["finish", "wait", "finish", "finish"]);
    let terminal = native_pty_system().openpty(PtySize::default()).unwrap();
    let mut command = CommandBuilder::new(env!("CARGO_BIN_EXE_loradeck"));
    command.args(["watch", "--plain"]);
    command.cwd(&root);
    for (name, value) in deck.command(&[]).get_envs() {
        match value {
            Some(value) => command.env(name, value),
            None => command.env_remove(name),
        }
    }
    let mut watcher = terminal.slave.spawn_command(command).unwrap();
    drop(terminal.slave);
    wait_until("the second of four trains", || starts(&runs[1]).len() == 1);
    assert_eq!((state(&runs[2]), state(&runs[3])), (State::Queued, State::Queued));

    // Closing the master hangs the terminal up: its whole session gets SIGHUP.
    drop(terminal.master);
    watcher.wait().unwrap();

    std::fs::write(runs[1].path().join("go"), "").unwrap();
    for run in &runs {
        wait_until("all four finish", || state(run) == State::Finished);
    }
    let committed = || {
        let output = Command::new("git").args(["ls-files"]).current_dir(&root).output().unwrap();
        String::from_utf8(output.stdout).unwrap()
    };
    wait_until("four reports and a comparison are committed", || {
        let files = committed();
        files.matches("/README.md").count() == 4 && files.contains("comparison.md")
    });
}
