//! A frozen configuration as flat keys with texts, for lists of ten thousand runs.
//!
//! Lines as `emit` writes them are read as they stand, which takes a tenth of the time that a YAML parser needs. As
//! soon as one line is anything else, the whole text goes through the one reader of `yaml`; a property holds the two
//! equal.

use super::yaml::{self, Content, Node};

/// Returns the values of `text` by key, in the file's order: nested keys joined by dots, lists in brackets, texts without
/// their quotes, nothing as `null`. A text that is no YAML has none.
pub fn flat_values(text: &str) -> Vec<(String, String)> {
    as_emitted(text).unwrap_or_else(|| through_yaml(text))
}

fn through_yaml(text: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    if let Ok(root) = yaml::read(text)
        && let Content::Map(entries) = &root.content
    {
        flatten(entries, "", &mut found);
    }
    found
}

fn flatten(entries: &[(Node, Node)], prefix: &str, found: &mut Vec<(String, String)>) {
    for (key, value) in entries {
        let key = format!("{prefix}{}", key.text);
        match &value.content {
            Content::Map(inner) if !inner.is_empty() => flatten(inner, &format!("{key}."), found),
            _ => found.push((key, inline(value))),
        }
    }
}

fn inline(node: &Node) -> String {
    match &node.content {
        Content::Null => "null".to_owned(),
        Content::List(items) => {
            let items: Vec<String> = items.iter().map(inline).collect();
            format!("[{}]", items.join(", "))
        }
        Content::Map(entries) => {
            let entries: Vec<String> =
                entries.iter().map(|(key, value)| format!("{}: {}", key.text, inline(value))).collect();
            format!("{{{}}}", entries.join(", "))
        }
        _ => node.text.clone(),
    }
}

/// A key whose block goes on, and the indent of the line that opened it.
struct Open<'a> {
    indent: usize,
    key: &'a str,
    items: Vec<String>,
    is_empty: bool,
}

/// The values where every line is one that `emit` writes.
fn as_emitted(text: &str) -> Option<Vec<(String, String)>> {
    let mut found = Vec::new();
    let mut open: Vec<Open<'_>> = Vec::new();
    for line in text.lines() {
        let content = line.trim_start_matches(' ');
        if content.is_empty() || content.starts_with('#') {
            continue;
        }
        let indent = line.len() - content.len();
        if let Some(item) = content.strip_prefix("- ") {
            // Items stand deeper than their key.
            let list = open.last_mut().filter(|list| indent > list.indent)?;
            list.items.push(scalar(item)?);
            continue;
        }
        close(&mut open, indent, &mut found)?;
        let expected = open.last().map_or(0, |block| block.indent + 2);
        let (key, rest) = content.split_once(':')?;
        if indent != expected || !is_plain_key(key) {
            return None;
        }
        if let Some(block) = open.last_mut() {
            block.is_empty = false;
        }
        match rest.strip_prefix(' ') {
            Some(value) => found.push((path(&open, key), scalar(value)?)),
            None if rest.is_empty() => open.push(Open { indent, key, items: Vec::new(), is_empty: true }),
            None => return None,
        }
    }
    close(&mut open, 0, &mut found)?;
    Some(found)
}

/// Ends the blocks that a line of this indent is no part of.
fn close(open: &mut Vec<Open<'_>>, indent: usize, found: &mut Vec<(String, String)>) -> Option<()> {
    while open.last().is_some_and(|block| block.indent >= indent) {
        let block = open.pop()?;
        match (block.is_empty, block.items.is_empty()) {
            (true, true) => found.push((path(open, block.key), "null".to_owned())),
            (true, false) => found.push((path(open, block.key), format!("[{}]", block.items.join(", ")))),
            (false, true) => {}
            // A block of both keys and items is no YAML.
            (false, false) => return None,
        }
    }
    Some(())
}

fn path(open: &[Open<'_>], key: &str) -> String {
    let mut path: String = open.iter().flat_map(|block| [block.key, "."]).collect();
    path.push_str(key);
    path
}

/// Whether a key reads as itself in any YAML.
fn is_plain_key(key: &str) -> bool {
    key.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && key.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.' | b'/'))
}

/// A scalar or a flat list on the rest of a line; `None` where a parser should look at it.
fn scalar(text: &str) -> Option<String> {
    if let Some(quoted) = text.strip_prefix('"') {
        return unquoted(quoted.strip_suffix('"')?);
    }
    if let Some(items) = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
        let plain = items.split(", ").all(|item| is_plain(item) && !item.contains(','));
        return (plain && !items.is_empty()).then(|| text.to_owned());
    }
    match text {
        "null" | "~" => Some("null".to_owned()),
        _ => is_plain(text).then(|| text.to_owned()),
    }
}

/// Whether a text means itself: words, numbers, paths, without anything that YAML reads meaning into.
fn is_plain(text: &str) -> bool {
    let begins = |c: char| c.is_ascii_alphanumeric() || matches!(c, '/' | '_' | '.' | '-' | '+');
    text.starts_with(begins)
        && !text.starts_with("- ")
        && !text.starts_with("---")
        && !text.ends_with(' ')
        && !matches!(text, "-" | "null" | "Null" | "NULL")
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b" _-./+@=(),".contains(&byte))
}

