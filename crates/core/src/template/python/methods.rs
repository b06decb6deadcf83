//! Methods of Python's strings, lists and dictionaries that minijinja-contrib does not bring.

use minijinja::value::{ValueKind, from_args};
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
        (None, Some(_)) => Err(wrong("rsplit with a limit needs a separator")),
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
