//! Where in a JSON text a value stands, so that a complaint can point at it.

/// One step from a value into it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step<'a> {
    /// The value of a key.
    Key(&'a str),
    /// The entry of a list.
    Index(usize),
}

/// The byte at which the value at the end of `path` begins; the nearest one found where the path leads nowhere.
/// The text must be valid JSON; anything else gives some byte of it.
pub(super) fn locate(text: &str, path: &[Step<'_>]) -> usize {
    let mut scanner = Scanner { bytes: text.as_bytes(), at: 0 };
    scanner.space();
    let mut found = scanner.at;
    for step in path {
        let reached = match *step {
            Step::Key(key) => scanner.enter_key(text, key),
            Step::Index(index) => scanner.enter_index(index),
        };
        if !reached {
            break;
        }
        found = scanner.at;
    }
    found.min(text.len())
}

/// A byte's column in characters, from 1.
pub(super) fn column(text: &str, byte: usize) -> usize {
    text.char_indices().take_while(|(at, _)| *at < byte).count() + 1
}

struct Scanner<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl Scanner<'_> {
    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    fn space(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\n' | b'\r' | b',' | b':')) {
            self.at += 1;
        }
    }

    /// Moves to the value of `key` in the object that begins here. The last of equal keys counts, as for the parser.
    fn enter_key(&mut self, text: &str, key: &str) -> bool {
        if self.peek() != Some(b'{') {
            return false;
        }
        self.at += 1;
        let mut found = None;
        loop {
            self.space();
            if self.peek() != Some(b'"') {
                break;
            }
            let start = self.at;
            self.skip_value();
            let name: Option<String> =
                text.get(start..self.at).and_then(|name| serde_json::from_str(name).ok());
            self.space();
            if name.as_deref() == Some(key) {
                found = Some(self.at);
            }
            self.skip_value();
        }
        self.at = found.unwrap_or(self.at);
        found.is_some()
    }

    /// Moves to entry `index` of the list that begins here.
    fn enter_index(&mut self, index: usize) -> bool {
        if self.peek() != Some(b'[') {
            return false;
        }
        self.at += 1;
        for _ in 0..index {
            self.space();
            self.skip_value();
        }
        self.space();
        self.peek().is_some_and(|byte| byte != b']')
    }

    /// Moves behind the value that begins here.
    fn skip_value(&mut self) {
        let mut depth = 0usize;
        while let Some(byte) = self.peek() {
            match byte {
                b'"' => self.skip_text(),
                b'{' | b'[' => {
                    depth += 1;
                    self.at += 1;
                }
                b'}' | b']' | b',' | b':' if depth == 0 => return,
                b'}' | b']' => {
                    depth -= 1;
                    self.at += 1;
                }
                _ => {
                    self.at += 1;
                    if !matches!(
                        self.peek(),
                        None | Some(b',' | b':' | b']' | b'}' | b' ' | b'\t' | b'\n' | b'\r')
                    ) {
                        continue;
                    }
                }
            }
            if depth == 0 {
                return;
            }
        }
    }

    fn skip_text(&mut self) {
        self.at += 1;
        while let Some(byte) = self.peek() {
            self.at += if byte == b'\\' { 2 } else { 1 };
            if byte == b'"' {
                return;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn values_are_found_behind_all_kinds_of_others() {
        let text = r#" {"é\"": [1, -2.5e+3, {"a": "]}"}], "messages" : [ {"role":"user"}, {"role": "bot", "content":null}]}"#;
        let at = |path: &[Step<'_>]| &text[locate(text, path)..];
        assert!(at(&[]).starts_with(r#"{"é\"""#));
        assert!(at(&[Step::Key("é\""), Step::Index(1)]).starts_with("-2.5e+3"));
        assert!(at(&[Step::Key("é\""), Step::Index(2), Step::Key("a")]).starts_with(r#""]}""#));
        let second = [Step::Key("messages"), Step::Index(1), Step::Key("role")];
        assert!(at(&second).starts_with(r#""bot""#));
        assert!(at(&[Step::Key("messages"), Step::Index(1), Step::Key("content")]).starts_with("null"));
        assert!(
            at(&[Step::Key("messages"), Step::Index(1), Step::Key("absent")])
                .starts_with(r#"{"role": "bot""#)
        );
        assert_eq!(column("éa", 2), 2);
    }

    #[test]
    fn the_last_of_equal_keys_counts() {
        assert_eq!(locate(r#"{"a":1,"a":2}"#, &[Step::Key("a")]), 11);
    }

    fn json() -> impl Strategy<Value = serde_json::Value> {
        let leaf = prop_oneof![
            Just(serde_json::Value::Null),
            any::<bool>().prop_map(Into::into),
            any::<f64>().prop_map(Into::into),
            "[\\[\\]{}\",:\\\\ aé]{0,6}".prop_map(Into::into),
        ];
        leaf.prop_recursive(3, 20, 4, |inner| {
            prop_oneof![
                proptest::collection::vec(inner.clone(), 0..4).prop_map(Into::into),
                proptest::collection::hash_map("[a-c\"]{1,2}", inner, 0..4)
                    .prop_map(|map| serde_json::Value::Object(map.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn every_value_is_found(value in json(), pretty in any::<bool>()) {
            let wrapped = serde_json::json!({"first": value, "list": [value, 7], "last": value});
            let text = if pretty { serde_json::to_string_pretty(&wrapped) } else { serde_json::to_string(&wrapped) };
            let text = text.unwrap();
            let at = locate(&text, &[Step::Key("list"), Step::Index(1)]);
            prop_assert_eq!(text.as_bytes()[at], b'7');
            let at = locate(&text, &[Step::Key("last")]);
            let found: serde_json::Value =
                serde_json::Deserializer::from_str(&text[at..]).into_iter().next().unwrap().unwrap();
            prop_assert_eq!(found.to_string(), serde_json::from_str::<serde_json::Value>(&text).unwrap()["last"].to_string());
        }

        #[test]
        fn no_text_panics_or_hangs(text in "[\\[\\]{}\",:\\\\ aé1-]{0,30}", key in "[a\"]{0,2}", index in 0usize..5) {
            let _ = column(&text, locate(&text, &[Step::Key(&key), Step::Index(index), Step::Key(&key)]));
        }
    }
}
