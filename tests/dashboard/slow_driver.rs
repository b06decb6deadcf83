//! A GPU driver that hangs holds up nothing but what only it knows.

use std::path::Path;
use std::process::Command;

use loradeck::launch::QueueSettings;
use loradeck_core::run::{State, Workspace};
use portable_pty::CommandBuilder;

use super::screen::Screen;
use super::workspace;

/// NVML's library as it is on a machine whose driver hangs.
const HANGING: &str = "#include <unistd.h>\nint nvmlInit_v2(void) { for (;;) pause(); }\n";

fn build(folder: &Path) {
    let source = folder.join("nvml.c");
    std::fs::write(&source, HANGING).unwrap();
    for name in ["libnvidia-ml.so", "libnvidia-ml.so.1"] {
        let mut compiler = Command::new("cc");
        compiler.args(["-shared", "-fPIC", "-o"]).arg(folder.join(name)).arg(&source);
        assert!(compiler.status().unwrap().success(), "the linker that Rust needs compiles C too");
    }
}

#[test]
fn a_hanging_driver_delays_neither_drawing_nor_reading_nor_leaving() {
    let (folder, _made_up) = workspace(&[(State::Finished, 96), (State::Queued, 0)]);
    let library = tempfile::tempdir().unwrap();
    build(library.path());
    let found = Workspace::find(folder.path()).unwrap();
    // Nothing may start while this test looks.
    QueueSettings { paused: true, ..QueueSettings::default() }.write(&found).unwrap();
    let mut command = CommandBuilder::new(env!("CARGO_BIN_EXE_loradeck"));
    command.arg(folder.path());
    command.cwd(folder.path());
    command.env_remove("LORADECK_DEVICE");
    command.env("TERM", "xterm-256color");
    command.env("LANG", "C.UTF-8");
    command.env("LD_LIBRARY_PATH", library.path());
    let mut screen = Screen::run(command, 120, 30);
    screen.wait_for("0002-rank-8");
    screen.press("4");
    screen.wait_for("Queue, 1 waiting");
    // What changes is read on, and shown.
    loradeck_core::run::QueueEntry { hold: true, ..Default::default() }
        .write(&found.experiment("format").runs()[1])
        .unwrap();
    screen.wait_for("held: H releases it");
    assert!(!screen.text().contains("slot "), "slots are what only the driver knows:\n{}", screen.text());
    screen.press("q");
    assert!(screen.end().success());
    screen.assert_whole();
}
