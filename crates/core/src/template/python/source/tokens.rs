//! The tokens inside of a tag.

/// A token with its text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Token<'a> {
    /// A name or keyword.
    Name(&'a str),
    /// A string with its quotes.
    Text(&'a str),
    /// White space.
    Space(&'a str),
    /// A number, an operator, a bracket.
    Other(&'a str),
}

impl<'a> Token<'a> {
    /// The token as it stands in the source.
    pub(super) fn source(self) -> &'a str {
        match self {
            Self::Name(text) | Self::Text(text) | Self::Space(text) | Self::Other(text) => text,
        }
    }

    /// How much deeper in brackets what follows is.
    pub(super) fn depth(self) -> isize {
        match self {
            Self::Other("(" | "[" | "{") => 1,
            Self::Other(")" | "]" | "}") => -1,
            _ => 0,
        }
    }
}

/// Cuts what stands in a tag; the tokens' texts in their order are the body.
pub(super) fn cut<'a>(body: &'a str) -> Vec<Token<'a>> {
    let (mut tokens, mut rest) = (Vec::new(), body);
    while let Some(first) = rest.chars().next() {
        let length_of =
            |belongs: fn(char) -> bool| rest.find(|character| !belongs(character)).unwrap_or(rest.len());
        let of_name = |character: char| character.is_alphanumeric() || character == '_';
        let (length, kind): (usize, fn(&'a str) -> Token<'a>) = match first {
            '"' | '\'' => (string_length(rest, first), Token::Text),
            '0'..='9' => (length_of(of_name), Token::Other),
            _ if of_name(first) => (length_of(of_name), Token::Name),
            _ if first.is_whitespace() => (length_of(char::is_whitespace), Token::Space),
            _ => (first.len_utf8(), Token::Other),
        };
        tokens.push(kind(&rest[..length]));
        rest = &rest[length..];
    }
    tokens
}

fn string_length(text: &str, quote: char) -> usize {
    let mut escaped = true;
    for (at, character) in text.char_indices() {
        match character {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            _ if character == quote => return at + 1,
            _ => {}
        }
    }
    text.len()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn names_strings_and_the_rest_are_told_apart() {
        let tokens = cut(r#"x.y1['a\'b']~"é" if 1e5"#);
        let names: Vec<&str> = tokens
            .iter()
            .filter_map(|token| if let Token::Name(name) = token { Some(*name) } else { None })
            .collect();
        assert_eq!(names, ["x", "y1", "if"]);
        assert!(tokens.contains(&Token::Text(r"'a\'b'")) && tokens.contains(&Token::Text("\"é\"")));
    }

    proptest! {
        #[test]
        fn the_tokens_are_the_body(body in "[a-c'\"\\\\(). 1é-]{0,30}") {
            let tokens = cut(&body);
            prop_assert_eq!(tokens.iter().map(|token| token.source()).collect::<String>(), body);
        }
    }
}
