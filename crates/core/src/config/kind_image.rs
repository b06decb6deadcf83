//! Kinds of values that only keys of image models have: lists and maps of numbers, colours, the strength's rise.

use super::keys::{Kind, Range};
use super::kind::{Misfit, fitted};
use super::value::Value;
use super::yaml::{Content, Node};
use crate::metrics::syntax_problem;

/// A list of whole numbers, at least one; a single number is a list of one.
pub(super) fn whole_list(node: &Node, min: i128, max: i128) -> Result<Value, Misfit> {
    let kind = Kind::Whole { min, max };
    let Content::List(items) = &node.content else {
        return fitted(kind, node).map(|value| Value::List(vec![value]));
    };
    if items.is_empty() {
        return Err(Misfit::new(node, "is an empty list").hint("[0, 1]"));
    }
    items.iter().map(|item| fitted(kind, item)).collect::<Result<_, _>>().map(Value::List)
}

/// Numbers of that kind by patterns of module names.
pub(super) fn pattern_map(node: &Node, kind: Kind) -> Result<Value, Misfit> {
    let Content::Map(entries) = &node.content else {
        return Err(Misfit::new(node, "is no mapping of patterns to numbers").hint("{down_blocks.0.*: 4}"));
    };
    let mut values: Vec<(String, Value)> = Vec::new();
    for (name, value) in entries {
        let pattern = name.text.as_str();
        if values.iter().any(|(known, _)| known == pattern) {
            return Err(Misfit::new(name, "is given twice"));
        }
        if pattern.is_empty() {
            return Err(Misfit::new(name, "is no pattern"));
        }
        if let Some(reason) = syntax_problem(pattern) {
            return Err(Misfit::new(name, "is no regular expression").hint(reason));
        }
        values.push((pattern.to_owned(), fitted(kind, value)?));
    }
    // Their order means nothing, and a frozen text has them sorted.
    values.sort_by(|(one, _), (other, _)| one.cmp(other));
    Ok(Value::Map(values))
}

/// `white`, `black`, or `#rrggbb` in small letters.
pub(super) fn colour(node: &Node) -> Result<Value, Misfit> {
    let text = match node.content {
        Content::Null | Content::List(_) | Content::Map(_) => String::new(),
        _ => node.text.to_ascii_lowercase(),
    };
    let is_hex = |digits: &str| digits.len() == 6 && digits.bytes().all(|byte| byte.is_ascii_hexdigit());
    if text == "white" || text == "black" || text.strip_prefix('#').is_some_and(is_hex) {
        return Ok(Value::Text(text));
    }
    Err(Misfit::new(node, "is no colour").hint("white, black, or \"#rrggbb\" in quotes"))
}

const STRENGTH_HINT: &str = "{epochs: 2, weight: 0.5}";

