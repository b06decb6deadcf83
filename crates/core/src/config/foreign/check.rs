//! What must hold of a command: every placeholder stands for something, and everything that is given is used.

use super::placeholder::{Unresolved, names, nearest_name, pieces};
use super::{ENVIRONMENT, RUN_NAMES, free_key};
use crate::config::experiment::{Entry, built_in_key};
use crate::config::find_key;
use crate::config::keys::{Group, Key, Kind};
use crate::config::place::{Place, Problem};
use crate::config::resolve::default_value;
use crate::config::settings::Settings;
use crate::config::task::DATA_TYPE;
use crate::config::value::Value;
use crate::config::yaml::{Content, Node};

/// Keys in whose values placeholders stand.
const WITH_PLACEHOLDERS: [&str; 5] = ["command", "resume_command", "env", "working_dir", "metrics"];
/// Keys that mean nothing without a command.
const OF_A_COMMAND: [&str; 3] = ["resume_command", "working_dir", "metrics"];

/// Names that stand for nothing in one entry of a file, each where it stands.
pub(crate) fn placeholder_problems(key: &str, value: &Node, parameters: &[&str]) -> Vec<Problem> {
    if !WITH_PLACEHOLDERS.contains(&key) {
        return Vec::new();
    }
    let mut problems = Vec::new();
    each_text(value, &mut |node| {
        if let Some(problem) = unknown(key, &node.text, Place::Node(node.id), parameters) {
            problems.push(problem);
        }
    });
    problems
}

fn each_text(node: &Node, visit: &mut impl FnMut(&Node)) {
    match &node.content {
        Content::List(items) => items.iter().for_each(|item| each_text(item, visit)),
        // A regular expression has braces and dollars of its own.
        Content::Map(entries) => entries
            .iter()
            .filter(|(name, _)| name.text != "pattern")
            .for_each(|(_, value)| each_text(value, visit)),
        _ => visit(node),
    }
}

fn unknown(key: &str, word: &str, place: Place, parameters: &[&str]) -> Option<Problem> {
    let problem = |value: String, message: &str| Problem::new(place, key, message).value(Some(value));
    match pieces(word) {
        Err(Unresolved::Open) => {
            Some(problem(word.to_owned(), "has '${' without '}'").hint("'$${' is a plain '${'"))
        }
        Err(Unresolved::Name(name)) => Some(problem(name, "has no meaning")),
        Ok(_) => {
            let name = names(word).into_iter().find(|name| !is_known(name, parameters))?;
            let found = problem(format!("${{{name}}}"), "is no setting, parameter or fact of the run");
            Some(match nearest_name(name, parameters) {
                Some(near) => found.hint(near),
                None => found.hint(format!("`parameters: {{{name}: …}}` makes it one")),
            })
        }
    }
}

fn is_known(name: &str, parameters: &[&str]) -> bool {
    RUN_NAMES.contains(&name)
        || parameters.contains(&name)
        || name.strip_prefix(ENVIRONMENT).is_some_and(|variable| !variable.is_empty())
        || find_key(name).is_some_and(|key| key.is_setting() && !WITH_PLACEHOLDERS.contains(&key.name))
}

