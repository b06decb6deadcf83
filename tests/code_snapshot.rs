//! Which code a run's command sees: that of the submission, whatever the working tree has become since.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::semicolon_if_nothing_returned)]

mod support;

use std::fs;

use loradeck_core::run::{RunFolder, State};
use support::{Deck, state, wait_until};

fn said(run: &RunFolder) -> String {
    fs::read_to_string(run.train_log()).unwrap()
}

#[test]
fn a_snapshot_holds_the_commit_its_changes_and_new_files_and_nothing_later() {
    let deck = Deck::in_git();
    let root = deck.workspace.root().to_path_buf();
    fs::create_dir_all(root.join("experiments/a")).unwrap();
    let script = "import helper, os\nprint('saw', helper.WORD, os.path.exists('later.py'))\n";
    fs::write(root.join("train.py"), "print('committed, and changed before the submission')\n").unwrap();
    deck.git(&["add", "."]);
    deck.git(&["commit", "-qm", "code"]);
    fs::write(root.join("train.py"), script).unwrap();
    fs::write(root.join("helper.py"), "WORD = 'then'\n").unwrap();
    let file = "command: [python3, train.py, '${seed}']\ncode: snapshot\nsweep: {parameters: {seed: {values: [1, 2]}}}\n";
    fs::write(root.join("experiments/a/experiment.yaml"), file).unwrap();
    let output = deck.run(&["run", "a", "--hold"]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    fs::write(root.join("helper.py"), "WORD = 'now'\n").unwrap();
    fs::write(root.join("later.py"), "").unwrap();
    let before = deck.git(&["status", "--porcelain"]);
    let runs = deck.workspace.experiment("a").runs();
    assert!(deck.run(&["queue", "release", "a/1", "a/2"]).status.success());
    wait_until("both have ended", || runs.iter().all(|run| state(run).is_end()));
    for run in &runs {
        assert_eq!(state(run), State::Finished, "{}", said(run));
        assert!(said(run).contains("saw then False"), "{}", said(run));
    }
    wait_until("the dispatcher goes", || !deck.dispatcher_is_at_work());
    let ours = |line: &&str| !line.contains("experiments/");
    let tree = |text: &str| text.lines().filter(ours).map(str::to_owned).collect::<Vec<_>>();
    assert_eq!(tree(&deck.git(&["status", "--porcelain"])), tree(&before), "the working tree is as it was");
}

#[test]
fn a_snapshot_for_the_built_in_trainer_is_refused() {
    let deck = Deck::in_git();
    let folder = deck.workspace.experiment("a").path().to_path_buf();
    fs::create_dir_all(&folder).unwrap();
    fs::write(folder.join("experiment.yaml"), "base_model: m\ntrain_data_dir: d\ncode: snapshot\n").unwrap();
    let output = deck.run(&["check", "a"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("code: 'snapshot' is for runs with a command"));
}
