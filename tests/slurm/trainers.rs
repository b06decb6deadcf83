//! Real trainings on the cluster: the shipped script, which loradeck knows only by its command, and our own trainer.

use std::fs;
use std::path::Path;

use loradeck_core::metrics::{EventTail, RunMetrics};
use loradeck_core::run::{Outcome, RunFolder, State, Summary, read_attempts, read_journal};

use crate::deck::{SlurmDeck, wait_for_end, wait_long};
use crate::support::{kinds_of, real_trainer, status};
use crate::{shared, tiny_model};

/// The shipped script that needs nothing but Python, queued for Slurm so that it waits at step 20 until the file `go`
/// appears. `without_resume`: as if it could not go on.
fn queue_script(deck: &SlurmDeck<'_>, slurm: &str, without_resume: bool) -> RunFolder {
    let shipped = Path::new(env!("CARGO_MANIFEST_DIR")).join("experiments/pytorch-script");
    let folder = deck.root().join("experiments/pytorch-script");
    fs::create_dir_all(&folder).unwrap();
    fs::copy(shipped.join("train_without_torch.py"), folder.join("train_without_torch.py")).unwrap();
    let mut text = fs::read_to_string(shipped.join("experiment.yaml")).unwrap();
    if without_resume {
        let (begin, end) = (text.find("resume_command:").unwrap(), text.find("metrics:").unwrap());
        text.replace_range(begin..end, "");
    }
    let text = format!("{text}launcher: slurm\nslurm: {slurm}\n");
    fs::write(folder.join("experiment.yaml"), text).unwrap();
    let mut run =
        deck.command(&["run", "pytorch-script", "script=train_without_torch.py", "learning_rate=0.03"]);
    let done = run.env("PAUSE_AT_STEP", "20").output().unwrap();
    assert!(done.status.success(), "{done:?}");
    deck.deck.workspace.experiment("pytorch-script").runs().remove(0)
}

fn lines_of_metrics(run: &RunFolder) -> usize {
    fs::read_to_string(run.logs().join("metrics.jsonl")).unwrap_or_default().lines().count()
}

fn metrics(run: &RunFolder) -> RunMetrics {
    let mut metrics = RunMetrics::default();
    EventTail::new(&run.logs()).poll(&mut metrics).unwrap();
    metrics
}

#[test]
#[ignore = "child: `just test-system` runs it on a real cluster"]
fn a_script_goes_on_by_its_resume_command_after_the_time_limit() {
    let deck = SlurmDeck::new(shared());
    let run = queue_script(&deck, "{memory: 10M, time: 1}", false);
    wait_long("it is in its middle", || lines_of_metrics(&run) == 20);
    wait_long("the time limit is near", || status(&run).state == State::Queued);
    let job = deck.job(1);
    deck.hurry_to_end(&run, &job);
    deck.wait_until_quiet();
    let log = fs::read_to_string(run.train_log()).unwrap();
    assert_eq!(status(&run).state, State::Finished, "{log}");
    assert!(log.contains("stopped at step 20") && log.contains("done at step 60"), "{log}");
    let jobs: Vec<(String, u32)> = read_attempts(&run)
        .into_iter()
        .filter_map(|attempt| attempt.job)
        .map(|job| (job.id, job.restart))
        .collect();
    assert_eq!(jobs, [(job.clone(), 0), (job, 1)]);
    let words = |attempt: u32| {
        let entries = read_journal(&run).entries;
        let begun = entries.iter().find(|entry| entry.kind == "command" && entry.attempt == attempt);
        begun.unwrap().facts["words"].to_string()
    };
    assert!(!words(1).contains("--resume") && words(2).contains("--resume"), "{}", words(2));
    assert_eq!(metrics(&run).get("train/loss").unwrap().steps(), (1..=60).collect::<Vec<u64>>(), "no gap");
    let summary = Summary::read(&run).unwrap().unwrap();
    assert_eq!((summary.outcome, summary.step), (Outcome::Finished, 60));
    assert!(run.report().exists());
}

