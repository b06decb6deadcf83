//! Overrides of the command line: `key=value`, `key=a,b`, `key=[x,y]`, `key=range(a,b,step)`, `key=interval(a,b)` and the
//! like, and fields of the sweep, such as `sweep.method=random`.
//!
//! A plain value fixes a key, also one that the file sweeps; a comma or a function sweeps it; brackets are one list.

use super::call::split_commas;
use super::experiment::{Entry, checked_value, known_key};
use super::keys::{Key, Kind};
use super::place::{Place, Problem};
use super::spread::{Part, Spread, SpreadError, spread};
use super::sweep::{Bounds, Distribution, Draws, Ends, fitting, sweepable};
use super::task::Scope;
use super::yaml::{self, Content, Node};

/// One override, checked.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Override {
    /// Of a key.
    Key {
        /// Which key.
        key: &'static Key,
        /// What becomes of it.
        change: Change,
        place: Place,
    },
    /// Of the whole sweep: the file that holds it, or none for no sweep at all.
    SweepFile {
        /// The file, relative to the workspace's root.
        path: Option<String>,
        place: Place,
    },
    /// Of a field of the sweep, which is checked where it is put in.
    Field {
        /// Its name.
        name: Node,
        /// What it is to be.
        value: Node,
        place: Place,
    },
}

/// What an override does to its key.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Change {
    /// It has this value in every run.
    Fix(Entry),
    /// It has its default again (`key=null`).
    Reset,
    /// It varies.
    Sweep(Draws),
}

/// Reads the arguments, numbered from 1; problems are added to `problems`.
pub(crate) fn read_overrides(
    arguments: &[String],
    scope: Scope,
    problems: &mut Vec<Problem>,
) -> Vec<Override> {
    let mut overrides: Vec<Override> = Vec::new();
    let mut texts: Vec<&str> = Vec::new();
    for (index, argument) in arguments.iter().enumerate() {
        match read_override(argument, scope, index + 1) {
            Ok(read) => {
                let earlier = overrides.iter().zip(&texts).find(|(known, _)| known.name() == read.name());
                if let Some((_, text)) = earlier {
                    problems.push(second_time(&read, text, index + 1));
                }
                overrides.push(read);
                texts.push(argument);
            }
            Err(problem) => problems.push(problem),
        }
    }
    overrides
}

/// Two values of one key: which of them is meant is not guessed.
fn second_time(read: &Override, earlier: &str, number: usize) -> Problem {
    let message = format!("is given a second time, after '{earlier}'");
    Problem::new(Place::Argument(number, 1), read.name(), message)
        .hint("keep one; key=a,b makes a run of each")
}

impl Override {
    /// What is overridden.
    fn name(&self) -> &str {
        match self {
            Self::Key { key, .. } => key.name,
            Self::SweepFile { .. } => "sweep",
            Self::Field { name, .. } => &name.text,
        }
    }
}

fn read_override(argument: &str, scope: Scope, number: usize) -> Result<Override, Problem> {
    let place = Place::Argument(number, 1);
    let Some((name, text)) = argument.split_once('=') else {
        let problem = Problem { key: None, ..Problem::new(place, "", "is no override") };
        return Err(problem.value(Some(argument.to_owned())).hint("key=value, such as lora_rank=8"));
    };
    let start = name.chars().count() + 2;
    if let Some(field) = name.strip_prefix("sweep.") {
        return read_field(name, field, text, Place::Argument(number, start));
    }
    if name == "sweep" {
        return read_sweep_file(text, Place::Argument(number, start));
    }
    let key = known_key(name, scope, place)?;
    let change = read_change(key, name, (text, start), number)?;
    if let Change::Sweep(_) = change {
        sweepable(key, name, place)?;
    }
    Ok(Override::Key { key, change, place })
}

fn read_sweep_file(text: &str, place: Place) -> Result<Override, Problem> {
    let node = yaml::read_value(text);
    let path = match node.content {
        Content::Null => None,
        Content::Text if !node.text.is_empty() => Some(node.text),
        _ => {
            let problem = Problem::new(place, "sweep", "is no file that holds a sweep");
            return Err(problem.value(Some(text.to_owned())).hint("sweep=FILE, or sweep=null for none"));
        }
    };
    Ok(Override::SweepFile { path, place })
}

