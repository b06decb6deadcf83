//! `{% generation %}` blocks, which the engine does not know: their tags become a call block of a function that wraps
//! the block's text in two private characters, from which the spans are read.

use std::ops::Range;

use minijinja::value::Kwargs;
use minijinja::{Error, State, Value};

/// The name of the function in the rewritten template.
pub(super) const FUNCTION: &str = "__generation";
const START: char = '\u{10fff0}';
const END: char = '\u{10fff1}';

/// The function behind the call blocks: the block's text, between marks or as it is.
pub(super) fn function(
    marked: bool,
) -> impl Fn(&mut State, Kwargs) -> Result<String, Error> + Send + Sync + 'static {
    move |state, arguments| {
        let caller: Value = arguments.get("caller")?;
        let text = caller.call(state, &[])?.to_string();
        Ok(if marked { format!("{START}{text}{END}") } else { text })
    }
}

/// Whether a text holds one of the marks.
pub(super) fn holds_marks(text: &str) -> bool {
    text.contains([START, END])
}

/// The text without marks, and the spans between them.
pub(super) fn strip_marks(text: &str) -> (String, Vec<Range<usize>>) {
    let (mut out, mut open, mut spans) = (String::with_capacity(text.len()), Vec::new(), Vec::new());
    for character in text.chars() {
        match character {
            START => open.push(out.len()),
            END => spans.extend(open.pop().map(|start| start..out.len())),
            other => out.push(other),
        }
    }
    (out, spans)
}

/// Renames the tags, keeping their `-` and `+`; comments, strings and raw blocks stay as they are. Also answers
/// whether there were any.
pub(super) fn rename_tags(source: &str) -> (String, bool) {
    let (mut out, mut rest, mut found) = (String::with_capacity(source.len()), source, false);
    while let Some(at) = rest.find('{') {
        let (before, tag) = rest.split_at(at);
        out.push_str(before);
        let length = match tag.as_bytes().get(1) {
            Some(b'#') => tag.find("#}").map_or(tag.len(), |end| end + 2),
            Some(b'{') => tag_length(tag, "}}"),
            Some(b'%') => tag_length(tag, "%}"),
            _ => 1,
        };
        let (tag, after) = tag.split_at(length);
        let word = statement_word(tag);
        if let Some(renamed) = renamed(word) {
            found = true;
            out.push_str(&tag.replacen(word, &renamed, 1));
            rest = after;
        } else {
            let copied = if word == "raw" { raw_length(&rest[at..], length) } else { length };
            out.push_str(&rest[at..at + copied]);
            rest = &rest[at + copied..];
        }
    }
    out.push_str(rest);
    (out, found)
}

/// What stands in a whole statement tag, without its marks; empty for everything else.
fn statement_word(tag: &str) -> &str {
    let inner = tag.strip_prefix("{%").and_then(|tag| tag.strip_suffix("%}"));
    inner.map_or("", |inner| inner.trim_matches(['-', '+']).trim())
}

fn renamed(word: &str) -> Option<String> {
    match word {
        "generation" => Some(format!("call {FUNCTION}()")),
        "endgeneration" => Some("endcall".to_owned()),
        _ => None,
    }
}

/// The bytes up to and with the `endraw` tag.
fn raw_length(tag: &str, opening: usize) -> usize {
    let mut at = opening;
    while let Some(next) = tag[at..].find("{%") {
        let start = at + next;
        let length = tag[start..].find("%}").map_or(tag.len() - start, |end| end + 2);
        if statement_word(&tag[start..start + length]) == "endraw" {
            return start + length;
        }
        at = start + 2;
    }
    tag.len()
}

/// The bytes of a tag up to and with `end`, which does not count inside of strings.
fn tag_length(tag: &str, end: &str) -> usize {
    let (mut quote, mut escaped) = (None, false);
    for (at, character) in tag.char_indices().skip(2) {
        match quote {
            Some(_) if escaped => escaped = false,
            Some(_) if character == '\\' => escaped = true,
            Some(open) if character == open => quote = None,
            None if matches!(character, '"' | '\'') => quote = Some(character),
            None if tag[at..].starts_with(end) => return at + end.len(),
            _ => {}
        }
    }
    tag.len()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn tags_are_renamed_with_their_marks_and_nothing_else() {
        let (out, found) = rename_tags("a{%- generation -%}b{%endgeneration+%}{% set generation = 1 %}");
        assert!(found);
        assert_eq!(out, "a{%- call __generation() -%}b{%endcall+%}{% set generation = 1 %}");
        for untouched in [
            "{# {% generation %} #}x",
            "{{ '{% generation %}' }}",
            "{% raw %}{% generation %}{% endraw %}",
            "{%- raw -%}{{ {% generation %}{%- endraw -%}",
            "{% if x == '%}{% generation %}' %}",
            "{ %generation% }",
            "{% generation",
        ] {
            assert_eq!(rename_tags(untouched), (untouched.to_owned(), false));
        }
    }

    #[test]
    fn marks_become_spans() {
        let text = format!("é{START}ab{END}c{START}{END}");
        assert_eq!(strip_marks(&text), ("éabc".to_owned(), vec![2..4, 5..5]));
    }

    proptest! {
        #[test]
        fn a_source_without_the_word_stays_as_it_is(source in "[{}%# '\"\\\\a-é]{0,40}") {
            prop_assert_eq!(rename_tags(&source), (source.clone(), false));
        }

        #[test]
        fn nothing_panics(pieces in proptest::collection::vec(
            prop_oneof![Just("{%"), Just("%}"), Just("generation"), Just("raw"), Just("endraw"), Just("{#"), Just("'"), Just("é "), Just("-")],
            0..20,
        )) {
            let _ = rename_tags(&pieces.concat());
        }
    }
}
