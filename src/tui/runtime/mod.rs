//! The loop around the pure core: threads in, frames out.
//!
//! One thread reads files, one asks GPU drivers, one draws pictures, one reads keys, one signals, one writes frames, one
//! does deeds; this one owns the state. Data is
//! asked for at most ten times a second and drawn as often; keys are drawn at once; nothing happening is no work.

mod clipboard;
mod doer;
mod drawing;
mod effects;
mod job_control;
mod looking;
mod options;
mod pending;
mod reading;
mod rhythm;
mod wake;

use std::env;
use std::io::{self, Write as _};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use loradeck_core::run::Workspace;
use loradeck_core::text::harmless;
use loradeck_core::time::Moment;
use ratatui::Terminal;
use ratatui::layout::Size;
use rustix::termios::isatty;

use super::app::App;
use super::message::{Batch, Msg};
use super::terminal::{
    Encoder, Event, FrameWriter, FullScreen, InputReader, SignalReader, Signalled, cell_size, end_by, leave,
    window_size,
};
use super::update::update;
use doer::Doer;
use drawing::{Drawing, Graphics};
use options::setup;
use pending::Pending;
use reading::Reading;
use wake::{Wake, spawn};

pub use options::Options;

/// Messages taken up before the next look at the clock.
const BURST: usize = 256;

/// Shows these workspaces until the user quits. Runs go on whatever happens here.
///
/// # Errors
/// Where standard output is not a terminal, or the terminal refuses, or a part of the dashboard broke.
pub fn run(workspaces: &[Workspace], options: &Options) -> anyhow::Result<()> {
    if !isatty(rustix::stdio::stdout()) {
        bail!(
            "the dashboard needs a terminal (hint: `loradeck watch --plain` prints progress lines, `loradeck list \
             --json` data)"
        );
    }
    if env::var("TERM").is_ok_and(|terminal| terminal == "dumb") {
        bail!("this terminal cannot show a dashboard (TERM=dumb; hint: `loradeck watch --plain`)");
    }
    let ended_by = Dashboard::start(workspaces, options)?.run()?;
    if let Some(signal) = ended_by {
        // Whoever sent it sees that it worked.
        end_by(signal);
    }
    Ok(())
}

#[expect(clippy::struct_excessive_bools, reason = "each says one thing of its own")]
struct Dashboard {
    app: App,
    terminal: Terminal<Encoder>,
    workspaces: Vec<Workspace>,
    messages: Receiver<Wake>,
    reading: Reading,
    doer: Doer,
    drawing: Drawing,
    graphics: Graphics,
    pending: Pending,
    writer: FrameWriter,
    /// Dropped before the screen, so that nobody reads keys when the shell is back.
    _input: InputReader,
    _signals: SignalReader,
    screen: FullScreen,
    /// Frames handed over and not yet written.
    unwritten: usize,
    suspended: bool,
    dirty: bool,
    urgent: bool,
    news: bool,
    asked: bool,
    last_ask: Option<Instant>,
    last_frame: Option<Instant>,
    last_tick: Instant,
    end: Option<End>,
}

enum End {
    Quit,
    Signal(i32),
    Gone,
    Broken,
}

impl Dashboard {
    fn start(workspaces: &[Workspace], options: &Options) -> anyhow::Result<Self> {
        let (wake, messages) = channel();
        let size = window_size();
        let app = App::new(setup(workspaces, options, size));
        let reading = Reading::start(workspaces, wake.clone());
        let doer = Doer::start(wake.clone());
        let drawing = Drawing::start(wake.clone());
        let screen = FullScreen::enter(options.mouse).context("cannot take the terminal")?;
        let signals = SignalReader::start(wake.clone(), Wake::Signal).context("cannot watch for signals")?;
        let input = screen.input().try_clone_to_owned()?;
        let input = InputReader::start(input, wake.clone(), Wake::Input)?;
        let writer = FrameWriter::start(tell(wake, Wake::Written));
        let encoder = Encoder::new(Size::new(size.0, size.1), options.theme.has_colours());
        let Ok(terminal) = Terminal::new(encoder);
        Ok(Self {
            app,
            terminal,
            workspaces: workspaces.to_vec(),
            messages,
            reading,
            doer,
            drawing,
            graphics: Graphics::default(),
            pending: Pending::default(),
            writer,
            _input: input,
            _signals: signals,
            screen,
            unwritten: 0,
            suspended: false,
            dirty: true,
            urgent: true,
            news: true,
            asked: false,
            last_ask: None,
            last_frame: None,
            last_tick: Instant::now(),
            end: None,
        })
    }

