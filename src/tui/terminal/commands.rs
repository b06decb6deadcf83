//! crossterm's commands as bytes, and the one that it lacks.

use std::fmt;

use crossterm::Command;

/// What a command sends.
pub(super) fn bytes_of(command: impl Command) -> Vec<u8> {
    let mut text = String::new();
    // Writing to memory does not fail.
    let _ = command.write_ansi(&mut text);
    text.into_bytes()
}

/// Turns reports of clicks and the wheel on. crossterm's `EnableMouseCapture` asks for every motion besides, which is a
/// stream of bytes over a slow link that nobody looks at. Its `DisableMouseCapture` turns this off too.
pub(super) struct EnableClicks;

impl Command for EnableClicks {
    fn write_ansi(&self, out: &mut impl fmt::Write) -> fmt::Result {
        // Buttons, and places as numbers (SGR), which has no edge at column 223.
        out.write_str("\x1b[?1000h\x1b[?1006h")
    }
}
