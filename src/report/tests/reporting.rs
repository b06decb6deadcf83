//! One run's report.

use std::fs;
use std::path::Path;

use loradeck_core::run::{RunFolder, State};

use super::{Lab, Made};
use crate::report::{ReportError, commit_message_for, committed_files, write_report, write_run_report};

fn report_of(lab: &Lab, run: &RunFolder) -> String {
    write_run_report(&lab.workspace, run).unwrap();
    fs::read_to_string(run.report()).unwrap()
}

/// The lines of the table that begins with `header`.
fn table<'a>(report: &'a str, header: &str) -> Vec<&'a str> {
    report
        .lines()
        .skip_while(|line| !line.starts_with(header))
        .take_while(|line| line.starts_with('|'))
        .collect()
}

#[test]
fn a_report_has_the_fields_that_readers_know() {
    let lab = Lab::new();
    let report = report_of(&lab, &lab.run(&Made::default()));
    assert!(report.starts_with("# LoRA Training Report: answer-card/0001-rank-8\n"), "{report}");
    for line in [
        "- **Base Model**: `models/SmolLM2-135M-Instruct.Q4_1.gguf`",
        "- **Training Data**: 192 samples (15,136 tokens) from `experiments/answer-card/data/train.jsonl`",
        "- **LoRA Rank**: 8 (alpha 16 on `qkv`, 460,800 trained parameters)",
        "- **Batch Size**: 8",
        "- **Learning Rate**: 2e-3 (cosine after 2 steps of warm-up)",
        "- **Epochs Completed**: 1 (24 of 24 steps)",
        "- **Output Path**: `experiments/answer-card/runs/0001-rank-8`",
        "- **Best Loss**: 0.8412 (step 24, validation)",
        "![Loss over training steps](logs/training_curve.svg)",
        "loradeck run answer-card/0001-rank-8",
        "git checkout 0123456789abcdef0123456789abcdef01234567",
    ] {
        assert!(report.lines().any(|known| known == line), "{line}\n\n{report}");
    }
    assert!(report.contains("fell from 2.314 to **0.8412** (−63.6 %), reached at step 24"));
    assert!(report.contains("SURE: yes") && report.contains("gguf_file=\"SmolLM2-135M-Instruct.Q4_1.gguf\""));
    let rows = table(&report, "| Steps |");
    assert_eq!(rows.len(), 2 + 6, "{rows:#?}");
    assert!(rows[2].starts_with("| before training | – | 2.314 |"), "{rows:#?}");
    assert!(!report.contains("\n\n\n"), "{report}");
}

#[test]
fn a_metric_that_ends_as_no_number_is_told_first() {
    let lab = Lab::new();
    let run = lab.run(&Made::default());
    let mut summary = loradeck_core::run::Summary::read(&run).unwrap().unwrap();
    summary.not_finite.insert("eval/loss".into(), 16);
    summary.not_finite.insert("eval/accuracy".into(), 0);
    summary.write(&run, loradeck_core::file::Durability::Renamed).unwrap();
    let report = report_of(&lab, &run);
    assert!(report.contains("**Not a number**: the eval/accuracy was never finite; the validation loss is not finite from step 16 on (best before: 0.8412 at step 24)."), "{report}");
    assert!(!report.contains("more steps may still help") && !report.contains("nothing unusual"), "{report}");
}

#[test]
fn the_committed_files_alone_make_the_same_report() {
    let lab = Lab::new();
    let run = lab.run(&Made::default());
    lab.run(&Made { name: "0002-rank-16", rank: 16, ..Made::default() });
    let files = write_run_report(&lab.workspace, &run).unwrap();
    assert_eq!(files, committed_files(&run));
    let elsewhere = Lab::new();
    let copy = RunFolder::new(elsewhere.experiment.runs_folder().join(run.name()));
    for file in &files {
        let target = copy.path().join(file.strip_prefix(run.path()).unwrap());
        fs::create_dir_all(target.parent().unwrap()).unwrap();
        fs::copy(file, target).unwrap();
    }
    let kept = [copy.report(), copy.training_curve()];
    for path in kept {
        fs::remove_file(path).unwrap();
    }
    let again = write_run_report(&elsewhere.workspace, &copy).unwrap();
    assert_eq!(again.len(), files.len());
    for (made, known) in again.iter().zip(&files) {
        assert_eq!(fs::read(made).unwrap(), fs::read(known).unwrap(), "{}", made.display());
    }
}

