//! Overrides of the command line: `key=value`, `key=a,b`, `key=[x,y]`, `key=range(a,b,step)` and the like.
//!
//! A plain value fixes a key, also one that the file sweeps; a comma or a function sweeps it; brackets are one list.

use super::experiment::{Entry, checked_value, known_key};
use super::functions;
use super::keys::Key;
use super::place::{Place, Problem};
use super::sweep_reader::sweepable;
use super::yaml::{self, Content, Node};

/// One override, checked.
#[derive(Clone, Debug, PartialEq)]
pub struct Override {
    /// Which key.
    pub key: &'static Key,
    /// What becomes of it.
    pub change: Change,
    pub(crate) place: Place,
}

/// What an override does to its key.
#[derive(Clone, Debug, PartialEq)]
pub enum Change {
    /// It has this value in every run.
    Fix(Entry),
    /// It has its default again (`key=null`).
    Reset,
    /// Runs are made for each of these.
    Sweep(Vec<Entry>),
}

/// A part of an argument and the column at which it begins, from 1.
type Part<'a> = (&'a str, usize);

/// Reads the arguments, numbered from 1; problems are added to `problems`.
pub(crate) fn read_overrides(arguments: &[String], problems: &mut Vec<Problem>) -> Vec<Override> {
    let mut overrides = Vec::new();
    for (index, argument) in arguments.iter().enumerate() {
        match read_override(argument, index + 1) {
            Ok(read) => overrides.push(read),
            Err(problem) => problems.push(problem),
        }
    }
    overrides
}

fn read_override(argument: &str, number: usize) -> Result<Override, Problem> {
    let place = Place::Argument(number, 1);
    let Some((name, text)) = argument.split_once('=') else {
        let problem = Problem { key: None, ..Problem::new(place, "", "is no override") };
        return Err(problem.value(Some(argument.to_owned())).hint("key=value, such as lora_rank=8"));
    };
    if name.starts_with("sweep.") {
        let problem = Problem::new(place, name, "cannot be overridden");
        return Err(problem.hint("sweep a key by key=a,b, or edit the experiment file"));
    }
    let key = known_key(name, place)?;
    let start = name.chars().count() + 2;
    let change = read_change(key, name, (text, start), number)?;
    if let Change::Sweep(_) = change {
        sweepable(key, name, place)?;
    }
    Ok(Override { key, change, place })
}

fn read_change(key: &'static Key, name: &str, whole: Part<'_>, number: usize) -> Result<Change, Problem> {
    let (text, start) = whole;
    let at = |column| Place::Argument(number, column);
    if let Some((function, arguments)) = functions::call(text) {
        let inner = start + text.chars().take_while(|c| *c != '(').count() + 1;
        let parts = split_commas(arguments, inner);
        if function == "choice" {
            return swept(key, name, &parts, number);
        }
        let texts: Vec<&str> = parts.iter().map(|(text, _)| *text).collect();
        let values = functions::values_of(function, &texts)
            .map_err(|message| Problem { ..Problem::new(at(start), name, message) })?;
        let parts: Vec<Part<'_>> = values.iter().map(|value| (value.as_str(), start)).collect();
        return swept(key, name, &parts, number);
    }
    let parts = split_commas(text, start);
    if parts.len() > 1 {
        return swept(key, name, &parts, number);
    }
    let node = read_value(text);
    if node.content == Content::Null {
        return Ok(Change::Reset);
    }
    checked_value(key, name, &node, at(start)).map(Change::Fix)
}

fn swept(key: &'static Key, name: &str, parts: &[Part<'_>], number: usize) -> Result<Change, Problem> {
    let mut entries: Vec<Entry> = Vec::new();
    for (text, column) in parts {
        let place = Place::Argument(number, *column);
        let node = read_value(text);
        if node.content == Content::Null {
            return Err(Problem::new(place, name, "has an empty value"));
        }
        let entry = checked_value(key, name, &node, place)?;
        if !entries.iter().any(|known| known.value == entry.value) {
            entries.push(entry);
        }
    }
    Ok(Change::Sweep(entries))
}

/// A value as YAML would read it; what is no single YAML value is text.
fn read_value(text: &str) -> Node {
    let text = text.trim();
    let as_text = || Node { id: 0, content: Content::Text, text: text.to_owned() };
    match yaml::read(text) {
        Ok(node) if matches!(node.content, Content::Map(_)) && !text.starts_with('{') => as_text(),
        Ok(node) => node,
        Err(_) => as_text(),
    }
}

