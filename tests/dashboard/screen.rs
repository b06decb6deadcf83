//! A pseudo-terminal with a program in it, seen through a terminal emulator.

use std::io::{Read, Write};
use std::num::NonZeroU16;
use std::path::Path;
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::{Duration, Instant};

use portable_pty::{Child, CommandBuilder, ExitStatus, MasterPty, PtySize, native_pty_system};

/// How long anything may take before the test fails.
pub(super) const PATIENCE: Duration = Duration::from_secs(90);
/// Nothing said for so long is silence.
pub(super) const SILENCE: Duration = Duration::from_millis(1500);

pub(super) fn cells(count: u16) -> NonZeroU16 {
    NonZeroU16::new(count).unwrap()
}

pub(super) struct Screen {
    pub(super) master: Box<dyn MasterPty + Send>,
    keys: Box<dyn Write + Send>,
    pub(super) child: Box<dyn Child + Send + Sync>,
    bytes: Receiver<Vec<u8>>,
    pub(super) terminal: vt100::Parser,
    pub(super) raw: Vec<u8>,
}

/// The folder that stands for this user's `XDG_STATE_HOME`.
pub(super) fn state_home(workspace: &Path) -> std::path::PathBuf {
    workspace.join(".state")
}

impl Screen {
    pub(super) fn run(command: CommandBuilder, columns: u16, rows: u16) -> Self {
        let size = PtySize { rows, cols: columns, pixel_width: 0, pixel_height: 0 };
        let pair = native_pty_system().openpty(size).unwrap();
        let child = pair.slave.spawn_command(command).unwrap();
        drop(pair.slave);
        let mut reader = pair.master.try_clone_reader().unwrap();
        let (send, bytes) = channel();
        thread::spawn(move || {
            let mut buffer = vec![0u8; 65536];
            while let Ok(count @ 1..) = reader.read(&mut buffer) {
                if send.send(buffer[..count].to_vec()).is_err() {
                    return;
                }
            }
        });
        let keys = pair.master.take_writer().unwrap();
        let terminal = vt100::Parser::new(cells(rows), cells(columns), 0);
        Self { master: pair.master, keys, child, bytes, terminal, raw: Vec::new() }
    }

    pub(super) fn dashboard(workspace: &Path, columns: u16, rows: u16) -> Self {
        let mut command = CommandBuilder::new(env!("CARGO_BIN_EXE_loradeck"));
        command.arg(workspace);
        command.cwd(workspace);
        command.env("XDG_STATE_HOME", state_home(workspace));
        command.env("TERM", "xterm-256color");
        command.env("LANG", "C.UTF-8");
        command.env_remove("NO_COLOR");
        Self::run(command, columns, rows)
    }

    /// Takes up whatever comes until nothing has come for `quiet`; how many bytes it was.
    pub(super) fn drain(&mut self, quiet: Duration) -> usize {
        let mut count = 0;
        while let Ok(bytes) = self.bytes.recv_timeout(quiet) {
            count += bytes.len();
            self.terminal.process(&bytes);
            self.raw.extend(bytes);
        }
        count
    }

    /// Takes up whatever comes for so long; how many bytes it was.
    pub(super) fn drain_for(&mut self, time: Duration) -> usize {
        let (begin, before) = (Instant::now(), self.raw.len());
        while let Some(left) = time.checked_sub(begin.elapsed()) {
            let Ok(bytes) = self.bytes.recv_timeout(left) else { break };
            self.terminal.process(&bytes);
            self.raw.extend(bytes);
        }
        self.raw.len() - before
    }

    /// Takes up what comes until the screen is as wanted; when the last of it arrived.
    pub(super) fn arrival(&mut self, is_as_wanted: impl Fn(&vt100::Screen) -> bool) -> Instant {
        let begin = Instant::now();
        loop {
            assert!(begin.elapsed() < PATIENCE, "not as wanted:\n{}", self.text());
            let Ok(bytes) = self.bytes.recv_timeout(PATIENCE) else { continue };
            let arrived = Instant::now();
            self.terminal.process(&bytes);
            self.raw.extend(bytes);
            if is_as_wanted(self.terminal.screen()) {
                return arrived;
            }
        }
    }

    pub(super) fn text(&self) -> String {
        self.terminal.screen().contents()
    }

    pub(super) fn wait_for(&mut self, wanted: &str) {
        let begin = Instant::now();
        while !self.text().contains(wanted) {
            assert!(begin.elapsed() < PATIENCE, "no '{wanted}' in:\n{}", self.text());
            self.drain(Duration::from_millis(20));
        }
    }

    pub(super) fn wait_until_gone(&mut self, unwanted: &str) {
        let begin = Instant::now();
        while self.text().contains(unwanted) {
            assert!(begin.elapsed() < PATIENCE, "still '{unwanted}' in:\n{}", self.text());
            self.drain(Duration::from_millis(20));
        }
    }

    pub(super) fn press(&mut self, keys: &str) {
        self.keys.write_all(keys.as_bytes()).unwrap();
        self.keys.flush().unwrap();
    }

    pub(super) fn signal(&self, name: &str) {
        let pid = self.child.process_id().unwrap().to_string();
        assert!(std::process::Command::new("kill").args(["-s", name, &pid]).status().unwrap().success());
    }

    pub(super) fn end(&mut self) -> ExitStatus {
        let begin = Instant::now();
        loop {
            self.drain(Duration::from_millis(20));
            if let Some(status) = self.child.try_wait().unwrap() {
                self.drain(Duration::from_millis(100));
                return status;
            }
            assert!(begin.elapsed() < PATIENCE, "does not end:\n{}", self.text());
        }
    }

    /// Every mode that was turned on is off again.
    pub(super) fn assert_whole(&self) {
        let screen = self.terminal.screen();
        assert!(!screen.alternate_screen(), "still on the alternate screen");
        assert!(!screen.hide_cursor(), "the cursor is hidden");
        assert!(!screen.bracketed_paste(), "paste is still bracketed");
        assert_eq!(screen.mouse_protocol_mode(), vt100::MouseProtocolMode::None);
        let raw = String::from_utf8_lossy(&self.raw);
        let (begun, ended) = (raw.matches("\u{1b}[?2026h").count(), raw.matches("\u{1b}[?2026l").count());
        assert!(begun > 0 && ended >= begun, "an update is left open: {begun} begun, {ended} ended");
        // Nothing is ever asked of the terminal: no device attributes, no cursor position, no colours.
        assert!(!raw.contains("\u{1b}[?1003h"), "each motion of the mouse is asked for");
        assert!(!raw.contains("\u{1b}[c") && !raw.contains("\u{1b}[6n") && !raw.contains("\u{1b}]11;?"));
    }
}
