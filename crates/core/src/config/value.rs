//! Values of keys after their check, and the one text each has.
//!
//! Equal values have equal texts, however they were typed: `0.0002`, `2e-4` and `0.2e-3` are all `2e-4`.

use std::fmt;

use super::emit::scalar_text;

/// A checked value.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// A whole number.
    Whole(i128),
    /// A finite number.
    Real(f64),
    /// `true` or `false`.
    Flag(bool),
    /// Text or a path.
    Text(String),
    /// Several.
    List(Vec<Value>),
    /// Values by name, in the order given.
    Map(Vec<(String, Value)>),
}

impl Value {
    /// The same as JSON.
    pub fn to_json(&self) -> serde_json::Value {
        match self {
            Self::Whole(number) => whole_json(*number),
            Self::Real(number) => serde_json::Value::from(*number),
            Self::Flag(flag) => serde_json::Value::from(*flag),
            Self::Text(text) => serde_json::Value::from(text.as_str()),
            Self::List(items) => items.iter().map(Self::to_json).collect(),
            Self::Map(entries) => {
                entries.iter().map(|(name, value)| (name.clone(), value.to_json())).collect()
            }
        }
    }

    /// The value that JSON stands for; `None` for null, also inside.
    pub fn from_json(json: &serde_json::Value) -> Option<Self> {
        Some(match json {
            serde_json::Value::Null => return None,
            serde_json::Value::Bool(flag) => Self::Flag(*flag),
            serde_json::Value::Number(number) => match (number.as_u64(), number.as_i64()) {
                (Some(whole), _) => Self::Whole(whole.into()),
                (None, Some(whole)) => Self::Whole(whole.into()),
                (None, None) => Self::Real(number.as_f64()?),
            },
            serde_json::Value::String(text) => Self::Text(text.clone()),
            serde_json::Value::Array(items) => {
                Self::List(items.iter().map(Self::from_json).collect::<Option<_>>()?)
            }
            serde_json::Value::Object(entries) => {
                let entry = |(name, json): (&String, _)| Some((name.clone(), Self::from_json(json)?));
                Self::Map(entries.iter().map(entry).collect::<Option<_>>()?)
            }
        })
    }

    /// The text as it is, for text; otherwise the same as `Display`.
    pub fn plain(&self) -> String {
        match self {
            Self::Text(text) => text.clone(),
            other => other.to_string(),
        }
    }
}

fn whole_json(number: i128) -> serde_json::Value {
    if let Ok(number) = u64::try_from(number) {
        return number.into();
    }
    i64::try_from(number).map_or(serde_json::Value::Null, Into::into)
}

/// The value as one line of YAML, which reads back as the same value.
impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Whole(number) => write!(f, "{number}"),
            Self::Real(number) => f.write_str(&number_text(*number)),
            Self::Flag(flag) => write!(f, "{flag}"),
            Self::Text(text) => f.write_str(&scalar_text(text)),
            Self::List(items) => {
                let items: Vec<String> = items.iter().map(Self::to_string).collect();
                write!(f, "[{}]", items.join(", "))
            }
            Self::Map(entries) => {
                let entries: Vec<String> =
                    entries.iter().map(|(name, value)| format!("{}: {value}", scalar_text(name))).collect();
                write!(f, "{{{}}}", entries.join(", "))
            }
        }
    }
}

/// The shorter of the decimal and the exponent notation that read back as exactly `number`: `0.1`, `2e-4`, `16`.
pub fn number_text(number: f64) -> String {
    let (decimal, exponent) = (format!("{number}"), format!("{number:e}"));
    if exponent.len() < decimal.len() { exponent } else { decimal }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_their_shortest_text() {
        let texts: Vec<String> = [0.0002, 0.1, 0.01, 16.0, 1e6, 0.00015, 0.0].map(number_text).to_vec();
        assert_eq!(texts, ["2e-4", "0.1", "0.01", "16", "1e6", "1.5e-4", "0"]);
    }

    #[test]
    fn texts_that_look_like_something_else_are_quoted() {
        let list =
            Value::List(["8", "true", "plain text", "a,b", "*.q_proj"].map(|t| Value::Text(t.into())).into());
        assert_eq!(list.to_string(), r#"["8", "true", plain text, "a,b", "*.q_proj"]"#);
    }

    proptest::proptest! {
        #[test]
        fn number_texts_read_back_equal(bits in proptest::num::f64::NORMAL | proptest::num::f64::SUBNORMAL) {
            proptest::prop_assert_eq!(number_text(bits).parse(), Ok(bits));
        }
    }
}
