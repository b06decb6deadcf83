//! The terminal: full-screen mode and every way out of it, keys in, frames out. The door of `crossterm`.
//!
//! Nothing here knows what is shown. Keys are decoded and cells encoded by pure code; the rest is thin IO.

mod commands;
mod encoder;
mod guard;
mod input;
pub mod key;
mod pen;
mod reader;
mod signals;
mod size;
mod writer;

pub use crossterm::event::{Event, KeyCode, KeyEvent, KeyModifiers, MouseButton, MouseEvent, MouseEventKind};
pub use encoder::Encoder;
pub use guard::{
    FullScreen, KITTY_DELETE, is_full_screen, leave, mouse_mode, note_kitty, without_alarm, write_all,
};
pub use input::Decoder;
pub use reader::InputReader;
pub use signals::{SignalReader, Signalled, end_by, has_shell, stop_job};
pub use size::{cell_size, window_size};
pub use writer::FrameWriter;
