//! The program on a tiny model: outcomes, checkpoints, stops, resumes, requests.
#![allow(clippy::unwrap_used, missing_docs)]

mod resume;
#[path = "../support/mod.rs"]
mod support;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use loradeck_core::run::{
    Deed, JournalEntry, Outcome, Request, RunFolder, Summary, post_request, read_journal,
};
use loradeck_core::time::Moment;
use support::Bench;

const PROGRAM: &str = env!("CARGO_BIN_EXE_loradeck-train");

fn program(arguments: &[&str]) -> Command {
    let mut command = Command::new(PROGRAM);
    command.args(arguments).env("LORADECK_DEVICE", "cpu").env("OMP_WAIT_POLICY", "passive");
    command.env_remove("LORADECK_CRASH_AT").env_remove("LORADECK_TRAIN_LOCK_INHERITED");
    command
}

fn attempt(run: &Path, number: u32) -> Command {
    program(&["--run", run.to_str().unwrap(), "--attempt", &number.to_string()])
}

fn overriding(run: &Path, number: u32, overrides: &[&str]) {
    let record = serde_json::json!({
        "attempt": number, "host": "h", "boot_id": "b", "devices": ["cpu"], "program": "test",
        "overrides": overrides, "time": Moment::now(),
    });
    fs::create_dir_all(run.join("attempts")).unwrap();
    fs::write(run.join(format!("attempts/{number:02}.json")), record.to_string()).unwrap();
}

fn train(run: &Path, number: u32) -> Output {
    attempt(run, number).output().unwrap()
}

fn code(output: &Output) -> i32 {
    output.status.code().unwrap_or(-1)
}

