//! The one place that puts the terminal into full-screen mode and takes it out again.
//!
//! Whoever ends the dashboard, and however (return, error, panic, signal), [`leave`] runs once and first. It may be
//! called from any thread, and never waits for a terminal that has stopped reading.

use std::cell::Cell;
use std::fs::File;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::Once;
use std::sync::atomic::{AtomicBool, Ordering};

use crossterm::cursor::{Hide, Show};
use crossterm::event::{DisableBracketedPaste, DisableMouseCapture, EnableBracketedPaste};
use crossterm::style::{Attribute, SetAttribute};
use crossterm::terminal::{
    Clear, ClearType, EndSynchronizedUpdate, EnterAlternateScreen, LeaveAlternateScreen, disable_raw_mode,
    enable_raw_mode,
};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::termios::{
    InputModes, LocalModes, OptionalActions, OutputModes, QueueSelector, isatty, tcflush, tcgetattr,
    tcsetattr,
};

use super::commands::{EnableClicks, bytes_of};

/// Kitty graphics: deletes all pictures and their data.
pub const KITTY_DELETE: &[u8] = b"\x1b_Ga=d,d=A,q=2\x1b\\";
/// How long the terminal may take to accept the last bytes, in milliseconds.
const PATIENCE_MS: i64 = 300;

/// Whether kitty graphics were sent, which a terminal keeps until they are deleted.
static KITTY: AtomicBool = AtomicBool::new(false);
/// Whether the terminal is in full-screen mode.
static ENTERED: AtomicBool = AtomicBool::new(false);

/// Alternate screen, no cursor, bracketed paste, plain pen, empty.
fn entering(mouse: bool) -> Vec<u8> {
    let mut bytes = bytes_of(EnterAlternateScreen);
    bytes.extend(bytes_of(Hide));
    bytes.extend(bytes_of(EnableBracketedPaste));
    bytes.extend(bytes_of(SetAttribute(Attribute::Reset)));
    bytes.extend(bytes_of(Clear(ClearType::All)));
    if mouse {
        bytes.extend(bytes_of(EnableClicks));
    }
    bytes
}

/// Ends an update that was cut short, then colours, mouse, paste, cursor, screen.
fn leaving() -> Vec<u8> {
    let mut bytes = bytes_of(EndSynchronizedUpdate);
    bytes.extend(bytes_of(SetAttribute(Attribute::Reset)));
    bytes.extend(bytes_of(DisableMouseCapture));
    bytes.extend(bytes_of(DisableBracketedPaste));
    bytes.extend(bytes_of(Show));
    bytes.extend(bytes_of(LeaveAlternateScreen));
    bytes
}

/// The terminal in full-screen mode; dropping it restores what was.
#[derive(Debug)]
pub struct FullScreen {
    input: OwnedFd,
}

impl FullScreen {
    /// Enters raw mode and the alternate screen. Panics of any thread restore the terminal before they are printed.
    ///
    /// # Errors
    /// Where standard output is not a terminal, or the terminal refuses.
    pub fn enter(mouse: bool) -> io::Result<Self> {
        if !isatty(rustix::stdio::stdout()) {
            return Err(io::Error::other("standard output is not a terminal"));
        }
        let screen = Self { input: keyboard()? };
        install_panic_hook();
        screen.resume(mouse)?;
        Ok(screen)
    }

    /// Enters again after [`leave`].
    ///
    /// # Errors
    /// Where the terminal refuses.
    pub fn resume(&self, mouse: bool) -> io::Result<()> {
        // Who stopped us may have changed the terminal, while crossterm believes it raw.
        disable_raw_mode()?;
        repair(&self.input)?;
        enable_raw_mode()?;
        ENTERED.store(true, Ordering::SeqCst);
        write_all(&entering(mouse))
    }

    /// What keys are read from.
    pub fn input(&self) -> BorrowedFd<'_> {
        self.input.as_fd()
    }
}

