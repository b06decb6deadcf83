//! Reports are read without leaving the dashboard.

use std::fs;

use loradeck_core::run::{State, Workspace};

use super::screen::Screen;
use super::workspace;

#[test]
fn a_report_and_a_comparison_are_read_and_left_again() {
    let (folder, _made_up) = workspace(&[(State::Finished, 96)]);
    let found = Workspace::find(folder.path()).unwrap();
    let experiment = found.experiment("format");
    let report = "# Report\n\nhostile \u{1b}[?1049l &#27;]52;c;aGk=&#7; text\n\n| run | loss |\n|---|--:|\n| 1 | **0.41** |\n";
    fs::write(experiment.runs()[0].report(), report).unwrap();
    let mut screen = Screen::dashboard(folder.path(), 100, 30);
    screen.wait_for("0001-rank-4");
    screen.press("r");
    screen.wait_for("Report of format/0001");
    screen.wait_for("run  loss");
    assert!(screen.terminal.screen().alternate_screen(), "the text commands nothing");
    assert!(!String::from_utf8_lossy(&screen.raw).contains("\u{1b}]52;"));
    screen.press("q");
    screen.wait_until_gone("Report of");
    screen.press("\u{1b}[Hr");
    screen.wait_for("not written yet");
    fs::write(experiment.comparison(), "# All runs of format\n").unwrap();
    screen.press("r");
    screen.wait_for("All runs of format");
    screen.press("qq");
    assert!(screen.end().success());
    screen.assert_whole();
}
