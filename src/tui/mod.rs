//! The dashboard: what runs do, live, over any link. The door of `ratatui`.
//!
//! An Elm core: [`app::App`] is all state, `update` turns a message into a new state and effects, `view` draws it.
//! Around it a thread reads run folders, one reads keys, one writes frames; none of them ever waits for another.

pub mod action;
pub mod app;
pub mod chart;
pub mod deed;
pub mod feed;
pub mod format;
pub mod help;
pub mod keys;
pub mod layout;
pub mod markdown;
pub mod message;
pub mod runtime;
#[cfg(test)]
pub(crate) mod sample;
pub mod screen;
pub mod state;
pub mod tabs;
pub mod terminal;
pub mod theme;
pub mod update;
pub mod view;

pub use runtime::{Options, run};
