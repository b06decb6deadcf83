//! When news is asked for, frames are drawn and clocks move: data at most ten times a second, keys at once.

use std::time::{Duration, Instant};

use loradeck_core::time::Moment;

use super::reading::Ask;
use super::{Dashboard, End};
use crate::tui::message::Msg;
use crate::tui::terminal::is_full_screen;
use crate::tui::view::view;

/// At most ten frames of data a second.
const FRAME: Duration = Duration::from_millis(100);
/// Clocks on the screen move once a second.
const TICK: Duration = Duration::from_secs(1);

impl Dashboard {
    /// Asks for news, if there is any and it is time.
    pub(super) fn ask(&mut self) {
        let due = self.last_ask.is_none_or(|last| last.elapsed() >= FRAME) || self.app.loading;
        if self.news && !self.asked && !self.app.frozen && !self.suspended && due {
            self.news = false;
            self.asked = true;
            self.last_ask = Some(Instant::now());
            self.reading.ask(Ask::News);
        }
    }

    pub(super) fn draw(&mut self) {
        let due = self.urgent || self.last_frame.is_none_or(|last| last.elapsed() >= FRAME);
        if !self.dirty || !due || self.unwritten > 0 || self.suspended {
            return;
        }
        if !is_full_screen() {
            // Somebody's panic has restored the terminal.
            self.end.get_or_insert(End::Broken);
            return;
        }
        let graphics = self.take_graphics_away();
        let app = &self.app;
        let Ok(_) = self.terminal.draw(|frame| view(app, frame));
        self.show_graphics(graphics);
        (self.dirty, self.urgent) = (false, false);
        self.last_frame = Some(Instant::now());
        if let Some(frame) = self.terminal.backend_mut().take_frame() {
            self.write(frame);
        }
    }

    pub(super) fn write(&mut self, bytes: Vec<u8>) {
        self.unwritten += 1;
        self.writer.send(bytes);
    }

    /// How long nothing needs to be done, if nobody says anything.
    pub(super) fn patience(&self) -> Duration {
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

    pub(super) fn tick(&mut self) {
        let clock = self.app.has_clock() && !self.app.frozen && self.last_tick.elapsed() >= TICK;
        let report_ends = self.app.reports.until().is_some_and(|until| until <= Moment::now());
        if (clock || report_ends) && !self.suspended {
            self.last_tick = Instant::now();
            self.update(Msg::Tick);
        }
    }
}
