//! What wakes the loop up.

use std::io;
use std::sync::mpsc::Sender;
use std::thread::{self, JoinHandle};

use crate::tui::message::{Batch, Msg};
use crate::tui::terminal::{Event, Signalled};

/// A message to the loop.
#[derive(Debug)]
pub(super) enum Wake {
    /// The user did something; `None`: the terminal has gone away.
    Input(Option<Event>),
    /// A signal came.
    Signal(Signalled),
    /// A frame was written, or could not be.
    Written(io::Result<()>),
    /// Files changed; ask for it.
    News,
    /// What was asked for.
    Batch(Box<Batch>),
    /// A picture was drawn.
    Drawn(Box<Msg>),
    /// Something for the state.
    Msg(Box<Msg>),
    /// A thread panicked.
    Died,
}

/// Starts a thread whose panic the loop hears of.
pub(super) fn spawn(wake: Sender<Wake>, work: impl FnOnce(&Sender<Wake>) + Send + 'static) -> JoinHandle<()> {
    struct Bell(Sender<Wake>);
    impl Drop for Bell {
        fn drop(&mut self) {
            if thread::panicking() {
                let _ = self.0.send(Wake::Died);
            }
        }
    }
    thread::spawn(move || {
        let bell = Bell(wake);
        work(&bell.0);
    })
}
