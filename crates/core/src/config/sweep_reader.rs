//! Reading `sweep:` in the shape of W&B's sweep files: `method: grid`, `metric`, `parameters`, `run_cap`.

use super::experiment::{Entry, checked_value, known_key};
use super::keys::{Key, Kind, find_key};
use super::kind::{Misfit, fitted, quoted_value};
use super::place::{Place, Problem};
use super::sweep::{Goal, Metric, Parameter, SweepSpec};
use super::value::Value;
use super::yaml::{Content, Node};
use crate::text::nearest;

const KEYS: [&str; 4] = ["method", "metric", "parameters", "run_cap"];

/// Keys of sweeps that are known and refused; the text says what to do instead.
const NOT_YET: [(&str, &str); 12] = [
    ("early_terminate", ""),
    ("asha", ""),
    ("seeds", "sweep the key seed: parameters: {seed: {values: [0, 1, 2]}}"),
    ("zip", ""),
    ("when", ""),
    ("trials", ""),
    ("program", "remove it: the trainer is known"),
    ("command", "remove it: the trainer is known"),
    ("name", "the experiment's folder is the name"),
    ("description", "use the key notes"),
    ("project", "remove it"),
    ("entity", "remove it"),
];

/// Reads `sweep:`; `None` where it is null or no mapping.
pub(crate) fn read_sweep(node: &Node, problems: &mut Vec<Problem>) -> Option<SweepSpec> {
    let entries = match &node.content {
        Content::Map(entries) => entries,
        Content::Null => return None,
        _ => {
            problems.push(problem(
                node,
                "sweep",
                "is a mapping with method and parameters, and this is none",
            ));
            return None;
        }
    };
    let mut sweep = SweepSpec::default();
    let mut seen: Vec<&str> = Vec::new();
    for (key, value) in entries {
        let path = format!("sweep.{}", key.text);
        if seen.contains(&key.text.as_str()) {
            problems.push(problem(key, &path, "stands here a second time").value(None));
            continue;
        }
        seen.push(&key.text);
        match key.text.as_str() {
            "method" => read_method(value, problems),
            "metric" => sweep.metric = read_metric(value, problems),
            "parameters" => sweep.parameters = read_parameters(value, problems),
            "run_cap" => sweep.run_cap = read_run_cap(value, problems),
            other => problems.push(refused_key(key, &path, other)),
        }
    }
    if !seen.contains(&"parameters") && !seen.iter().any(|key| NOT_YET.iter().any(|(name, _)| name == key)) {
        problems.push(
            problem(node, "sweep", "has no parameters").hint("parameters: {lora_rank: {values: [4, 8]}}"),
        );
    }
    Some(sweep)
}

fn problem(node: &Node, key: &str, message: &str) -> Problem {
    Problem::new(Place::Node(node.id), key, message).value(quoted_value(node))
}

fn refused_key(key: &Node, path: &str, name: &str) -> Problem {
    let place = Place::Node(key.id);
    if let Some((_, instead)) = NOT_YET.iter().find(|(known, _)| *known == name) {
        let problem = Problem::new(place, path, "is not supported yet");
        return if instead.is_empty() { problem } else { problem.hint(*instead) };
    }
    let known = KEYS.into_iter().chain(NOT_YET.map(|(name, _)| name));
    let problem = Problem::new(place, path, "is not a known key of a sweep");
    match nearest(name, known) {
        Some(near) => problem.hint(format!("did you mean '{near}'?")),
        None if find_key(name).is_some() => problem.hint(format!("put '{name}' under parameters:")),
        None => problem.hint(format!("known are {}", KEYS.join(", "))),
    }
}

fn read_method(node: &Node, problems: &mut Vec<Problem>) {
    match node.text.as_str() {
        "grid" if node.content == Content::Text => {}
        "random" | "bayes" => {
            problems.push(problem(node, "sweep.method", "is not supported yet").hint("method: grid"));
        }
        _ => problems.push(problem(node, "sweep.method", "is no method").hint("method: grid")),
    }
}

fn read_run_cap(node: &Node, problems: &mut Vec<Problem>) -> Option<u64> {
    let kind = Kind::Whole { min: 1, max: 1_000_000_000 };
    match fitted(kind, node) {
        Ok(Value::Whole(cap)) => u64::try_from(cap).ok(),
        Ok(_) => None,
        Err(misfit) => {
            problems.push(Problem::of_value(Place::Node(node.id), "sweep.run_cap", misfit));
            None
        }
    }
}

