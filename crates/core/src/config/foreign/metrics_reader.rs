//! `metrics:` of a run: a source's word, a mapping that says more, or a list of both.

use crate::config::kind::Misfit;
use crate::config::value::Value;
use crate::config::yaml::{Content, Node};
use crate::metrics::{SourceKind, SourceSpec};
use crate::text::nearest;

const ENTRIES: [&str; 5] = ["source", "path", "step", "map", "pattern"];
const HINT: &str = "metrics: {source: jsonl, path: \"${run_dir}/metrics.jsonl\"}";

/// The checked sources, as a list of mappings.
pub(crate) fn metrics(node: &Node) -> Result<Value, Misfit> {
    let nodes = if let Content::List(items) = &node.content { items } else { std::slice::from_ref(node) };
    let specs: Result<Vec<SourceSpec>, Misfit> = nodes.iter().map(source).collect();
    let json = serde_json::to_value(specs?).unwrap_or_default();
    Ok(Value::from_json(&json).unwrap_or(Value::List(Vec::new())))
}

fn source(node: &Node) -> Result<SourceSpec, Misfit> {
    match &node.content {
        Content::Map(entries) => mapping(node, entries),
        Content::Text => {
            let spec = SourceSpec::new(kind(node)?);
            spec.problem().map_or(Ok(spec), |problem| Err(problem_at(node, &problem)))
        }
        _ => Err(Misfit::new(node, "is no metric source").hint(HINT)),
    }
}

fn kind(node: &Node) -> Result<SourceKind, Misfit> {
    let words = SourceKind::WORDS.map(|(word, _)| word);
    SourceKind::of_word(&node.text).ok_or_else(|| {
        let misfit = Misfit::new(node, format!("is no metric source; there are {}", words.join(", ")));
        match nearest(&node.text, words) {
            Some(near) => misfit.hint(format!("did you mean '{near}'?")),
            None => misfit,
        }
    })
}

fn mapping(node: &Node, entries: &[(Node, Node)]) -> Result<SourceSpec, Misfit> {
    let entry = |name: &str| entries.iter().find(|(key, _)| key.text == name).map(|(_, value)| value);
    for (index, (key, _)) in entries.iter().enumerate() {
        if !ENTRIES.contains(&key.text.as_str()) {
            let misfit = Misfit::new(key, format!("is not known here; there are {}", ENTRIES.join(", ")));
            return Err(match nearest(&key.text, ENTRIES) {
                Some(near) => misfit.hint(format!("did you mean '{near}'?")),
                None => misfit,
            });
        }
        if entries[..index].iter().any(|(known, _)| known.text == key.text) {
            return Err(Misfit::new(key, "is given twice"));
        }
    }
    let source = match (entry("source"), entry("pattern")) {
        (Some(node), _) => kind(node)?,
        (None, Some(_)) => SourceKind::Log,
        (None, None) => return Err(Misfit::new(node, "has no source").hint(HINT)),
    };
    let spec = SourceSpec {
        path: optional_text(entry("path"))?,
        step: optional_text(entry("step"))?,
        pattern: optional_text(entry("pattern"))?,
        map: entry("map").map_or(Ok(std::collections::BTreeMap::new()), names)?,
        ..SourceSpec::new(source)
    };
    match spec.problem() {
        Some(problem) => Err(problem_at(entry(problem.entry).unwrap_or(node), &problem)),
        None => Ok(spec),
    }
}

fn problem_at(node: &Node, problem: &crate::metrics::source::SpecProblem) -> Misfit {
    Misfit::new(node, format!("({}) {}", problem.entry, problem.message)).hint(problem.hint)
}

fn optional_text(node: Option<&Node>) -> Result<Option<String>, Misfit> {
    match node {
        None => Ok(None),
        Some(node) => match node.content {
            Content::Null => Ok(None),
            Content::Map(_) | Content::List(_) => Err(Misfit::new(node, "is no text")),
            _ if node.text.trim().is_empty() || node.text.contains('\0') => {
                Err(Misfit::new(node, "is empty"))
            }
            _ => Ok(Some(node.text.clone())),
        },
    }
}

/// Their names and ours; a name with nothing behind it is left out of the metrics.
fn names(node: &Node) -> Result<std::collections::BTreeMap<String, String>, Misfit> {
    let Content::Map(entries) = &node.content else {
        return Err(Misfit::new(node, "maps the trainer's names to ours, and this is no mapping")
            .hint("map: {val_acc: eval/accuracy}"));
    };
    let name = |(theirs, ours): &(Node, Node)| match ours.content {
        Content::Map(_) | Content::List(_) => Err(Misfit::new(ours, "is no metric's name")),
        Content::Null => Ok((theirs.text.clone(), String::new())),
        _ => Ok((theirs.text.clone(), ours.text.clone())),
    };
    entries.iter().map(name).collect()
}
