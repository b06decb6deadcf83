//! The store over real folders.

use std::fs;

use loradeck_core::file::Durability;
use loradeck_core::metrics::EventWriter;
use loradeck_core::run::{
    Deed, Request, RunFolder, State, Status, Summary, Workspace, post_request, try_exclusive,
};
use loradeck_core::time::Moment;
use serde_json::json;

use super::*;

/// A workspace in a temporary folder.
pub(super) struct Fixture {
    folder: tempfile::TempDir,
}

impl Fixture {
    pub(super) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("loradeck.yaml"), "format: 1\n").unwrap();
        fs::create_dir_all(folder.path().join("experiments")).unwrap();
        Self { folder }
    }

    pub(super) fn workspace(&self) -> Workspace {
        Workspace::at(self.folder.path())
    }

    pub(super) fn run(&self, experiment: &str, name: &str, config: &str) -> RunFolder {
        let run =
            RunFolder::new(self.folder.path().join("experiments").join(experiment).join("runs").join(name));
        fs::create_dir_all(run.path()).unwrap();
        fs::write(run.config(), config).unwrap();
        run
    }
}

pub(super) fn status(run: &RunFolder, state: State) {
    Status::new(state, 1, Moment(0)).write(run).unwrap();
}

pub(super) fn summary(run: &RunFolder, step: u64, seconds: f64, updated: i64, loss: f64) {
    let text = json!({
        "format": 1, "attempt": 1, "outcome": "running", "step": step, "total_steps": 100, "epoch": 1.0,
        "tokens": 10, "seconds": seconds, "started": Moment(0), "updated": Moment(updated),
        "metrics": {"eval/loss": {"best": loss, "best_step": step, "last": loss + 1.0, "last_step": step,
                                  "first": 3.0, "first_step": 0}},
    });
    let summary: Summary = serde_json::from_value(text).unwrap();
    summary.write(run, Durability::Renamed).unwrap();
}

fn labels(store: &Store) -> Vec<String> {
    store.runs().map(Run::label).collect()
}

fn change(run: &RunFolder) -> [Change; 1] {
    [Change::Run(run.path().to_path_buf())]
}

#[test]
fn runs_are_listed_by_experiment_and_number_and_read_once() {
    let fixture = Fixture::new();
    for (experiment, name) in [("b", "0001-x"), ("a", "0010-y"), ("a", "0002-z")] {
        status(&fixture.run(experiment, name, "lora_rank: 8\n"), State::Queued);
    }
    let mut store = Store::open(vec![fixture.workspace()]);
    assert_eq!(labels(&store), ["a/0002-z", "a/0010-y", "b/0001-x"]);
    assert_eq!(store.experiments().len(), 2);
    let again = store.refresh(&[Change::Everything]);
    assert!(again.runs.is_empty() && !again.list, "{again:?}");
}

#[test]
fn a_changed_file_changes_its_run_alone() {
    let fixture = Fixture::new();
    let (first, second) = (fixture.run("a", "0001-x", ""), fixture.run("a", "0002-x", ""));
    status(&first, State::Queued);
    let mut store = Store::open(vec![fixture.workspace()]);
    let (one, two) = (store.find(first.path()).unwrap(), store.find(second.path()).unwrap());
    assert_eq!(store.get(two).map(Run::state), Some(ShownState::Archived));
    status(&first, State::Finished);
    summary(&second, 5, 1.0, 0, 1.5);
    let changed = store.refresh(&change(&first));
    assert_eq!((changed.runs, changed.list), ([one].into(), false));
    assert_eq!(store.get(one).map(Run::state), Some(ShownState::Finished));
    assert!(store.get(two).unwrap().summary.is_none());
    assert!(store.refresh(&change(&first)).is_empty());
}

#[test]
fn runs_come_and_go_and_keep_their_numbers() {
    let fixture = Fixture::new();
    let first = fixture.run("a", "0001-x", "");
    let mut store = Store::open(vec![fixture.workspace()]);
    let id = store.find(first.path()).unwrap();
    let second = fixture.run("a", "0002-y", "");
    let experiment = fixture.workspace().experiment("a").path().to_path_buf();
    assert!(store.refresh(&[Change::Runs(experiment.clone())]).list);
    let away = fixture.folder.path().join("away");
    fs::rename(first.path(), &away).unwrap();
    let changed = store.refresh(&[Change::Runs(experiment)]);
    assert!(changed.list && changed.runs.contains(&id));
    assert_eq!(labels(&store), ["a/0002-y"]);
    fs::rename(&away, first.path()).unwrap();
    store.refresh(&[Change::Experiments(fixture.workspace().root().into())]);
    assert_eq!(store.find(first.path()), Some(id));
    assert_ne!(store.find(second.path()), Some(id));
    fs::remove_dir_all(fixture.workspace().experiment("a").path()).unwrap();
    assert!(store.refresh(&[Change::Everything]).list);
    assert!(labels(&store).is_empty());
}

