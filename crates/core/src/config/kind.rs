//! Whether a value fits its key, and what to say where it does not.

use super::foreign::{environment, metrics};
use super::keys::{Kind, Range};
use super::kind_image::{colour, pattern_map, strength_warmup, whole_list};
use super::memory::{memory_text, parse_memory};
use super::slurm::fitted_slurm;
use super::value::Value;
use super::yaml::{Content, Node, NodeId};

/// What is wrong with a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Misfit {
    /// The node concerned: the value, or one item of it.
    pub(crate) id: NodeId,
    /// The node's text, as it is quoted.
    pub(crate) value: Option<String>,
    /// Continues "key: 'value' …".
    pub(crate) message: String,
    /// What would be right.
    pub(crate) hint: Option<String>,
}

impl Misfit {
    pub(crate) fn new(node: &Node, message: impl Into<String>) -> Self {
        Self { id: node.id, value: quoted_value(node), message: message.into(), hint: None }
    }

    /// A null where a value is wanted.
    pub(crate) fn empty(node: &Node) -> Self {
        Self::new(node, "is empty")
    }

    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}

/// The text of a node for quoting: of scalars only.
pub(crate) fn quoted_value(node: &Node) -> Option<String> {
    match node.content {
        Content::List(_) | Content::Map(_) => None,
        Content::Null if node.text.is_empty() => None,
        _ => Some(node.text.clone()),
    }
}

/// The value of `node` for a key of that kind.
pub(crate) fn fitted(kind: Kind, node: &Node) -> Result<Value, Misfit> {
    match kind {
        Kind::Environment => return environment(node),
        Kind::Metrics => return metrics(node),
        Kind::WholeMap { min, max } => return pattern_map(node, Kind::Whole { min, max }),
        Kind::RealMap(range) => return pattern_map(node, Kind::Real(range)),
        Kind::StrengthWarmup => return strength_warmup(node),
        Kind::Colour => return colour(node),
        _ => {}
    }
    if let Content::Map(entries) = &node.content {
        match kind {
            Kind::TextMap => return text_map(entries),
            Kind::Slurm => return fitted_slurm(node),
            _ => {}
        }
        return Err(Misfit::new(node, format!("is a mapping, but {} is expected", expectation(kind))));
    }
    match kind {
        Kind::Whole { min, max } => whole(node, min, max),
        Kind::WholeOf(numbers) => whole_of(node, numbers),
        Kind::WholeList { min, max } => whole_list(node, min, max),
        Kind::Real(range) => real(node, range),
        Kind::Flag => flag(node),
        Kind::Text => text(node, "text").map(Value::Text),
        Kind::Path => path(node).map(Value::Text),
        Kind::OneOf(words) => one_of(node, words),
        Kind::TextList => text_list(node),
        Kind::TextOrList => match node.content {
            Content::List(ref items) if items.is_empty() => Err(Misfit::new(node, "is an empty list")),
            Content::List(_) => text_list(node),
            _ => path(node).map(Value::Text),
        },
        Kind::Command => command(node),
        Kind::TextMap => Err(Misfit::new(node, "is no mapping of names to texts").hint("{NAME: value}")),
        Kind::Memory => memory(node),
        Kind::Scalar => scalar(node),
        Kind::Environment
        | Kind::Metrics
        | Kind::WholeMap { .. }
        | Kind::RealMap(_)
        | Kind::StrengthWarmup
        | Kind::Colour => Err(Misfit::new(node, "does not belong here")),
        Kind::Slurm => fitted_slurm(node),
        Kind::Any => Ok(Value::Text(node.text.clone())),
    }
}

/// What a kind expects, for messages.
pub(crate) fn expectation(kind: Kind) -> String {
    match kind {
        Kind::Whole { .. } => "a whole number".into(),
        Kind::WholeOf(numbers) => format!("one of {}", listed(numbers)),
        Kind::WholeList { .. } => "a list of whole numbers".into(),
        Kind::WholeMap { .. } | Kind::RealMap(_) => "a mapping of patterns to numbers".into(),
        Kind::Colour => "a colour".into(),
        Kind::StrengthWarmup => "a mapping of epochs and weight".into(),
        Kind::Real(_) => "a number".into(),
        Kind::Flag => "true or false".into(),
        Kind::Text => "text".into(),
        Kind::Path => "a path".into(),
        Kind::OneOf(words) => format!("one of {}", words.join(", ")),
        Kind::TextList => "a list of texts".into(),
        Kind::TextOrList => "text or a list of texts".into(),
        Kind::Command => "a program and its arguments as a list".into(),
        Kind::TextMap => "a mapping of names to texts".into(),
        Kind::Memory => "an amount of memory".into(),
        Kind::Environment => "a mapping of names to texts".into(),
        Kind::Metrics => "a metric source".into(),
        Kind::Scalar => "one value".into(),
        Kind::Slurm => "a mapping of Slurm's settings".into(),
        Kind::Any => "a value".into(),
    }
}