fn read_field(name: &str, field: &str, text: &str, place: Place) -> Result<Override, Problem> {
    if field.is_empty() || field.starts_with("parameters") {
        let problem = Problem::new(place, name, "cannot be overridden");
        return Err(problem.hint("sweep a key by key=a,b, or edit the experiment file"));
    }
    if let Some((outer, inner)) = field.split_once('.') {
        let hint = format!("give the whole of it: 'sweep.{outer}={{{inner}: …}}'");
        return Err(Problem::new(place, name, "is a part of a field").hint(hint));
    }
    let name = Node { id: 0, content: Content::Text, text: field.to_owned() };
    Ok(Override::Field { name, value: yaml::read_value(text), place })
}

fn read_change(
    key: &'static Key,
    name: &str,
    whole: (&str, usize),
    number: usize,
) -> Result<Change, Problem> {
    let (text, start) = whole;
    let at = |column| Place::Argument(number, column);
    let is_number = matches!(key.kind, Kind::Whole { .. } | Kind::Real(_) | Kind::Scalar);
    let explained = |error: SpreadError| Problem {
        hint: error.hint.map(str::to_owned),
        ..Problem::new(at(error.column), name, error.message)
    };
    match spread(text, start, is_number).map_err(explained)? {
        Some(Spread::Values(parts)) => return swept(key, name, &parts, number),
        Some(Spread::Single((text, column))) => return fixed(key, name, &text, at(column)),
        Some(Spread::Interval { ends, columns, is_log, is_whole }) => {
            let distribution = distribution(key, ends, is_log, is_whole);
            let ends = Ends { min: at(columns.0), max: at(columns.1) };
            if let (Distribution::LogUniformValues(bounds), true) = (&distribution, is_log)
                && bounds.min <= 0.0
            {
                return Err(Problem::new(ends.min, name, "is not above 0, where logarithms begin"));
            }
            fitting(key, name, &distribution, ends)?;
            return Ok(Change::Sweep(Draws::Numbers(distribution)));
        }
        None => {}
    }
    let parts: Vec<Part> =
        split_commas(text, start).into_iter().map(|(text, column)| (text.to_owned(), column)).collect();
    if parts.len() > 1 {
        return swept(key, name, &parts, number);
    }
    fixed(key, name, text, at(start))
}

fn fixed(key: &'static Key, name: &str, text: &str, place: Place) -> Result<Change, Problem> {
    let node = yaml::read_value(text);
    if node.content == Content::Null {
        return Ok(Change::Reset);
    }
    checked_value(key, name, &node, place).map(Change::Fix)
}

/// What an interval draws: whole numbers where they are asked for, or where the key takes nothing else.
fn distribution(key: &Key, ends: (f64, f64), is_log: bool, is_whole: bool) -> Distribution {
    let has_whole_ends =
        ends.0.fract() == 0.0 && ends.1.fract() == 0.0 && ends.0.abs().max(ends.1.abs()) < 9e15;
    let is_whole = (is_whole || matches!(key.kind, Kind::Whole { .. })) && has_whole_ends;
    let bounds = Bounds::new(ends.0, ends.1);
    match (is_whole, is_log) {
        (true, false) => Distribution::IntUniform { min: ends.0 as i64, max: ends.1 as i64 },
        (true, true) => Distribution::LogUniformValues(Bounds { q: Some(1.0), ..bounds }),
        (false, false) => Distribution::Uniform(bounds),
        (false, true) => Distribution::LogUniformValues(bounds),
    }
}

fn swept(key: &'static Key, name: &str, parts: &[Part], number: usize) -> Result<Change, Problem> {
    let mut values: Vec<Entry> = Vec::new();
    for (text, column) in parts {
        let place = Place::Argument(number, *column);
        let node = yaml::read_value(text);
        if node.content == Content::Null {
            return Err(Problem::new(place, name, "has an empty value"));
        }
        values.push(checked_value(key, name, &node, place)?);
    }
    Ok(Change::Sweep(Draws::Values { values, probabilities: None }))
}

#[cfg(test)]
#[path = "overrides_tests.rs"]
mod tests;
