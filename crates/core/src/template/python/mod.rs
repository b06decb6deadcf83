//! Python's habits, which chat templates rely on: the methods of its strings, `json.dumps`, the look of its numbers.

mod filters;
mod fuel;
mod json;
mod methods;
pub(super) mod source;

use std::sync::Arc;

use minijinja::syntax::SyntaxConfig;
use minijinja::value::ValueKind;
use minijinja::{Environment, Error, ErrorKind, Value};

use crate::time::Moment;

/// An environment as Hugging Face's `apply_chat_template` sets one up; `now` is what `strftime_now` tells.
pub(super) fn environment(now: Moment) -> Result<Environment<'static>, Error> {
    let mut environment = Environment::new();
    environment.set_syntax(SyntaxConfig::builder().trim_blocks(true).lstrip_blocks(true).build()?);
    environment.set_fuel(Some(fuel::FOR_A_TEXT));
    environment.set_auto_escape_callback(|_| minijinja::AutoEscape::None);
    environment.set_unknown_method_callback(methods::call);
    environment.set_formatter(|out, state, value| {
        if let Some(text) = shown(value) {
            return out.write_str(&text).map_err(Error::from);
        }
        fuel::pay(state, value, 0)?;
        minijinja::escape_formatter(out, state, value)
    });
    environment.add_filter("tojson", json::to_json);
    filters::add(&mut environment);
    environment.add_function(source::EACH, each);
    environment.add_function("raise_exception", |message: String| -> Result<Value, Error> {
        Err(Error::new(ErrorKind::InvalidOperation, message))
    });
    environment.add_function("strftime_now", move |pattern: &str| -> Result<String, Error> {
        let wrong =
            || Error::new(ErrorKind::InvalidOperation, format!("'{pattern}' is no pattern for a time"));
        now.format_local(pattern).ok_or_else(wrong)
    });
    Ok(environment)
}

/// What a loop goes over: the characters of a string, and nothing that Python refuses.
fn each(value: Value) -> Result<Value, Error> {
    if value.is_none() {
        return Err(Error::new(ErrorKind::InvalidOperation, "cannot iterate over none"));
    }
    Ok(match value.as_str() {
        Some(text) => text.chars().map(String::from).map(Value::from).collect(),
        None => value,
    })
}

/// How Python prints a value that the engine prints otherwise.
fn shown(value: &Value) -> Option<Arc<str>> {
    if value.kind() != ValueKind::Number || value.is_integer() {
        return None;
    }
    f64::try_from(value.clone()).ok().map(|number| Arc::from(float(number)))
}

/// Python's `repr` of a float: the shortest digits that give it back, with an exponent below 1e-4 and from 1e16 on.
pub(super) fn float(number: f64) -> String {
    if number.is_nan() {
        return "nan".into();
    }
    if number.is_infinite() {
        return if number > 0.0 { "inf".into() } else { "-inf".into() };
    }
    let scientific = format!("{number:e}");
    let (digits, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    if number != 0.0 && !(-4..16).contains(&exponent) {
        let sign = if exponent < 0 { '-' } else { '+' };
        return format!("{digits}e{sign}{:02}", exponent.abs());
    }
    format!("{number:?}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn floats_look_as_in_python() {
        let cases = [
            (0.0, "0.0"),
            (-0.0, "-0.0"),
            (1.0, "1.0"),
            (0.1, "0.1"),
            (1e-5, "1e-05"),
            (1.5e-7, "1.5e-07"),
            (1e15, "1000000000000000.0"),
            (1e16, "1e+16"),
            (1.25e100, "1.25e+100"),
            (0.0001, "0.0001"),
            (f64::INFINITY, "inf"),
        ];
        for (number, expected) in cases {
            assert_eq!(float(number), expected);
        }
    }

    #[test]
    fn values_print_as_in_python() {
        let environment = environment(Moment(0)).unwrap();
        let shown = |source: &str| environment.render_str(source, ()).unwrap();
        assert_eq!(
            shown("{{ 1e-05 }} {{ true }} {{ none }} {{ 3 }} {{ 2.5 }} {{ absent }}"),
            "1e-05 True None 3 2.5 "
        );
        assert_eq!(
            shown("{{ 'a' is sequence }} {{ {} is sequence }} {{ 1 is sequence }}"),
            "True True False"
        );
        assert_eq!(shown("{{ strftime_now('%d %b %Y') }}"), "01 Jan 1970");
        let error = environment.render_str("{{ raise_exception('no tools') }}", ()).unwrap_err();
        assert_eq!(error.detail(), Some("no tools"));
    }
}