#[test]
fn a_change_in_an_unknown_run_finds_it() {
    let fixture = Fixture::new();
    let mut store = Store::open(vec![fixture.workspace()]);
    let run = fixture.run("new", "0001-x", "");
    assert!(store.refresh(&change(&run)).list);
    assert_eq!(labels(&store), ["new/0001-x"]);
}

#[test]
fn a_run_asked_to_end_is_ending_until_it_has() {
    let fixture = Fixture::new();
    let run = fixture.run("a", "0001-x", "");
    status(&run, State::Running);
    let _supervisor = try_exclusive(&run.run_lock()).unwrap();
    let ask =
        |attempt, time, deed| post_request(&run, &Request { attempt, time: Moment(time), deed }).unwrap();
    ask(1, 0, Deed::Save);
    ask(7, 0, Deed::Stop);
    let mut store = Store::open(vec![fixture.workspace()]);
    let id = store.find(run.path()).unwrap();
    let seen = |store: &Store| store.get(id).map(|run| (run.state(), run.ending_words())).unwrap();
    assert_eq!(seen(&store), (ShownState::Running, None), "neither asks this attempt to end");
    for (time, deed, said) in
        [(61_000, Deed::Stop, "to stop: "), (62_000, Deed::Kill, "at once (since 00:01:02")]
    {
        ask(1, time, deed);
        // Found by whoever looks at the run, and by whoever held the queue lock.
        let hint = if deed == Deed::Stop {
            Change::States(fixture.workspace().root().into())
        } else {
            change(&run)[0].clone()
        };
        assert!(store.refresh(&[hint]).runs.contains(&id));
        let (state, words) = seen(&store);
        assert!(
            state == ShownState::Ending && words.as_ref().is_some_and(|words| words.contains(said)),
            "{words:?}"
        );
        assert!(!store.refresh(&change(&run)).runs.contains(&id), "nothing new");
    }
    status(&run, State::Stopped);
    store.refresh(&change(&run));
    assert_eq!(seen(&store), (ShownState::Stopped, None));
}

#[test]
fn liveness_is_the_locks_word() {
    let fixture = Fixture::new();
    let run = fixture.run("a", "0001-x", "");
    status(&run, State::Running);
    let supervisor = try_exclusive(&run.run_lock()).unwrap();
    let trainer = try_exclusive(&run.train_lock()).unwrap();
    let mut store = Store::open(vec![fixture.workspace()]);
    let id = store.find(run.path()).unwrap();
    let state = |store: &Store| store.get(id).map(Run::state);
    assert_eq!(state(&store), Some(ShownState::Running));
    drop(supervisor);
    assert!(store.refresh(&[Change::Liveness]).runs.contains(&id));
    assert_eq!(state(&store), Some(ShownState::Orphaned));
    drop(trainer);
    store.refresh(&[Change::Liveness]);
    assert_eq!(state(&store), Some(ShownState::Lost));
    assert!(store.refresh(&[Change::Liveness]).is_empty());
    assert!(store.live().is_empty());
}

#[test]
fn an_end_written_just_before_the_locks_went_is_not_shown_as_lost() {
    let fixture = Fixture::new();
    let run = fixture.run("a", "0001-x", "");
    status(&run, State::Running);
    let supervisor = try_exclusive(&run.run_lock()).unwrap();
    let mut store = Store::open(vec![fixture.workspace()]);
    status(&run, State::Finished);
    drop(supervisor);
    store.refresh(&[Change::Liveness]);
    assert_eq!(store.runs().next().map(Run::state), Some(ShownState::Finished));
}

#[test]
fn what_cannot_be_understood_is_named_and_the_last_good_version_stays() {
    let fixture = Fixture::new();
    let run = fixture.run("a", "0001-x", "");
    status(&run, State::Finished);
    let mut store = Store::open(vec![fixture.workspace()]);
    fs::write(run.status(), "{\"format\":").unwrap();
    assert!(!store.refresh(&change(&run)).is_empty());
    let shown = store.runs().next().unwrap();
    assert_eq!(shown.state(), ShownState::Finished);
    assert!(shown.problems[0].starts_with("status.json: "), "{:?}", shown.problems);
    status(&run, State::Finished);
    store.refresh(&change(&run));
    assert!(store.runs().next().unwrap().problems.is_empty());
    fs::write(
        run.status(),
        json!({"format": 99, "state": "finished", "attempt": 1, "since": Moment(0)}).to_string(),
    )
    .unwrap();
    store.refresh(&change(&run));
    assert!(store.runs().next().unwrap().problems[0].contains("newer"));
}

