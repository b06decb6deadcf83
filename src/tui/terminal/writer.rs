//! A thread of its own writes frames, so that a terminal that has stopped reading stops nothing but its picture.
//!
//! At most one frame is on its way; the next is drawn only after it, from the newest state.

use std::io;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use super::guard;

/// The writing thread.
#[derive(Debug)]
pub struct FrameWriter {
    frames: Option<Sender<Vec<u8>>>,
    finished: Receiver<()>,
    thread: Option<JoinHandle<()>>,
}

impl FrameWriter {
    /// Starts the thread; `written` is called in it after each frame.
    pub fn start(written: impl Fn(io::Result<()>) + Send + 'static) -> Self {
        let (frames, incoming) = channel::<Vec<u8>>();
        let (finish, finished) = channel();
        let thread = thread::spawn(move || {
            // Dropped last, which says that nothing more will be written.
            let _finish: Sender<()> = finish;
            for frame in incoming {
                written(guard::write_all(&frame));
            }
        });
        Self { frames: Some(frames), finished, thread: Some(thread) }
    }

    /// Hands a frame over.
    pub fn send(&self, frame: Vec<u8>) {
        if let Some(frames) = &self.frames {
            let _ = frames.send(frame);
        }
    }

    /// Lets the frame on its way get out, but waits no longer than `patience`.
    pub fn finish(&mut self, patience: Duration) {
        self.frames = None;
        let gone = self.finished.recv_timeout(patience);
        if matches!(gone, Err(std::sync::mpsc::RecvTimeoutError::Disconnected))
            && let Some(thread) = self.thread.take()
        {
            let _ = thread.join();
        }
    }
}