fn not_a_list(node: &Node, expected: &str) -> Result<(), Misfit> {
    match node.content {
        Content::List(_) => Err(Misfit::new(node, format!("is a list, but {expected} is expected"))
            .hint("to try several values, name the key under sweep: parameters:")),
        _ => Ok(()),
    }
}

fn is_quoted_number(node: &Node) -> bool {
    node.content == Content::Text && node.text.trim().parse::<f64>().is_ok()
}

fn whole(node: &Node, min: i128, max: i128) -> Result<Value, Misfit> {
    not_a_list(node, "a whole number")?;
    let number = match node.content {
        Content::Whole(number) => number,
        // 1e3 is a thousand; 2^53 bounds what a float says exactly.
        Content::Real(number) if number.fract() == 0.0 && number.abs() < 9_007_199_254_740_992.0 => {
            number as i128
        }
        _ if is_quoted_number(node) => {
            return Err(
                Misfit::new(node, "is text, but a whole number is expected").hint("remove the quotes")
            );
        }
        _ => return Err(Misfit::new(node, "is no whole number")),
    };
    if (min..=max).contains(&number) {
        return Ok(Value::Whole(number));
    }
    let bound = if number < min { format!("is below {min}") } else { format!("is above {max}") };
    Err(Misfit::new(node, bound).hint(format!("a whole number from {min} to {max}")))
}

fn whole_of(node: &Node, numbers: &[i128]) -> Result<Value, Misfit> {
    let value = whole(node, i128::MIN, i128::MAX)?;
    let fits = numbers.iter().any(|number| Value::Whole(*number) == value);
    if fits { Ok(value) } else { Err(Misfit::new(node, format!("is not one of {}", listed(numbers)))) }
}

fn listed(numbers: &[i128]) -> String {
    numbers.iter().map(i128::to_string).collect::<Vec<_>>().join(", ")
}

fn real(node: &Node, range: Range) -> Result<Value, Misfit> {
    not_a_list(node, "a number")?;
    let number = match node.content {
        Content::Whole(number) => number as f64,
        Content::Real(number) => number,
        _ if is_quoted_number(node) => {
            return Err(Misfit::new(node, "is text, but a number is expected").hint("remove the quotes"));
        }
        _ => return Err(Misfit::new(node, "is no number").hint("such as 0.1 or 2e-4")),
    };
    let (fits, expected) = match range {
        Range::Positive => (number > 0.0, "a number above 0"),
        Range::NotNegative => (number >= 0.0, "0 or a number above it"),
        Range::Share => ((0.0..1.0).contains(&number), "a share from 0 to below 1"),
    };
    if !number.is_finite() {
        return Err(Misfit::new(node, "is no finite number"));
    }
    // -0.0 and 0.0 are one value.
    if fits { Ok(Value::Real(number + 0.0)) } else { Err(Misfit::new(node, format!("is not {expected}"))) }
}

fn flag(node: &Node) -> Result<Value, Misfit> {
    not_a_list(node, "true or false")?;
    match node.content {
        Content::Flag(flag) => Ok(Value::Flag(flag)),
        _ => Err(Misfit::new(node, "is neither true nor false")),
    }
}

fn text(node: &Node, expected: &str) -> Result<String, Misfit> {
    not_a_list(node, expected)?;
    match node.content {
        Content::Null => Err(Misfit::new(node, format!("is empty, but {expected} is expected"))),
        _ => Ok(node.text.clone()),
    }
}

fn path(node: &Node) -> Result<String, Misfit> {
    let text = text(node, "text")?;
    if text.trim().is_empty() || text.contains('\0') {
        return Err(Misfit::new(node, "is empty"));
    }
    Ok(text)
}

fn one_of(node: &Node, words: &'static [&'static str]) -> Result<Value, Misfit> {
    let text = text(node, "a word")?;
    if words.contains(&text.as_str()) {
        return Ok(Value::Text(text));
    }
    let misfit = Misfit::new(node, format!("is not one of {}", words.join(", ")));
    Err(match crate::text::nearest(&text.to_lowercase(), words.iter().copied()) {
        Some(word) => misfit.hint(format!("did you mean '{word}'?")),
        None => misfit,
    })
}

fn text_list(node: &Node) -> Result<Value, Misfit> {
    let Content::List(items) = &node.content else {
        return Ok(Value::List(vec![Value::Text(text(node, "a list of texts")?)]));
    };
    let texts = items.iter().map(|item| match item.content {
        Content::Map(_) => Err(Misfit::new(item, "has a mapping in a list of texts")
            .hint("put the text in quotes where it has a colon")),
        Content::List(_) => Err(Misfit::new(item, "has a list in a list of texts")),
        _ => text(item, "text").map(Value::Text),
    });
    texts.collect::<Result<_, _>>().map(Value::List)
}

