//! Any trainer: a command of a script's own is launched, swept, charted, stopped, adopted, reported and compared.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::semicolon_if_nothing_returned)]

mod support;

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use loradeck_core::metrics::{EventTail, EventWriter, RunMetrics};
use loradeck_core::run::{CommandExit, EndReason, Outcome, RunFolder, State, Summary, is_held, read_journal};
use loradeck_core::time::Moment;
use support::{Deck, kill_9, state, status, supervisor_pid, wait_for_end, wait_until};

/// A deck with a shipped experiment in it.
fn with_experiment(name: &str) -> Deck {
    let deck = Deck::new();
    let from = Path::new(env!("CARGO_MANIFEST_DIR")).join("experiments").join(name);
    let to = deck.workspace.root().join("experiments").join(name);
    copy(&from, &to);
    deck
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap().flatten() {
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}

/// An experiment of one Python program as text.
fn with_program(experiment: &str, program: &str) -> Deck {
    let deck = Deck::new();
    let folder = deck.workspace.experiment("x").path().to_path_buf();
    fs::create_dir_all(&folder).unwrap();
    fs::write(folder.join("experiment.yaml"), experiment).unwrap();
    fs::write(folder.join("program.py"), program).unwrap();
    deck
}

fn text(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

/// Queues without a dispatcher of its own (the queue is paused meanwhile) and gives the runs.
fn queue(deck: &Deck, experiment: &str, overrides: &[&str]) -> Vec<RunFolder> {
    let said = deck.run(&[&["run", experiment], overrides].concat());
    assert!(said.status.success(), "{}", text(&said));
    deck.workspace.experiment(experiment).runs()
}

fn metrics(run: &RunFolder) -> RunMetrics {
    let mut metrics = RunMetrics::default();
    EventTail::new(&run.logs()).poll(&mut metrics).unwrap();
    metrics
}

fn read(path: impl AsRef<Path>) -> String {
    fs::read_to_string(path.as_ref()).unwrap_or_else(|error| panic!("{}: {error}", path.as_ref().display()))
}

#[test]
fn a_sweep_of_a_script_is_trained_reported_and_compared() {
    let deck = with_experiment("pytorch-script");
    git(&deck, &["init", "-q"]);
    let mut queue = deck.command(&["run", "pytorch-script", "script=train_without_torch.py", "noise=0.05"]);
    assert!(queue.env("PAUSE_AT_STEP", "20").status().unwrap().success());
    let runs = deck.workspace.experiment("pytorch-script").runs();
    assert_eq!(runs.len(), 3);
    // The first one's supervisor is killed in its middle; the others go through.
    runs[1..].iter().for_each(|run| fs::write(run.path().join("go"), "").unwrap());
    wait_until("it is in its middle", || read_or_empty(&runs[0], "logs/metrics.jsonl").lines().count() == 20);
    kill_9(supervisor_pid(&runs[0]));
    let is_adopted = || read_journal(&runs[0]).entries.iter().any(|entry| entry.kind == "adopt");
    wait_until("it is adopted", is_adopted);
    fs::write(runs[0].path().join("go"), "").unwrap();
    for run in &runs {
        assert_eq!(wait_for_end(run).state, State::Finished, "{}", read(run.train_log()));
    }
    wait_until("the dispatcher goes", || !deck.dispatcher_is_at_work());
    for run in &runs {
        let metrics = metrics(run);
        assert_eq!(metrics.get("train/loss").unwrap().len(), 60);
        assert_eq!(metrics.get("eval/loss").unwrap().len(), 6);
        let summary = Summary::read(run).unwrap().unwrap();
        assert_eq!((summary.outcome, summary.step, summary.total_steps), (Outcome::Finished, 60, 60));
        assert!(summary.metrics["eval/loss"].best <= summary.metrics["eval/loss"].first);
        assert_eq!(CommandExit::read(run, 1).unwrap().unwrap().code, Some(0));
        let report = read(run.report());
        assert!(report.contains("noise") && report.contains("0.05"), "{report}");
        assert!(!report.to_lowercase().contains("lora "), "{report}");
        let config = read(run.config());
        assert!(!config.contains("lora_") && !config.contains("epochs"), "{config}");
        if std::env::var_os("LORADECK_SHOW").is_some() {
            println!("{report}\n{comparison}", comparison = text(&deck.run(&["compare", "pytorch-script"])));
        }
    }
    let comparison = read(deck.workspace.experiment("pytorch-script").path().join("comparison.md"));
    assert!(comparison.contains("learning_rate") && comparison.contains("0.03"), "{comparison}");
    let listed = text(&deck.run(&["list", "noise=0.05", "learning_rate<0.01", "--json"]));
    let listed: serde_json::Value = serde_json::from_str(&listed).unwrap();
    assert_eq!(listed.as_array().unwrap().len(), 1, "{listed}");
}

fn git(deck: &Deck, arguments: &[&str]) {
    let done = Command::new("git").args(arguments).current_dir(deck.workspace.root()).output().unwrap();
    assert!(done.status.success(), "{done:?}");
}

#[test]
fn a_killed_supervisor_costs_a_foreign_training_nothing() {
    let deck = with_experiment("pytorch-script");
    let mut run =
        deck.command(&["run", "pytorch-script", "script=train_without_torch.py", "learning_rate=0.03"]);
    assert!(run.env("PAUSE_AT_STEP", "20").status().unwrap().success());
    let run = deck.workspace.experiment("pytorch-script").runs().remove(0);
    wait_until("it is in its middle", || read_or_empty(&run, "logs/metrics.jsonl").lines().count() == 20);
    kill_9(supervisor_pid(&run));
    wait_until("it is adopted", || read_journal(&run).entries.iter().any(|entry| entry.kind == "adopt"));
    assert_eq!(state(&run), State::Running);
    fs::write(run.path().join("go"), "").unwrap();
    assert_eq!(wait_for_end(&run).state, State::Finished);
    let begun = read_journal(&run).entries.iter().filter(|entry| entry.kind == "command").count();
    assert_eq!(begun, 1, "it was started only once");
    assert_eq!(metrics(&run).get("train/loss").unwrap().len(), 60);
    wait_until("its lock is free", || !is_held(&run.train_lock()).unwrap());
}

fn read_or_empty(run: &RunFolder, file: &str) -> String {
    fs::read_to_string(run.path().join(file)).unwrap_or_default()
}

#[test]
fn a_stopped_script_goes_on_by_its_resume_command() {
    let deck = with_experiment("pytorch-script");
    let mut run =
        deck.command(&["run", "pytorch-script", "script=train_without_torch.py", "learning_rate=0.03"]);
    assert!(run.env("PAUSE_AT_STEP", "20").status().unwrap().success());
    let run = deck.workspace.experiment("pytorch-script").runs().remove(0);
    wait_until("it is in its middle", || read_or_empty(&run, "logs/metrics.jsonl").lines().count() == 20);
    assert!(deck.run(&["stop", "pytorch-script/1"]).status.success());
    let stopped = wait_for_end(&run);
    assert_eq!((stopped.state, stopped.exit), (State::Stopped, Some(3)));
    assert!(read(run.train_log()).contains("stopped at step 20"));
    wait_until("the dispatcher goes", || !deck.dispatcher_is_at_work());
    let resumed = deck.run(&["resume", "pytorch-script/1", "max_steps=40"]);
    assert!(resumed.status.success(), "{}", text(&resumed));
    wait_until("it ends again", || status(&run).attempt == 2 && state(&run) == State::Finished);
    assert!(read(run.train_log()).contains("done at step 40"));
    let metrics = metrics(&run);
    assert_eq!(metrics.get("train/loss").unwrap().steps(), (1..=40).collect::<Vec<u64>>());
}

#[test]
fn a_command_without_a_resume_command_is_not_resumed() {
    let deck =
        with_program("command: [python3, experiments/x/program.py]\n", "raise ValueError('no such luck')\n");
    let run = queue(&deck, "x", &[]).remove(0);
    let failed = wait_for_end(&run);
    assert_eq!((failed.state, failed.reason), (State::Failed, Some(EndReason::Error)));
    let message = failed.message.unwrap();
    assert!(message.contains("code 1") && message.contains("ValueError: no such luck"), "{message}");
    let refused = deck.run(&["resume", "x/1"]);
    assert_eq!(refused.status.code(), Some(2));
    assert!(text(&refused).contains("resume_command"), "{}", text(&refused));
}

#[test]
fn a_kill_ends_the_whole_group() {
    let program = "import subprocess, sys, time\n\
                   child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)'])\n\
                   open(sys.argv[1] + '/child', 'w').write(str(child.pid))\nprint('up', flush=True)\ntime.sleep(600)\n";
    let deck = with_program("command: [python3, experiments/x/program.py, '${run_dir}']\n", program);
    let run = queue(&deck, "x", &[]).remove(0);
    wait_until("it works", || read_or_empty(&run, "logs/train.log").contains("up"));
    let child = read(run.path().join("child"));
    assert!(deck.run(&["kill", "x/1"]).status.success());
    assert_eq!(wait_for_end(&run).reason, Some(EndReason::Killed));
    let is_gone = || {
        let status = fs::read_to_string(format!("/proc/{child}/status")).unwrap_or_default();
        status.is_empty() || status.contains("State:\tZ")
    };
    wait_until("its child is gone", is_gone);
}

#[test]
fn secrets_come_from_the_environment_and_stay_out_of_the_folder() {
    let program = "import os\nprint('token of', len(os.environ['HF_TOKEN']), 'mode', os.environ['MODE'])\n\
                   print('loss=0.5')\n";
    let experiment = "command: [python3, program.py]\nworking_dir: experiments/x\n\
                      env: {HF_TOKEN: , MODE: '${mode} ${attempt}'}\n\
                      metrics: {pattern: 'loss=(?P<loss>\\S+)'}\nparameters: {mode: fast}\n";
    let deck = with_program(experiment, program);
    let refused = deck.command(&["run", "x"]).env_remove("HF_TOKEN").output().unwrap();
    assert_eq!(refused.status.code(), Some(2));
    assert!(text(&refused).contains("HF_TOKEN is not set"), "{}", text(&refused));
    assert!(deck.command(&["run", "x"]).env("HF_TOKEN", "hf_very_secret").status().unwrap().success());
    let run = deck.workspace.experiment("x").runs().remove(0);
    assert_eq!(wait_for_end(&run).state, State::Finished, "{}", read(run.train_log()));
    assert!(read(run.train_log()).contains("token of 14 mode fast 1"), "{}", read(run.train_log()));
    let last = Summary::read(&run).unwrap().unwrap().metrics["train/loss"].last;
    assert!((last - 0.5).abs() < 1e-9, "{last}");
    wait_until("the dispatcher goes", || !deck.dispatcher_is_at_work());
    let found =
        Command::new("grep").args(["-r", "hf_very_secret"]).arg(deck.workspace.root()).output().unwrap();
    assert!(found.stdout.is_empty(), "{}", text(&found));
}

/// What lies below a folder: names, lengths and times.
fn contents(folder: &Path) -> String {
    let listed = Command::new("find").arg(folder).args(["-printf", "%p %s %T@\\n"]).output().unwrap();
    text(&listed)
}

#[test]
fn a_foreign_folder_is_tracked_in_place_and_nothing_is_written_in_it() {
    let deck = Deck::new();
    let elsewhere = tempfile::tempdir().unwrap();
    let output = elsewhere.path().join("my-lora");
    let mut events =
        EventWriter::create(&output.join("runs/Nov26_host"), "h", Moment(1_700_000_000_000)).unwrap();
    let mut log = |from: u64, to: u64| {
        for step in from..=to {
            let time = Moment(1_700_000_000_000 + step as i64 * 1000);
            events.scalars(step, &[("train/loss", 4.0 / step as f32), ("train/epoch", 0.5)], time).unwrap();
        }
    };
    log(1, 20);
    let checkpoint = output.join("checkpoint-20");
    fs::create_dir_all(&checkpoint).unwrap();
    let state = r#"{"max_steps": 40, "log_history": [{"step": 20, "eval_loss": 0.75}]}"#;
    fs::write(checkpoint.join("trainer_state.json"), state).unwrap();
    fs::write(checkpoint.join("adapter_config.json"), r#"{"r": 16, "lora_alpha": 32}"#).unwrap();
    let before = contents(&output);
    let adopted = deck.run(&["adopt", &output.to_string_lossy()]);
    assert!(adopted.status.success(), "{}", text(&adopted));
    assert!(text(&adopted).contains("my-lora/0001-my-lora tracks"), "{}", text(&adopted));
    assert_eq!(contents(&output), before, "nothing is written in it");
    let run = deck.workspace.experiment("my-lora").runs().remove(0);
    let metrics_of = || metrics(&run);
    assert_eq!(metrics_of().get("train/loss").unwrap().len(), 20);
    assert_eq!(metrics_of().get("eval/loss").unwrap().len(), 1);
    let shown = text(&deck.run(&["show", "my-lora/1"]));
    assert!(shown.contains("archived") && shown.contains("lora_rank") && shown.contains("16"), "{shown}");
    // It goes on, and whoever looks sees it.
    log(21, 30);
    let listed = text(&deck.run(&["list", "--json"]));
    let listed: serde_json::Value = serde_json::from_str(&listed).unwrap();
    assert_eq!(listed[0]["summary"]["step"], 30, "{listed}");
    assert!(listed[0]["summary"]["seconds"].as_f64().unwrap() < 60.0, "{listed}");
    assert_eq!(metrics_of().get("train/loss").unwrap().len(), 30);
    let again = text(&deck.run(&["adopt", &output.to_string_lossy()]));
    assert!(again.contains("is up to date"), "{again}");
    assert_eq!(deck.workspace.experiment("my-lora").runs().len(), 1);
    let compared = text(&deck.run(&["compare", "--csv"]));
    assert!(compared.contains("0001-my-lora") && compared.contains("0.75"), "{compared}");
    let refused = deck.run(&["run", "my-lora/1"]);
    assert_eq!(refused.status.code(), Some(2), "{}", text(&refused));
    assert!(text(&refused).contains("only read"), "{}", text(&refused));
    for deed in ["retry", "resume", "stop"] {
        let refused = deck.run(&[deed, "my-lora/1"]);
        assert_eq!(refused.status.code(), Some(2), "{deed}: {}", text(&refused));
        assert!(text(&refused).contains("tracked in place"), "{deed}: {}", text(&refused));
    }
    for own in [".", "..", "experiments/my-lora", "experiments/my-lora/runs/0001-my-lora"] {
        let refused = deck.run(&["adopt", own]);
        assert_eq!(refused.status.code(), Some(2), "{own}: {}", text(&refused));
        assert!(text(&refused).contains("holds runs of this workspace"), "{own}: {}", text(&refused));
    }
    assert_eq!(deck.workspace.runs().len(), 1);
    let reported = deck.run(&["report", "my-lora/1"]);
    assert!(reported.status.success(), "{}", text(&reported));
    let report = read(run.report());
    assert!(report.contains("Tracked Folder") && report.contains("trained by another program"), "{report}");
}

#[test]
fn an_attempt_that_is_not_at_work_is_not_trained_by_hand() {
    let deck = with_program("command: [\"true\"]\n", "");
    let run = queue(&deck, "x", &[]).remove(0);
    assert_eq!(wait_for_end(&run).state, State::Finished);
    let before = read(run.summary());
    for attempt in ["1", "9"] {
        let refused = deck.run(&["exec", &run.path().to_string_lossy(), "--attempt", attempt]);
        assert_eq!(refused.status.code(), Some(2));
        let expected = format!("attempt {attempt} of {} is not running", run.label());
        assert!(text(&refused).contains(&expected), "{}", text(&refused));
    }
    assert_eq!(read(run.summary()), before);
}

#[test]
fn a_hook_whose_program_is_not_there_is_told_before_anything_trains() {
    let deck = with_program("command: [\"true\"]\non_finish: [./tell-me.sh]\n", "");
    let refused = deck.run(&["run", "x"]);
    assert_eq!(refused.status.code(), Some(2));
    let said = text(&refused);
    assert!(
        said.contains("x/experiment.yaml:2:12: on_finish: the program './tell-me.sh' is not there"),
        "{said}"
    );
    fs::write(deck.workspace.root().join("tell-me.sh"), "").unwrap();
    assert!(deck.run(&["run", "x"]).status.success());
}

#[test]
fn every_folder_of_a_tensorboard_log_is_a_run() {
    let deck = Deck::new();
    let elsewhere = tempfile::tempdir().unwrap();
    for name in ["a", "b"] {
        let mut events = EventWriter::create(&elsewhere.path().join(name), "h", Moment(1000)).unwrap();
        events.scalar(1, "loss/current", 0.5, Moment(2000)).unwrap();
    }
    let adopted = deck.run(&["adopt", &elsewhere.path().to_string_lossy(), "--name", "board"]);
    assert!(adopted.status.success(), "{}", text(&adopted));
    let names: Vec<String> = deck.workspace.experiment("board").runs().iter().map(RunFolder::name).collect();
    assert_eq!(names, ["0001-a", "0002-b"]);
    let nothing = tempfile::tempdir().unwrap();
    let refused = deck.run(&["adopt", &nothing.path().to_string_lossy()]);
    assert!(text(&refused).contains("holds no metrics"), "{}", text(&refused));
}

#[test]
fn a_command_does_not_outlive_its_parent() {
    let program = "import os, sys, time\nopen(sys.argv[1] + '/child', 'w').write(str(os.getpid()))\n\
                   print('up', flush=True)\ntime.sleep(600)\n";
    let deck = with_program("command: [python3, experiments/x/program.py, '${run_dir}']\n", program);
    let run = queue(&deck, "x", &[]).remove(0);
    wait_until("it works", || read_or_empty(&run, "logs/train.log").contains("up"));
    let child = read(run.path().join("child"));
    let started = read_journal(&run).entries.into_iter().find(|entry| entry.facts.contains_key("words"));
    assert_eq!(started.unwrap().facts["command_pid"].to_string(), child);
    // The group's leader is the command's parent.
    let stat = read(format!("/proc/{child}/stat"));
    let parent: u32 = stat.rsplit(')').next().unwrap().split_whitespace().nth(1).unwrap().parse().unwrap();
    kill_9(parent);
    assert_eq!(wait_for_end(&run).reason, Some(EndReason::Signal));
    wait_until("the command is gone", || !Path::new(&format!("/proc/{child}")).exists());
    wait_until("its lock is free", || !is_held(&run.train_lock()).unwrap());
}

#[test]
fn kohyas_command_line_is_what_its_template_says() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let file = root.join("experiments/kohya/experiment.yaml");
    let (_, plan) = loradeck_core::config::load_plan(&file, root, &[]).unwrap();
    assert_eq!(plan.trials.len(), 4);
    let words = loradeck::launch::exec::preview(&plan.trials[1].settings);
    assert_eq!(words[..4], ["accelerate", "launch", "--num_cpu_threads_per_process=2", "train_network.py"]);
    for word in [
        "--pretrained_model_name_or_path=${workspace}/models/v1-5-pruned-emaonly.safetensors",
        "--output_dir=${run_dir}/output",
        "--output_name=style",
        "--network_dim=8",
        "--network_alpha=16",
        "--learning_rate=5e-4",
        "--lr_scheduler=cosine",
        "--max_train_steps=1500",
        "--optimizer_type=AdamW8bit",
        "--resolution=512,512",
        "--seed=0",
    ] {
        assert!(words.iter().any(|given| given == word), "{word} is not in {words:#?}");
    }
}

/// The page's experiment, with the script that it speaks of.
#[test]
fn the_pages_example_trains() {
    let page = read(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/any-trainer.md"));
    let example = page.split("```yaml\n").nth(1).and_then(|rest| rest.split("```").next()).unwrap();
    let program = "import json, os, sys\n\
                   given = dict(zip(sys.argv[1::2], sys.argv[2::2]))\n\
                   assert os.environ['OMP_NUM_THREADS'] == '4' and os.environ['HF_TOKEN'] == 'hf_page'\n\
                   with open(given['--out'] + '/logs/metrics.jsonl', 'w') as file:\n\
                   \x20   for step in range(1, 6):\n\
                   \x20       line = {'step': step, 'loss': float(given['--lr']) / step + float(given['--dropout'])}\n\
                   \x20       file.write(json.dumps(line) + '\\n')\n";
    let deck = with_program(example, "");
    let code = deck.workspace.root().join("code/my-script");
    fs::create_dir_all(&code).unwrap();
    fs::write(code.join("train.py"), program).unwrap();
    let queued = deck.command(&["run", "x"]).env("HF_TOKEN", "hf_page").output().unwrap();
    assert!(queued.status.success(), "{}", text(&queued));
    let runs = deck.workspace.experiment("x").runs();
    assert_eq!(runs.len(), 4);
    for run in &runs {
        assert_eq!(wait_for_end(run).state, State::Finished, "{}", read(run.train_log()));
        assert_eq!(metrics(run).get("train/loss").unwrap().len(), 5);
    }
}

/// The lines that `metrics` prints of a metric: points, last, at step.
fn metric_row(deck: &Deck, run: &str, tag: &str) -> Vec<String> {
    let said = text(&deck.run(&["metrics", run]));
    let row = said.lines().find(|line| line.split_whitespace().next() == Some(tag));
    row.unwrap_or_else(|| panic!("{tag} is not in {said}")).split_whitespace().map(str::to_owned).collect()
}

#[test]
fn a_loss_that_ends_as_no_number_is_told_everywhere() {
    let program = "import json, os\n\
                   with open(os.environ['LORADECK_RUN_DIR'] + '/logs/metrics.jsonl', 'w') as f:\n\
                   \x20   for s, v in enumerate([3.0, 2.5, 2.0] + [float('nan')] * 3, 1):\n\
                   \x20       f.write(json.dumps({'step': s, 'loss': v, 'acc': float('nan')}) + '\\n')\n\
                   print('started')\nprint('fatal: no newline here', end='')\n";
    let deck = with_program("command: [python3, experiments/x/program.py]\nmetrics: jsonl\n", program);
    let run = queue(&deck, "x", &[]).remove(0);
    assert_eq!(wait_for_end(&run).state, State::Finished);
    assert_eq!(metric_row(&deck, "x/1", "train/loss")[1..5], ["6", "not", "finite", "4"]);
    let shown = text(&deck.run(&["show", "x/1"]));
    assert!(shown.contains("not finite from step 4  best 2") && shown.contains("never finite"), "{shown}");
    let listed = text(&deck.run(&["list"]));
    assert!(listed.contains("NaN"), "{listed}");
    let report = read(run.report());
    assert!(report.contains("not finite from step 4 on") && !report.contains("may still help"), "{report}");
    let logged = text(&deck.run(&["logs", "x/1"]));
    assert!(logged.ends_with("started\nfatal: no newline here\n"), "{logged}");
}

#[test]
fn event_files_of_two_parts_of_the_data_are_two_curves() {
    let deck = Deck::new();
    let folder = deck.workspace.root().join("keras");
    for (part, base) in [("train", 10.0f32), ("validation", 20.0)] {
        let mut writer = EventWriter::create(&folder.join("tb").join(part), "h", Moment(0)).unwrap();
        for step in 0..10 {
            writer.scalars(step, &[("epoch_loss", base - step as f32)], Moment(1_700_000_000_000)).unwrap();
        }
    }
    let said = deck.run(&["adopt", folder.to_str().unwrap()]);
    assert!(said.status.success(), "{}", text(&said));
    let runs: Vec<RunFolder> =
        deck.workspace.experiments().iter().flat_map(loradeck_core::run::ExperimentFolder::runs).collect();
    assert_eq!(runs.len(), 1, "{}", text(&deck.run(&["list"])));
    let metrics = metrics(&runs[0]);
    for (tag, last) in [("train/epoch_loss", 1.0), ("validation/epoch_loss", 11.0)] {
        let series = metrics.get(tag).unwrap_or_else(|| panic!("{:?}", metrics.tags()));
        assert_eq!((series.len(), series.last_finite().unwrap().value), (10, last));
    }
}
