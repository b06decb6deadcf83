//! A template's source cut into text, comments and tags, as Jinja's lexer cuts it.

/// A part of a source.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Piece<'a> {
    /// Text, a comment or a `raw` block: nothing to be looked into.
    Other(&'a str),
    /// `{{ … }}`.
    Expression(Tag<'a>),
    /// `{% … %}`.
    Statement(Tag<'a>),
}

/// A tag: `{%-`, what stands in it, `-%}`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Tag<'a> {
    /// The opening mark with its `-` or `+`.
    pub(super) open: &'a str,
    /// What stands between.
    pub(super) body: &'a str,
    /// The closing mark with its `-` or `+`.
    pub(super) close: &'a str,
}

impl<'a> Tag<'a> {
    /// A whole tag; `None` where its end is missing.
    fn of(tag: &'a str, end: &str) -> Option<Self> {
        let closed = tag.strip_suffix(end)?;
        let opening = 2 + usize::from(closed.get(2..).is_some_and(|rest| rest.starts_with(['-', '+'])));
        let inner = closed.get(opening..)?;
        let body = inner.strip_suffix(['-', '+']).unwrap_or(inner);
        Some(Self { open: &tag[..opening], body, close: &tag[opening + body.len()..] })
    }
}

/// Cuts a source; the pieces' texts in their order are the source.
pub(super) fn cut(source: &str) -> Vec<Piece<'_>> {
    let (mut pieces, mut from, mut at) = (Vec::new(), 0, 0);
    while let Some(next) = source[at..].find('{') {
        let start = at + next;
        let tag = &source[start..];
        let (length, piece) = match tag.as_bytes().get(1) {
            Some(b'#') => (tag.find("#}").map_or(tag.len(), |end| end + 2), None),
            Some(b'{') => {
                let length = tag_length(tag, "}}");
                (length, Tag::of(&tag[..length], "}}").map(Piece::Expression))
            }
            Some(b'%') => {
                let length = tag_length(tag, "%}");
                let found = Tag::of(&tag[..length], "%}");
                if found.is_some_and(|found| found.body.trim() == "raw") {
                    (raw_length(tag, length), None)
                } else {
                    (length, found.map(Piece::Statement))
                }
            }
            _ => (1, None),
        };
        at = start + length;
        if let Some(piece) = piece {
            pieces.push(Piece::Other(&source[from..start]));
            pieces.push(piece);
            from = at;
        }
    }
    pieces.push(Piece::Other(&source[from..]));
    pieces
}

/// The bytes up to and with the `endraw` tag.
fn raw_length(tag: &str, opening: usize) -> usize {
    let mut at = opening;
    while let Some(next) = tag[at..].find("{%") {
        let start = at + next;
        let length = tag[start..].find("%}").map_or(tag.len() - start, |end| end + 2);
        if Tag::of(&tag[start..start + length], "%}").is_some_and(|tag| tag.body.trim() == "endraw") {
            return start + length;
        }
        at = start + 2;
    }
    tag.len()
}

/// The bytes of a tag up to and with `end`, which counts neither inside of strings nor of brackets.
fn tag_length(tag: &str, end: &str) -> usize {
    let (mut quote, mut escaped, mut depth) = (None, false, 0usize);
    for (at, character) in tag.char_indices().skip(2) {
        match (quote, character) {
            (Some(_), _) if escaped => escaped = false,
            (Some(_), '\\') => escaped = true,
            (Some(open), _) if character == open => quote = None,
            (Some(_), _) => {}
            (None, '"' | '\'') => quote = Some(character),
            (None, _) if depth == 0 && tag[at..].starts_with(end) => return at + end.len(),
            (None, '(' | '[' | '{') => depth += 1,
            (None, ')' | ']' | '}') => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    tag.len()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn texts(source: &str) -> Vec<String> {
        cut(source)
            .into_iter()
            .map(|piece| match piece {
                Piece::Other(text) => text.to_owned(),
                Piece::Expression(tag) | Piece::Statement(tag) => {
                    format!("{}{}{}", tag.open, tag.body, tag.close)
                }
            })
            .collect()
    }

    #[test]
    fn comments_strings_raw_blocks_and_brackets_hide_tags() {
        for one_piece in [
            "{# {% x %} #}x",
            "{% raw %}{% x %}{% endraw %}",
            "{%- raw -%}{{ {% x %}{%- endraw -%}",
            "{ %x% }",
            "{% x",
        ] {
            assert_eq!(texts(one_piece), [one_piece]);
        }
        for (source, tag) in [
            ("a{{ '}}' }}b", "{{ '}}' }}"),
            ("a{{ {'a': {}} }}b", "{{ {'a': {}} }}"),
            ("a{%- x == '%}' -%}b", "{%- x == '%}' -%}"),
        ] {
            assert_eq!(texts(source), ["a", tag, "b"]);
        }
        let [_, Piece::Statement(tag), _] = cut("{%+ x -%}")[..] else { panic!("no statement") };
        assert_eq!((tag.open, tag.body, tag.close), ("{%+", " x ", "-%}"));
    }

    proptest! {
        #[test]
        fn the_pieces_are_the_source(pieces in proptest::collection::vec(
            prop_oneof![Just("{%"), Just("%}"), Just("{{"), Just("}}"), Just("raw"), Just("endraw"), Just("{#"), Just("'"), Just("\\é "), Just("-")],
            0..20,
        )) {
            prop_assert_eq!(texts(&pieces.concat()).concat(), pieces.concat());
        }
    }
}
