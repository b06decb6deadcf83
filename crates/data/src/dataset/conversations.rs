//! Files into conversations, with every complaint of every file.

use loradeck_core::config::{Diagnostic, Diagnostics};
use loradeck_core::template::chat::Message;

use super::files::Files;
use super::record::{self, Line};

/// Complaints shown at most; the last one says how many more there are.
const MOST_PROBLEMS: usize = 20;

/// One conversation and where it stands.
#[derive(Clone, Debug)]
pub(super) struct Conversation {
    /// The file as it is named in messages.
    pub(super) file: String,
    /// The line, from 1.
    pub(super) line: usize,
    /// Its messages.
    pub(super) messages: Vec<Message>,
}

/// Reads all conversations, or tells everything that is wrong.
pub(super) fn parse(files: &Files) -> Result<Vec<Conversation>, Diagnostics> {
    let (mut conversations, mut problems) = (Vec::new(), Vec::new());
    for file in &files.files {
        let before = conversations.len() + problems.len();
        // Some editors put a byte order mark in front.
        let bytes = file.bytes.strip_prefix("\u{feff}".as_bytes()).unwrap_or(&file.bytes);
        for (index, bytes) in bytes.split(|byte| *byte == b'\n').enumerate() {
            match parse_line(&file.name, index + 1, bytes.trim_ascii_end()) {
                Ok(messages) if messages.is_empty() => {}
                Ok(messages) => {
                    conversations.push(Conversation { file: file.name.clone(), line: index + 1, messages });
                }
                Err(found) => problems.extend(found),
            }
        }
        if conversations.len() + problems.len() == before {
            problems.push(Diagnostic::of_file(&file.name, "the file holds no sample"));
        }
    }
    capped(problems).or(conversations)
}

/// The conversation in a line; empty for a blank one.
fn parse_line(file: &str, number: usize, bytes: &[u8]) -> Result<Vec<Message>, Vec<Diagnostic>> {
    if bytes.trim_ascii().is_empty() {
        return Ok(Vec::new());
    }
    match std::str::from_utf8(bytes) {
        Ok(text) => record::parse(Line { file, number, text }),
        Err(error) => {
            let valid = String::from_utf8_lossy(&bytes[..error.valid_up_to()]);
            let line = Line { file, number, text: "" };
            let hint = "save the file as UTF-8";
            Err(vec![line.problem(valid.chars().count() + 1, None, "the text is not UTF-8 here", hint)])
        }
    }
}

/// The first complaints, and how many there are beyond them.
pub(super) fn capped(mut problems: Vec<Diagnostic>) -> Diagnostics {
    let beyond = problems.len().saturating_sub(MOST_PROBLEMS);
    if beyond > 0 {
        problems.truncate(MOST_PROBLEMS);
        let file = problems.last().map(|problem| problem.file.clone()).unwrap_or_default();
        problems.push(Diagnostic::of_file(file, format!("and {beyond} more problems")));
    }
    Diagnostics(problems)
}
