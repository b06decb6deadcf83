//! Signals become messages; nothing happens inside a handler.

use std::io;
use std::sync::mpsc::Sender;
use std::thread::{self, JoinHandle};

use signal_hook::consts::{SIGCONT, SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGTSTP, SIGWINCH};
use signal_hook::iterator::{Handle, Signals};

/// What a signal asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signalled {
    /// End; the number says why.
    End(i32),
    /// Step aside for the shell.
    Suspend,
    /// Take the terminal back.
    Continue,
    /// The window has another size.
    Resize,
}

/// Whether a shell would take over if the dashboard stopped: not where it was started as the terminal's only job.
pub fn has_shell() -> bool {
    rustix::process::getsid(None).is_ok_and(|session| session != rustix::process::getpgrp())
}

/// Stops this process and those that wait for it in the same job, until the shell continues them.
///
/// # Errors
/// Where the signal cannot be sent.
pub fn stop_job() -> io::Result<()> {
    Ok(rustix::process::kill_current_process_group(rustix::process::Signal::STOP)?)
}

/// Ends as if the signal had not been caught, so that whoever started the dashboard sees why it ended.
pub fn end_by(signal: i32) {
    let _ = signal_hook::low_level::emulate_default_handler(signal);
}

/// The thread that waits for signals.
#[derive(Debug)]
pub struct SignalReader {
    handle: Handle,
    thread: Option<JoinHandle<()>>,
}

impl SignalReader {
    /// Sends each signal as `wrap` makes it.
    ///
    /// # Errors
    /// Where no handler can be installed.
    pub fn start<M: Send + 'static>(
        messages: Sender<M>,
        wrap: impl Fn(Signalled) -> M + Send + 'static,
    ) -> io::Result<Self> {
        let mut signals = Signals::new([SIGTERM, SIGHUP, SIGINT, SIGQUIT, SIGTSTP, SIGCONT, SIGWINCH])?;
        let handle = signals.handle();
        let thread = thread::spawn(move || {
            for signal in signals.forever() {
                let meaning = match signal {
                    SIGTSTP => Signalled::Suspend,
                    SIGCONT => Signalled::Continue,
                    SIGWINCH => Signalled::Resize,
                    other => Signalled::End(other),
                };
                if messages.send(wrap(meaning)).is_err() {
                    return;
                }
            }
        });
        Ok(Self { handle, thread: Some(thread) })
    }
}

impl Drop for SignalReader {
    fn drop(&mut self) {
        self.handle.close();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}
