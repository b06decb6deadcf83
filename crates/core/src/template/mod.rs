//! Templates, the door of `minijinja`: the chat templates that come with models, and our own Markdown ones.

pub mod chat;
pub mod report;

mod error;
mod python;

pub use error::TemplateError;
