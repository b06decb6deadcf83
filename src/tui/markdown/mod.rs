//! Markdown on a terminal: read once, laid out for a width. The door of `pulldown-cmark`.
//!
//! Enough for reports and comparisons: headings, paragraphs, lists, tables, code, quotes (`CommonMark` with GitHub's
//! tables, strike-through and task lists, <https://github.github.com/gfm/>). Pictures and links become words. Whatever
//! the file holds, nothing of it reaches the terminal as a command, and no depth of nesting is followed too far.

mod block;
mod layout;
mod read;
mod table;
mod wrap;

pub use block::{Block, Look, Piece, Side};
pub use layout::{Line, lay_out};
pub use read::read;

#[cfg(test)]
mod tests;
