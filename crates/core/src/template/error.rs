//! What went wrong in a template.

use minijinja::ErrorKind;

const OUT_OF_FUEL: &str = "it runs far longer than any conversation needs and was stopped (hint: look for an endless loop or a text that keeps growing)";

/// A template that cannot be understood or rendered.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{name}{}: {message}", line.map(|line| format!(":{line}")).unwrap_or_default())]
pub struct TemplateError {
    /// Which template.
    pub name: String,
    /// The line in it, from 1, where known.
    pub line: Option<usize>,
    /// What is wrong.
    pub message: String,
}

impl TemplateError {
    pub(super) fn new(name: &str, message: impl Into<String>) -> Self {
        Self { name: name.to_owned(), line: None, message: message.into() }
    }

    pub(super) fn from_engine(name: &str, error: &minijinja::Error) -> Self {
        let message = match error.detail() {
            _ if error.kind() == ErrorKind::OutOfFuel => OUT_OF_FUEL.to_owned(),
            Some(detail) => format!("{}: {detail}", error.kind()),
            None => error.kind().to_string(),
        };
        Self { name: error.name().unwrap_or(name).to_owned(), line: error.line(), message }
    }
}
