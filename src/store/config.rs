//! A frozen configuration as flat `key: text` pairs, read without a YAML parser.
//!
//! Lists of ten thousand runs need no more than the words as they stand: nested keys are joined by dots, lists stand
//! in brackets, quotes and comments are taken off. Training reads the same file through `core::config`.

use std::collections::HashSet;
use std::sync::Arc;

/// Shares equal texts between runs, which mostly agree.
#[derive(Debug, Default)]
pub struct Interner {
    known: HashSet<Arc<str>>,
}

impl Interner {
    /// The shared copy of `text`.
    pub fn intern(&mut self, text: &str) -> Arc<str> {
        if let Some(known) = self.known.get(text) {
            return Arc::clone(known);
        }
        let fresh: Arc<str> = text.into();
        self.known.insert(Arc::clone(&fresh));
        fresh
    }
}

/// A configuration's values by key.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ConfigValues {
    /// Sorted by key.
    pairs: Vec<(Arc<str>, Arc<str>)>,
}

impl ConfigValues {
    /// Reads the text of a configuration file.
    pub fn parse(text: &str, interner: &mut Interner) -> Self {
        let lines: Vec<Line<'_>> = text.lines().filter_map(Line::of).collect();
        let mut found = Vec::new();
        block(&lines, "", &mut found);
        let mut pairs: Vec<_> =
            found.iter().map(|(key, value)| (interner.intern(named(key)), interner.intern(value))).collect();
        pairs.sort_unstable();
        pairs.dedup_by(|later, earlier| later.0 == earlier.0);
        Self { pairs }
    }

    /// The value of `key`, as written.
    pub fn get(&self, key: &str) -> Option<&str> {
        let index = self.pairs.binary_search_by(|pair| (*pair.0).cmp(key)).ok()?;
        Some(&self.pairs[index].1)
    }

    /// All keys and values, by key.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.pairs.iter().map(|(key, value)| (&**key, &**value))
    }
}

/// A key as people name it: a command's own parameters are keys like any other.
fn named(key: &str) -> &str {
    key.strip_prefix("parameters.").unwrap_or(key)
}

/// A line that says something: its indent in spaces and its text without it.
#[derive(Clone, Copy)]
struct Line<'a> {
    indent: usize,
    text: &'a str,
}

impl<'a> Line<'a> {
    fn of(line: &'a str) -> Option<Self> {
        let text = line.trim_start_matches(' ');
        let silent = text.trim_end().is_empty() || text.starts_with('#') || text.trim_end() == "---";
        (!silent).then(|| Self { indent: line.len() - text.len(), text: text.trim_end() })
    }

    fn is_item(&self) -> bool {
        self.text == "-" || self.text.starts_with("- ")
    }
}