/// What stands between double quotes with its escapes taken back, as `emit` made them.
fn unquoted(text: &str) -> Option<String> {
    let mut out = String::with_capacity(text.len());
    let mut characters = text.chars();
    while let Some(character) = characters.next() {
        if character == '"' {
            return None;
        }
        if character != '\\' {
            out.push(character);
            continue;
        }
        let digits = match characters.next()? {
            '"' => {
                out.push('"');
                continue;
            }
            '\\' => {
                out.push('\\');
                continue;
            }
            'n' => {
                out.push('\n');
                continue;
            }
            't' => {
                out.push('\t');
                continue;
            }
            'r' => {
                out.push('\r');
                continue;
            }
            'x' => 2,
            'u' => 4,
            'U' => 8,
            _ => return None,
        };
        let code: String = characters.by_ref().take(digits).collect();
        let code = (code.len() == digits).then(|| u32::from_str_radix(&code, 16).ok()).flatten()?;
        out.push(char::from_u32(code)?);
    }
    Some(out)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;
    use crate::config::emit::push_entry;

    fn pairs(expected: &[(&str, &str)]) -> Vec<(String, String)> {
        expected.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
    }

    fn emitted(json: &Value) -> String {
        let mut out = String::from("# A comment.\n\n");
        for (key, value) in json.as_object().unwrap() {
            push_entry(&mut out, 0, key, value);
        }
        out
    }

    #[test]
    fn what_is_emitted_needs_no_parser() {
        let json = json!({
            "learning_rate": 2e-4, "notes": "C:\\new\\table # 1", "lora_targets": ["q_proj", "v_proj"], "resume": null,
            "parameters": {"a": "x: y", "deep": {"b": true}}, "list": [1, 2], "line": "one\ntwo\u{1b}", "empty": {},
        });
        let text = emitted(&json);
        let expected = pairs(&[
            ("empty", "{}"),
            ("learning_rate", "2e-4"),
            ("line", "one\ntwo\u{1b}"),
            ("list", "[1, 2]"),
            ("lora_targets", "[q_proj, v_proj]"),
            ("notes", "C:\\new\\table # 1"),
            ("parameters.a", "x: y"),
            ("parameters.deep.b", "true"),
            ("resume", "null"),
        ]);
        let mut through = through_yaml(&text);
        through.sort();
        assert_eq!(through, expected);
        let mut values = flat_values(&text);
        values.sort();
        assert_eq!(values, expected);
        let without_map = text.replace("empty: {}\n", "");
        assert_eq!(as_emitted(&without_map), Some(through_yaml(&without_map)));
    }

    #[test]
    fn everything_else_goes_through_the_parser() {
        for text in [
            "a: 'it''s'\n",
            "a: one\n  two\n",
            "a: |\n  one\n  two: 2\nend: 1\n",
            "a: {b: 1, c: [x, {d: 2}]}\n",
            "a: 1 # high\n",
            "'a b': 1\n",
            "a:\n- x\n- y\n",
            "a: &x 1\nb: *x\n",
            "a: [x,y]\n",
            "a: \"x\" # y\n",
            "---\na: 1\n",
            "a: \"\\a\"\n",
        ] {
            assert_eq!(as_emitted(text), None, "{text}");
            assert!(!flat_values(text).is_empty(), "{text}");
        }
        assert_eq!(
            flat_values("a: {b: 1, c: [x, {d: 2}]}\n"),
            pairs(&[("a.b", "1"), ("a.c", "[x, {d: 2}]")])
        );
        assert!(flat_values("a: [\n").is_empty() && flat_values("words").is_empty());
    }

    fn any_json() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            prop::num::f64::NORMAL.prop_map(Value::from),
            any::<String>().prop_map(Value::from),
            "[a-z0-9 :#\\\\'\"\\[\\],.-]{0,12}".prop_map(Value::from),
            Just(Value::Null),
        ];
        leaf.prop_recursive(3, 24, 5, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                prop::collection::btree_map("[a-z_]{1,8}|[ -~]{1,6}", inner, 0..4)
                    .prop_map(|map| Value::Object(map.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn both_ways_read_the_same(map in prop::collection::btree_map("[a-z_]{1,8}", any_json(), 0..6)) {
            let text = emitted(&Value::Object(map.into_iter().collect()));
            if let Some(quick) = as_emitted(&text) {
                prop_assert_eq!(quick, through_yaml(&text));
            }
        }

        #[test]
        fn lines_of_anything_read_the_same_where_they_are_read(text in "([a-z]{1,3}:( [a-z0-9.\"'\\[\\],~-]{0,6})?\n( {0,4}- [a-z0-9]{0,3}\n)?){0,5}") {
            if let Some(quick) = as_emitted(&text) && yaml::read(&text).is_ok() {
                prop_assert_eq!(quick, through_yaml(&text));
            }
        }
    }
}