#[test]
#[ignore = "child: `just test-system` runs it on a real cluster"]
fn a_script_that_cannot_go_on_does_not_wait_for_a_second_start() {
    let deck = SlurmDeck::new(shared());
    let run = queue_script(&deck, "{memory: 10M}", true);
    wait_long("it is in its middle", || lines_of_metrics(&run) == 20);
    deck.run(&["queue", "requeue", &run.label()]);
    let failed = wait_for_end(&run);
    assert_eq!((failed.state, failed.attempt), (State::Failed, 1));
    let message = failed.message.unwrap();
    assert!(message.contains("no resume_command") && message.contains("loradeck retry"), "{message}");
    deck.wait_until_quiet();
    assert!(!kinds_of(&run).contains(&"requeue".to_owned()), "{:?}", kinds_of(&run));
    assert_eq!(deck.arrays().len(), 1);
}

/// A workspace with an experiment `x` of a tiny model, its file ending in `more`, whose runs our own trainer trains.
pub fn with_model<'a>(cluster: &'a crate::Cluster, more: &str) -> SlurmDeck<'a> {
    let deck = SlurmDeck::in_git(cluster);
    tiny_model::write_model(&deck.root().join("models/tiny"));
    tiny_model::write_data(&deck.root().join("experiments/x/data/train.jsonl"), 12);
    let file = format!(
        "base_model: models/tiny\nbatch_size: 2\neval_split: 0.25\nlora_rank: 2\nlauncher: slurm\n{more}"
    );
    fs::write(deck.root().join("experiments/x/experiment.yaml"), file).unwrap();
    deck
}

/// Queues the experiment `x` of `deck` for the real trainer.
pub fn run_for_real(deck: &SlurmDeck<'_>) {
    let done = deck.command(&["run", "x"]).env("LORADECK_TRAIN", real_trainer().unwrap()).output().unwrap();
    assert!(done.status.success(), "{done:?}");
}

#[test]
#[ignore = "child: `just test-system` runs it on a real cluster"]
fn a_sweep_of_real_trainings_is_finished_reported_and_committed() {
    let sweep =
        "sweep:\n  metric: {name: eval/loss}\n  parameters: {learning_rate: {values: [1e-3, 1e-2, 1e-1]}}\n";
    let deck = with_model(
        shared(),
        &format!("max_steps: 12\neval_steps: 4\nslurm: {{memory: 10M, array_parallelism: 2}}\n{sweep}"),
    );
    run_for_real(&deck);
    let runs = deck.deck.workspace.experiment("x").runs();
    assert_eq!(runs.len(), 3);
    for run in &runs {
        let log = || fs::read_to_string(run.train_log()).unwrap_or_default();
        assert_eq!(wait_for_end(run).state, State::Finished, "{}", log());
        let summary = Summary::read(run).unwrap().unwrap();
        assert_eq!((summary.outcome, summary.step, summary.attempt), (Outcome::Finished, 12, 1));
        assert!(summary.metrics["eval/loss"].best < summary.metrics["eval/loss"].first, "it has learned");
        assert!(!run.checkpoint_steps().is_empty());
    }
    deck.wait_until_quiet();
    assert_eq!(deck.arrays().len(), 1, "one array for the sweep");
    let committed = deck.deck.git(&["ls-files"]);
    for run in &runs {
        let report = run.report();
        let path = report.strip_prefix(deck.root()).unwrap().display().to_string();
        assert!(committed.lines().any(|line| line == path), "{path} is not in {committed}");
    }
    assert!(committed.contains("experiments/x/comparison.md"), "{committed}");
    assert_eq!(deck.deck.git(&["status", "--porcelain", "--", "experiments/x/runs"]), "");
    let compared = deck.text(&["compare", "x"]);
    let first = compared.lines().nth(1).unwrap();
    assert!(
        first.contains("lr-0.1") && first.contains("finished"),
        "the highest rate learns most: {compared}"
    );
}
