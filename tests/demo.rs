//! What `./x demo --plain` has left behind, examined: `LORADECK_DEMO` names its workspace. `.ci/run` makes
//! one and runs this; without it the tests are skipped, and said to be.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::semicolon_if_nothing_returned)]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use loradeck_core::run::{RunFolder, State, Status, Summary, Workspace};

const COMMITTED: [&str; 7] = [
    "README.md",
    "config.yaml",
    "logs/training_curve.svg",
    "metadata.csv",
    "metrics.csv",
    "report-inputs.json",
    "summary.json",
];

fn demo() -> Option<Workspace> {
    let Some(folder) = std::env::var_os("LORADECK_DEMO") else {
        assert!(std::env::var_os("LORADECK_REQUIRE_ALL").is_none(), "LORADECK_DEMO names no demo workspace");
        note_skipped();
        return None;
    };
    Some(Workspace::find(Path::new(&folder)).unwrap())
}

fn note_skipped() {
    use std::io::Write;
    if let Some(list) = std::env::var_os("LORADECK_SKIPPED") {
        let mut list = fs::OpenOptions::new().append(true).create(true).open(list).unwrap();
        writeln!(list, "tests/demo.rs: no demo was run (LORADECK_DEMO names none)").unwrap();
    }
}

fn git(workspace: &Workspace, arguments: &[&str]) -> String {
    let output = Command::new("git").args(arguments).current_dir(workspace.root()).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

fn runs(workspace: &Workspace) -> Vec<RunFolder> {
    workspace.experiment("answer-card").runs()
}

fn summary(run: &RunFolder) -> Summary {
    Summary::read(run).unwrap().unwrap()
}

fn best_eval(run: &RunFolder) -> f64 {
    summary(run).metrics["eval/loss"].best
}

fn best_run(workspace: &Workspace) -> RunFolder {
    runs(workspace).into_iter().min_by(|a, b| best_eval(a).total_cmp(&best_eval(b))).unwrap()
}

#[test]
fn four_runs_finished_and_the_best_learnt() {
    let Some(workspace) = demo() else { return };
    let runs = runs(&workspace);
    assert_eq!(runs.len(), 4);
    for run in &runs {
        assert_eq!(Status::read(run).unwrap().unwrap().state, State::Finished);
    }
    let best = &summary(&best_run(&workspace)).metrics["eval/loss"];
    assert_eq!(best.first_step, 0);
    assert!(best.best <= 0.8 * best.first, "{best:?}");
}

#[test]
fn each_run_has_one_commit_of_exactly_its_files() {
    let Some(workspace) = demo() else { return };
    for run in runs(&workspace) {
        let prefix = run.path().strip_prefix(workspace.root()).unwrap().to_string_lossy().into_owned();
        let commits = git(&workspace, &["log", "--format=%H", "--", &prefix]);
        assert_eq!(commits.lines().count(), 1, "{prefix}: {commits}");
        let id = commits.trim();
        let shown = git(&workspace, &["show", "--format=", "--name-only", id]);
        let mut files: BTreeSet<String> =
            shown.lines().map(|line| line.strip_prefix(&format!("{prefix}/")).unwrap().to_owned()).collect();
        let samples: Vec<String> =
            files.iter().filter(|name| name.starts_with("samples/")).cloned().collect();
        assert!(!samples.is_empty());
        files.retain(|name| !name.starts_with("samples/"));
        assert_eq!(files, COMMITTED.iter().map(|name| (*name).to_owned()).collect());
    }
    let subjects = git(&workspace, &["log", "--format=%s"]);
    assert_eq!(subjects.lines().count(), 6, "set-up, four runs, one comparison: {subjects}");
    assert_eq!(git(&workspace, &["status", "--porcelain"]), "");
}

#[test]
fn the_comparison_is_one_table_with_a_row_for_each_run() {
    let Some(workspace) = demo() else { return };
    let text = fs::read_to_string(workspace.experiment("answer-card").path().join("comparison.md")).unwrap();
    let lines: Vec<&str> = text.lines().collect();
    let rulers: Vec<usize> = (0..lines.len())
        .filter(|index| lines[*index].starts_with('|') && lines[*index].chars().all(|c| "|-: ".contains(c)))
        .collect();
    assert_eq!(rulers.len(), 1, "{text}");
    let rows: Vec<&&str> = lines[rulers[0] + 1..].iter().take_while(|line| line.starts_with('|')).collect();
    assert_eq!(rows.len(), 4, "{text}");
    assert!(rows.iter().any(|row| row.contains("**")), "the best is in bold: {text}");
}

#[test]
fn every_report_tells_the_story() {
    let Some(workspace) = demo() else { return };
    for run in runs(&workspace) {
        let report = fs::read_to_string(run.report()).unwrap();
        assert!(report.starts_with("# LoRA Training Report: "), "{report}");
        for field in [
            "**Base Model**",
            "**Training Data**",
            "**LoRA Rank**",
            "**Batch Size**",
            "**Learning Rate**",
            "**Epochs Completed**",
            "**Output Path**",
            "**Best Loss**",
            "What is the capital of Finland?",
            "training_curve.svg",
        ] {
            assert!(report.contains(field), "{}: {field} is missing", run.label());
        }
    }
}

/// The rule of `format.regex`: three lines, `Answer: …`, `Why: …`, `Sure: high|medium|low`.
fn is_on_a_card(answer: &str) -> bool {
    let lines: Vec<&str> = answer.trim().lines().collect();
    let filled = |line: &str, name: &str| {
        line.strip_prefix(name)
            .and_then(|rest| rest.chars().next())
            .is_some_and(|first| !first.is_whitespace())
    };
    lines.len() == 3
        && filled(lines[0], "Answer: ")
        && filled(lines[1], "Why: ")
        && ["Sure: high", "Sure: medium", "Sure: low"].contains(&lines[2])
}

fn answers(workspace: &Workspace, run: &RunFolder, base_only: bool) -> Vec<String> {
    let trainer = std::env::var_os("LORADECK_TRAIN").map_or_else(|| beside("loradeck-train"), PathBuf::from);
    let mut command = Command::new(trainer);
    command.arg("sample").arg(run.path()).arg("--json").current_dir(workspace.root()).arg("--prompts");
    command.arg(workspace.experiment("answer-card").path().join("held-out-prompts.txt"));
    if base_only {
        command.arg("--base-only");
    }
    let output = command.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let parsed: Vec<serde_json::Value> = serde_json::from_slice(&output.stdout).unwrap();
    parsed.iter().map(|one| one["answer"].as_str().unwrap().to_owned()).collect()
}

fn beside(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("target/release").join(name)
}

#[test]
fn the_best_run_answers_in_the_taught_format_and_the_base_does_not() {
    let Some(workspace) = demo() else { return };
    let best = best_run(&workspace);
    let share = |base_only| {
        let answers = answers(&workspace, &best, base_only);
        assert_eq!(answers.len(), 20);
        answers.iter().filter(|answer| is_on_a_card(answer)).count() as f64 / answers.len() as f64
    };
    let (trained, base) = (share(false), share(true));
    assert!(trained >= 0.95, "trained: {trained}");
    assert!(base <= 0.10, "base: {base}");
}

#[test]
fn release_programs_hold_no_crash_points() {
    if demo().is_none() {
        return;
    }
    for program in ["loradeck", "loradeck-train"] {
        let bytes = fs::read(beside(program)).unwrap();
        let holds = |text: &[u8]| bytes.windows(text.len()).any(|window| window == text);
        assert!(holds(b"experiments"), "{program} was not read");
        assert!(!holds(b"LORADECK_CRASH_AT") && !holds(b"dispatch.after-claim"), "{program}");
    }
}

#[test]
fn the_seeds_very_keys_train_in_the_foreground() {
    let Some(workspace) = demo() else { return };
    let folder = tempfile::tempdir().unwrap();
    let shipped = Path::new(env!("CARGO_MANIFEST_DIR")).join("experiments/lighthouse");
    std::os::unix::fs::symlink(workspace.root().join("models"), folder.path().join("models")).unwrap();
    fs::create_dir_all(folder.path().join("experiments")).unwrap();
    std::os::unix::fs::symlink(&shipped, folder.path().join("experiments/lighthouse")).unwrap();
    let trained = Command::new(beside("loradeck-train"))
        .args(["--config", "experiments/lighthouse/config.yaml"])
        .current_dir(folder.path())
        .output()
        .unwrap();
    assert!(trained.status.success(), "{}", String::from_utf8_lossy(&trained.stderr));
    let left = folder.path().join("output/lighthouse_lora");
    for name in [
        "config.yaml",
        "metadata.csv",
        "logs/train.log",
        "checkpoints/pytorch_lora_weights.safetensors",
        "checkpoints/adapter_model.safetensors",
        "checkpoints/step-00000006",
        "README.md",
    ] {
        assert!(left.join(name).exists(), "{name} is missing");
    }
    let logs = fs::read_dir(left.join("logs")).unwrap().flatten();
    assert!(
        logs.into_iter().any(|entry| entry.file_name().to_string_lossy().starts_with("events.out.tfevents"))
    );
    let report = fs::read_to_string(left.join("README.md")).unwrap();
    assert!(report.starts_with("# LoRA Training Report: lighthouse_lora"), "{report}");
}
