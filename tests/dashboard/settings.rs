//! `theme:` and `keys:` of `loradeck.yaml`, seen on the terminal.

use std::path::Path;
use std::process::Command;

use loradeck_core::run::State;
use portable_pty::CommandBuilder;

use super::screen::Screen;
use super::workspace;

fn dashboard(folder: &Path, settings: &str, variables: &[(&str, &str)]) -> Screen {
    std::fs::write(folder.join("loradeck.yaml"), settings).unwrap();
    let mut command = CommandBuilder::new(env!("CARGO_BIN_EXE_loradeck"));
    command.arg(folder);
    command.cwd(folder);
    for name in ["NO_COLOR", "COLORTERM"] {
        command.env_remove(name);
    }
    for (name, value) in [("TERM", "xterm-256color"), ("LANG", "C.UTF-8")].iter().chain(variables) {
        command.env(name, value);
    }
    Screen::run(command, 100, 30)
}

/// What the bytes say about colours: of the palette, of the terminal's own.
fn colours(screen: &Screen) -> (bool, bool) {
    let raw = String::from_utf8_lossy(&screen.raw);
    let codes =
        raw.split("\u{1b}[").filter_map(|rest| rest.split_once('m')).map(|(codes, _)| codes.to_owned());
    let codes: Vec<String> =
        codes.filter(|codes| codes.chars().all(|c| c.is_ascii_digit() || c == ';')).collect();
    let is_own = |code: &str| matches!(code.parse(), Ok(30..=37 | 90..=97));
    (
        codes.iter().any(|code| code.contains("38;5;")),
        codes.iter().any(|code| !code.contains("38;5") && code.split(';').any(is_own)),
    )
}

#[test]
fn keys_and_theme_are_taken_up_and_the_help_follows() {
    let (folder, _made_up) = workspace(&[(State::Finished, 96), (State::Stopped, 40)]);
    let settings =
        "format: 1\ntheme: {symbols: ascii, colours: 16}\nkeys: {quit: X, grid: F2, help: Ctrl-o}\n";
    let mut screen = dashboard(folder.path(), settings, &[]);
    screen.wait_for("0002-rank-8");
    screen.wait_for("X quit");
    assert!(screen.text().is_ascii(), "{}", screen.text());
    assert_eq!(colours(&screen), (false, true));
    screen.press("\u{1b}OQ");
    screen.wait_for("Enter enlarge");
    screen.press("q?");
    screen.press("\u{f}");
    screen.wait_for("type to search");
    screen.press("small charts and");
    screen.wait_for("screens.grid");
    assert!(screen.text().contains(" F2  twelve small charts"), "{}", screen.text());
    screen.press("\u{1b}");
    screen.wait_until_gone("screens.grid");
    screen.press("X");
    assert!(screen.end().success());
    screen.assert_whole();
}

#[test]
fn no_color_and_terminals_of_sixteen_colours_are_respected() {
    let (folder, _made_up) = workspace(&[(State::Finished, 96)]);
    for (settings, variables, expected) in [
        ("format: 1\n", &[("TERM", "xterm-256color")][..], (true, true)),
        ("format: 1\n", &[("TERM", "xterm")], (false, true)),
        ("format: 1\n", &[("NO_COLOR", "1")], (false, false)),
        ("theme: {colours: 256}\n", &[("NO_COLOR", "1")], (false, false)),
    ] {
        let mut screen = dashboard(folder.path(), settings, variables);
        screen.wait_for("0001-rank-4");
        screen.wait_for("last 0.");
        assert_eq!(colours(&screen), expected, "{settings} {variables:?}");
        screen.press("q");
        assert!(screen.end().success());
    }
}

#[test]
fn wrong_settings_are_told_before_the_terminal_is_touched() {
    let (folder, _made_up) = workspace(&[(State::Finished, 96)]);
    let settings = "format: 1\nkeys:\n  stopp: x\n  grid: q\n";
    std::fs::write(folder.path().join("loradeck.yaml"), settings).unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_loradeck")).arg(folder.path()).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.contains(":3:3: keys.stopp: is no action of the dashboard"), "{said}");
    assert!(said.contains(":4:9: keys.grid: 'q' already means 'quit' (everywhere)"), "{said}");
    assert!(output.stdout.is_empty());
}