#[test]
fn the_time_left_follows_the_pace_of_late() {
    let fixture = Fixture::new();
    let run = fixture.run("a", "0001-x", "");
    status(&run, State::Running);
    let _lock = try_exclusive(&run.run_lock()).unwrap();
    summary(&run, 10, 40.0, 100_000, 1.0);
    let mut store = Store::open(vec![fixture.workspace()]);
    let left = |store: &Store, now: i64| store.runs().next().unwrap().seconds_left(Moment(now)).unwrap();
    assert!((left(&store, 100_000) - 360.0).abs() < 1e-9, "the whole training's pace at first");
    summary(&run, 30, 50.0, 110_000, 1.0);
    store.refresh(&change(&run));
    assert!((left(&store, 110_000) - 35.0).abs() < 1e-9, "then that of the observed stretch");
    assert!((left(&store, 120_000) - 25.0).abs() < 1e-9, "and time goes on between two summaries");
}

#[test]
fn metrics_are_read_on_demand_and_followed() {
    let fixture = Fixture::new();
    let run = fixture.run("a", "0001-x", "");
    let mut writer = EventWriter::create(&run.logs(), "h", Moment(0)).unwrap();
    writer.scalar(1, "train/loss", 2.0, Moment(0)).unwrap();
    let mut store = Store::open(vec![fixture.workspace()]);
    let id = store.find(run.path()).unwrap();
    assert!(store.metrics(id).is_none());
    store.keep_metrics(&[id]);
    let mut changed = Changed::default();
    assert!(!store.poll_metrics(u64::MAX, &mut changed));
    assert_eq!(changed.metrics, [id].into());
    writer.scalar(2, "train/loss", 1.0, Moment(0)).unwrap();
    let mut changed = store.refresh(&[Change::Metrics(run.path().to_path_buf())]);
    store.poll_metrics(u64::MAX, &mut changed);
    assert_eq!(changed.metrics, [id].into());
    assert_eq!(store.metrics(id).map(loradeck_core::metrics::RunMetrics::points), Some(2));
    let mut changed = Changed::default();
    store.poll_metrics(u64::MAX, &mut changed);
    assert!(changed.is_empty());
    store.keep_metrics(&[]);
    assert!(store.metrics(id).is_none());
}

#[test]
fn configurations_differ_by_value_not_by_spelling() {
    let fixture = Fixture::new();
    fixture.run("a", "0001-x", "learning_rate: 2e-4\nlora_rank: 4\nrun_name: x\nprovenance:\n  commit: a\n");
    fixture.run(
        "a",
        "0002-y",
        "learning_rate: 0.0002\nlora_rank: 8\nrun_name: y\nprovenance:\n  commit: b\n",
    );
    fixture.run("a", "0003-z", "learning_rate: 0.0002\nlora_rank: 8\nseed: 1\n");
    let store = Store::open(vec![fixture.workspace()]);
    let found = differences(&store.runs().collect::<Vec<_>>());
    let text = |text: &str| Some(text.to_owned());
    assert_eq!(
        found,
        [
            Difference { key: "lora_rank".into(), values: vec![text("4"), text("8"), text("8")] },
            Difference { key: "seed".into(), values: vec![None, None, text("1")] },
        ]
    );
}

#[test]
fn a_held_queue_lock_makes_touched_runs_be_looked_at() {
    let fixture = Fixture::new();
    let (first, second) = (fixture.run("a", "0001-x", ""), fixture.run("a", "0002-y", ""));
    status(&first, State::Queued);
    let mut store = Store::open(vec![fixture.workspace()]);
    let root = fixture.workspace().root().to_path_buf();
    assert!(store.refresh(&[Change::States(root.clone())]).is_empty());
    status(&second, State::Queued);
    let changed = store.refresh(&[Change::States(root)]);
    assert_eq!(changed.runs, store.find(second.path()).into_iter().collect());
    assert_eq!(store.followed(&[]).queued, [first.path(), second.path()]);
    assert!(store.refresh(&[Change::States("/elsewhere".into())]).is_empty());
}

#[test]
fn two_workspaces_stay_apart() {
    let (first, second) = (Fixture::new(), Fixture::new());
    second.run("a", "0001-second", "");
    first.run("b", "0001-first", "");
    let store = Store::open(vec![first.workspace(), second.workspace()]);
    let found: Vec<(usize, String)> = store.runs().map(|run| (run.workspace, run.label())).collect();
    assert_eq!(found, [(0, "b/0001-first".into()), (1, "a/0001-second".into())]);
}
