//! What changed on disk: notify beside polling, both as changes by meaning.

mod change;

pub use change::{Change, classify};