    /// Runs until the end; the number of the signal that ended it, if one did.
    fn run(mut self) -> anyhow::Result<Option<i32>> {
        loop {
            self.ask();
            self.draw();
            if let Some(end) = self.end.take() {
                return self.finish(&end);
            }
            match self.messages.recv_timeout(self.patience()) {
                Ok(message) => {
                    self.take(message);
                    for _ in 0..BURST {
                        let Ok(message) = self.messages.try_recv() else { break };
                        self.take(message);
                    }
                }
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => self.end = Some(End::Broken),
            }
            self.tick();
        }
    }

    fn finish(mut self, end: &End) -> anyhow::Result<Option<i32>> {
        self.writer.finish(Duration::from_millis(200));
        leave();
        let say = |sentence: &str| {
            // Where the terminal is gone, nobody is there to be told.
            let _ = writeln!(io::stderr(), "loradeck: {}", harmless(sentence));
        };
        let undone = self.pending.wait(&self.messages, pending::PATIENCE, say);
        if let Err(sentences) = undone {
            if !matches!(end, End::Signal(_)) {
                bail!("{sentences}");
            }
            say(&sentences);
        }
        match end {
            End::Signal(signal) => Ok(Some(*signal)),
            End::Quit | End::Gone => Ok(None),
            End::Broken => {
                bail!("a part of the dashboard crashed (see the message above); runs are not affected")
            }
        }
    }

    fn take(&mut self, message: Wake) {
        match message {
            Wake::Input(Some(event)) => {
                self.urgent = true;
                self.update(match event {
                    Event::Key(key) => Msg::Key(key),
                    Event::Mouse(mouse) => Msg::Mouse(mouse),
                    Event::Paste(text) => Msg::Paste(text),
                    // The reader yields no others.
                    _ => return,
                });
            }
            Wake::Input(None) | Wake::Written(Err(_)) => self.end = Some(End::Gone),
            Wake::Written(Ok(())) => self.unwritten = self.unwritten.saturating_sub(1),
            Wake::Signal(signal) => self.take_signal(signal),
            Wake::News => self.news = true,
            Wake::Batch(batch) => self.take_batch(batch),
            Wake::Drawn(msg) => self.update(*msg),
            Wake::Msg(msg) => {
                self.pending.hear(&msg);
                self.urgent = true;
                self.update(*msg);
            }
            Wake::Died => self.end = Some(End::Broken),
        }
    }

    fn take_batch(&mut self, batch: Box<Batch>) {
        self.asked = false;
        self.news |= batch.more;
        if !batch.is_empty() || self.app.loading {
            self.update(Msg::Batch(batch));
        }
    }

    fn take_signal(&mut self, signal: Signalled) {
        match signal {
            Signalled::End(number) => self.end = Some(End::Signal(number)),
            Signalled::Suspend => self.suspend(),
            Signalled::Continue => self.come_back(),
            Signalled::Resize => {
                let size = window_size();
                self.terminal.backend_mut().resize(Size::new(size.0, size.1));
                if !self.graphics.is_empty() {
                    self.redraw();
                }
                self.urgent = true;
                self.update(Msg::Cell(cell_size()));
                self.update(Msg::Resize(size.0, size.1));
            }
        }
    }

    fn update(&mut self, msg: Msg) {
        let effects = update(&mut self.app, msg, Moment::now());
        self.dirty = true;
        for effect in effects {
            self.effect(effect);
        }
    }
}

fn tell<T>(wake: Sender<Wake>, wrap: impl Fn(T) -> Wake) -> impl Fn(T) {
    move |said| {
        let _ = wake.send(wrap(said));
    }
}
