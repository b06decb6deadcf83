//! Two dashboards and three `run` commands at once on one workspace: no number is given twice, no run starts twice.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::semicolon_if_nothing_returned)]

mod support;

use std::collections::BTreeSet;
use std::fs;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::thread;

use loradeck_core::run::{RunName, State};
use portable_pty::{CommandBuilder, MasterPty, PtySize, native_pty_system};
use support::{Deck, starts, state, wait_until};

/// The demo's model; without it (`./x test` fetches it) the test is skipped, and said to be.
fn base_model() -> Option<PathBuf> {
    let model = std::env::var_os("LORADECK_BASE_MODEL").map(PathBuf::from);
    if model.is_none() {
        assert!(std::env::var_os("LORADECK_REQUIRE_ALL").is_none(), "LORADECK_BASE_MODEL names no model");
        eprintln!("skipped: LORADECK_BASE_MODEL names no model");
    }
    model
}

fn lay_out(root: &Path, model: &Path) {
    let experiment = root.join("experiments/x");
    fs::create_dir_all(&experiment).unwrap();
    let chat = r#"{"messages":[{"role":"user","content":"Hi?"},{"role":"assistant","content":"Ho."}]}"#;
    fs::write(experiment.join("chats.jsonl"), format!("{chat}\n")).unwrap();
    let settings = format!(
        "base_model: {}\ntrain_data_dir: experiments/x/chats.jsonl\nnotes: finish\nsweep:\n  method: grid\n  parameters:\n    seed: {{values: [1, 2, 3]}}\n",
        model.display()
    );
    fs::write(experiment.join("experiment.yaml"), settings).unwrap();
}

/// A dashboard in a terminal of its own; what it paints is read and thrown away.
fn dashboard(deck: &Deck) -> (Box<dyn MasterPty + Send>, Box<dyn portable_pty::Child + Send + Sync>) {
    let size = PtySize { rows: 40, cols: 120, ..PtySize::default() };
    let terminal = native_pty_system().openpty(size).unwrap();
    let mut command = CommandBuilder::new(env!("CARGO_BIN_EXE_loradeck"));
    command.cwd(deck.workspace.root());
    command.env("TERM", "xterm-256color");
    for (name, value) in deck.command(&[]).get_envs() {
        match value {
            Some(value) => command.env(name, value),
            None => command.env_remove(name),
        }
    }
    let child = terminal.slave.spawn_command(command).unwrap();
    let mut reader = terminal.master.try_clone_reader().unwrap();
    thread::spawn(move || {
        let mut sink = [0u8; 4096];
        while reader.read(&mut sink).is_ok_and(|count| count > 0) {}
    });
    (terminal.master, child)
}

#[test]
fn many_hands_give_each_run_one_number_and_one_start() {
    let Some(model) = base_model() else { return };
    let deck = Deck::new();
    lay_out(deck.workspace.root(), &model);
    let mut dashboards = [dashboard(&deck), dashboard(&deck)];
    let mut commands: Vec<_> = (0..3)
        .map(|_| deck.command(&["run", "x"]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap())
        .collect();
    for command in commands.drain(..) {
        let output = command.wait_with_output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }
    let runs = deck.workspace.experiment("x").runs();
    let numbers: BTreeSet<u32> = runs.iter().map(|run| RunName::parse(&run.name()).unwrap().number).collect();
    assert_eq!(numbers, (1..=9).collect());
    for run in &runs {
        wait_until("all nine finish", || state(run) == State::Finished);
        assert_eq!(starts(run).len(), 1, "{}", run.label());
    }
    for (_, child) in &mut dashboards {
        assert!(child.try_wait().unwrap().is_none(), "a dashboard has gone away");
        child.kill().unwrap();
        child.wait().unwrap();
    }
}
