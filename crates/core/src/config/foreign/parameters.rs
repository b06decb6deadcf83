//! `parameters:` of an experiment: settings of another trainer, under names of its own. Each becomes a key like any
//! other for sweeps, overrides, tables and comparisons.

use std::sync::{Mutex, PoisonError};

use crate::config::experiment::{Entry, checked_value};
use crate::config::keys::{Default, Group, Key, Kind, Support, find_key};
use crate::config::place::{Place, Problem};
use crate::config::task::Scope;
use crate::config::yaml::{Content, Node};

const HINT: &str = "parameters: {dropout: 0.1, model: small}";

/// Keys of free names that a file of this process has declared. They live as long as the process, as the built-in
/// ones do; there are as many as different names.
static DECLARED: Mutex<Vec<&'static Key>> = Mutex::new(Vec::new());

/// The free key of that name, if some file has declared it.
pub(crate) fn free_key(name: &str) -> Option<&'static Key> {
    let declared = DECLARED.lock().unwrap_or_else(PoisonError::into_inner);
    declared.iter().find(|key| key.name == name).copied()
}

fn interned(name: &str) -> &'static Key {
    if let Some(known) = free_key(name) {
        return known;
    }
    let key: &'static Key = Box::leak(Box::new(Key {
        name: Box::leak(name.to_owned().into_boxed_str()),
        aliases: &[],
        group: Group::Training,
        kind: Kind::Scalar,
        default: Default::Nothing,
        support: Support::Supported,
        task: None,
        about: "a parameter of the command",
    }));
    DECLARED.lock().unwrap_or_else(PoisonError::into_inner).push(key);
    key
}

/// Makes the names of a `parameters:` known, before anything else of the file is read.
pub(crate) fn declare(node: &Node, scope: Scope, is_frozen: bool) {
    if let Content::Map(entries) = &node.content {
        for (name, _) in entries.iter().filter(|(name, _)| refusal(&name.text, scope, is_frozen).is_none()) {
            interned(&name.text);
        }
    }
}

/// The same for the names of a frozen sweep, whose parameters stand among its keys.
pub(crate) fn declare_names<'a>(names: impl Iterator<Item = &'a String>, scope: Scope) {
    for name in names.filter(|name| refusal(name, scope, false).is_none()) {
        interned(name);
    }
}

/// The parameters that have a value. One without is only declared: a sweep or the command line gives it.
pub(crate) fn read_parameters(
    node: &Node,
    scope: Scope,
    is_frozen: bool,
    problems: &mut Vec<Problem>,
) -> Vec<Entry> {
    let entries = match &node.content {
        Content::Map(entries) => entries,
        Content::Null => return Vec::new(),
        _ => {
            let message = "is a mapping of the command's own names to values, and this is none";
            problems.push(Problem::new(Place::Node(node.id), "parameters", message).hint(HINT));
            return Vec::new();
        }
    };
    let mut read: Vec<Entry> = Vec::new();
    for (name, value) in entries {
        let path = format!("parameters.{}", name.text);
        let place = Place::Node(name.id);
        if let Some((message, hint)) = refusal(&name.text, scope, is_frozen) {
            problems.push(Problem::new(place, path, message).hint(hint));
        } else if read.iter().any(|entry| entry.key.name == name.text) {
            problems.push(Problem::new(place, path, "is given twice").hint("keep one of them"));
        } else if value.content != Content::Null {
            match checked_value(interned(&name.text), &path, value, Place::Node(value.id)) {
                Ok(entry) => read.push(entry),
                Err(problem) => problems.push(problem),
            }
        }
    }
    read
}

/// Why a name cannot be a parameter's, and a hint. A frozen file's names stay what they are, whatever keys have come
/// since.
fn refusal(name: &str, scope: Scope, is_frozen: bool) -> Option<(&'static str, String)> {
    let is_word = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.');
    if !name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_') || !name.chars().all(is_word) {
        return Some(("is no parameter's name", "letters, digits, '_', '-' and '.'".into()));
    }
    if super::RUN_NAMES.contains(&name) {
        return Some(("is a fact of the run", format!("${{{name}}} stands for it")));
    }
    match find_key(name).filter(|key| key.is_supported() && scope.has(key) && !is_frozen) {
        Some(key) => Some((
            "is a key of its own",
            format!("write `{}: …` outside of parameters:, and ${{{}}} in the command", key.name, key.name),
        )),
        None => None,
    }
}
