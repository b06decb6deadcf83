//! Printing: one place for standard output and error, so that nothing hostile reaches a terminal and a closed pipe
//! ends quietly.

use std::fmt::Write as _;
use std::io::{self, IsTerminal, Write};

use loradeck_core::run::WorkspaceError;
use loradeck_core::text::harmless;
use loradeck_data::image::HalfBlock;
use serde::Serialize;

use super::{FAILED, USAGE};
use crate::launch::action::ActionError;

/// A complaint that the user can mend: exit code 2.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct UsageError(pub(crate) String);

/// Prints a line to standard output, made harmless.
pub(crate) fn line(text: &str) {
    write_out(&format!("{}\n", harmless(text)));
}

/// Prints a line to standard output in a style, the numbers of an escape sequence such as `1;32`.
pub(crate) fn styled(style: &str, text: &str) {
    write_out(&format!("\x1b[{style}m{}\x1b[0m\n", harmless(text)));
}

/// Prints text that is a document of its own (a table, JSON, a log): line by line harmless.
pub(crate) fn document(text: &str) {
    let mut clean = String::with_capacity(text.len());
    for line in text.lines() {
        clean.push_str(&harmless(line));
        clean.push('\n');
    }
    write_out(&clean);
}

/// Prints `value` as indented JSON.
pub(crate) fn json<T: Serialize>(value: &T) -> anyhow::Result<()> {
    // JSON escapes control characters itself.
    write_out(&format!("{}\n", serde_json::to_string_pretty(value)?));
    Ok(())
}

/// Prints a picture's cells in 24-bit colours: escape sequences of our own, with no foreign text between them.
pub(crate) fn cells(rows: &[Vec<HalfBlock>]) {
    let mut text = String::new();
    for row in rows {
        for (character, [r, g, b], [red, green, blue]) in row {
            // Writing to a text cannot fail.
            let _ = write!(text, "\x1b[38;2;{r};{g};{b};48;2;{red};{green};{blue}m{character}");
        }
        text.push_str("\x1b[0m\n");
    }
    write_out(&text);
}

/// Puts `text`, made harmless, in the place of a terminal's present row; an empty one clears it.
pub(crate) fn status(text: &str) {
    write_out(&format!("\r\x1b[K{}", harmless(text)));
}

/// Prints a note to standard error.
pub(crate) fn note(text: &str) {
    let _ = writeln!(io::stderr(), "{}", harmless(text));
}

/// Prints an error with its causes to standard error; lines of a multi-line message stay lines.
pub(crate) fn error(error: &anyhow::Error) {
    let mut text = String::new();
    for line in format!("{error:#}").lines() {
        text.push_str(&harmless(line));
        text.push('\n');
    }
    let _ = write!(io::stderr(), "{text}");
}

/// The exit code that an error deserves.
pub(crate) fn exit_code(error: &anyhow::Error) -> u8 {
    let usage = error.is::<UsageError>()
        || error.is::<loradeck_core::config::Diagnostics>()
        || error.is::<crate::launch::Unknown>()
        || error.is::<crate::launch::BadInput>()
        || error.is::<crate::launch::NotTrusted>()
        || matches!(
            error.downcast_ref::<WorkspaceError>(),
            Some(
                WorkspaceError::NotFound(_)
                    | WorkspaceError::NotText(_)
                    | WorkspaceError::NoSuchRun(_)
                    | WorkspaceError::Ambiguous { .. }
                    | WorkspaceError::Settings(_)
            )
        )
        || matches!(
            error.downcast_ref::<ActionError>(),
            Some(ActionError::Refused { .. } | ActionError::NotTrusted(_))
        );
    if usage { USAGE } else { FAILED }
}

/// Whether a person can be asked: both ends are terminals.
pub(crate) fn is_conversation() -> bool {
    io::stdin().is_terminal() && io::stdout().is_terminal()
}

/// Asks; only a yes is one.
pub(crate) fn ask(question: &str) -> io::Result<bool> {
    write_out(&format!("{} [y/N] ", harmless(question)));
    let mut answer = String::new();
    io::stdin().read_line(&mut answer)?;
    Ok(["y", "yes"].contains(&answer.trim().to_lowercase().as_str()))
}

/// Asks for a word; nothing else is a yes.
pub(crate) fn ask_for(question: &str, word: &str) -> io::Result<bool> {
    write_out(&format!("{}: ", harmless(question)));
    let mut answer = String::new();
    io::stdin().read_line(&mut answer)?;
    Ok(answer.trim() == word)
}

/// Whether standard output is a terminal.
pub(crate) fn is_terminal() -> bool {
    io::stdout().is_terminal()
}

fn write_out(text: &str) {
    // A reader that went away (`| head`) is no failure of ours.
    if io::stdout().write_all(text.as_bytes()).and_then(|()| io::stdout().flush()).is_err() {
        std::process::exit(0);
    }
}
