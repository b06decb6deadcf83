//! A dashboard that is killed outright costs no training, and the next one gives the terminal back whole.

use std::path::Path;

use loradeck_core::run::{RunFolder, State};
use portable_pty::CommandBuilder;

use super::screen::Screen;
use super::support::{Deck, kill_9, starts, state, wait_for_end, wait_until};

/// A shell without any mercy of its own: what a program leaves behind, the next one finds.
fn shell(deck: &Deck, script: &str) -> Screen {
    let mut command = CommandBuilder::new("sh");
    command.args(["-c", script, "sh", env!("CARGO_BIN_EXE_loradeck")]);
    command.cwd(deck.workspace.root());
    for (name, value) in deck.command(&[]).get_envs() {
        match value {
            Some(value) => command.env(name, value),
            None => command.env_remove(name),
        }
    }
    command.env("TERM", "xterm-256color");
    command.env("LANG", "C.UTF-8");
    Screen::run(command, 110, 30)
}

/// The program that the shell waits for.
fn child_of(screen: &Screen) -> u32 {
    let shell = screen.child.process_id().unwrap();
    let path = format!("/proc/{shell}/task/{shell}/children");
    let children = || std::fs::read_to_string(Path::new(&path)).unwrap_or_default();
    wait_until("the shell has a child", || !children().trim().is_empty());
    children().split_whitespace().next().unwrap().parse().unwrap()
}

fn let_go(run: &RunFolder) {
    std::fs::write(run.path().join("go"), "").unwrap();
}

#[test]
fn kill_9_of_the_dashboard_costs_no_training_and_the_next_start_restores_the_terminal() {
    let deck = Deck::new();
    let runs = deck.queue(&["wait", "wait", "finish"]);
    let script = "\"$1\"; echo; stty -a; echo killed; while [ ! -e next ]; do sleep 0.02; done; \"$1\"; stty -a; echo all over";
    let mut screen = shell(&deck, script);
    // The dashboard itself sets the queue going.
    wait_until("the first run trains", || starts(&runs[0]).len() == 1);
    screen.wait_for("0001-wait");
    kill_9(child_of(&screen));
    screen.wait_for("killed");
    // What kill -9 leaves: nobody could clean up.
    assert!(
        screen.terminal.screen().alternate_screen() && screen.text().contains("-icanon"),
        "{}",
        screen.text()
    );
    assert_eq!(state(&runs[0]), State::Running);
    assert!(deck.dispatcher_is_at_work(), "it was started by the dashboard, but does not end with it");
    std::fs::write(deck.workspace.root().join("next"), "").unwrap();
    let_go(&runs[0]);
    wait_until("the second run trains", || starts(&runs[1]).len() == 1);
    screen.wait_for("0002-wait");
    let_go(&runs[1]);
    for run in &runs {
        assert_eq!(wait_for_end(run).state, State::Finished, "{}", run.label());
        assert_eq!(starts(run).len(), 1, "{}", run.label());
    }
    screen.wait_for("3 finished");
    screen.press("q");
    screen.wait_for("all over");
    assert!(screen.end().success());
    screen.assert_whole();
    let text = screen.text();
    let words: Vec<&str> = text.split_whitespace().collect();
    assert!(["icanon", "echo", "isig", "opost", "icrnl"].iter().all(|word| words.contains(word)), "{text}");
}
