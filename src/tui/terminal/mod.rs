//! The terminal: full-screen mode and every way out of it, keys in, frames out.
//!
//! Nothing here knows what is shown. Keys are decoded and cells encoded by pure code; the rest is thin IO.

mod encoder;
mod guard;
mod input;
mod pen;
mod reader;
mod signals;
mod writer;

pub use encoder::Encoder;
pub use guard::{
    FullScreen, KITTY_DELETE, is_full_screen, leave, mouse_mode, note_kitty, without_alarm, write_all,
};
pub use input::{Code, Decoder, InputEvent, Key, Mouse, MouseDeed};
pub use reader::InputReader;
pub use signals::{SignalReader, Signalled, end_by, has_shell, stop_job};
pub use writer::FrameWriter;
