//! A dashboard in a terminal of its own, as somebody has it open beside what a test does.

use std::io::Read as _;
use std::thread;

use portable_pty::{CommandBuilder, MasterPty, PtySize, native_pty_system};

use crate::support::Deck;

/// A dashboard; what it paints is read and thrown away.
pub(crate) struct Onlooker {
    pub(crate) child: Box<dyn portable_pty::Child + Send + Sync>,
    _terminal: Box<dyn MasterPty + Send>,
}

impl Onlooker {
    pub(crate) fn open(deck: &Deck) -> Self {
        let size = PtySize { rows: 40, cols: 120, ..PtySize::default() };
        let terminal = native_pty_system().openpty(size).unwrap();
        let plain = deck.command(&[]);
        let mut command = CommandBuilder::new(plain.get_program());
        command.cwd(deck.workspace.root());
        command.env("TERM", "xterm-256color");
        for (name, value) in plain.get_envs() {
            match value {
                Some(value) => command.env(name, value),
                None => command.env_remove(name),
            }
        }
        let child = terminal.slave.spawn_command(command).unwrap();
        let mut reader = terminal.master.try_clone_reader().unwrap();
        thread::spawn(move || {
            let mut sink = [0u8; 4096];
            while reader.read(&mut sink).is_ok_and(|count| count > 0) {}
        });
        Self { child, _terminal: terminal.master }
    }

    /// Whether its process is still there.
    pub(crate) fn is_there(&mut self) -> bool {
        self.child.try_wait().unwrap().is_none()
    }
}

impl Drop for Onlooker {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
