//! `init`, `new`, `check` and `run` as a person types them: what is wrong is told with its place, and nothing is
//! queued.

#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;

use std::fs;
use std::process::Output;

use support::Deck;

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

fn refused(output: &Output) -> String {
    assert_eq!(output.status.code(), Some(2), "{output:?}");
    text(&output.stderr)
}

#[test]
fn a_new_experiment_is_checked_before_anything_is_queued() {
    let deck = Deck::new();
    let root = deck.workspace.root().to_path_buf();
    assert!(deck.run(&["new", "style"]).status.success());
    let again = refused(&deck.run(&["new", "style"]));
    assert!(again.contains("there is an experiment 'style' already"), "{again}");
    let problems = refused(&deck.run(&["run", "style", "lora_rank=4,eight"]));
    assert!(problems.contains("\ncommand line:1:13: lora_rank: 'eight' is no whole number"), "{problems}");
    assert!(
        problems.contains("base_model: 'models/base.gguf' does not exist"),
        "told in the same go: {problems}"
    );
    let problems = refused(&deck.run(&["run", "style"]));
    let expected = "\
experiments/style/experiment.yaml:5:13: base_model: 'models/base.gguf' does not exist
  hint: looked for 'ROOT/models/base.gguf'
experiments/style/experiment.yaml:7:17: train_data_dir: 'experiments/style/data' is an empty folder
";
    assert_eq!(problems, expected.replace("ROOT", &root.display().to_string()));
    assert!(!root.join("experiments/style/runs").exists());
}

#[test]
fn problems_of_model_and_data_are_told_together_where_they_stand() {
    let deck = Deck::new();
    let folder = deck.workspace.root().join("experiments/style");
    fs::create_dir_all(folder.join("data")).unwrap();
    fs::write(folder.join("data/train.jsonl"), "{\"messages\": []}\n{\"messages\": 3}\n").unwrap();
    fs::write(deck.workspace.root().join("model.gguf"), "no model").unwrap();
    fs::write(folder.join("experiment.yaml"), "base_model: model.gguf\nlora_rank: 4\n").unwrap();
    let problems = refused(&deck.run(&["check", "style"]));
    assert!(problems.starts_with("experiments/style/data/train.jsonl:1:"), "{problems}");
    assert!(problems.contains("experiments/style/data/train.jsonl:2:"), "{problems}");
    assert!(problems.contains("experiments/style/experiment.yaml:1:13: base_model: "), "{problems}");
}

#[test]
fn an_unsupported_key_is_an_error_of_usage() {
    let deck = Deck::new();
    let folder = deck.workspace.root().join("experiments/style");
    fs::create_dir_all(&folder).unwrap();
    let file = "base_model: m\ntrain_data_dir: d\nuse_dora: true\n  \tbatch: 3\n";
    fs::write(folder.join("experiment.yaml"), file).unwrap();
    let syntax = refused(&deck.run(&["check", "style"]));
    assert!(syntax.starts_with("experiments/style/experiment.yaml:4:"), "{syntax}");
    fs::write(folder.join("experiment.yaml"), file.replace("  \tbatch", "batch")).unwrap();
    let problems = refused(&deck.run(&["check", "style"]));
    let expected = "\
experiments/style/experiment.yaml:1:13: base_model: 'm' does not exist
  hint: looked for 'ROOT/m'
experiments/style/experiment.yaml:2:17: train_data_dir: 'd' does not exist
  hint: looked for 'ROOT/d'
experiments/style/experiment.yaml:3:1: use_dora: is not supported yet
experiments/style/experiment.yaml:4:1: batch: is not a known key
";
    assert_eq!(problems, expected.replace("ROOT", &deck.workspace.root().display().to_string()));
    let schema = deck.run(&["schema"]);
    assert!(text(&schema.stdout).contains("\"learning_rate\""));
}

#[test]
fn doctor_examines_the_workspace() {
    let deck = Deck::new();
    let output = deck.run(&["doctor", "--json"]);
    let findings: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let topics: Vec<&str> =
        findings.as_array().unwrap().iter().map(|f| f["topic"].as_str().unwrap()).collect();
    for topic in ["workspace", "trainer", "devices", "git", "disk", "locks", "slots", "logout", "terminal"] {
        assert!(topics.contains(&topic), "{topic} of {topics:?}");
    }
    // The tests' trainer is a script that knows no --version.
    assert_eq!(output.status.code(), Some(1));
}

#[test]
fn a_workspace_of_a_newer_format_is_refused() {
    let deck = Deck::new();
    fs::write(deck.workspace.root().join("loradeck.yaml"), "format: 2\n").unwrap();
    let refusal = refused(&deck.run(&["list"]));
    assert!(refusal.contains("loradeck.yaml:1:9: format: '2' is newer than this program"), "{refusal}");
    let output = deck.run(&["doctor"]);
    assert!(text(&output.stdout).contains("is newer than this program"), "{output:?}");
}

#[test]
fn the_shipped_experiments_are_valid() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    let folders = fs::read_dir(root.join("experiments")).unwrap();
    let files: Vec<_> = folders
        .flatten()
        .flat_map(|folder| ["experiment.yaml", "config.yaml"].map(|name| folder.path().join(name)))
        .filter(|file| file.is_file())
        .collect();
    assert!(files.len() >= 2, "{files:?}");
    for file in files {
        let read = loradeck_core::config::load_plan(&file, root, &[]);
        let (_, plan) = read.unwrap_or_else(|problems| panic!("{problems}"));
        assert!(!plan.trials.is_empty());
    }
}
