//! A search whose trials go to Slurm: as many at once as are asked for, judged while they train.

use std::fs;

use loradeck_core::run::{RunFolder, State, Summary, read_attempts, read_journal};

use crate::deck::{SlurmDeck, wait_long};
use crate::shared;
use crate::support::{starts, state};

const TRAINER: &str = include_str!("../support/falling_loss.py");

const EXPERIMENT: &str = "\
command: [python3, experiments/search/train.py, '${x}', '${run_dir}', '${max_steps}', '0.05']
metrics: jsonl
max_steps: 60
parameters: {x: 0.5}
launcher: slurm
slurm: {memory: 10M, array_parallelism: 3}
sweep:
  method: bayes
  run_cap: 9
  metric: {name: eval/loss, goal: minimize}
  parameters: {x: {min: 0.0, max: 3.0}}
  asha: {grace_period: 10, reduction_factor: 2}
";

fn best(run: &RunFolder) -> f64 {
    Summary::read(run).unwrap().unwrap().metrics["eval/loss"].best
}

#[test]
#[ignore = "child: `just test-system` runs it on a real cluster"]
fn a_search_keeps_as_many_trials_with_slurm_as_it_may_and_gives_some_up() {
    let deck = SlurmDeck::in_git(shared());
    let folder = deck.root().join("experiments/search");
    fs::create_dir_all(&folder).unwrap();
    fs::write(folder.join("train.py"), TRAINER).unwrap();
    fs::write(folder.join("experiment.yaml"), EXPERIMENT).unwrap();
    // This machine's only slot is taken all the while.
    deck.run(&["queue", "slots", "1"]);
    let here = deck.deck.queue(&["wait"]).remove(0);
    deck.run(&["run", "search"]);
    wait_long("the slot is taken", || starts(&here).len() == 1);
    let trials = || deck.deck.workspace.experiment("search").runs();
    let mut most = 0;
    wait_long("all trials have ended", || {
        let states: Vec<State> =
            trials().iter().filter_map(|run| Some(crate::support::try_status(run)?.state)).collect();
        most = most.max(states.iter().filter(|state| !state.is_end()).count());
        states.len() == 9 && states.iter().all(|state| state.is_end())
    });
    assert_eq!(most, 3, "at once");
    assert_eq!(state(&here), State::Running, "nothing waited for it");
    fs::write(here.path().join("go"), "").unwrap();
    deck.wait_until_quiet();
    let runs = trials();
    let given_up: Vec<&RunFolder> = runs.iter().filter(|run| state(run) == State::Pruned).collect();
    let finished: Vec<&RunFolder> = runs.iter().filter(|run| state(run) == State::Finished).collect();
    assert!(!given_up.is_empty() && given_up.len() + finished.len() == 9, "{:?}", runs.iter().map(state));
    for run in &runs {
        let [attempt] = read_attempts(run).try_into().unwrap();
        assert!(attempt.job.is_some(), "{} ran on this machine", run.label());
        assert!(run.report().exists());
    }
    for run in &given_up {
        let is_verdict =
            |kind: &str, verdict: Option<&str>| kind == "early-stopping" && verdict == Some("pruned");
        let entries = read_journal(run).entries;
        assert!(entries.iter().any(|entry| is_verdict(&entry.kind, entry.text("verdict"))), "{entries:#?}");
        assert!(Summary::read(run).unwrap().unwrap().step < 60, "it was heard while it trained");
    }
    let winner = runs.iter().min_by(|left, right| best(left).total_cmp(&best(right))).unwrap();
    assert_eq!(state(winner), State::Finished, "the best is trained to its end");
    assert!(deck.deck.git(&["ls-files"]).contains("experiments/search/comparison.md"));
    let sweep = deck.deck.workspace.experiment("search").sweeps().join("01/sweep.json");
    assert!(fs::read_to_string(sweep).unwrap().contains("\"closed\": true"));
}