#[test]
fn what_was_tidied_away_stays_in_the_report() {
    let lab = Lab::new();
    let run = lab.run(&Made::default());
    let report = report_of(&lab, &run);
    let curve = fs::read(run.training_curve()).unwrap();
    for folder in [run.logs(), run.attempts(), run.checkpoints()] {
        fs::remove_dir_all(folder).unwrap();
    }
    assert_eq!(report_of(&lab, &run), report);
    assert_eq!(fs::read(run.training_curve()).unwrap(), curve);
}

#[test]
fn a_file_too_large_for_git_is_named_instead() {
    let lab = Lab::new();
    let run = lab.run(&Made::default());
    fs::write(run.metadata(), format!("split,file,line,tokens\n{}", "train,a.jsonl,1,50\n".repeat(60_000)))
        .unwrap();
    let files = write_run_report(&lab.workspace, &run).unwrap();
    assert!(!files.contains(&run.metadata()) && files.contains(&run.summary()));
    let report = fs::read_to_string(run.report()).unwrap();
    assert!(report.contains("- Too large for git: `metadata.csv` (1.1 MiB, SHA-256 `"), "{report}");
    assert!(report.contains("60,000 samples (3,000,000 tokens)"));
}

#[test]
fn writing_it_again_changes_nothing() {
    let lab = Lab::new();
    let run = lab.run(&Made::default());
    let read = || -> Vec<Vec<u8>> {
        write_run_report(&lab.workspace, &run).unwrap().iter().map(|path| fs::read(path).unwrap()).collect()
    };
    assert_eq!(read(), read());
}

#[test]
fn siblings_stand_beside_the_run_best_first() {
    let lab = Lab::new();
    let run = lab.run(&Made::default());
    lab.run(&Made { name: "0002-rank-4", rank: 4, evaluation: [2.314, 1.9, 1.7, 1.6], ..Made::default() });
    lab.run(&Made { name: "0003-lr", rate: 5e-4, evaluation: [2.314, 0.9, 0.8, 0.7], ..Made::default() });
    let report = report_of(&lab, &run);
    let rows = table(&report, "| Run |");
    assert_eq!(rows[0], "| Run | `lora_rank` | `learning_rate` | Best validation loss | Step | State |");
    assert_eq!(rows[2], "| [0003-lr](../0003-lr/README.md) | 8 | 5e-4 | 0.7000 | 24 | finished |");
    assert!(rows[3].starts_with("| **0001-rank-8** | **8** | **2e-3** | **0.8412** |"), "{rows:#?}");
    assert!(rows[4].starts_with("| [0002-rank-4]"));
    assert!(report.contains("It came 2nd of the 3 runs of its sweep that had ended well by then."));
}

#[test]
fn runs_of_another_sweep_do_not_stand_beside_it() {
    let lab = Lab::new();
    let run = lab.run(&Made::default());
    let other = lab.run(&Made { name: "0002-other-sweep", rank: 4, ..Made::default() });
    let config = fs::read_to_string(other.config()).unwrap();
    fs::write(other.config(), config.replace("  sweep: 1\n", "  sweep: 2\n")).unwrap();
    lab.run(&Made { name: "0003-same-sweep", rank: 16, ..Made::default() });
    let report = report_of(&lab, &run);
    assert_eq!(table(&report, "| Run |").len(), 2 + 2);
    assert!(
        report.contains("It was the best of the 2 runs of its sweep") && !report.contains("0002-other-sweep")
    );
}

#[test]
fn a_failed_run_says_so_first() {
    let lab = Lab::new();
    let run = lab.run(&Made { state: State::Failed, ..Made::default() });
    let report = report_of(&lab, &run);
    let first = report.lines().nth(2).unwrap();
    assert_eq!(first, "**This run failed** (a value was not finite): the loss of step 9 is NaN.");
    assert!(
        report.contains("**the loss was not finite at step 9, in a batch of train.jsonl:7, train.jsonl:9**")
    );
    assert!(report.contains("not finite at step 9"));
    assert!(report.contains("where it was still improving"));
    assert_eq!(
        commit_message_for(&run).unwrap(),
        "Report of answer-card/0001-rank-8: failed\n\nbest eval/loss: 1.420 at step 8\n9 of 24 steps in 61 s\n\
         lora_rank=8, learning_rate=0.002\n"
    );
}