/// `{epochs, weight}`, both given.
pub(super) fn strength_warmup(node: &Node) -> Result<Value, Misfit> {
    let Content::Map(entries) = &node.content else {
        return Err(Misfit::new(node, "is no mapping of epochs and weight").hint(STRENGTH_HINT));
    };
    let (mut epochs, mut weight) = (None, None);
    for (name, value) in entries {
        let (field, range) = match name.text.as_str() {
            "epochs" => (&mut epochs, Range::Positive),
            "weight" => (&mut weight, Range::Share),
            _ => return Err(Misfit::new(name, "is neither epochs nor weight").hint(STRENGTH_HINT)),
        };
        if field.is_some() {
            return Err(Misfit::new(name, "is given twice"));
        }
        *field = Some(fitted(Kind::Real(range), value)?);
    }
    match (epochs, weight) {
        (Some(epochs), Some(weight)) => {
            Ok(Value::Map(vec![("epochs".to_owned(), epochs), ("weight".to_owned(), weight)]))
        }
        (None, _) => Err(Misfit::new(node, "has no epochs").hint(STRENGTH_HINT)),
        (_, None) => Err(Misfit::new(node, "has no weight").hint(STRENGTH_HINT)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::yaml::read;

    fn fit(kind: Kind, text: &str) -> Result<String, String> {
        fitted(kind, &read(text).unwrap()).map(|value| value.to_string()).map_err(|misfit| misfit.message)
    }

    #[test]
    fn numbers_of_a_few() {
        let tokens = Kind::WholeOf(&[75, 150, 225]);
        assert_eq!(fit(tokens, "150"), Ok("150".into()));
        assert_eq!(fit(tokens, "77"), Err("is not one of 75, 150, 225".into()));
        assert_eq!(fit(tokens, "[75]"), Err("is a list, but a whole number is expected".into()));
    }

    #[test]
    fn lists_of_whole_numbers() {
        let seeds = Kind::WholeList { min: 0, max: u64::MAX.into() };
        assert_eq!(fit(seeds, "7"), Ok("[7]".into()));
        assert_eq!(fit(seeds, "[1, 18446744073709551615]"), Ok("[1, 18446744073709551615]".into()));
        assert_eq!(fit(seeds, "[]"), Err("is an empty list".into()));
        assert_eq!(fit(seeds, "[1, -1]"), Err("is below 0".into()));
        assert_eq!(fit(seeds, "[[1]]"), Err("is a list, but a whole number is expected".into()));
        assert_eq!(fit(seeds, "{a: 1}"), Err("is a mapping, but a list of whole numbers is expected".into()));
    }

    #[test]
    fn maps_of_patterns() {
        let ranks = Kind::WholeMap { min: 1, max: 64 };
        assert_eq!(fit(ranks, "{b: 4, 'a.*\\.to_q': 8}"), Ok("{\"a.*\\\\.to_q\": 8, b: 4}".into()));
        assert_eq!(fit(ranks, "{}"), Ok("{}".into()));
        assert_eq!(fit(ranks, "{a: 0}"), Err("is below 1".into()));
        assert_eq!(fit(ranks, "{a: }"), Err("is no whole number".into()));
        assert_eq!(fit(ranks, "{'a(': 4}"), Err("is no regular expression".into()));
        assert_eq!(fit(ranks, "{'': 4}"), Err("is no pattern".into()));
        assert_eq!(fit(ranks, "4"), Err("is no mapping of patterns to numbers".into()));
        let alphas = Kind::RealMap(Range::Positive);
        assert_eq!(fit(alphas, "{a: 0.5}"), Ok("{a: 0.5}".into()));
        assert_eq!(fit(alphas, "{a: 0}"), Err("is not a number above 0".into()));
    }

    #[test]
    fn colours_have_one_spelling() {
        for (text, said) in [("white", "white"), ("'#FFaa01'", "\"#ffaa01\""), ("Black", "black")] {
            assert_eq!(fit(Kind::Colour, text), Ok(said.into()));
        }
        for text in ["red", "'#fff'", "'#gggggg'", "0", "[white]", "''"] {
            assert_eq!(fit(Kind::Colour, text), Err("is no colour".into()), "{text}");
        }
    }

    #[test]
    fn the_strengths_rise_names_both_parts() {
        let kind = Kind::StrengthWarmup;
        assert_eq!(fit(kind, "{weight: 0.5, epochs: 2}"), Ok("{epochs: 2, weight: 0.5}".into()));
        assert_eq!(fit(kind, "{epochs: 2}"), Err("has no weight".into()));
        assert_eq!(fit(kind, "{weight: 0.5}"), Err("has no epochs".into()));
        assert_eq!(fit(kind, "{epochs: 2, weight: 1}"), Err("is not a share from 0 to below 1".into()));
        assert_eq!(fit(kind, "{epochs: 0, weight: 0}"), Err("is not a number above 0".into()));
        assert_eq!(fit(kind, "{epochs: 1, wait: 1}"), Err("is neither epochs nor weight".into()));
        assert_eq!(fit(kind, "3"), Err("is no mapping of epochs and weight".into()));
    }
}
