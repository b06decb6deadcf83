//! `tojson` as Hugging Face defines it: `json.dumps(value, ensure_ascii=False, indent, separators, sort_keys)`. The
//! engine's own filter escapes `<`, `>`, `&` and quotes, and prints floats otherwise.

use minijinja::value::{Kwargs, ValueKind};
use minijinja::{Error, ErrorKind, State, Value};

use super::fuel;

struct Style {
    indent: Option<String>,
    item_separator: String,
    key_separator: String,
    sort_keys: bool,
    ascii: bool,
}

/// The filter.
#[allow(clippy::needless_pass_by_value)] // The engine hands keyword arguments over by value.
pub(super) fn to_json(state: &State, value: &Value, options: Kwargs) -> Result<String, Error> {
    let indent = options.get::<Option<Value>>("indent")?.filter(|indent| !indent.is_none());
    let indent = match indent {
        None => None,
        Some(text) if text.kind() == ValueKind::String => Some(text.to_string()),
        Some(width) => Some(" ".repeat(usize::try_from(width).unwrap_or(0).min(64))),
    };
    let separators = options.get::<Option<Vec<String>>>("separators")?;
    let (item, key) = match separators.as_deref() {
        Some([item, key]) => (item.clone(), key.clone()),
        _ => (if indent.is_some() { "," } else { ", " }.to_owned(), ": ".to_owned()),
    };
    let style = Style {
        indent,
        item_separator: item,
        key_separator: key,
        sort_keys: options.get::<Option<bool>>("sort_keys")?.unwrap_or(false),
        ascii: options.get::<Option<bool>>("ensure_ascii")?.unwrap_or(false),
    };
    options.assert_all_used()?;
    fuel::pay(state, value, style.indent.as_ref().map_or(0, String::len))?;
    let mut out = String::new();
    style.write(value, 0, &mut out)?;
    Ok(out)
}

impl Style {
    fn write(&self, value: &Value, depth: usize, out: &mut String) -> Result<(), Error> {
        match value.kind() {
            ValueKind::None => out.push_str("null"),
            ValueKind::Bool => out.push_str(if value.is_true() { "true" } else { "false" }),
            ValueKind::Number if value.is_integer() => out.push_str(&value.to_string()),
            ValueKind::Number => out.push_str(&number(f64::try_from(value.clone())?)),
            ValueKind::String => self.text(value.as_str().unwrap_or_default(), out),
            ValueKind::Seq | ValueKind::Iterable => {
                let items: Vec<Value> = value.try_iter()?.collect();
                self.list(&items, ['[', ']'], depth, out, |item, out| self.write(item, depth + 1, out))?;
            }
            ValueKind::Map => {
                let mut keys: Vec<Value> = value.try_iter()?.collect();
                if self.sort_keys {
                    keys.sort();
                }
                self.list(&keys, ['{', '}'], depth, out, |key, out| {
                    self.text(&key.to_string(), out);
                    out.push_str(&self.key_separator);
                    self.write(&value.get_item(key)?, depth + 1, out)
                })?;
            }
            other => {
                return Err(Error::new(
                    ErrorKind::InvalidOperation,
                    format!("{other} cannot be written as JSON"),
                ));
            }
        }
        Ok(())
    }

    fn list(
        &self,
        items: &[Value],
        [open, close]: [char; 2],
        depth: usize,
        out: &mut String,
        write: impl Fn(&Value, &mut String) -> Result<(), Error>,
    ) -> Result<(), Error> {
        out.push(open);
        for (index, item) in items.iter().enumerate() {
            if index > 0 {
                out.push_str(&self.item_separator);
            }
            self.line(depth + 1, out);
            write(item, out)?;
        }
        if !items.is_empty() {
            self.line(depth, out);
        }
        out.push(close);
        Ok(())
    }

    fn line(&self, depth: usize, out: &mut String) {
        if let Some(indent) = &self.indent {
            out.push('\n');
            out.push_str(&indent.repeat(depth));
        }
    }

    fn text(&self, text: &str, out: &mut String) {
        out.push('"');
        for character in text.chars() {
            match character {
                '"' => out.push_str("\\\""),
                '\\' => out.push_str("\\\\"),
                '\n' => out.push_str("\\n"),
                '\r' => out.push_str("\\r"),
                '\t' => out.push_str("\\t"),
                '\u{8}' => out.push_str("\\b"),
                '\u{c}' => out.push_str("\\f"),
                low if (low as u32) < 0x20 => escape(u16::try_from(low as u32).unwrap_or(0), out),
                high if self.ascii && !high.is_ascii() => {
                    let mut units = [0; 2];
                    for unit in high.encode_utf16(&mut units) {
                        escape(*unit, out);
                    }
                }
                other => out.push(other),
            }
        }
        out.push('"');
    }
}

fn escape(unit: u16, out: &mut String) {
    out.push_str("\\u");
    out.extend(
        [12, 8, 4, 0].into_iter().filter_map(|shift| char::from_digit(u32::from(unit >> shift & 15), 16)),
    );
}

/// A float as `json.dumps` writes it, which differs from `repr` for the infinities and NaN.
fn number(number: f64) -> String {
    if number.is_nan() {
        "NaN".into()
    } else if number.is_infinite() {
        if number > 0.0 { "Infinity".into() } else { "-Infinity".into() }
    } else {
        super::float(number)
    }
}

#[cfg(test)]
mod tests {
    use crate::template::python::environment;
    use crate::time::Moment;

    fn render(source: &str) -> String {
        let value: serde_json::Value = serde_json::from_str(
            r#"{"b": [1, 2.0, 1e-5, true, null], "a": {}, "t": "<é\"\\\n\u0001🙂>", "e": []}"#,
        )
        .unwrap();
        environment(Moment(0))
            .unwrap()
            .render_str(
                source,
                minijinja::context! { v => minijinja::Value::from(minijinja::value::Serde(value)) },
            )
            .unwrap()
    }

    #[test]
    fn the_text_is_that_of_json_dumps() {
        assert_eq!(
            render("{{ v | tojson }}"),
            r#"{"b": [1, 2.0, 1e-05, true, null], "a": {}, "t": "<é\"\\\n\u0001🙂>", "e": []}"#
        );
        assert_eq!(render("{{ v.b | tojson(separators=(',', ':')) }}"), "[1,2.0,1e-05,true,null]");
        assert_eq!(render("{{ v.t | tojson(ensure_ascii=true) }}"), r#""<\u00e9\"\\\n\u0001\ud83d\ude42>""#);
        assert_eq!(
            render("{{ {'b': [1, 2], 'a': {}} | tojson(indent=2, sort_keys=true) }}"),
            "{\n  \"a\": {},\n  \"b\": [\n    1,\n    2\n  ]\n}"
        );
    }
}