fn read_metric(node: &Node, problems: &mut Vec<Problem>) -> Option<Metric> {
    let hint = "metric: {name: eval/loss, goal: minimize}";
    let Content::Map(entries) = &node.content else {
        problems.push(
            problem(node, "sweep.metric", "is a mapping with name and goal, and this is none").hint(hint),
        );
        return None;
    };
    let mut name = None;
    let mut goal = Goal::Minimize;
    for (key, value) in entries {
        match (key.text.as_str(), value.text.as_str()) {
            ("name", text) if value.content == Content::Text && !text.is_empty() => {
                name = Some(text.to_owned());
            }
            ("name", _) => {
                problems.push(problem(value, "sweep.metric.name", "is no metric's name").hint(hint));
            }
            ("goal", "minimize") => goal = Goal::Minimize,
            ("goal", "maximize") => goal = Goal::Maximize,
            ("goal", _) => {
                problems.push(problem(value, "sweep.metric.goal", "is neither minimize nor maximize"));
            }
            (other, _) => {
                let path = format!("sweep.metric.{other}");
                problems.push(problem(key, &path, "is not known here").value(None).hint(hint));
            }
        }
    }
    if name.is_none() && !entries.iter().any(|(key, _)| key.text == "name") {
        problems.push(problem(node, "sweep.metric", "has no name").hint(hint));
    }
    name.map(|name| Metric { name, goal })
}

fn read_parameters(node: &Node, problems: &mut Vec<Problem>) -> Vec<Parameter> {
    let Content::Map(entries) = &node.content else {
        let hint = "parameters: {lora_rank: {values: [4, 8]}}";
        problems.push(problem(node, "sweep.parameters", "is a mapping of keys to their values").hint(hint));
        return Vec::new();
    };
    let mut parameters: Vec<Parameter> = Vec::new();
    for (key, value) in entries {
        match read_parameter(key, value, problems) {
            Some(parameter) if parameters.iter().any(|known| known.key == parameter.key) => {
                problems.push(problem(key, &key.text, "is swept a second time").value(None));
            }
            Some(parameter) => parameters.push(parameter),
            None => {}
        }
    }
    parameters
}

fn read_parameter(name: &Node, node: &Node, problems: &mut Vec<Problem>) -> Option<Parameter> {
    let place = Place::Node(name.id);
    let key = match known_key(&name.text, place).and_then(|key| sweepable(key, &name.text, place)) {
        Ok(key) => key,
        Err(problem) => {
            problems.push(problem);
            return None;
        }
    };
    let hint = format!("{}: {{values: [first, second]}}", name.text);
    let Content::Map(entries) = &node.content else {
        problems.push(
            problem(node, &name.text, "is swept by a mapping with values, and this is none").hint(hint),
        );
        return None;
    };
    let mut values = None;
    let mut is_fixed = false;
    for (what, value) in entries {
        match (what.text.as_str(), &value.content) {
            ("values", Content::List(items)) if !items.is_empty() => {
                values = Some(checked_values(key, &name.text, items, problems));
            }
            ("values", _) => {
                problems.push(problem(value, &name.text, "has no list of values").hint(hint.clone()));
            }
            ("value", _) => {
                is_fixed = true;
                values = Some(checked_values(key, &name.text, std::slice::from_ref(value), problems));
            }
            _ => problems.push(refused_parameter(what, &name.text)),
        }
    }
    if entries.is_empty() {
        problems.push(problem(node, &name.text, "has no values").hint(hint));
    }
    values.filter(|values| !values.is_empty()).map(|values| Parameter { key, values, is_fixed, place })
}

fn refused_parameter(what: &Node, key: &str) -> Problem {
    let path = format!("{key}.{}", what.text);
    let place = Place::Node(what.id);
    let later = ["min", "max", "distribution", "parameters", "probabilities", "mu", "sigma", "q"];
    if later.contains(&what.text.as_str()) {
        return Problem::new(place, path, "is not supported yet").hint("values: [first, second]");
    }
    Problem::new(place, path, "is not known here").hint("values: [first, second], or value: one")
}

/// The key, if runs of one sweep may differ in it.
pub(crate) fn sweepable(key: &'static Key, spelling: &str, place: Place) -> Result<&'static Key, Problem> {
    if is_sweepable(key) {
        return Ok(key);
    }
    Err(Problem::new(place, spelling, "cannot be swept: it is the same for all runs"))
}

/// Whether runs of one sweep may differ in it.
pub(crate) fn is_sweepable(key: &Key) -> bool {
    let common = ["output_dir", "priority", "after", "stop_sweep_after_failures", "on_finish", "on_fail"];
    !common.contains(&key.name)
}

fn checked_values(
    key: &'static Key,
    spelling: &str,
    nodes: &[Node],
    problems: &mut Vec<Problem>,
) -> Vec<Entry> {
    let mut entries: Vec<Entry> = Vec::new();
    for node in nodes {
        let place = Place::Node(node.id);
        let checked = match node.content {
            Content::Null => Err(Problem::of_value(place, spelling, Misfit::empty(node))),
            _ => checked_value(key, spelling, node, place),
        };
        match checked {
            Ok(entry) if entries.iter().any(|known| known.value == entry.value) => {}
            Ok(entry) => entries.push(entry),
            Err(problem) => problems.push(problem),
        }
    }
    entries
}