fn told(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

fn summary(run: &Path) -> Summary {
    Summary::read(&RunFolder::new(run)).unwrap().unwrap()
}

fn entries(run: &Path, kind: &str) -> Vec<JournalEntry> {
    let journal = read_journal(&RunFolder::new(run));
    journal.entries.into_iter().filter(|entry| entry.kind == kind).collect()
}

/// Trains a fresh run to its end; the sha256 of its weights.
fn straight(bench: &Bench, name: &str, extra: &str) -> (PathBuf, String) {
    let run = bench.run(name, extra);
    let output = train(&run, 1);
    assert_eq!(code(&output), 0, "{}", told(&output));
    let sha256 = summary(&run).weights_sha256.unwrap();
    (run, sha256)
}

fn wait_for(what: &str, mut condition: impl FnMut() -> bool) {
    let until = Instant::now() + Duration::from_mins(2);
    while !condition() {
        assert!(Instant::now() < until, "waited in vain for {what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

fn terminate(child: &Child) {
    let pid = rustix::process::Pid::from_child(child);
    rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
}

/// Starts an attempt and waits until it has done `steps` steps or more.
fn started(run: &Path, number: u32, steps: u64) -> Child {
    let child = attempt(run, number).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    wait_for("the first steps", || {
        let saved = entries(run, "checkpoint").into_iter().filter(|entry| entry.attempt == number);
        saved.filter_map(|entry| entry.step).any(|step| step >= steps)
    });
    child
}

#[test]
fn a_run_leaves_everything_that_it_should() {
    let bench = Bench::new();
    let extra = "max_steps: 6\neval_steps: 3\nsave_steps: 2\nkeep_checkpoints: 2\nsample_prompts: [where is the cat]\n";
    let (run, sha256) = straight(&bench, "0001", extra);
    let folder = RunFolder::new(&run);
    assert_eq!(folder.checkpoint_steps(), [4, 6]);
    let summary = summary(&run);
    assert_eq!(
        (summary.outcome, summary.attempt, summary.step, summary.total_steps),
        (Outcome::Finished, 1, 6, 6)
    );
    assert_eq!((summary.train_samples, summary.eval_samples, summary.environment.threads), (12, 4, 1));
    assert_eq!(summary.base_sha256.as_deref().map(str::len), Some(64));
    let evals: Vec<_> = entries(&run, "eval").iter().map(|entry| entry.step.unwrap()).collect();
    assert_eq!(evals, [0, 3, 6]);
    let eval = &summary.metrics["eval/loss"];
    assert!(eval.last < eval.first, "{eval:?}");
    let samples: Vec<_> = entries(&run, "sample").iter().map(|entry| entry.step.unwrap()).collect();
    assert_eq!(samples, [0, 6]);
    assert!(folder.samples().join("step-00000006-prompt-01.txt").exists());
    for name in
        ["adapter_model.safetensors", "adapter_config.json", "tokenizer.json", "tokenizer_config.json"]
    {
        assert!(folder.checkpoints().join(name).exists(), "{name}");
    }
    let both = ["adapter_model.safetensors", "pytorch_lora_weights.safetensors"]
        .map(|name| fs::read(folder.checkpoints().join(name)).unwrap());
    assert_eq!(both[0], both[1]);
    let file = loradeck_data::safetensors::SafetensorsFile::open(
        &folder.checkpoints().join("adapter_model.safetensors"),
    );
    let file = file.unwrap();
    let data = &file.file().bytes()[file.header_bytes().len()..];
    assert_eq!(loradeck_data::mapped::sha256_hex([data]), sha256);
    assert!(file.metadata()["loradeck.config"].contains("lora_rank: 4"));
    assert_eq!(fs::read_to_string(folder.metadata()).unwrap().lines().count(), 17);
}

#[test]
fn a_stopped_run_resumed_ends_with_the_same_weights() {
    let bench = Bench::new();
    let extra =
        "max_steps: 400\nsave_steps: 20\ngradient_accumulation: 2\nwarmup_steps: 5\nkeep_checkpoints: 1\n";
    let (_, sha256) = straight(&bench, "0001", extra);
    let run = bench.run("0002", extra);
    // Stopped twice: a resume of a resume.
    for (number, steps) in [(1, 40), (2, 120)] {
        let mut child = started(&run, number, steps);
        terminate(&child);
        assert_eq!(child.wait().unwrap().code(), Some(3));
        let summary = summary(&run);
        assert_eq!((summary.outcome, summary.attempt), (Outcome::Stopped, number));
        assert_eq!(RunFolder::new(&run).checkpoint_steps(), [summary.step]);
        assert!(summary.step >= steps && summary.step < 400, "{}", summary.step);
    }
    let output = train(&run, 3);
    assert_eq!(code(&output), 0, "{}", told(&output));
    assert_eq!(summary(&run).weights_sha256.unwrap(), sha256);
    assert_eq!(entries(&run, "resume").len(), 2);
}

#[test]
fn a_killed_run_goes_on_from_its_newest_checkpoint() {
    let bench = Bench::new();
    let extra = "max_steps: 300\nsave_steps: 30\n";
    let (whole, sha256) = straight(&bench, "0001", extra);
    let run = bench.run("0002", extra);
    let mut child = started(&run, 1, 60);
    child.kill().unwrap();
    child.wait().unwrap();
    assert_eq!(summary(&run).outcome_of(1), None);
    // What a kill in the middle of a checkpoint leaves, and a newest one that the disk has spoilt.
    let folder = RunFolder::new(&run);
    fs::create_dir_all(folder.checkpoints().join(".tmp-step-00000090-1-0")).unwrap();
    let newest = folder.checkpoint(*folder.checkpoint_steps().last().unwrap());
    fs::write(newest.join("optimizer.safetensors"), b"spoilt").unwrap();
    let output = train(&run, 2);
    assert_eq!(code(&output), 0, "{}", told(&output));
    assert_eq!(summary(&run).weights_sha256.unwrap(), sha256);
    assert_eq!(entries(&run, "damaged-checkpoint").len(), 1);
    assert!(!folder.checkpoints().join(".tmp-step-00000090-1-0").exists());
    // The losses of both runs are the same as well: best and last came back from the checkpoint.
    assert_eq!(summary(&run).metrics["train/loss"], summary(&whole).metrics["train/loss"]);
}

#[test]
fn a_loss_that_is_not_finite_ends_the_run_and_keeps_the_checkpoint() {
    let bench = Bench::new();
    let run = bench.run("0001", "max_steps: 50\nsave_steps: 1\nlearning_rate: 1e30\nmax_grad_norm: 0\n");
    let output = train(&run, 1);
    assert_eq!(code(&output), 4, "{}", told(&output));
    let summary = summary(&run);
    assert_eq!(summary.outcome, Outcome::NonFinite);
    let entry = &entries(&run, "non-finite")[0];
    assert!(entry.text("samples").unwrap().contains("train.jsonl:"), "{entry:?}");
    assert_eq!(RunFolder::new(&run).checkpoint_steps().last(), Some(&(entry.step.unwrap() - 1)));
}

#[test]
fn memory_that_runs_out_ends_with_five_and_says_what_helps() {
    let bench = Bench::new();
    let message = |role: &str, content: String| serde_json::json!({ "role": role, "content": content });
    let talk = serde_json::json!({
        "messages": [message("user", "who".to_owned()), message("assistant", "owl ".repeat(220))],
    });
    fs::write(bench.folder.path().join("data/train.jsonl"), format!("{talk}\n").repeat(4000)).unwrap();
    // Enough for a small batch of it, and for reading everything, but not for nearly a million tokens at once.
    let limited = |run: &Path| {
        let mut command = Command::new("sh");
        command
            .args(["-c", "ulimit -v 2500000 && exec \"$0\" \"$@\"", PROGRAM, "--attempt", "1", "--run"])
            .arg(run);
        command.env("LORADECK_DEVICE", "cpu").env("OMP_WAIT_POLICY", "passive").output().unwrap()
    };
    let limits = "max_steps: 1\nmax_seq_len: 256\neval_batch_size: 4\n";
    let small = bench.run("0001", limits);
    let output = limited(&small);
    assert_eq!(code(&output), 0, "{}", told(&output));
    let large = bench.run("0002", limits);
    let config = fs::read_to_string(large.join("config.yaml")).unwrap();
    fs::write(
        large.join("config.yaml"),
        config.replace("batch_size: 4\nthreads", "batch_size: 4000\nthreads"),
    )
    .unwrap();
    let output = limited(&large);
    assert_eq!(code(&output), 5, "{}", told(&output));
    let summary = summary(&large);
    assert_eq!(summary.outcome, Outcome::OutOfMemory);
    let message = summary.message.unwrap();
    assert!(
        message.starts_with("memory ran out: ") && message.contains("hint: a smaller batch_size"),
        "{message}"
    );
    assert_eq!(entries(&large, "out-of-memory").len(), 1);
}

#[test]
fn problems_of_the_configuration_end_with_two_before_anything_is_loaded() {
    let bench = Bench::new();
    let run = bench.run("0001", "lora_rnk: 3\n");
    let output = train(&run, 1);
    assert_eq!(code(&output), 2);
    assert!(told(&output).contains("config.yaml:10:1: lora_rnk"), "{}", told(&output));
    assert_eq!((summary(&run).outcome, summary(&run).attempt), (Outcome::Config, 1));
    let run = bench.run("0002", "lora_targets: [there_is_none]\n");
    let output = train(&run, 1);
    assert_eq!(code(&output), 2);
    assert!(told(&output).contains("model.layers.0.self_attn.q_proj"), "{}", told(&output));
}

#[test]
fn a_second_trainer_is_refused_while_the_lock_is_held() {
    let bench = Bench::new();
    let run = bench.run("0001", "max_steps: 3\n");
    let lock = loradeck_core::run::try_exclusive(&run.join("train.lock")).unwrap().unwrap();
    let output = train(&run, 1);
    assert_eq!(code(&output), 1);
    assert!(told(&output).contains("still alive"), "{}", told(&output));
    assert!(!run.join("summary.json").exists());
    // A supervisor's trainer inherits the lock and is told so.
    let output = attempt(&run, 1).env("LORADECK_TRAIN_LOCK_INHERITED", "1").output().unwrap();
    assert_eq!(code(&output), 0, "{}", told(&output));
    drop(lock);
}

#[test]
fn requests_are_followed_and_answered() {
    let bench = Bench::new();
    let run = bench.run("0001", "max_steps: 100000\nsave_steps: 50000\nsample_prompts: [who is the owl]\n");
    let folder = RunFolder::new(&run);
    let mut child = attempt(&run, 1).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let ask = |attempt, deed| {
        let id = post_request(&folder, &Request { attempt, time: Moment::now(), deed }).unwrap();
        wait_for("an answer", || entries(&run, "control").iter().any(|entry| entry.text("id") == Some(&id)));
        let answers = entries(&run, "control");
        let answer = answers.iter().find(|entry| entry.text("id") == Some(&id)).unwrap();
        answer.text("answer").unwrap().to_owned()
    };
    assert_eq!(ask(1, Deed::Keep), "there is no checkpoint yet");
    assert_eq!(ask(1, Deed::Save), "done");
    assert_eq!(ask(1, Deed::Keep), "done");
    assert_eq!(ask(1, Deed::Sample), "done");
    assert_eq!(ask(7, Deed::Sample), "expired");
    assert_eq!(ask(1, Deed::Prune), "done");
    assert_eq!(child.wait().unwrap().code(), Some(3));
    assert_eq!(summary(&run).outcome, Outcome::Pruned);
    assert_eq!(folder.checkpoint_steps().len(), 2);
    assert!(folder.checkpoint(folder.checkpoint_steps()[0]).join("keep").exists());
    assert_eq!(fs::read_dir(folder.control()).unwrap().count(), 0);
}

#[test]
fn a_configuration_trains_in_the_foreground_into_its_folder() {
    let bench = Bench::new();
    let root = bench.folder.path();
    fs::remove_file(root.join("loradeck.yaml")).unwrap();
    let config = "base_model: model\ntrain_data_dir: data\noutput_dir: out\nlora_rank: 4\nbatch_size: 4\nmax_steps: 3\n";
    fs::write(root.join("c.yaml"), config).unwrap();
    let run = |flags: &[&str]| {
        let mut command = program(&["--config", "c.yaml"]);
        command.args(flags).current_dir(root).env("LORADECK", "/bin/false").output().unwrap()
    };
    let output = run(&[]);
    assert_eq!(code(&output), 0, "{}", told(&output));
    let log = fs::read_to_string(root.join("out/logs/train.log")).unwrap();
    assert!(log.contains("step 3/3 loss ") && told(&output).contains("step 3/3 loss "), "{log}");
    assert!(fs::read_to_string(root.join("out/config.yaml")).unwrap().contains("lora_alpha: 8"));
    assert!(log.contains("`loradeck report "), "{log}");
    let refused = run(&[]);
    assert_eq!(code(&refused), 2);
    assert!(
        told(&refused).contains("--resume") && told(&refused).contains("--overwrite"),
        "{}",
        told(&refused)
    );
    let first = summary(&root.join("out")).weights_sha256;
    assert_eq!(code(&run(&["--resume"])), 0);
    assert_eq!(
        (summary(&root.join("out")).attempt, summary(&root.join("out")).weights_sha256),
        (2, first.clone())
    );
    fs::write(root.join("out/mine.txt"), "keep").unwrap();
    assert_eq!(code(&run(&["--overwrite"])), 0);
    assert_eq!((summary(&root.join("out")).attempt, summary(&root.join("out")).weights_sha256), (1, first));
    assert!(root.join("out/mine.txt").exists());
}

#[test]
fn a_sweep_and_a_missing_folder_are_refused_in_the_foreground() {
    let bench = Bench::new();
    let root = bench.folder.path();
    let refuse = |text: &str| {
        fs::write(root.join("c.yaml"), text).unwrap();
        let output = program(&["--config", "c.yaml"]).current_dir(root).output().unwrap();
        assert_eq!(code(&output), 2, "{}", told(&output));
        told(&output)
    };
    let base = "base_model: model\ntrain_data_dir: data\n";
    assert!(refuse(base).contains("output_dir is missing"));
    let sweep = "output_dir: out\nsweep:\n  method: grid\n  parameters:\n    lora_rank: {values: [2, 4]}\n";
    assert!(refuse(&format!("{base}{sweep}")).contains("sweep"));
    assert!(!root.join("out").exists());
}

#[test]
fn a_trained_run_answers_prompts() {
    let bench = Bench::new();
    let (run, _) = straight(&bench, "0001", "max_steps: 40\nlearning_rate: 0.02\n");
    fs::write(bench.folder.path().join("prompts.json"), r#"["where is the old red owl", "who runs"]"#)
        .unwrap();
    let ask = |flags: &[&str]| -> serde_json::Value {
        let mut command = program(&["sample", run.to_str().unwrap(), "--json", "--prompts"]);
        let output = command.arg(bench.folder.path().join("prompts.json")).args(flags).output().unwrap();
        assert_eq!(code(&output), 0, "{}", told(&output));
        serde_json::from_slice(&output.stdout).unwrap()
    };
    let (trained, base) = (ask(&[]), ask(&["--base-only"]));
    assert_eq!(trained.as_array().unwrap().len(), 2);
    assert_eq!(trained[0]["prompt"], "where is the old red owl");
    assert_ne!(trained[0]["answer"], base[0]["answer"]);
}

#[test]
fn a_full_disk_costs_checkpoints_but_not_the_run() {
    let bench = Bench::new();
    let run = bench.run("0001", "max_steps: 4\nsave_steps: 1\n");
    let folder = RunFolder::new(&run);
    fs::create_dir_all(folder.checkpoints()).unwrap();
    // A file where the step's folder should go stands for a disk that refuses.
    fs::write(folder.checkpoint(2), b"in the way").unwrap();
    let output = train(&run, 1);
    assert_eq!(code(&output), 0, "{}", told(&output));
    let failed: Vec<_> =
        entries(&run, "checkpoint").into_iter().filter(|entry| entry.text("failed").is_some()).collect();
    assert_eq!(failed.iter().map(|entry| entry.step.unwrap()).collect::<Vec<_>>(), [2]);
}

#[cfg(feature = "crash-points")]
#[test]
fn a_run_killed_at_any_point_of_its_writing_goes_on_to_the_same_weights() {
    let bench = Bench::new();
    let extra = "max_steps: 9\nsave_steps: 4\n";
    let (_, sha256) = straight(&bench, "0001", extra);
    // The point, the checkpoints it leaves, and the outcome that the summary has then.
    let points = [
        ("checkpoint.before-rename", vec![], None),
        ("checkpoint.after-rename", vec![4], None),
        ("summary.before-end", vec![4, 8, 9], None),
        ("summary.after-end", vec![4, 8, 9], Some(Outcome::Finished)),
    ];
    for (number, (point, steps, outcome)) in points.into_iter().enumerate() {
        let run = bench.run(&format!("{:04}", number + 2), extra);
        let killed = attempt(&run, 1).env("LORADECK_CRASH_AT", point).output().unwrap();
        assert_eq!(killed.status.code(), None, "{point}: {}", told(&killed));
        assert_eq!(RunFolder::new(&run).checkpoint_steps(), steps, "{point}");
        assert_eq!(summary(&run).outcome_of(1), outcome, "{point}");
        let output = train(&run, 2);
        assert_eq!(code(&output), 0, "{point}: {}", told(&output));
        assert_eq!(summary(&run).weights_sha256.as_ref(), Some(&sha256), "{point}");
    }
}
