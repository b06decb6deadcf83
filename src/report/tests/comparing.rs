//! An experiment's comparison.

use std::fs;

use loradeck_core::run::State;

use super::{Lab, Made};
use crate::report::comparison::{Comparison, gather, to_csv, to_json, to_terminal};
use crate::report::{comparison_message_for, write_comparison, write_run_report};

fn sweep() -> Lab {
    let lab = Lab::new();
    lab.run(&Made {
        name: "0001-a",
        rank: 4,
        rate: 5e-4,
        evaluation: [2.3, 2.0, 1.8, 1.7],
        ..Made::default()
    });
    lab.run(&Made {
        name: "0002-b",
        rank: 8,
        rate: 5e-4,
        evaluation: [2.3, 1.9, 1.7, 1.6],
        ..Made::default()
    });
    lab.run(&Made { name: "0003-c", rank: 4, rate: 2e-3, state: State::Failed, ..Made::default() });
    lab.run(&Made {
        name: "0004-d",
        rank: 8,
        rate: 2e-3,
        evaluation: [2.3, 1.2, 0.9, 0.8],
        ..Made::default()
    });
    lab
}

fn compared(lab: &Lab) -> Comparison {
    let runs = lab.experiment.runs();
    let runs = runs.iter().filter_map(|run| gather(run, run.name()).unwrap());
    Comparison::new("answer-card", runs.collect(), None)
}

#[test]
fn the_comparison_is_one_table_with_one_row_a_run() {
    let lab = sweep();
    for run in lab.experiment.runs() {
        write_run_report(&lab.workspace, &run).unwrap();
    }
    let files = write_comparison(&lab.workspace, &lab.experiment).unwrap();
    let names: Vec<_> = files
        .iter()
        .map(|path| path.strip_prefix(lab.experiment.path()).unwrap().display().to_string())
        .collect();
    assert_eq!(
        names,
        [
            "comparison.csv",
            "comparison.md",
            "curves/eval-loss.svg",
            "curves/train-loss.svg",
            "experiment.yaml"
        ]
    );
    let text = fs::read_to_string(lab.experiment.path().join("comparison.md")).unwrap();
    let table: Vec<_> = text.lines().filter(|line| line.starts_with('|')).collect();
    assert_eq!(table.len(), 2 + 4, "{text}");
    assert!(table[2].starts_with("| [0004-d](runs/0004-d/README.md) "), "{text}");
    assert!(table[2].contains("| **0.8000** ") && !table[3].contains("**"), "{text}");
    assert!(
        table[5].starts_with("| [0003-c]") && table[5].contains("failed: the loss of step 9 is NaN"),
        "{text}"
    );
    let titles = ["Run", "`lora_rank`", "`learning_rate`", "Best validation loss", "at step"];
    let cells: Vec<_> = table[0].split('|').map(str::trim).filter(|cell| !cell.is_empty()).collect();
    assert_eq!(&cells[..5], &titles);
    assert!(text.contains("4 runs that differ in `lora_rank`, `learning_rate`, as of 2026-11-24 22:31 UTC."));
    assert!(text.contains("The best is [0004-d](runs/0004-d/README.md)"), "{text}");
    assert!(!text.contains("\n\n\n"), "{text}");
}

#[test]
fn writing_it_again_changes_nothing() {
    let lab = sweep();
    let read = || -> Vec<Vec<u8>> {
        write_comparison(&lab.workspace, &lab.experiment)
            .unwrap()
            .iter()
            .map(|path| fs::read(path).unwrap())
            .collect()
    };
    assert_eq!(read(), read());
}

#[test]
fn what_matters_most_stands_first() {
    let effects = compared(&sweep()).effects();
    let keys: Vec<_> = effects.iter().map(|effect| effect.key.as_str()).collect();
    assert_eq!(keys, ["learning_rate", "lora_rank"]);
}

#[test]
fn csv_json_and_terminal_say_the_same() {
    let comparison = compared(&sweep());
    let csv = to_csv(&comparison);
    assert!(
        csv.starts_with(
            "run,state,lora_rank,learning_rate,eval/loss best,eval/loss best_step,eval/loss last,"
        )
    );
    assert!(csv.lines().nth(1).unwrap().starts_with("0004-d,finished,8,"), "{csv}");
    let json = to_json(&comparison);
    assert_eq!(json["metric"], "eval/loss");
    assert_eq!(json["runs"][0]["name"], "0004-d");
    assert_eq!(json["runs"][3]["state"], "failed");
    let terminal = to_terminal(&comparison);
    assert_eq!(terminal.lines().count(), 5);
    assert!(terminal.lines().nth(1).unwrap().contains("0.8000*"), "{terminal}");
    assert_eq!(
        comparison_message_for(&sweep().experiment).unwrap(),
        "Comparison of answer-card: 4 runs\n\nbest: 0004-d with eval/loss 0.8000\n"
    );
}

#[test]
fn sorting_by_another_metric_and_nothing_at_all() {
    let lab = sweep();
    let runs: Vec<_> =
        lab.experiment.runs().iter().filter_map(|run| gather(run, run.name()).unwrap()).collect();
    let by_training = Comparison::new("x", runs, Some("train/loss"));
    assert_eq!(by_training.metric, "train/loss");
    assert_eq!(by_training.other_metrics(), ["eval/loss"]);
    let empty = Comparison::new("x", Vec::new(), None);
    assert!(empty.best().is_none() && empty.effects().is_empty());
    let lab = Lab::new();
    write_comparison(&lab.workspace, &lab.experiment).unwrap();
    let text = fs::read_to_string(lab.experiment.path().join("comparison.md")).unwrap();
    assert_eq!(text.lines().filter(|line| line.starts_with('|')).count(), 2, "{text}");
}
