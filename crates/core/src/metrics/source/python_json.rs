//! JSON as Python writes it: `NaN`, `Infinity` and `-Infinity` stand bare where numbers stand (Python's `json.dumps`
//! with its default `allow_nan=True`).

use std::borrow::Cow;

use serde_json::Value;

const WORDS: [&str; 3] = ["NaN", "-Infinity", "Infinity"];

/// Reads JSON in which Python's bare words are texts; `None` where it is none.
pub(super) fn read(text: &str) -> Option<Value> {
    serde_json::from_str(text).ok().or_else(|| serde_json::from_str(&quoted(text)).ok())
}

/// The number that a value stands for; truth values are none.
pub(super) fn number(value: &Value) -> Option<f64> {
    match value {
        Value::Number(number) => number.as_f64(),
        Value::String(word) if WORDS.contains(&word.as_str()) => word.to_ascii_lowercase().parse().ok(),
        _ => None,
    }
}

/// The text with every bare word in quotes.
fn quoted(text: &str) -> Cow<'_, str> {
    let mut out = String::new();
    let mut copied = 0;
    let mut at = 0;
    let bytes = text.as_bytes();
    let mut in_text = false;
    while at < bytes.len() {
        match bytes[at] {
            b'\\' if in_text => at += 1,
            b'"' => in_text = !in_text,
            b'N' | b'-' | b'I' if !in_text => {
                if let Some(word) = WORDS.iter().find(|word| text[at..].starts_with(**word)) {
                    out.push_str(&text[copied..at]);
                    out.extend(["\"", word, "\""]);
                    at += word.len();
                    copied = at;
                    continue;
                }
            }
            _ => {}
        }
        at += 1;
    }
    if copied == 0 {
        return Cow::Borrowed(text);
    }
    out.push_str(&text[copied..]);
    Cow::Owned(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pythons_words_are_numbers_but_texts_stay() {
        let value = read(r#"{"a": NaN, "b": [-Infinity, Infinity], "c": "NaN \" NaN", "d": -1}"#).unwrap();
        assert!(number(&value["a"]).unwrap().is_nan());
        assert_eq!(number(&value["b"][0]), Some(f64::NEG_INFINITY));
        assert_eq!(number(&value["b"][1]), Some(f64::INFINITY));
        assert_eq!(value["c"], "NaN \" NaN");
        assert_eq!(number(&value["d"]), Some(-1.0));
        assert_eq!(number(&Value::Bool(true)), None);
        assert_eq!(read("{\"a\": Nan}"), None);
    }

    proptest::proptest! {
        #[test]
        fn no_text_panics(text in "[NaIfinty\\\\\"{}:, -ä]{0,40}") {
            let _ = read(&text);
        }
    }
}
