//! The door of `serde_yaml`: text into a tree that keeps the order and spelling of everything, and the line and
//! column of any node.
//!
//! Every node has a number in the order of reading. Its position is found by reading the text again with a visitor
//! that refuses exactly that node: the library then says where it stood. Aliases are followed and `<<` is merged here.

use serde::de::DeserializeSeed;

use super::merge::merged;
use super::yaml_passes::{Pass, TextPass};

/// The largest text that is read, in bytes.
pub(crate) const SIZE_LIMIT: usize = 1 << 20;

/// The most opening brackets and braces: the parser underneath takes time with the square of their depth.
const BRACKET_LIMIT: usize = 10_000;

/// A node's number in the order of reading; keys count too.
pub(crate) type NodeId = u32;

/// One value of a document.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Node {
    /// Number in the order of reading.
    pub(crate) id: NodeId,
    /// What it is.
    pub(crate) content: Content,
    /// A scalar as it was written, without quotes; empty for lists and mappings.
    pub(crate) text: String,
}

/// What a node is, by the rules of YAML 1.2 (`2e-4` is a number, `on` is text).
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Content {
    /// Nothing, `~` or `null`.
    Null,
    /// `true` or `false`.
    Flag(bool),
    /// A whole number.
    Whole(i128),
    /// Any other number, infinities and NaN included.
    Real(f64),
    /// Text.
    Text,
    /// A sequence.
    List(Vec<Node>),
    /// A mapping in its order, repeated keys kept.
    Map(Vec<(Node, Node)>),
}

/// Why a text could not be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SyntaxError {
    /// Line, from 1.
    pub(crate) line: usize,
    /// Column in characters, from 1.
    pub(crate) column: usize,
    /// What is wrong.
    pub(crate) message: String,
    /// What would be right.
    pub(crate) hint: Option<&'static str>,
}

/// Reads one document; an empty one is [`Content::Null`].
pub(crate) fn read(text: &str) -> Result<Node, SyntaxError> {
    let text = without_mark(text);
    refuse_unreadable(text)?;
    let pass = Pass::new(None);
    let mut root = (&pass)
        .deserialize(serde_yaml::Deserializer::from_str(text))
        .map_err(|error| explained(text, &error, pass.refusal.take()))?;
    let scalars = pass.scalars.take();
    fill_texts(&mut root, &scalar_texts(text, scalars));
    merged(root).map_err(|(id, message)| {
        let (line, column) = locate(text, id);
        SyntaxError { line, column, message, hint: None }
    })
}

/// A value as YAML would read it; what is no single YAML value is text.
pub(crate) fn read_value(text: &str) -> Node {
    let text = text.trim();
    let as_text = || Node { id: 0, content: Content::Text, text: text.to_owned() };
    match read(text) {
        Ok(node) if matches!(node.content, Content::Map(_)) && !text.starts_with('{') => as_text(),
        // What would begin a comment in a file is meant on a command line: a colour, a note.
        Ok(node) if node.content == Content::Null && text.starts_with('#') => as_text(),
        Ok(node) => node,
        Err(_) => as_text(),
    }
}

/// Line and column, from 1, at which the node stands; for one that came through an alias, where it was anchored.
pub(crate) fn locate(text: &str, id: NodeId) -> (usize, usize) {
    let (text, pass) = (without_mark(text), Pass::new(Some(id)));
    let stopped = (&pass).deserialize(serde_yaml::Deserializer::from_str(text)).err();
    stopped.and_then(|error| error.location()).map_or((1, 1), |at| (at.line(), at.column()))
}

/// The text behind the byte order mark that some editors put before it; the parser underneath takes the mark for a
/// document.
fn without_mark(text: &str) -> &str {
    text.strip_prefix('\u{feff}').unwrap_or(text)
}

/// What the parser underneath would refuse without saying where.
fn refuse_unreadable(text: &str) -> Result<(), SyntaxError> {
    let error = |line, column, message: String| Err(SyntaxError { line, column, message, hint: None });
    if text.len() > SIZE_LIMIT {
        return error(1, 1, format!("this is longer than {SIZE_LIMIT} bytes"));
    }
    if text.bytes().filter(|byte| matches!(byte, b'[' | b'{')).count() > BRACKET_LIMIT {
        return error(1, 1, format!("this has more than {BRACKET_LIMIT} brackets and braces"));
    }
    for (row, line) in text.split('\n').enumerate() {
        let bad = line.chars().enumerate().find(|(column, c)| {
            (c.is_control() && !matches!(c, '\t' | '\r' | '\u{85}'))
                || matches!(c, '\u{fffe}' | '\u{ffff}')
                || (*c == '\u{feff}' && (row, *column) != (0, 0))
        });
        if let Some((column, character)) = bad {
            let message = format!("the character U+{:04X} is not allowed here", character as u32);
            return error(row + 1, column + 1, message);
        }
    }
    Ok(())
}

fn explained(text: &str, error: &serde_yaml::Error, refusal: Option<String>) -> SyntaxError {
    let whole = error.to_string();
    let (line, column) = error.location().map_or((1, 1), |at| (at.line(), at.column()));
    if let Some(message) = refusal {
        return SyntaxError { line, column, message, hint: None };
    }
    if whole.contains("more than one document") {
        let (line, column) = second_document(text);
        let message = String::from("a second document begins here, but only one is read");
        return SyntaxError { line, column, message, hint: Some("remove the '---' or what follows it") };
    }
    let starts_with_tab = text
        .lines()
        .nth(line.saturating_sub(1))
        .is_some_and(|line| line.trim_start_matches(' ').starts_with('\t'));
    let hint = starts_with_tab.then_some("YAML is indented by spaces, not by tabs");
    SyntaxError { line, column, message: format!("no valid YAML: {}", without_position(&whole)), hint }
}

fn second_document(text: &str) -> (usize, usize) {
    let pass = Pass::new(Some(0));
    let second = serde_yaml::Deserializer::from_str(text).nth(1);
    let stopped = second.and_then(|document| (&pass).deserialize(document).err());
    stopped.and_then(|error| error.location()).map_or((1, 1), |at| (at.line(), at.column()))
}

/// The library's message without its ` at line 3 column 4`, which stands before it already.
fn without_position(message: &str) -> String {
    let Some(start) = message.find(" at line ") else { return message.to_owned() };
    let rest = message[start + " at line ".len()..]
        .trim_start_matches(|c: char| c.is_ascii_digit())
        .trim_start_matches(" column ")
        .trim_start_matches(|c: char| c.is_ascii_digit());
    format!("{}{rest}", &message[..start])
}

fn fill_texts(node: &mut Node, texts: &[String]) {
    if let Some(text) = texts.get(node.id as usize) {
        node.text.clone_from(text);
    }
    match &mut node.content {
        Content::List(items) => items.iter_mut().for_each(|item| fill_texts(item, texts)),
        Content::Map(entries) => entries.iter_mut().for_each(|(key, value)| {
            fill_texts(key, texts);
            fill_texts(value, texts);
        }),
        _ => {}
    }
}

/// The texts of all scalars by number: a second reading, since one that asks for types loses the spelling.
fn scalar_texts(text: &str, scalars: Vec<bool>) -> Vec<String> {
    let pass = TextPass::new(scalars);
    // The first reading went well, so does this one; where it should not, spellings stay empty.
    let _ = (&pass).deserialize(serde_yaml::Deserializer::from_str(text));
    pass.texts.take()
}

#[cfg(test)]
#[path = "yaml_tests.rs"]
mod tests;