#[test]
fn hostile_texts_stay_texts() {
    let lab = Lab::new();
    let run = lab.run(&Made {
        config: "run_name: \"<script>alert(1)</script> | # a\"\nnotes: \"| x |\\n# Heading\\n<img src=x>\"\nversion: \"`v`\"\n",
        answer: "```\n# Heading\n<b>bold</b>\n| a | b |",
        ..Made::default()
    });
    let report = report_of(&lab, &run);
    // In a code span it is text; anywhere else it would be HTML.
    let as_code = "| **`run_name`** | `<script>alert(1)</script> \\| # a` |";
    assert!(report.contains(as_code) && report.matches("<script").count() == 1, "{report}");
    assert!(!report.contains("<img"), "{report}");
    assert_eq!(
        report.lines().filter(|line| line.starts_with("# ")).count(),
        2,
        "title and the sample's own line"
    );
    assert!(report.contains("````text\n```\n# Heading\n<b>bold</b>\n| a | b |\n````"));
    assert!(report.contains("> \\| x \\|\n> \\# Heading\n> &lt;img src=x&gt;\n"));
    let columns = |line: &&str| line.replace("\\|", "").matches('|').count();
    let settings = table(&report, "| Key |");
    assert!(settings.iter().all(|line| columns(line) == 4), "{settings:#?}");
}

#[test]
fn a_run_without_measurements_still_has_a_report() {
    let lab = Lab::new();
    let run = lab.run(&Made::default());
    for path in [run.summary(), run.metadata()] {
        fs::remove_file(path).unwrap();
    }
    for folder in [run.logs(), run.samples(), run.checkpoints()] {
        fs::remove_dir_all(folder).unwrap();
    }
    let report = report_of(&lab, &run);
    assert!(report.contains("It ended before anything was measured."));
    assert!(!report.contains("Training performance") && !report.contains("Best Loss"));
    assert!(!report.contains("\n\n\n"), "{report}");
}

#[test]
fn a_bare_output_folder_is_reported_by_itself() {
    let lab = Lab::new();
    let run = lab.run(&Made { config: "output_dir: ./output/my_style_lora\n", ..Made::default() });
    fs::remove_file(run.status()).unwrap();
    // Wherever it lies, inside a workspace or not.
    let folder = lab.workspace.root().join("output/my_style_lora");
    fs::create_dir_all(folder.parent().unwrap()).unwrap();
    fs::rename(run.path(), &folder).unwrap();
    let run = RunFolder::new(folder);
    write_report(Some(&lab.workspace), &run).unwrap();
    let within = fs::read(run.report()).unwrap();
    write_report(None, &run).unwrap();
    assert_eq!(fs::read(run.report()).unwrap(), within);
    let report = fs::read_to_string(run.report()).unwrap();
    assert!(report.starts_with("# LoRA Training Report: my_style_lora\n"));
    assert!(report.contains("- **Output Path**: `./output/my_style_lora`"));
    assert!(report.contains("loradeck-train --config ./output/my_style_lora/config.yaml --overwrite"));
    let nothing = RunFolder::new(Path::new("/nonexistent/run"));
    assert!(matches!(write_report(None, &nothing), Err(ReportError::Nothing(_))));
}

#[test]
fn a_workspaces_own_template_is_taken_and_its_mistakes_are_named() {
    let lab = Lab::new();
    let run = lab.run(&Made::default());
    fs::create_dir(lab.workspace.templates()).unwrap();
    let own = lab.workspace.templates().join("report.md.j2");
    fs::write(&own, "{{ name }} has {{ facts | length }} facts\n").unwrap();
    assert_eq!(report_of(&lab, &run), "answer-card/0001-rank-8 has 8 facts\n");
    fs::write(&own, "one\n{{ nmae }}\n").unwrap();
    let error = write_run_report(&lab.workspace, &run).unwrap_err().to_string();
    assert!(error.starts_with("template report.md.j2:2: "), "{error}");
}

/// Not a check: leaves a report and a comparison to look at, where a folder is given.
#[test]
fn reports_to_look_at() {
    let Ok(folder) = std::env::var("LORADECK_PICTURES") else { return };
    let lab = Lab::new();
    let run = lab.run(&Made::default());
    lab.run(&Made { name: "0002-rank-4", rank: 4, evaluation: [2.314, 1.9, 1.7, 1.6], ..Made::default() });
    lab.run(&Made {
        name: "0003-lr-5e-4",
        rate: 5e-4,
        evaluation: [2.314, 1.8, 1.6, 1.55],
        ..Made::default()
    });
    lab.run(&Made { name: "0004-bad", rank: 4, rate: 5e-2, state: State::Failed, ..Made::default() });
    for run in lab.experiment.runs() {
        write_run_report(&lab.workspace, &run).unwrap();
    }
    write_run_report(&lab.workspace, &run).unwrap();
    crate::report::write_comparison(&lab.workspace, &lab.experiment).unwrap();
    let status = std::process::Command::new("cp").arg("-r").arg(lab.experiment.path()).arg(folder).status();
    assert!(status.unwrap().success());
}
