//! Why the dashboard has a reader of its own: crossterm's takes a sequence that arrives in two pieces for several keys
//! (crossterm#993). When this test fails, that is mended: `tui/terminal/input.rs` and `reader.rs` can give way to it.

use crossterm::event::{Event, KeyCode, read};
use loradeck_core::run::State;
use portable_pty::CommandBuilder;

use super::screen::Screen;
use super::workspace;

#[test]
fn an_arrow_in_two_pieces_is_three_keys_to_crossterm() {
    let mut command = CommandBuilder::new(std::env::current_exe().unwrap());
    let test = "own_reader::says_what_crossterm_reads";
    command.args(["--exact", test, "--ignored", "--nocapture", "--test-threads=1"]);
    command.env("TERM", "xterm");
    let mut screen = Screen::run(command, 80, 24);
    screen.wait_for("ready");
    screen.press("\u{1b}");
    // The rest is on its way, but crossterm does not wait for it.
    screen.wait_for("read Esc");
    screen.press("[Bq");
    screen.wait_for("read Char('[')");
    screen.wait_for("read Char('B')");
    assert!(screen.end().success());
}

#[test]
fn an_arrow_in_two_pieces_is_one_key_to_us() {
    let (folder, _made_up) = workspace(&[(State::Finished, 96), (State::Finished, 96)]);
    let mut screen = Screen::dashboard(folder.path(), 80, 24);
    screen.wait_for("0002-rank-8");
    screen.press("?");
    screen.wait_for("type to search");
    screen.press("\u{1b}");
    screen.press("[B");
    screen.press("wrap");
    // Escape would have closed the help, and the letters would have been keys of the list.
    screen.wait_for("› wrap");
    screen.press("\u{3}");
    assert!(screen.end().success());
}

/// Run by the first test in a terminal of its own.
#[test]
#[ignore = "child: another test starts it in a pseudo-terminal, and types"]
fn says_what_crossterm_reads() {
    crossterm::terminal::enable_raw_mode().unwrap();
    print!("ready\r\n");
    loop {
        let Event::Key(key) = read().unwrap() else { continue };
        print!("read {:?}\r\n", key.code);
        if key.code == KeyCode::Char('q') {
            break;
        }
    }
    crossterm::terminal::disable_raw_mode().unwrap();
}
