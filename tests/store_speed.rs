//! How fast ten thousand runs are listed. Run with `cargo test --release --test store_speed -- --ignored --nocapture`.
#![allow(clippy::unwrap_used, reason = "a test that cannot measure has failed")]

use std::fmt::Write;
use std::path::Path;
use std::time::{Duration, Instant};

use loradeck::store::{Filter, SortKey, Store};
use loradeck::watch::Change;
use loradeck_core::file::Durability;
use loradeck_core::run::{RunFolder, Summary, Workspace};
use serde_json::json;

const RUNS: u32 = 10_000;
const EXPERIMENTS: u32 = 20;

/// Runs with the three files that every ended run has, each with what a real one holds.
fn make(root: &Path) {
    let time = "2026-11-24T22:30:00.000Z";
    for number in 0..RUNS {
        let experiment = root.join(format!("experiments/speed-{}/runs", number % EXPERIMENTS));
        let run =
            RunFolder::new(experiment.join(format!("{:04}-r{}", number / EXPERIMENTS + 1, number % 64)));
        std::fs::create_dir_all(run.path()).unwrap();
        let mut config = format!("learning_rate: {}\nlora_rank: {}\n", f64::from(number) * 1e-6, number % 64);
        for key in 0..50 {
            writeln!(config, "setting_number_{key}: value {key}").unwrap();
        }
        config.push_str("provenance:\n  versions:\n    loradeck: 0.1.0\n  sweep: 1\n");
        std::fs::write(run.config(), config).unwrap();
        let status = json!({"format": 1, "state": "finished", "attempt": 1, "since": time, "exit": 0});
        std::fs::write(run.status(), status.to_string()).unwrap();
        let metric = json!({"best": 1.0 / f64::from(number + 1), "best_step": 90, "last": 1.0, "last_step": 100,
                            "first": 3.0, "first_step": 0});
        let tags =
            ["train/loss", "eval/loss", "eval/perplexity", "train/grad_norm", "train/tokens_per_second"];
        let metrics: serde_json::Map<String, serde_json::Value> =
            tags.iter().map(|tag| ((*tag).to_owned(), metric.clone())).collect();
        let summary: Summary = serde_json::from_value(json!({
            "format": 1, "attempt": 1, "outcome": "finished", "step": 100, "total_steps": 100, "epoch": 1.0,
            "tokens": 51200, "seconds": 60.0, "started": time, "updated": time, "metrics": metrics,
        }))
        .unwrap();
        summary.write(&run, Durability::Renamed).unwrap();
    }
}

/// How long this thread has been on a processor: other work on the machine does not count.
fn on_processor() -> Duration {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap();
    Duration::from_nanos(text.split(' ').next().unwrap().parse().unwrap())
}

fn timed<T>(what: &str, limit: Duration, work: impl FnOnce() -> T) -> T {
    let (start, clock) = (on_processor(), Instant::now());
    let result = work();
    let taken = on_processor().saturating_sub(start);
    println!("{what}: {taken:?} on the processor, {:?} by the clock", clock.elapsed());
    assert!(taken < limit, "{what}: {taken:?}");
    result
}

#[test]
#[ignore = "bench: measures speed, which means something only in a release build (just bench)"]
fn ten_thousand_runs_are_listed_within_a_second() {
    let folder = tempfile::tempdir().unwrap();
    make(folder.path());
    let workspace = Workspace::at(folder.path());
    let root = workspace.root().to_path_buf();
    let mut store = timed("10,000 runs listed", Duration::from_secs(1), || Store::open(vec![workspace]));
    assert_eq!(store.runs().len(), RUNS as usize);
    let filter = Filter::parse("eval/loss<0.001 state=finished lr>=0.001").unwrap();
    let chosen = timed("filtered and sorted", Duration::from_millis(100), || {
        store.select(&filter, &SortKey::parse("eval/loss"))
    });
    assert!(chosen.len() > 1000);
    timed("looked at again", Duration::from_millis(300), || store.refresh(&[Change::Everything]));
    store.refresh(&[Change::States(root.clone())]);
    timed("touched runs looked for", Duration::from_millis(200), || store.refresh(&[Change::States(root)]));
}
