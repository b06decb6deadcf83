//! Strings as Python reads them.

/// One literal for the engine that means what Python makes of some literals beside each other.
pub(super) fn literal(texts: &[&str]) -> String {
    if let [text] = texts
        && !["\\/", "\\a", "\\v", "\\U", "\\N", "\\\n"].iter().any(|escape| text.contains(escape))
    {
        return (*text).to_owned();
    }
    let mut out = String::from("\"");
    for text in texts {
        let mut inner = text.chars();
        inner.next();
        inner.next_back();
        push_decoded(inner.as_str(), &mut out);
    }
    out.push('"');
    out
}

/// Writes what stands between quotes so that the engine reads it as Python does.
fn push_decoded(inner: &str, out: &mut String) {
    let mut rest = inner.chars();
    while let Some(character) = rest.next() {
        if character == '"' {
            out.push_str("\\\"");
            continue;
        }
        if character != '\\' {
            out.push(character);
            continue;
        }
        match rest.next() {
            Some('\n') | None => {}
            Some('/') => out.push_str("\\\\/"),
            Some('a') => out.push('\u{7}'),
            Some('v') => out.push('\u{b}'),
            Some('U') => {
                let digits: String = rest.clone().take(8).collect();
                let found = u32::from_str_radix(&digits, 16).ok().and_then(char::from_u32);
                if let (8, Some(found)) = (digits.len(), found) {
                    out.push(found);
                    rest.nth(7);
                } else {
                    out.push_str("\\\\U");
                }
            }
            Some(other) => out.extend(['\\', other]),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn literals_mean_what_python_makes_of_them() {
        assert_eq!(literal(&[r"'a\n\d'"]), r"'a\n\d'");
        assert_eq!(literal(&["'a\"'", "\"b'\\n\""]), r#""a\"b'\n""#);
        assert_eq!(literal(&[r"'\/\a\U0001f642\\'"]), "\"\\\\/\u{7}🙂\\\\\"");
    }
}
