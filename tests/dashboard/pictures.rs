//! Sample pictures: cells over any link, graphics on request, and nothing of them is left behind.

use std::fs;

use loradeck_core::run::{Journal, JournalEntry, RunFolder, State, Workspace, Writer};
use loradeck_data::image::Picture;

use super::screen::Screen;
use super::support::wait_until;
use super::workspace;

const DELETE: &str = "\u{1b}_Ga=d,d=A,q=2\u{1b}\\";

/// A red picture of step 0, and one of step 10 that is cut.
fn draw(run: &RunFolder) {
    fs::create_dir_all(run.samples()).unwrap();
    let whole = Picture::filled(16, 16, [200, 0, 0]).to_png();
    let mut journal = Journal::open(run, Writer::Trainer).unwrap();
    for (step, bytes) in [(0, whole.as_slice()), (10, &whole[..whole.len() - 20])] {
        let file = format!("step-{step}.png");
        fs::write(run.samples().join(&file), bytes).unwrap();
        let entry = JournalEntry::new("sample", 1).at(step).with("number", 1).with("prompt", "a red square");
        let entry = entry.with("picture", file).with("seed", 3).with("width", 16).with("height", 16);
        journal.append(&entry).unwrap();
    }
}

#[test]
fn pictures_are_drawn_in_cells_and_a_broken_one_is_told() {
    let (folder, _made_up) = workspace(&[(State::Finished, 96)]);
    draw(&Workspace::find(folder.path()).unwrap().experiment("format").runs()[0]);
    let mut screen = Screen::dashboard(folder.path(), 100, 30);
    screen.wait_for("0001-rank-4");
    screen.press("i");
    screen.wait_for("Sample pictures of format/0001");
    screen.wait_for("is truncated");
    screen.wait_for("▀▀▀▀");
    let cell = screen.terminal.screen().cell(8, 6).unwrap();
    // (200, 0, 0) lies nearest to (215, 0, 0) of the palette.
    assert_eq!((cell.contents(), cell.fgcolor()), ("▀", vt100::Color::Idx(160)));
    assert!(!String::from_utf8_lossy(&screen.raw).contains("\u{1b}_G"), "graphics only on request");
    screen.press("qq");
    assert!(screen.end().success());
    screen.assert_whole();
}

#[test]
fn graphics_go_when_what_they_belong_to_goes() {
    let (folder, _made_up) = workspace(&[(State::Finished, 96)]);
    draw(&Workspace::find(folder.path()).unwrap().experiment("format").runs()[0]);
    fs::write(folder.path().join("loradeck.yaml"), "format: 1\ntheme: {pictures: kitty}\n").unwrap();
    let mut screen = Screen::dashboard(folder.path(), 100, 30);
    let count = |screen: &Screen, what: &str| String::from_utf8_lossy(&screen.raw).matches(what).count();
    screen.wait_for("0001-rank-4");
    screen.press("i");
    screen.wait_for("is truncated");
    wait_until("a picture is shown", || {
        screen.drain(std::time::Duration::from_millis(20));
        count(&screen, "\u{1b}_Ga=T") == 1
    });
    assert!(!screen.text().contains('▀') && count(&screen, DELETE) == 0);
    screen.press("?");
    screen.wait_for("type to search");
    assert_eq!(count(&screen, DELETE), 1, "a popup is not covered");
    screen.press("\u{1b}");
    screen.wait_until_gone("type to search");
    screen.wait_for("Sample pictures of");
    wait_until("it is shown again", || {
        screen.drain(std::time::Duration::from_millis(20));
        count(&screen, "\u{1b}_Ga=T") == 2
    });
    screen.signal("TERM");
    screen.end();
    assert_eq!(count(&screen, DELETE), 2, "leaving takes it away");
    screen.assert_whole();
}
