//! Two dashboards and three `run` commands at once on one workspace: no number is given twice, no run starts twice.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::semicolon_if_nothing_returned)]

#[path = "support/onlooker.rs"]
mod onlooker;
mod support;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use loradeck_core::run::{RunName, State};
use onlooker::Onlooker;
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

#[test]
fn many_hands_give_each_run_one_number_and_one_start() {
    let Some(model) = base_model() else { return };
    let deck = Deck::new();
    lay_out(deck.workspace.root(), &model);
    let mut dashboards = [Onlooker::open(&deck), Onlooker::open(&deck)];
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
    assert!(dashboards.iter_mut().all(Onlooker::is_there), "a dashboard has gone away");
}
