//! The door of `serde_yaml`: text into a tree that keeps the order and spelling of everything, and the line and
//! column of any node.
//!
//! Every node has a number in the order of reading. Its position is found by reading the text again with a visitor
//! that refuses exactly that node: the library then says where it stood. Aliases are followed and `<<` is merged here.

use std::cell::{Cell, RefCell};
use std::fmt;

use serde::de::{self, DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};

use super::merge::merged;

/// The largest text that is read, in bytes.
pub(crate) const SIZE_LIMIT: usize = 1 << 20;

/// The most nodes that are read, counting those that aliases repeat.
const NODE_LIMIT: u32 = 100_000;

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

/// Line and column, from 1, at which the node stands; for one that came through an alias, where it was anchored.
pub(crate) fn locate(text: &str, id: NodeId) -> (usize, usize) {
    let pass = Pass::new(Some(id));
    let stopped = (&pass).deserialize(serde_yaml::Deserializer::from_str(text)).err();
    stopped.and_then(|error| error.location()).map_or((1, 1), |at| (at.line(), at.column()))
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
    let pass = TextPass { scalars, texts: RefCell::default() };
    // The first reading went well, so does this one; where it should not, spellings stay empty.
    let _ = (&pass).deserialize(serde_yaml::Deserializer::from_str(text));
    pass.texts.take()
}

/// One reading: counts nodes and stops at one of them.
struct Pass {
    next: Cell<NodeId>,
    stop: Option<NodeId>,
    scalars: RefCell<Vec<bool>>,
    refusal: RefCell<Option<String>>,
}

impl Pass {
    fn new(stop: Option<NodeId>) -> Self {
        Self { next: Cell::new(0), stop, scalars: RefCell::default(), refusal: RefCell::default() }
    }

    fn begin<E: de::Error>(&self, is_scalar: bool) -> Result<NodeId, E> {
        let id = self.next.get();
        self.next.set(id + 1);
        self.scalars.borrow_mut().push(is_scalar);
        if self.stop == Some(id) {
            return Err(E::custom("here"));
        }
        if id >= NODE_LIMIT {
            return self.refuse(format!("this is more than {NODE_LIMIT} values"));
        }
        Ok(id)
    }

    fn refuse<T, E: de::Error>(&self, message: String) -> Result<T, E> {
        self.refusal.replace(Some(message));
        Err(E::custom("refused"))
    }

    fn scalar<E: de::Error>(&self, content: Content) -> Result<Node, E> {
        Ok(Node { id: self.begin(true)?, content, text: String::new() })
    }
}

impl<'de> DeserializeSeed<'de> for &Pass {
    type Value = Node;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Node, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for &Pass {
    type Value = Node;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_bool<E: de::Error>(self, flag: bool) -> Result<Node, E> {
        self.scalar(Content::Flag(flag))
    }

    fn visit_i64<E: de::Error>(self, number: i64) -> Result<Node, E> {
        self.scalar(Content::Whole(number.into()))
    }

    fn visit_u64<E: de::Error>(self, number: u64) -> Result<Node, E> {
        self.scalar(Content::Whole(number.into()))
    }

    fn visit_i128<E: de::Error>(self, number: i128) -> Result<Node, E> {
        self.scalar(Content::Whole(number))
    }

    fn visit_u128<E: de::Error>(self, number: u128) -> Result<Node, E> {
        self.scalar(Content::Whole(i128::try_from(number).unwrap_or(i128::MAX)))
    }

    fn visit_f64<E: de::Error>(self, number: f64) -> Result<Node, E> {
        self.scalar(Content::Real(number))
    }

    fn visit_str<E: de::Error>(self, _: &str) -> Result<Node, E> {
        self.scalar(Content::Text)
    }

    fn visit_unit<E: de::Error>(self) -> Result<Node, E> {
        self.scalar(Content::Null)
    }

    fn visit_none<E: de::Error>(self) -> Result<Node, E> {
        self.scalar(Content::Null)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<Node, A::Error> {
        let id = self.begin(false)?;
        let mut items = Vec::new();
        while let Some(item) = access.next_element_seed(self)? {
            items.push(item);
        }
        Ok(Node { id, content: Content::List(items), text: String::new() })
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Node, A::Error> {
        let id = self.begin(false)?;
        let mut entries = Vec::new();
        while let Some(key) = access.next_key_seed(self)? {
            entries.push((key, access.next_value_seed(self)?));
        }
        Ok(Node { id, content: Content::Map(entries), text: String::new() })
    }

    fn visit_enum<A: de::EnumAccess<'de>>(self, _: A) -> Result<Node, A::Error> {
        self.begin::<A::Error>(true)?;
        self.refuse(String::from("tags such as '!name' have no meaning here"))
    }
}

/// The second reading, which asks for the text of every scalar.
struct TextPass {
    scalars: Vec<bool>,
    texts: RefCell<Vec<String>>,
}

impl<'de> DeserializeSeed<'de> for &TextPass {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        let id = self.texts.borrow().len();
        if self.scalars.get(id).copied().unwrap_or(false) {
            deserializer.deserialize_str(self)
        } else {
            deserializer.deserialize_any(self)
        }
    }
}

impl<'de> Visitor<'de> for &TextPass {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<(), E> {
        self.texts.borrow_mut().push(text.to_owned());
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<(), A::Error> {
        self.texts.borrow_mut().push(String::new());
        while access.next_element_seed(self)?.is_some() {}
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<(), A::Error> {
        self.texts.borrow_mut().push(String::new());
        while access.next_key_seed(self)?.is_some() {
            access.next_value_seed(self)?;
        }
        Ok(())
    }
}

#[cfg(test)]
#[path = "yaml_tests.rs"]
mod tests;
