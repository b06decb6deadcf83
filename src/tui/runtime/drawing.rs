//! The thread that decodes and draws pictures, and the graphics that the terminal shows above the cells.

use std::collections::VecDeque;
use std::sync::mpsc::{Sender, channel};

use super::{Dashboard, Wake, spawn};
use crate::tui::feed::Studio;
use crate::tui::message::Msg;
use crate::tui::state::Wish;
use crate::tui::terminal::{KITTY_DELETE, note_kitty};
use crate::tui::theme::Manner;
use crate::tui::view::{Placement, placements};

/// The thread, from outside.
pub(super) struct Drawing {
    wishes: Sender<Vec<Wish>>,
}

impl Drawing {
    /// Starts it. It ends with the dashboard, wherever it is.
    pub(super) fn start(wake: Sender<Wake>) -> Self {
        let (wishes, incoming) = channel::<Vec<Wish>>();
        spawn(wake, move |wake| {
            let mut studio = Studio::default();
            let mut queue = VecDeque::new();
            loop {
                let newer = if queue.is_empty() { incoming.recv().ok() } else { incoming.try_recv().ok() };
                if let Some(newest) = newer.map(|first| incoming.try_iter().last().unwrap_or(first)) {
                    // Who has scrolled on does not wait for what is out of sight.
                    queue = newest.into();
                }
                let Some(wish) = queue.pop_front() else { return };
                let drawn = studio.draw(&wish);
                if wake.send(Wake::Drawn(Box::new(Msg::Drawn(Box::new((wish, drawn)))))).is_err() {
                    return;
                }
            }
        });
        Self { wishes }
    }

    /// Asks for these, and for nothing that was asked for before.
    pub(super) fn ask(&self, wishes: Vec<Wish>) {
        let _ = self.wishes.send(wishes);
    }
}

/// What the terminal shows above the cells.
#[derive(Debug, Default)]
pub(super) struct Graphics {
    shown: Vec<Placement>,
    manner: Manner,
}

impl Graphics {
    /// Whether anything is shown.
    pub(super) fn is_empty(&self) -> bool {
        self.shown.is_empty()
    }
}

impl Dashboard {
    /// Before a frame: takes everything away where one of the graphics is not to be shown any more; what is to be drawn.
    /// Sixel graphics go only when their cells are written anew.
    pub(super) fn take_graphics_away(&mut self) -> Vec<Placement> {
        let mut wanted = placements(&self.app);
        if !self.graphics.shown.iter().all(|shown| wanted.contains(shown)) {
            self.forget_graphics();
        }
        wanted.retain(|placement| !self.graphics.shown.contains(placement));
        wanted
    }

    /// Clears the screen of graphics; the next frame draws every cell.
    pub(super) fn forget_graphics(&mut self) {
        let backend = self.terminal.backend_mut();
        backend.forget();
        if self.graphics.manner == Manner::Kitty {
            backend.raw(KITTY_DELETE);
        }
        self.graphics.shown.clear();
        let Ok(()) = self.terminal.clear();
    }

    /// After a frame: draws what is new.
    pub(super) fn show_graphics(&mut self, new: Vec<Placement>) {
        if new.is_empty() {
            return;
        }
        if self.app.manner == Manner::Kitty {
            note_kitty();
        }
        let backend = self.terminal.backend_mut();
        for placement in &new {
            backend.raw_at(placement.area.as_position(), placement.text.as_bytes());
        }
        self.graphics.shown.extend(new);
        self.graphics.manner = self.app.manner;
    }
}
