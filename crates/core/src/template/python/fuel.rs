//! How much work a template may do. What stays outside of it: the engine (minijinja 3.1) compares and concatenates lists
//! that hold each other many levels deep without counting what lies below.

use minijinja::value::ValueKind;
use minijinja::{Error, ErrorKind, State, Value};

/// The engine's fuel for one text: about a step of the template or 64 bytes that it makes each. A template is foreign
/// code; one that loops or grows without end ends with an error within about a second, and after 128 MB at most. A
/// conversation of 2,000 messages and 4 MB of text needs a small part of it.
pub(super) const FOR_A_TEXT: u64 = 2_000_000;
/// Lists in lists deeper than this are refused: writing them goes down the stack.
const DEEPEST: usize = 128;

/// Pays for writing all of `value`, each line indented by `indent` bytes per level, before it is written. The engine
/// itself charges for what stands written, which is too late for a list that holds another one twice, and so on for
/// sixty levels.
pub(super) fn pay(state: &State, value: &Value, indent: usize) -> Result<(), Error> {
    pay_at(state, value, indent, 0)
}

fn pay_at(state: &State, value: &Value, indent: usize, depth: usize) -> Result<(), Error> {
    if depth > DEEPEST {
        return Err(Error::new(ErrorKind::InvalidOperation, "lists too deep in each other to be written"));
    }
    let bytes = indent * depth + value.as_str().map_or(0, str::len);
    state.consume_fuel(1 + bytes as u64 / 64)?;
    match value.kind() {
        ValueKind::Seq | ValueKind::Iterable => {
            value.try_iter()?.try_for_each(|item| pay_at(state, &item, indent, depth + 1))
        }
        ValueKind::Map => value.try_iter()?.try_for_each(|key| {
            pay_at(state, &key, indent, depth + 1)?;
            pay_at(state, &value.get_item(&key)?, indent, depth + 1)
        }),
        _ => Ok(()),
    }
}
