//! The loop around the pure core: threads in, frames out.
//!
//! One thread reads files, one asks GPU drivers, one reads keys, one signals, one writes frames, one does deeds; this
//! one owns the state. Data is
//! asked for at most ten times a second and drawn as often; keys are drawn at once; nothing happening is no work.

mod clipboard;
mod doer;
mod looking;
mod pending;
mod reading;
mod wake;

use std::env;
use std::io::{self, Write as _};
use std::path::PathBuf;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use loradeck_core::config::{Diagnostics, WorkspaceSettings};
use loradeck_core::run::Workspace;
use loradeck_core::text::harmless;
use loradeck_core::time::Moment;
use ratatui::Terminal;
use ratatui::layout::Size;
use rustix::termios::{isatty, tcgetwinsize};

use super::action::Action;
use super::app::{App, Setup};
use super::keys::Keymap;
use super::message::{Batch, Effect, Msg};
use super::state::DocumentOf;
use super::terminal::{
    Encoder, FrameWriter, FullScreen, InputEvent, InputReader, SignalReader, Signalled, end_by, has_shell,
    is_full_screen, leave, mouse_mode, stop_job,
};
use super::theme::{Glyphs, Theme};
use super::update::update;
use super::view::view;
use doer::{Doer, Job};
use pending::Pending;
use reading::{Ask, Reading};
use wake::{Wake, spawn};

/// At most ten frames of data a second.
const FRAME: Duration = Duration::from_millis(100);
/// Clocks on the screen move once a second.
const TICK: Duration = Duration::from_secs(1);
/// Messages taken up before the next look at the clock.
const BURST: usize = 256;

/// How the dashboard is to start.
#[derive(Clone, Debug)]
pub struct Options {
    /// Whether clicks and the wheel are taken (`v` toggles it).
    pub mouse: bool,
    /// What curves are drawn with; `None` chooses by the terminal.
    pub glyphs: Option<Glyphs>,
    /// What the terminal can show.
    pub theme: Theme,
    /// What keys mean.
    pub keymap: Keymap,
}

impl Options {
    /// What a workspace's `loradeck.yaml` asks for, in this environment.
    ///
    /// # Errors
    /// Keys and actions that there are not, and keys with two meanings.
    pub fn of(settings: &WorkspaceSettings) -> Result<Self, Diagnostics> {
        Ok(Self {
            mouse: settings.theme.mouse.unwrap_or(true),
            glyphs: settings.theme.curves.as_deref().and_then(Glyphs::of_name),
            theme: Theme::chosen(&settings.theme, |name| env::var(name).ok()),
            keymap: Keymap::customised(&settings.keys)?,
        })
    }
}