/// A program that was killed outright may have left the terminal raw; no shell hands it on like that. What a shell would have
/// set is what leaving is to restore.
fn repair(input: &OwnedFd) -> io::Result<()> {
    let mut found = tcgetattr(input)?;
    let spoken = LocalModes::ICANON | LocalModes::ECHO | LocalModes::ISIG;
    if found.local_modes.intersects(spoken) || found.output_modes.contains(OutputModes::OPOST) {
        return Ok(());
    }
    found.local_modes |= spoken | LocalModes::IEXTEN | LocalModes::ECHOE | LocalModes::ECHOK;
    found.input_modes |= InputModes::BRKINT | InputModes::ICRNL | InputModes::IXON;
    found.output_modes |= OutputModes::OPOST | OutputModes::ONLCR;
    Ok(tcsetattr(input, OptionalActions::Now, &found)?)
}

impl Drop for FullScreen {
    fn drop(&mut self) {
        leave();
    }
}

/// The bytes that turn reports of clicks and the wheel on or off (never of motion).
pub fn mouse_mode(on: bool) -> Vec<u8> {
    if on { bytes_of(EnableClicks) } else { bytes_of(DisableMouseCapture) }
}

/// Kitty graphics are sent from now on: leaving deletes them.
pub fn note_kitty() {
    KITTY.store(true, Ordering::Relaxed);
}

/// Whether the terminal is in full-screen mode; a panic anywhere ends that.
pub fn is_full_screen() -> bool {
    ENTERED.load(Ordering::SeqCst)
}

/// Restores the terminal, if that has not been done yet. Whether there was anything to do.
pub fn leave() -> bool {
    if !ENTERED.swap(false, Ordering::SeqCst) {
        return false;
    }
    let output = rustix::stdio::stdout();
    if !is_writable(PATIENCE_MS) {
        // A terminal that was stopped (Ctrl-S, a dead link) would block for ever: drop what waits for it.
        let _ = tcflush(output, QueueSelector::OFlush);
    }
    if is_writable(0) {
        if KITTY.swap(false, Ordering::Relaxed) {
            let _ = write_all(KITTY_DELETE);
        }
        let _ = write_all(&leaving());
    }
    let _ = disable_raw_mode();
    true
}

/// Writes everything to standard output, waiting for it where it is slow.
///
/// # Errors
/// The operating system's, such as a terminal that has gone away.
pub fn write_all(mut bytes: &[u8]) -> io::Result<()> {
    let output = rustix::stdio::stdout();
    while !bytes.is_empty() {
        match rustix::io::write(output, bytes) {
            Ok(count) => bytes = &bytes[count..],
            Err(rustix::io::Errno::INTR) => {}
            Err(rustix::io::Errno::AGAIN) => {
                let mut waiting = [PollFd::new(&output, PollFlags::OUT)];
                poll(&mut waiting, None)?;
            }
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}

fn is_writable(patience_ms: i64) -> bool {
    let output = rustix::stdio::stdout();
    let mut waiting = [PollFd::new(&output, PollFlags::OUT)];
    let patience = Timespec { tv_sec: 0, tv_nsec: patience_ms * 1_000_000 };
    matches!(poll(&mut waiting, Some(&patience)), Ok(ready) if ready > 0)
}

/// Standard input where it is a terminal, else the controlling terminal.
fn keyboard() -> io::Result<OwnedFd> {
    let input = rustix::stdio::stdin();
    if isatty(input) {
        return input.try_clone_to_owned();
    }
    Ok(File::options().read(true).write(true).open("/dev/tty")?.into())
}

std::thread_local! {
    static QUIET: Cell<bool> = const { Cell::new(false) };
}

/// Does work whose panics are caught by whoever does it, as decoders of foreign files may have them: the terminal stays as
/// it is, and nothing is printed across the screen.
pub fn without_alarm<T>(work: impl FnOnce() -> T) -> T {
    QUIET.set(true);
    let done = work();
    QUIET.set(false);
    done
}

fn install_panic_hook() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let print = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            if !QUIET.get() {
                leave();
                print(panic);
            }
        }));
    });
}
