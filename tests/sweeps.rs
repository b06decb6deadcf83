//! Sweeps as a person types them: the space, the trials and their cost are shown before anything is queued.

#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;
#[path = "support/tiny_model.rs"]
mod tiny_model;

use std::fs;
use std::io::{Read, Write};
use std::process::Output;

use loradeck_core::run::{Summary, Workspace};
use portable_pty::{CommandBuilder, PtySize, native_pty_system};
use serde_json::Value;
use support::Deck;

/// A workspace with an experiment `style` of 12 samples, whose file ends in `sweep`.
fn deck(sweep: &str) -> Deck {
    let deck = Deck::new();
    let root = deck.workspace.root().to_path_buf();
    tiny_model::write_model(&root.join("models/tiny"));
    tiny_model::write_data(&root.join("experiments/style/data/train.jsonl"), 12);
    let file = format!("base_model: models/tiny\nbatch_size: 2\nmax_steps: 10\neval_split: 0.25\n{sweep}");
    fs::write(root.join("experiments/style/experiment.yaml"), file).unwrap();
    deck
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

fn told(output: &Output) -> String {
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    text(&output.stdout)
}

fn refused(output: &Output) -> String {
    assert_eq!(output.status.code(), Some(2), "{output:?}");
    text(&output.stderr)
}

fn queued(deck: &Deck) -> usize {
    deck.workspace.experiment("style").runs().len()
}

const RANDOM: &str = "\
sweep:
  program: train.py
  method: random
  run_cap: 30
  metric: {name: eval/loss, goal: minimize}
  parameters:
    learning_rate: {distribution: log_uniform_values, min: 1.0e-5, max: 1.0e-3}
    lora_rank: {values: [4, 8]}
    lora_alpha: {values: [8, 16]}
  when: {lora_alpha: {lora_rank: 8}}
  early_terminate: {type: hyperband, min_iter: 3}
";

#[test]
fn a_search_is_shown_whole_before_it_draws_anything() {
    let deck = deck(RANDOM);
    let shown = deck.run(&["check", "style"]);
    let expected = "\
style: up to 30 runs, drawn one by one while the sweep runs (random, random_seed 0)
      learning_rate: 1e-5 to 1e-3 (log_uniform_values)
      lora_rank: 4, 8
      lora_alpha: 8, 16 where lora_rank is 8
decided by eval/loss: lower is better
ends early by asha: after 3 values of the metric and each 3 times as many one run of 3 continues, by its best value so far
 e.g. learning_rate=1e-4 lora_rank=8 lora_alpha=16  10 steps (5 an epoch), ";
    let output = told(&shown);
    assert!(output.starts_with(expected), "{output}");
    assert!(output.contains("\ncost: at most 300 steps in 30 runs; no earlier run"), "{output}");
    let warning = "warning: experiments/style/experiment.yaml:6:3: sweep.program: is ignored: the experiment says what is trained\n";
    assert_eq!(text(&shown.stderr), warning);
    assert_eq!(queued(&deck), 0);
}

#[test]
fn a_search_is_followed_through_the_trials_that_it_makes() {
    let deck = deck("notes: finish\n");
    let arguments = [
        "run",
        "style",
        "rank=interval(4,64)",
        "sweep.run_cap=3",
        "sweep.random_seed=7",
        "--wait",
        "--plain",
    ];
    let shown = told(&deck.run(&arguments));
    assert!(shown.contains("started sweep style:1 (`loradeck sweep pause style:1` pauses it)"), "{shown}");
    for run in deck.workspace.experiment("style").runs() {
        assert!(shown.contains(&format!("{}: finished", run.label())), "{shown}");
    }
    assert_eq!(queued(&deck), 3);
    // Drawn by one seed, the ranks are the same ones each time.
    let again = told(&deck.run(&arguments));
    let ranks = |number: usize| {
        let runs = deck.workspace.experiment("style").runs();
        runs[number * 3..][..3].iter().map(|run| run.name()[5..].to_owned()).collect::<Vec<_>>()
    };
    assert!(again.contains("started sweep style:2"), "{again}");
    assert_eq!(ranks(0), ranks(1));
}

#[test]
fn a_dry_run_lists_every_trial_and_scripts_get_the_plan() {
    let deck = deck("");
    let arguments =
        ["run", "style", "rank=4,8", "lr=1e-4,2e-4", "sweep.zip=[[rank, lr]]", "sweep.seeds=2", "--dry-run"];
    let expected = "\
style: 4 runs (grid)
      lora_rank + learning_rate: 4 + 1e-4, 8 + 2e-4
      each with the seeds 0 to 1
   1  lora_rank=4 learning_rate=1e-4 seed=0
   2  lora_rank=4 learning_rate=1e-4 seed=1
   3  lora_rank=8 learning_rate=2e-4 seed=0
   4  lora_rank=8 learning_rate=2e-4 seed=1
cost: 40 steps in 4 runs; no earlier run of the experiment to estimate the time from
";
    assert_eq!(told(&deck.run(&arguments)), expected);
    let answer: Value =
        serde_json::from_str(&told(&deck.run(&[&arguments[..], &["--json"]].concat()))).unwrap();
    assert_eq!(answer["trials"].as_array().unwrap().len(), 4);
    assert_eq!(answer["search"]["space"][0]["keys"], serde_json::json!(["lora_rank", "learning_rate"]));
    assert_eq!((&answer["cost"]["steps"], &answer["search"]["seeds"]), (&Value::from(40), &Value::from(2)));
    assert_eq!(queued(&deck), 0);
}

/// A finished run of the experiment in 5 s for 10 steps.
fn leave_a_finished_run(workspace: &Workspace) {
    let run =
        loradeck_core::run::RunFolder::new(workspace.experiment("style").runs_folder().join("0001-earlier"));
    fs::create_dir_all(run.path()).unwrap();
    let summary = serde_json::json!({
        "format": 1, "attempt": 1, "outcome": "finished", "step": 10, "total_steps": 10, "epoch": 1.0, "tokens": 100,
        "seconds": 5.0, "started": "2026-01-01T00:00:00Z", "updated": "2026-01-01T00:00:05Z",
    });
    fs::write(run.summary(), summary.to_string()).unwrap();
    assert!(Summary::read(&run).unwrap().is_some());
}

#[test]
fn earlier_runs_tell_how_long_it_takes() {
    let deck = deck("sweep: {parameters: {lora_rank: {values: [4, 8, 16]}}}\n");
    leave_a_finished_run(&deck.workspace);
    let shown = told(&deck.run(&["check", "style"]));
    let cost = "cost: 30 steps in 3 runs, about 0:15 one after another (0.5000 s a step in the experiment's 1 earlier runs)";
    assert!(shown.contains(cost), "{shown}");
}

#[test]
fn a_submitted_sweep_keeps_what_further_trials_are_made_of() {
    let deck = deck("sweep: {parameters: {lora_rank: {values: [4, 8]}}, seeds: 1}\n");
    let shown = told(&deck.run(&["run", "style", "--hold"]));
    assert!(shown.contains("   2  lora_rank=8 seed=0\ncost: 20 steps in 2 runs"), "{shown}");
    let text = fs::read_to_string(deck.workspace.experiment("style").sweeps().join("01/sweep.json")).unwrap();
    let kept: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(kept["method"], "grid");
    let search: loradeck_core::config::SearchPlan = serde_json::from_value(kept["search"].clone()).unwrap();
    let further = [("lora_rank", 32), ("seed", 5)]
        .map(|(key, value)| (key.to_owned(), loradeck_core::config::Value::Whole(value)));
    let trial = search.trial_of(&further.into()).unwrap();
    assert_eq!((trial.label(), trial.settings.max_steps), ("lora_rank=32 seed=5".to_owned(), Some(10)));
}

#[test]
fn a_list_of_trials_lies_where_other_paths_do() {
    let deck = deck("sweep: {trials: experiments/style/trials.csv}\n");
    let gone = refused(&deck.run(&["check", "style"]));
    assert!(
        gone.contains("experiment.yaml:5:17: sweep.trials: 'experiments/style/trials.csv' cannot be read: "),
        "{gone}"
    );
    let csv = deck.workspace.root().join("experiments/style/trials.csv");
    fs::write(&csv, "lora_rank,learning_rate\n4,1e-3\nsix,1e-3\n").unwrap();
    assert_eq!(
        refused(&deck.run(&["check", "style"])),
        "experiments/style/trials.csv:3:1: lora_rank: 'six' is no whole number\n"
    );
    fs::write(&csv, "lora_rank,learning_rate\n4,1e-3\n6,\n").unwrap();
    let shown = told(&deck.run(&["run", "style", "--dry-run"]));
    assert!(shown.contains("   1  lora_rank=4 learning_rate=1e-3\n   2  lora_rank=6\n"), "{shown}");
}

/// What a terminal shows of `run`, after `answer` was typed.
fn on_a_terminal(deck: &Deck, arguments: &[&str], answer: &str) -> String {
    let pair = native_pty_system()
        .openpty(PtySize { rows: 40, cols: 120, pixel_width: 0, pixel_height: 0 })
        .unwrap();
    let prepared = deck.command(arguments);
    let mut command = CommandBuilder::new(prepared.get_program());
    command.args(prepared.get_args());
    command.cwd(prepared.get_current_dir().unwrap());
    for (name, value) in prepared.get_envs() {
        match value {
            Some(value) => command.env(name, value),
            None => command.env_remove(name),
        }
    }
    let mut child = pair.slave.spawn_command(command).unwrap();
    drop(pair.slave);
    let mut reader = pair.master.try_clone_reader().unwrap();
    // Typed before the question: a terminal keeps what it is given.
    pair.master.take_writer().unwrap().write_all(answer.as_bytes()).unwrap();
    let mut shown = Vec::new();
    // A terminal whose other end is gone ends in an error.
    let _ = reader.read_to_end(&mut shown);
    assert!(child.wait().unwrap().success());
    String::from_utf8_lossy(&shown).into_owned()
}

#[test]
fn many_runs_are_asked_about_on_a_terminal() {
    let deck = deck("");
    let hold = ["run", "style", "seed=range(51)", "--hold"];
    let shown = on_a_terminal(&deck, &hold, "n\n");
    assert!(shown.contains("queue these 51 runs? [y/N]") && shown.contains("nothing was queued"), "{shown}");
    assert_eq!(queued(&deck), 0);
    let few = on_a_terminal(&deck, &["run", "style", "seed=range(3)", "--hold"], "");
    assert!(!few.contains("[y/N]"), "{few}");
    assert_eq!(queued(&deck), 3);
    assert!(on_a_terminal(&deck, &hold, "y\n").contains("[y/N]"));
    assert_eq!(queued(&deck), 54);
    assert!(!on_a_terminal(&deck, &[&hold[..], &["--yes"]].concat(), "").contains("[y/N]"));
    assert_eq!(queued(&deck), 105);
}

/// The fenced blocks of a page in that language.
fn blocks(page: &str, language: &str) -> Vec<String> {
    let fence = format!("```{language}\n");
    page.split(&fence).skip(1).map(|rest| rest.split("```").next().unwrap().to_owned()).collect()
}

/// A line as a shell takes it apart, of which single quotes are all that is needed.
fn words(line: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut is_quoted = false;
    for character in line.chars() {
        match character {
            '\'' => is_quoted = !is_quoted,
            ' ' if !is_quoted => words.push(String::new()),
            other => words.last_mut().unwrap().push(other),
        }
    }
    words
}

const PAGE: &str = include_str!("../docs/sweeps.md");

#[test]
fn every_sweep_of_the_page_is_as_it_says() {
    let sweeps = blocks(PAGE, "yaml");
    assert!(sweeps.len() >= 4, "{sweeps:?}");
    let counts = ["6 runs (grid)", "up to 40 runs", "10 runs (grid)", "3 runs (grid)"];
    for (sweep, count) in sweeps.iter().zip(counts) {
        let deck = deck(sweep);
        let output = deck.run(&["check", "style"]);
        let shown = told(&output);
        assert!(shown.starts_with(&format!("style: {count}")), "{sweep}\n{shown}");
        assert_eq!(text(&output.stderr), "", "{sweep}");
    }
}

#[test]
fn every_command_of_the_page_answers_as_it_says() {
    let deck = deck("");
    let mut answered = 0;
    for command in blocks(PAGE, "console").iter().flat_map(|block| block.split("$ loradeck ").skip(1)) {
        let (line, expected) = command.split_once('\n').unwrap();
        let words = words(line);
        let output = deck.run(&words.iter().map(String::as_str).collect::<Vec<_>>());
        assert_eq!(told(&output), expected, "{line}");
        answered += 1;
    }
    assert_eq!(answered, 2);
}

#[test]
fn the_page_names_every_distribution() {
    let schema: Value = serde_json::from_str(&text(&deck("").run(&["schema"]).stdout)).unwrap();
    let ways = &schema["properties"]["sweep"]["anyOf"][0]["properties"]["parameters"]["properties"]["learning_rate"]
        ["anyOf"];
    let named = ways.as_array().unwrap().iter().flat_map(|way| {
        way["properties"]["distribution"]["enum"]
            .as_array()
            .unwrap()
            .iter()
            .map(|name| name.as_str().unwrap())
    });
    let unnamed: Vec<&str> = named.filter(|name| !PAGE.contains(&format!("`{name}`"))).collect();
    assert_eq!(unnamed, ["categorical_w_probabilities", "constant"], "said as probabilities and value");
}