/// Shows these workspaces until the user quits. Runs go on whatever happens here.
///
/// # Errors
/// Where standard output is no terminal, or the terminal refuses, or a part of the dashboard broke.
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
                bail!("a part of the dashboard broke (its message stands above); runs are not affected")
            }
        }
    }

    /// Asks for news, if there is any and it is time.
    fn ask(&mut self) {
        let due = self.last_ask.is_none_or(|last| last.elapsed() >= FRAME) || self.app.loading;
        if self.news && !self.asked && !self.app.frozen && !self.suspended && due {
            self.news = false;
            self.asked = true;
            self.last_ask = Some(Instant::now());
            self.reading.ask(Ask::News);
        }
    }

    fn draw(&mut self) {
        let due = self.urgent || self.last_frame.is_none_or(|last| last.elapsed() >= FRAME);
        if !self.dirty || !due || self.unwritten > 0 || self.suspended {
            return;
        }
        if !is_full_screen() {
            // Somebody's panic has restored the terminal.
            self.end.get_or_insert(End::Broken);
            return;
        }
        let app = &self.app;
        let Ok(_) = self.terminal.draw(|frame| view(app, frame));
        (self.dirty, self.urgent) = (false, false);
        self.last_frame = Some(Instant::now());
        if let Some(frame) = self.terminal.backend_mut().take_frame() {
            self.write(frame);
        }
    }

    fn write(&mut self, bytes: Vec<u8>) {
        self.unwritten += 1;
        self.writer.send(bytes);
    }

    /// How long nothing needs to be done, if nobody says anything.
    fn patience(&self) -> Duration {
        let mut wait = Duration::from_hours(1);
        let until = |last: Option<Instant>, length: Duration| {
            last.map_or(Duration::ZERO, |last| length.saturating_sub(last.elapsed()))
        };
        if self.dirty && self.unwritten == 0 && !self.suspended {
            wait = wait.min(until(self.last_frame, FRAME));
        }
        if self.news && !self.asked && !self.app.frozen && !self.suspended {
            wait = wait.min(until(self.last_ask, FRAME));
        }
        if self.app.has_clock() && !self.app.frozen && !self.suspended {
            wait = wait.min(until(Some(self.last_tick), TICK));
        }
        if let Some(end) = self.app.reports.until() {
            wait = wait.min(end.since(Moment::now()) + Duration::from_millis(1));
        }
        wait
    }

    fn tick(&mut self) {
        let clock = self.app.has_clock() && !self.app.frozen && self.last_tick.elapsed() >= TICK;
        let report_ends = self.app.reports.until().is_some_and(|until| until <= Moment::now());
        if (clock || report_ends) && !self.suspended {
            self.last_tick = Instant::now();
            self.update(Msg::Tick);
        }
    }

    fn take(&mut self, message: Wake) {
        match message {
            Wake::Input(Some(event)) => {
                self.urgent = true;
                self.update(match event {
                    InputEvent::Key(key) => Msg::Key(key),
                    InputEvent::Mouse(mouse) => Msg::Mouse(mouse),
                    InputEvent::Paste(text) => Msg::Paste(text),
                });
            }
            Wake::Input(None) | Wake::Written(Err(_)) => self.end = Some(End::Gone),
            Wake::Written(Ok(())) => self.unwritten = self.unwritten.saturating_sub(1),
            Wake::Signal(signal) => self.take_signal(signal),
            Wake::News => self.news = true,
            Wake::Batch(batch) => self.take_batch(batch),
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
                self.urgent = true;
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

    fn effect(&mut self, effect: Effect) {
        match effect {
            Effect::Quit => self.end = Some(End::Quit),
            Effect::Suspend => self.suspend(),
            Effect::Redraw => self.redraw(),
            Effect::Mouse(on) => self.write(mouse_mode(on).to_vec()),
            Effect::Watch(interest) => self.reading.ask(Ask::Watch(interest)),
            Effect::OlderLog => self.reading.ask(Ask::OlderLog),
            Effect::ReadDetails(id) => {
                if let Some(run) = self.app.runs.get(id) {
                    self.doer.give(Job::Story(id, run.folder.clone()));
                }
            }
            Effect::ReadDocument(of) => {
                if let Some(path) = self.document_path(&of) {
                    self.doer.give(Job::Document(of, path));
                }
            }
            Effect::Do(deed, runs) => {
                for run in runs.into_iter().filter_map(|id| self.app.runs.get(id)) {
                    let Some(workspace) = self.workspaces.get(run.workspace) else { continue };
                    self.pending.give(format!("{} {}", deed.verb(), run.folder.label()));
                    self.doer.give(Job::Do(
                        deed,
                        workspace.clone(),
                        run.folder.clone(),
                        Box::new(run.queue.clone()),
                    ));
                }
            }
            Effect::PauseQueue(index, paused) => {
                let Some(workspace) = self.workspaces.get(index) else { return };
                let what = if paused { "Pause the queue" } else { "Let the queue go on" };
                self.pending.give(what.to_owned());
                self.doer.give(Job::PauseQueue(what, workspace.clone(), paused));
            }
            Effect::PauseSweep(sweep, paused) => {
                let Some(workspace) = self.workspaces.get(sweep.workspace) else { return };
                let what = if paused { "Pause the sweep" } else { "Let the sweep go on" };
                let what = format!("{what} {}", sweep.label());
                self.pending.give(what.clone());
                self.doer.give(Job::PauseSweep(what, workspace.clone(), sweep, paused));
            }
            Effect::Copy(text) => {
                self.write(clipboard::sequence(&text));
                self.doer.give(Job::CopyInTmux(text));
            }
        }
    }

    fn document_path(&self, of: &DocumentOf) -> Option<PathBuf> {
        match of {
            DocumentOf::Report(id) => self.app.runs.get(*id).map(|run| run.folder.report()),
            DocumentOf::Comparison { workspace, experiment } => {
                self.workspaces.get(*workspace).map(|found| found.experiment(experiment).comparison())
            }
        }
    }

    /// Clears the screen and draws everything, whatever the terminal shows now.
    fn redraw(&mut self) {
        self.terminal.backend_mut().forget();
        let Ok(()) = self.terminal.clear();
        (self.dirty, self.urgent) = (true, true);
    }

    fn suspend(&mut self) {
        if self.suspended {
            return;
        }
        if !has_shell() {
            let quit = self.app.key_for(Action::Quit);
            let said = format!("there is no shell to go back to here ({quit} quits; runs go on)");
            self.update(Msg::Note(Err(said)));
            return;
        }
        self.suspended = true;
        leave();
        if stop_job().is_err() {
            self.come_back();
        }
    }

    fn come_back(&mut self) {
        self.suspended = false;
        match self.screen.resume(self.app.mouse) {
            Ok(()) => {
                self.take_signal(Signalled::Resize);
                self.redraw();
            }
            Err(_) => self.end = Some(End::Gone),
        }
    }
}

fn setup(workspaces: &[Workspace], options: &Options, size: (u16, u16)) -> Setup {
    let name = |workspace: &Workspace| {
        let root = workspace.root();
        root.file_name()
            .map_or_else(|| root.display().to_string(), |name| name.to_string_lossy().into_owned())
    };
    let by_terminal = match (options.theme.unicode, env::var("TERM").as_deref()) {
        (_, Ok("linux")) => Glyphs::Blocks,
        (false, _) => Glyphs::Ascii,
        _ => Glyphs::Braille,
    };
    Setup {
        theme: options.theme,
        keymap: options.keymap.clone(),
        glyphs: options.glyphs.unwrap_or(by_terminal),
        mouse: options.mouse,
        size,
        workspaces: workspaces.iter().map(name).collect(),
        now: Moment::now(),
    }
}

/// Columns and rows; 80 × 24 where the terminal does not say.
fn window_size() -> (u16, u16) {
    match tcgetwinsize(rustix::stdio::stdout()) {
        Ok(size) if size.ws_col > 0 && size.ws_row > 0 => (size.ws_col, size.ws_row),
        _ => (80, 24),
    }
}

fn tell<T>(wake: Sender<Wake>, wrap: impl Fn(T) -> Wake) -> impl Fn(T) {
    move |said| {
        let _ = wake.send(wrap(said));
    }
}