fn command(node: &Node) -> Result<Value, Misfit> {
    match &node.content {
        Content::List(items) if items.is_empty() => {
            Err(Misfit::new(node, "is an empty list").hint("[program, argument]"))
        }
        Content::List(_) => text_list(node),
        // A shell would split it, and expand what it finds in it; nothing goes through a shell.
        _ => Err(Misfit::new(node, "is no list of a program and its arguments")
            .hint("[python, notify.py, --done]")),
    }
}

fn text_map(entries: &[(Node, Node)]) -> Result<Value, Misfit> {
    let mut values: Vec<(String, Value)> = Vec::new();
    for (name, value) in entries {
        if values.iter().any(|(known, _)| *known == name.text) {
            return Err(Misfit::new(name, "is given twice"));
        }
        if name.text.is_empty() || name.text.contains(['=', '\0']) {
            return Err(Misfit::new(name, "is no name"));
        }
        if matches!(value.content, Content::Map(_)) {
            return Err(Misfit::new(value, "is a mapping, but text is expected"));
        }
        values.push((name.text.clone(), Value::Text(text(value, "text")?)));
    }
    Ok(Value::Map(values))
}

/// A value as YAML types it.
fn scalar(node: &Node) -> Result<Value, Misfit> {
    not_a_list(node, "one value")?;
    Ok(match node.content {
        Content::Null => return Err(Misfit::empty(node)),
        Content::Flag(flag) => Value::Flag(flag),
        Content::Whole(number) if (i128::from(i64::MIN)..=i128::from(u64::MAX)).contains(&number) => {
            Value::Whole(number)
        }
        Content::Real(number) if number.is_finite() => Value::Real(number + 0.0),
        _ => Value::Text(node.text.clone()),
    })
}

fn memory(node: &Node) -> Result<Value, Misfit> {
    let text = text(node, "an amount of memory")?;
    match parse_memory(&text).filter(|bytes| *bytes > 0) {
        Some(bytes) => Ok(Value::Text(memory_text(bytes))),
        None => Err(Misfit::new(node, "is no amount of memory").hint("such as 12 GiB")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::yaml::read;

    fn fit(kind: Kind, text: &str) -> Result<String, String> {
        fitted(kind, &read(text).unwrap()).map(|value| value.to_string()).map_err(|misfit| misfit.message)
    }

    const RANK: Kind = Kind::Whole { min: 1, max: 100 };

    #[test]
    fn numbers_are_read_by_yaml_1_2() {
        assert_eq!(fit(RANK, "8"), Ok("8".into()));
        assert_eq!(fit(RANK, "1e1"), Ok("10".into()));
        assert_eq!(fit(RANK, "8.5"), Err("is no whole number".into()));
        assert_eq!(fit(RANK, "eight"), Err("is no whole number".into()));
        assert_eq!(fit(RANK, "'8'"), Err("is text, but a whole number is expected".into()));
        assert_eq!(fit(RANK, "0"), Err("is below 1".into()));
        assert_eq!(fit(RANK, "[8]"), Err("is a list, but a whole number is expected".into()));
        assert_eq!(fit(Kind::Real(Range::Positive), "2e-4"), Ok("2e-4".into()));
        assert_eq!(fit(Kind::Real(Range::Positive), ".inf"), Err("is no finite number".into()));
        assert_eq!(fit(Kind::Real(Range::Positive), "-1"), Err("is not a number above 0".into()));
        assert_eq!(fit(Kind::Real(Range::Share), "1.0"), Err("is not a share from 0 to below 1".into()));
    }

    #[test]
    fn commands_memory_and_maps_have_their_own_shapes() {
        assert_eq!(fit(Kind::Command, "[python, 3]"), Ok("[python, \"3\"]".into()));
        assert_eq!(fit(Kind::Command, "rm -rf x"), Err("is no list of a program and its arguments".into()));
        assert_eq!(fit(Kind::Memory, "12G"), fit(Kind::Memory, "12 GiB"));
        assert_eq!(fit(Kind::Memory, "much"), Err("is no amount of memory".into()));
        assert_eq!(fit(Kind::TextMap, "{A: 1, B: x y}"), Ok("{A: \"1\", B: x y}".into()));
        assert_eq!(fit(Kind::TextMap, "{A: {B: c}}"), Err("is a mapping, but text is expected".into()));
        assert!(fit(Kind::TextMap, "A=1").is_err());
    }

    #[test]
    fn texts_keep_their_spelling() {
        assert_eq!(fit(Kind::Text, "1.10"), Ok("\"1.10\"".into()));
        assert_eq!(fit(Kind::TextOrList, "[q_proj, 07]"), Ok("[q_proj, \"07\"]".into()));
        assert_eq!(fit(Kind::TextList, "one prompt"), Ok("[one prompt]".into()));
        assert_eq!(fit(Kind::TextList, "- a: b"), Err("has a mapping in a list of texts".into()));
        assert_eq!(
            fit(Kind::OneOf(&["cosine", "linear"]), "Cosin"),
            Err("is not one of cosine, linear".into())
        );
        assert_eq!(fit(Kind::Path, "''"), Err("is empty".into()));
    }
}
