//! Handing the terminal to the shell and taking it back.

use super::{Dashboard, End};
use crate::tui::action::Action;
use crate::tui::message::Msg;
use crate::tui::terminal::{Signalled, has_shell, leave, stop_job};

impl Dashboard {
    /// Clears the screen and draws everything, whatever the terminal shows now.
    pub(super) fn redraw(&mut self) {
        self.forget_graphics();
        (self.dirty, self.urgent) = (true, true);
    }

    pub(super) fn suspend(&mut self) {
        if self.suspended {
            return;
        }
        if !has_shell() {
            let quit = self.app.key_for(Action::Quit);
            let said = format!("there is no shell to return to ({quit} quits; runs continue)");
            self.update(Msg::Note(Err(said)));
            return;
        }
        self.suspended = true;
        leave();
        if stop_job().is_err() {
            self.come_back();
        }
    }

    pub(super) fn come_back(&mut self) {
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
