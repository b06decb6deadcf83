//! A thread that waits for keys. It sleeps until bytes arrive, and ends when it is told to.

use std::os::fd::OwnedFd;
use std::sync::mpsc::Sender;
use std::thread::{self, JoinHandle};
use std::{io, mem};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::pipe::{PipeFlags, pipe_with};

use crossterm::event::Event;

use super::input::Decoder;

/// How long the rest of a key's sequence may take to arrive.
const SEQUENCE_PATIENCE: Timespec = Timespec { tv_sec: 0, tv_nsec: 40_000_000 };

/// The reading thread.
#[derive(Debug)]
pub struct InputReader {
    stop: Option<OwnedFd>,
    thread: Option<JoinHandle<()>>,
}

impl InputReader {
    /// Reads `input` and sends each event as `wrap` makes it; `None` says that the terminal has gone away.
    ///
    /// # Errors
    /// Where no pipe can be made.
    pub fn start<M: Send + 'static>(
        input: OwnedFd,
        events: Sender<M>,
        wrap: impl Fn(Option<Event>) -> M + Send + 'static,
    ) -> io::Result<Self> {
        let (stopped, stop) = pipe_with(PipeFlags::CLOEXEC)?;
        let thread = thread::spawn(move || {
            let mut send = |event| events.send(wrap(event)).is_ok();
            if read_until_stopped(&input, &stopped, &mut send).is_err() {
                send(None);
            }
        });
        Ok(Self { stop: Some(stop), thread: Some(thread) })
    }
}

impl Drop for InputReader {
    fn drop(&mut self) {
        // Closing the pipe wakes the thread.
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn read_until_stopped(
    input: &OwnedFd,
    stopped: &OwnedFd,
    send: &mut impl FnMut(Option<Event>) -> bool,
) -> io::Result<()> {
    let (mut decoder, mut events, mut bytes) = (Decoder::default(), Vec::new(), [0u8; 4096]);
    loop {
        let mut waiting = [PollFd::new(input, PollFlags::IN), PollFd::new(stopped, PollFlags::IN)];
        let patience = decoder.is_waiting().then_some(&SEQUENCE_PATIENCE);
        match poll(&mut waiting, patience) {
            Err(rustix::io::Errno::INTR) => continue,
            Err(error) => return Err(error.into()),
            Ok(0) => decoder.give_up(&mut events),
            Ok(_) if !waiting[1].revents().is_empty() => return Ok(()),
            Ok(_) => match rustix::io::read(input, &mut bytes) {
                Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
                Ok(count) => decoder.feed(&bytes[..count], &mut events),
                Err(rustix::io::Errno::INTR | rustix::io::Errno::AGAIN) => {}
                Err(error) => return Err(error.into()),
            },
        }
        for event in mem::take(&mut events) {
            if !send(Some(event)) {
                return Ok(());
            }
        }
    }
}