/// The parts between commas that stand in no quotes, brackets, braces or parentheses.
fn split_commas(text: &str, start: usize) -> Vec<Part<'_>> {
    let mut parts = Vec::new();
    let (mut depth, mut quote) = (0_usize, None);
    let (mut from, mut from_column) = (0, start);
    for (column, (offset, character)) in (start..).zip(text.char_indices()) {
        if let Some(open) = quote {
            quote = (open != character).then_some(open);
            continue;
        }
        match character {
            '"' | '\'' if text[from..offset].trim_start_matches(['[', ' ']).is_empty() || depth > 0 => {
                quote = Some(character);
            }
            '[' | '{' | '(' => depth += 1,
            ']' | '}' | ')' => depth = depth.saturating_sub(1),
            ',' if depth == 0 => {
                parts.push((&text[from..offset], from_column));
                (from, from_column) = (offset + 1, column + 1);
            }
            _ => {}
        }
    }
    parts.push((&text[from..], from_column));
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(argument: &str) -> Result<String, String> {
        match read_override(argument, 1) {
            Err(problem) => Err(format!("{:?} {}", problem.place, problem.message)),
            Ok(Override { change: Change::Fix(entry), .. }) => Ok(format!("fix {}", entry.value)),
            Ok(Override { change: Change::Reset, .. }) => Ok("reset".into()),
            Ok(Override { change: Change::Sweep(entries), .. }) => {
                let values: Vec<String> = entries.iter().map(|entry| entry.value.to_string()).collect();
                Ok(format!("sweep {}", values.join(" ")))
            }
        }
    }

    #[test]
    fn plain_values_fix_and_commas_sweep() {
        assert_eq!(read("lr=2e-4"), Ok("fix 2e-4".into()));
        assert_eq!(read("rank=4,8,4"), Ok("sweep 4 8".into()));
        assert_eq!(read("lora_rank=range(4,17,4)"), Ok("sweep 4 8 12 16".into()));
        assert_eq!(read("seed=choice(0,1,2)"), Ok("sweep 0 1 2".into()));
        assert_eq!(read("learning_rate=logspace(-4,-3,2)"), Ok("sweep 1e-4 1e-3".into()));
        assert_eq!(read("max_steps=null"), Ok("reset".into()));
    }

    #[test]
    fn brackets_are_one_list() {
        assert_eq!(read("lora_targets=[q_proj,v_proj]"), Ok("fix [q_proj, v_proj]".into()));
        assert_eq!(read("lora_targets=qkv,[q_proj,v_proj]"), Ok("sweep qkv [q_proj, v_proj]".into()));
        assert_eq!(read("lora_targets=.*(q|v)_proj"), Ok("fix \".*(q|v)_proj\"".into()));
    }

    #[test]
    fn quotes_keep_commas() {
        assert_eq!(read("notes='a, b'"), Ok("fix \"a, b\"".into()));
        assert_eq!(read("notes=it's fine"), Ok("fix \"it's fine\"".into()));
        assert_eq!(read("notes=first: second"), Ok("fix \"first: second\"".into()));
        assert_eq!(read("notes=*x"), Ok("fix \"*x\"".into()));
    }

    #[test]
    fn problems_name_the_column_of_the_value() {
        assert_eq!(read("rank=4,eight"), Err("Argument(1, 8) is no whole number".into()));
        assert_eq!(read("rank=choice(4,x)"), Err("Argument(1, 15) is no whole number".into()));
        assert_eq!(read("rank=4,"), Err("Argument(1, 8) has an empty value".into()));
        assert_eq!(read("rank"), Err("Argument(1, 1) is no override".into()));
        assert_eq!(read("sweep.run_cap=2"), Err("Argument(1, 1) cannot be overridden".into()));
        assert_eq!(
            read("priority=1,2"),
            Err("Argument(1, 1) cannot be swept: it is the same for all runs".into())
        );
    }

    proptest::proptest! {
        #[test]
        fn no_argument_panics(argument in "(notes|rank|lr|lora_targets|sample_prompts)=\\PC{0,40}|\\PC{0,20}") {
            let _ = read(&argument);
        }
    }
}