/// Reads lines of one indent as a map whose keys begin with `prefix`.
fn block(lines: &[Line<'_>], prefix: &str, found: &mut Vec<(String, String)>) {
    let mut at = 0;
    while at < lines.len() {
        let line = lines[at];
        at += 1;
        let Some((key, rest)) = split_key(line.text) else { continue };
        let below = lines[at..]
            .iter()
            .take_while(|next| next.indent > line.indent || (next.indent == line.indent && next.is_item()))
            .count();
        let inner = &lines[at..at + below];
        at += below;
        let key = if prefix.is_empty() { key } else { format!("{prefix}.{key}") };
        value(&key, without_comment(rest), inner, found);
    }
}

fn value(key: &str, rest: &str, inner: &[Line<'_>], found: &mut Vec<(String, String)>) {
    let is_text_block = rest.starts_with(['|', '>']);
    if inner.is_empty() {
        found.push((key.to_owned(), plain(rest)));
    } else if !is_text_block && rest.is_empty() && inner[0].is_item() {
        let items: Vec<String> = inner
            .iter()
            .map(|line| plain(without_comment(line.text.strip_prefix('-').unwrap_or(line.text).trim())))
            .collect();
        found.push((key.to_owned(), format!("[{}]", items.join(", "))));
    } else if !is_text_block && rest.is_empty() && split_key(inner[0].text).is_some() {
        block(inner, key, found);
    } else {
        // A text over several lines: folded into one.
        let first = if is_text_block { "" } else { rest };
        let words: Vec<&str> = std::iter::once(first).chain(inner.iter().map(|line| line.text)).collect();
        found.push((key.to_owned(), plain(words.join(" ").trim())));
    }
}

/// `key: rest`, where the key may stand in quotes.
fn split_key(text: &str) -> Option<(String, &str)> {
    let (key, rest) = match text.chars().next()? {
        quote @ ('"' | '\'') => {
            let (key, rest) = text[1..].split_once(quote)?;
            (key, rest.strip_prefix(':')?)
        }
        _ => match text.split_once(": ") {
            Some(parts) => parts,
            None => (text.strip_suffix(':')?, ""),
        },
    };
    let rest_is_apart = rest.is_empty() || rest.starts_with(' ') || !text.starts_with(['"', '\'']);
    rest_is_apart.then(|| (key.trim_end().to_owned(), rest.trim()))
}

/// The text before a ` #` that stands outside quotes.
fn without_comment(text: &str) -> &str {
    if text.starts_with('#') {
        return "";
    }
    let mut quote = None;
    let mut before = ' ';
    for (index, character) in text.char_indices() {
        match (quote, character) {
            (None, '#') if before.is_whitespace() => return text[..index].trim_end(),
            (None, '"' | '\'') if index == 0 || before == character || matches!(before, '[' | ',' | ' ') => {
                quote = Some(character);
            }
            (Some(open), close) if open == close => quote = None,
            _ => {}
        }
        before = character;
    }
    text
}

/// A scalar without its quotes; YAML's empty values as `null`.
fn plain(text: &str) -> String {
    let inner = |quote: char| text.strip_prefix(quote).and_then(|rest| rest.strip_suffix(quote));
    if let Some(single) = inner('\'') {
        return single.replace("''", "'");
    }
    if let Some(double) = inner('"') {
        return double.replace("\\\"", "\"").replace("\\n", " ").replace("\\\\", "\\");
    }
    if matches!(text, "" | "~") { "null".to_owned() } else { text.to_owned() }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn values(text: &str) -> Vec<(String, String)> {
        let values = ConfigValues::parse(text, &mut Interner::default());
        values.iter().map(|(key, value)| (key.to_owned(), value.to_owned())).collect()
    }

    fn pairs(expected: &[(&str, &str)]) -> Vec<(String, String)> {
        expected.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn flat_keys_lose_quotes_and_comments() {
        let text = "---\n# top\nlearning_rate: 2e-4  # high\nrun_name: 'it''s # one'\nnotes: \"a: \\\"b\\\"\"\nresume: ~\n";
        assert_eq!(
            values(text),
            pairs(&[
                ("learning_rate", "2e-4"),
                ("notes", "a: \"b\""),
                ("resume", "null"),
                ("run_name", "it's # one")
            ])
        );
    }

    #[test]
    fn nested_keys_are_joined_and_lists_bracketed() {
        let text = "lora_targets:\n- q_proj\n- 'v_proj'\nprovenance:\n  code:\n    commit: abc\n  versions: {a: 1}\nlist: [1, 2]\n";
        assert_eq!(
            values(text),
            pairs(&[
                ("list", "[1, 2]"),
                ("lora_targets", "[q_proj, v_proj]"),
                ("provenance.code.commit", "abc"),
                ("provenance.versions", "{a: 1}"),
            ])
        );
    }

    #[test]
    fn long_texts_are_folded() {
        assert_eq!(
            values("notes: |\n  one\n  two: 2\nend: 1\n"),
            pairs(&[("end", "1"), ("notes", "one two: 2")])
        );
        assert_eq!(values("notes: one\n  two\n"), pairs(&[("notes", "one two")]));
    }

    #[test]
    fn equal_texts_are_shared() {
        let mut interner = Interner::default();
        let first = interner.intern("learning_rate");
        assert!(Arc::ptr_eq(&first, &interner.intern("learning_rate")));
    }

    proptest! {
        #[test]
        fn hostile_text_never_panics(text in "[a-z:'\"\\-# \n\\[\\]{}|~ä]{0,120}") {
            let _ = values(&text);
        }
    }
}
