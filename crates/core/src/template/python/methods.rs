//! Methods of Python's strings, lists and dictionaries that minijinja-contrib does not bring.

use minijinja::value::{Kwargs, ValueKind, from_args};
use minijinja::{Error, ErrorKind, State, Value};

/// Answers a method call: ours first, then minijinja-contrib's.
pub(super) fn call(
    state: &mut State,
    value: &Value,
    method: &str,
    arguments: &[Value],
) -> Result<Value, Error> {
    let own = match value.kind() {
        ValueKind::String => string(value.as_str().unwrap_or_default(), method, arguments)?,
        ValueKind::Seq => list(value, method, arguments)?,
        ValueKind::Map if method == "copy" => Some(value.clone()),
        _ => None,
    };
    match own {
        Some(answer) => Ok(answer),
        None => minijinja_contrib::pycompat::unknown_method_callback(state, value, method, arguments),
    }
}

fn string(text: &str, method: &str, arguments: &[Value]) -> Result<Option<Value>, Error> {
    Ok(Some(match method {
        "removeprefix" => {
            let (prefix,): (&str,) = from_args(arguments)?;
            Value::from(text.strip_prefix(prefix).unwrap_or(text))
        }
        "removesuffix" => {
            let (suffix,): (&str,) = from_args(arguments)?;
            Value::from(text.strip_suffix(suffix).unwrap_or(text))
        }
        "partition" | "rpartition" => {
            let (separator,): (&str,) = from_args(arguments)?;
            partition(text, separator, method == "rpartition")
        }
        "rsplit" => {
            let (separator, most): (Option<&str>, Option<i64>) = from_args(arguments)?;
            return rsplit(text, separator, most).map(Some);
        }
        "ljust" | "rjust" => {
            let (width, fill): (usize, Option<char>) = from_args(arguments)?;
            let padding = padding(text, width, fill.unwrap_or(' '));
            Value::from(if method == "ljust" {
                format!("{text}{padding}")
            } else {
                format!("{padding}{text}")
            })
        }
        "center" => {
            let (width, fill): (usize, Option<char>) = from_args(arguments)?;
            let padding: Vec<char> = padding(text, width, fill.unwrap_or(' ')).chars().collect();
            // An odd one goes where CPython puts it.
            let left = padding.len() / 2 + (padding.len() & width & 1);
            let [before, after] =
                [&padding[..left], &padding[left..]].map(|part| part.iter().collect::<String>());
            Value::from(format!("{before}{text}{after}"))
        }
        "swapcase" => Value::from(text.chars().map(swapped).collect::<String>()),
        "casefold" => Value::from(text.to_lowercase().replace('ß', "ss")),
        "split" if arguments.last().is_some_and(Value::is_kwargs) => {
            let (separator, options): (Option<&str>, Kwargs) = from_args(arguments)?;
            let separator = separator.or(options.get("sep")?);
            let most = options.get::<Option<i64>>("maxsplit")?.and_then(|most| usize::try_from(most).ok());
            options.assert_all_used()?;
            split(text, separator, most)
        }
        "zfill" => {
            let (width,): (usize,) = from_args(arguments)?;
            let (sign, digits) = text.split_at(usize::from(text.starts_with(['+', '-'])));
            Value::from(format!("{sign}{}{digits}", padding(text, width, '0')))
        }
        "index" => {
            let (wanted,): (&str,) = from_args(arguments)?;
            let at = text.find(wanted).ok_or_else(|| wrong("substring not found"))?;
            Value::from(text[..at].chars().count())
        }
        _ => return Ok(None),
    }))
}

fn wrong(message: &'static str) -> Error {
    Error::new(ErrorKind::InvalidOperation, message)
}

fn swapped(character: char) -> String {
    if character.is_uppercase() {
        character.to_lowercase().collect()
    } else {
        character.to_uppercase().collect()
    }
}

fn split(text: &str, separator: Option<&str>, most: Option<usize>) -> Value {
    let most = most.unwrap_or(usize::MAX - 1);
    if let Some(separator) = separator {
        return texts(text.splitn(most + 1, separator));
    }
    let (mut parts, mut rest) = (Vec::new(), text.trim_start());
    while !rest.is_empty() && parts.len() < most {
        let end = rest.find(char::is_whitespace).unwrap_or(rest.len());
        parts.push(&rest[..end]);
        rest = rest[end..].trim_start();
    }
    texts(parts.into_iter().chain((!rest.is_empty()).then_some(rest)))
}

