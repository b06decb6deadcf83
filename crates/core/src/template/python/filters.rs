//! Filters and tests of Jinja that the engine lacks or answers otherwise.

use minijinja::value::{Kwargs, ValueKind};
use minijinja::{Environment, Error, Value};

/// Adds them.
pub(super) fn add(environment: &mut Environment<'static>) {
    environment.add_filter("int", int);
    environment.add_filter("float", float);
    environment.add_filter("escape", |value: &Value| escape(&value.to_string()));
    environment.add_filter("e", |value: &Value| escape(&value.to_string()));
    environment.add_filter("wordcount", |value: &Value| words(&value.to_string()));
    environment.add_test("callable", |value: &Value| value.kind() == ValueKind::Plain);
    // In Python neither none nor a number can be gone over, and a string can.
    environment.add_test("iterable", |value: &Value| {
        matches!(value.kind(), ValueKind::String | ValueKind::Undefined)
            || (!value.is_none() && value.try_iter().is_ok())
    });
    environment.add_test("sequence", |value: &Value| {
        matches!(value.kind(), ValueKind::Seq | ValueKind::String | ValueKind::Map | ValueKind::Undefined)
    });
}

/// A whole number, else `default`, which is 0 where it is not given.
#[allow(clippy::needless_pass_by_value)] // The engine hands arguments over by value.
fn int(value: &Value, default: Option<Value>, options: Kwargs) -> Result<Value, Error> {
    let base = options.get::<Option<u32>>("base")?.unwrap_or(10);
    let default = options.get::<Option<Value>>("default")?.or(default).unwrap_or_else(|| Value::from(0));
    options.assert_all_used()?;
    let parsed = match value.as_str() {
        Some(text) => {
            let text = text.trim();
            let whole = (2..=36).contains(&base).then(|| i64::from_str_radix(text, base).ok()).flatten();
            whole.or_else(|| number(text).map(|number| number as i64))
        }
        None if value.is_integer() => return Ok(value.clone()),
        None => plain_number(value).map(|number| number as i64),
    };
    Ok(parsed.map_or(default, Value::from))
}

/// A number, else `default`, which is 0.0 where it is not given.
#[allow(clippy::needless_pass_by_value)] // The engine hands arguments over by value.
fn float(value: &Value, default: Option<Value>, options: Kwargs) -> Result<Value, Error> {
    let default = options.get::<Option<Value>>("default")?.or(default).unwrap_or_else(|| Value::from(0.0));
    options.assert_all_used()?;
    let parsed = match value.as_str() {
        Some(text) => number(text.trim()),
        None => plain_number(value),
    };
    Ok(parsed.map_or(default, Value::from))
}

fn number(text: &str) -> Option<f64> {
    text.parse::<f64>().ok().filter(|number| number.is_finite())
}

fn plain_number(value: &Value) -> Option<f64> {
    match value.kind() {
        ValueKind::Number => f64::try_from(value.clone()).ok(),
        ValueKind::Bool => Some(if value.is_true() { 1.0 } else { 0.0 }),
        _ => None,
    }
}

/// HTML's five signs as markupsafe writes them.
fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '\'' => out.push_str("&#39;"),
            '"' => out.push_str("&#34;"),
            other => out.push(other),
        }
    }
    out
}

/// The runs of letters, digits and underscores.
fn words(text: &str) -> usize {
    text.split(|character: char| !character.is_alphanumeric() && character != '_')
        .filter(|word| !word.is_empty())
        .count()
}

#[cfg(test)]
mod tests {
    use crate::template::python::environment;
    use crate::time::Moment;

    #[test]
    fn filters_and_tests_answer_as_in_jinja() {
        let environment = environment(Moment(0)).unwrap();
        for (source, expected) in [
            ("' 12 '|int + 1", "13"),
            ("'x'|int ~ 'x'|int(7) ~ '2.9'|int ~ true|int ~ none|int(default=5)", "07215"),
            ("'ff'|int(base=16)", "255"),
            ("'x'|float ~ '1.5'|float ~ 2|float", "0.01.52.0"),
            ("'<a href=\"b\">&\\''|e", "&lt;a href=&#34;b&#34;&gt;&amp;&#39;"),
            ("'a b_c, d'|wordcount", "3"),
            ("none is iterable ~ 'a' is iterable ~ [] is iterable ~ 1 is iterable", "FalseTrueTrueFalse"),
            ("range is callable ~ 'a' is callable", "TrueFalse"),
        ] {
            let rendered = environment.render_str(&format!("{{{{ {source} }}}}"), ());
            assert_eq!(rendered.unwrap(), expected, "{source}");
        }
    }
}
