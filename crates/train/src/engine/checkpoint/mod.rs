//! The full state of a training on disk: adapter, optimizer moments, position, best figures, and what it is bound to.

pub mod identity;
mod manifest;
mod read;
mod write;

pub use identity::{Difference, Identity};
pub use manifest::{FORMAT, FileRecord, MANIFEST, Manifest};
pub use read::{Found, find, load, load_weights};
pub use write::{Contents, clear_staged, keep_newest, prune, write};