/// From the right, by white space, at most so often.
fn rsplit_space(text: &str, most: usize) -> Value {
    let (mut parts, mut rest) = (Vec::new(), text.trim_end());
    while !rest.is_empty() && parts.len() < most {
        let word = rest.rsplit(char::is_whitespace).next().unwrap_or(rest);
        parts.push(word);
        rest = rest[..rest.len() - word.len()].trim_end();
    }
    parts.extend((!rest.is_empty()).then_some(rest));
    texts(parts.into_iter().rev())
}

fn padding(text: &str, width: usize, fill: char) -> String {
    // A template is foreign: it shall not ask for gigabytes.
    let missing = width.min(10_000).saturating_sub(text.chars().count());
    std::iter::repeat_n(fill, missing).collect()
}

fn partition(text: &str, separator: &str, from_right: bool) -> Value {
    let found = if from_right { text.rsplit_once(separator) } else { text.split_once(separator) };
    match found {
        Some((before, after)) => texts([before, separator, after]),
        None if from_right => texts(["", "", text]),
        None => texts([text, "", ""]),
    }
}

fn texts<'a>(all: impl IntoIterator<Item = &'a str>) -> Value {
    all.into_iter().map(Value::from).collect()
}

fn rsplit(text: &str, separator: Option<&str>, most: Option<i64>) -> Result<Value, Error> {
    let most = most.and_then(|most| usize::try_from(most).ok());
    let pieces = |iterator: &mut dyn Iterator<Item = &str>| {
        let mut all: Vec<Value> = iterator.map(Value::from).collect();
        all.reverse();
        Value::from(all)
    };
    match (separator, most) {
        (Some(""), _) => Err(wrong("empty separator")),
        (Some(separator), Some(most)) => Ok(pieces(&mut text.rsplitn(most + 1, separator))),
        (Some(separator), None) => Ok(pieces(&mut text.rsplit(separator))),
        (None, None) => Ok(texts(text.split_whitespace())),
        (None, Some(most)) => Ok(rsplit_space(text, most)),
    }
}

fn list(value: &Value, method: &str, arguments: &[Value]) -> Result<Option<Value>, Error> {
    Ok(Some(match method {
        "index" => {
            let (wanted,): (Value,) = from_args(arguments)?;
            let at = value.try_iter()?.position(|item| item == wanted);
            Value::from(at.ok_or_else(|| wrong("the value is not in the list"))?)
        }
        "copy" => value.clone(),
        _ => return Ok(None),
    }))
}

#[cfg(test)]
mod tests {
    use crate::template::python::environment;
    use crate::time::Moment;

    #[test]
    fn methods_answer_as_in_python() {
        let environment = environment(Moment(0)).unwrap();
        for (source, expected) in [
            ("'a-b-c'.rsplit('-', 1)|tojson", r#"["a-b", "c"]"#),
            ("'a-b-c'.rsplit('-')|tojson", r#"["a", "b", "c"]"#),
            ("' a  b '.rsplit()|tojson", r#"["a", "b"]"#),
            ("'a-b-c'.partition('-')|tojson", r#"["a", "-", "b-c"]"#),
            ("'abc'.rpartition('-')|tojson", r#"["", "", "abc"]"#),
            ("'<a>'.removeprefix('<').removesuffix('>')", "a"),
            (
                "' a b  c '.split(maxsplit=1)|tojson ~ 'a-b-c'.split('-', maxsplit=1)|tojson",
                r#"["a", "b  c "]["a", "b-c"]"#,
            ),
            ("' a  b c '.rsplit(none, 1)|tojson", r#"[" a  b", "c"]"#),
            (
                "'ab'.center(5, '*') ~ 'a'.center(4, '*') ~ 'aBß'.swapcase() ~ 'Bß'.casefold()",
                "**ab**a**AbSSbss",
            ),
            ("'-7'.zfill(4) ~ '7'.zfill(3)", "-007007"),
            ("'é'.ljust(3, '.') ~ 'é'.rjust(3)", "é..  é"),
            ("'éab'.index('a')", "1"),
            ("[1, 2].index(2)", "1"),
            ("' x '.strip() ~ 'A b'.lower().split(' ')[1]", "xb"),
            ("{'a': 1}.copy().items()|list|tojson", r#"[["a", 1]]"#),
        ] {
            let rendered = environment.render_str(&format!("{{{{ {source} }}}}"), ());
            assert_eq!(rendered.unwrap(), expected, "{source}");
        }
        assert!(environment.render_str("{{ 'a'.index('b') }}", ()).is_err());
        assert!(environment.render_str("{{ 'a'.nonsense() }}", ()).is_err());
    }
}