/// What does not go together in the settings of a run; `entries` is what was given.
pub(crate) fn complaints(settings: &Settings, entries: &[&Entry], problems: &mut Vec<Problem>) {
    let place = |name: &str| {
        entries.iter().find(|entry| entry.key.name == name).map_or(Place::File, |entry| entry.place)
    };
    if !settings.is_foreign() {
        let given = entries
            .iter()
            .filter(|entry| OF_A_COMMAND.contains(&entry.key.name) || entry.key.kind == Kind::Scalar)
            .filter(|entry| !is_default(settings, entry));
        for entry in given {
            let problem = Problem::new(entry.place, entry.key.name, "is given, but there is no command");
            let problem = problem.hint("command: [python, train.py, …] names another trainer");
            problems.push(unknown_override(entry).unwrap_or(problem));
        }
    }
    for (key, word) in settings.texts_with_placeholders() {
        // One that is declared and has no value is known.
        let declared: Vec<&str> = names(word).into_iter().filter(|name| free_key(name).is_some()).collect();
        if let Some(problem) = unknown(key, word, place(key), &declared) {
            problems.push(problem);
        } else if let Some(name) = names(word).into_iter().find(|name| has_no_value(settings, name))
            && !problems.iter().any(|known| known.key.as_deref() == Some(name))
        {
            let problem = Problem::new(place(key), key, "has no value").value(Some(format!("${{{name}}}")));
            problems.push(problem.hint(format!("{name}: …")));
        }
    }
    if settings.is_foreign() && settings.foreign.resume_command.is_none() && settings.running.auto_resume > 0
    {
        let problem =
            Problem::new(place("auto_resume"), "auto_resume", "is given, but there is no resume_command");
        problems.push(problem.hint("resume_command: [python, train.py, --resume, …] tells how to resume it"));
    }
    if settings.foreign.command.is_some() {
        problems.extend(unused(settings, entries));
    }
}

fn has_no_value(settings: &Settings, name: &str) -> bool {
    let is_setting = !RUN_NAMES.contains(&name) && !name.starts_with(ENVIRONMENT);
    // An empty text is a value of a parameter like any other: the command gets an empty argument.
    let is_parameter = settings.foreign.parameters.contains_key(name);
    let is_empty = |value: Value| !is_parameter && value == Value::Text(String::new());
    is_setting && settings.value_of(name).is_none_or(is_empty)
}

/// What is given and stands nowhere in the command: it would change nothing, without a word.
fn unused<'a>(settings: &'a Settings, entries: &'a [&Entry]) -> impl Iterator<Item = Problem> + 'a {
    let unused = entries.iter().filter(|entry| {
        must_be_used(entry.key) && !is_used(settings, entry.key) && !is_default(settings, entry)
    });
    unused.map(|entry| {
        let name = entry.key.name;
        let problem = Problem::new(entry.place, name, "is given, but the command does not use it");
        let problem = problem.hint(format!("put \"${{{name}}}\" into the command, or remove it"));
        unknown_override(entry).unwrap_or(problem)
    })
}

/// What is wrong with a name of the command line that the experiment does not use: it is no key, though another
/// experiment may have a parameter of that name.
fn unknown_override(entry: &Entry) -> Option<Problem> {
    match entry.place {
        Place::Argument(argument, _) if entry.key.kind == Kind::Scalar => {
            built_in_key(entry.key.name, Place::Argument(argument, 1)).err()
        }
        _ => None,
    }
}

/// A frozen sweep says the defaults too, which nobody chose.
fn is_default(settings: &Settings, entry: &Entry) -> bool {
    default_value(entry.key, settings.data_type()).is_some_and(|default| default == entry.value)
}

/// Whether the key is for the training rather than for people or for the queue.
fn must_be_used(key: &Key) -> bool {
    match key.group {
        Group::Running => false,
        Group::What => ["eval_split", "split_seed", "trigger_word"].contains(&key.name),
        _ => true,
    }
}

fn is_used(settings: &Settings, key: &Key) -> bool {
    let means = |name: &str| name == key.name || find_key(name).is_some_and(|found| found == key);
    settings.texts_with_placeholders().any(|(_, word)| names(word).into_iter().any(means))
}

/// Whether a setting is part of the run: of another trainer's, what its command uses and what was said for people
/// and the queue. The built-in trainer's other settings mean nothing to it.
pub(crate) fn shows(settings: &Settings, key: &Key, value: &Value) -> bool {
    if !settings.is_foreign() {
        return true;
    }
    if must_be_used(key) && settings.foreign.command.is_some() {
        return is_used(settings, key);
    }
    if key.name == DATA_TYPE {
        return settings.is_image();
    }
    default_value(key, settings.data_type()).is_none_or(|default| default != *value)
}
