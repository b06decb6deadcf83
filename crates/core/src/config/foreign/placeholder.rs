//! `${name}` in the words of a command. Each word stays one argument whatever is put into it, and no shell sees it.
//! `$${` is a plain `${`.

use crate::text::nearest;

/// What a run itself is asked for, besides settings and parameters.
pub const RUN_NAMES: [&str; 7] =
    ["run_dir", "attempt", "resume", "devices", "run", "experiment", "workspace"];

/// `${env:NAME}` is a variable of the environment in which the run starts.
pub const ENVIRONMENT: &str = "env:";

/// A placeholder that has no meaning.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unresolved {
    /// `${` without `}`.
    #[error("'${{' has no closing brace")]
    Open,
    /// Nothing has this name, or it has no value.
    #[error("'${{{0}}}' has no value")]
    Name(String),
}

/// A part of a word.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Piece<'a> {
    Text(&'a str),
    Name(&'a str),
}

/// The parts of a word.
pub(super) fn pieces(word: &str) -> Result<Vec<Piece<'_>>, Unresolved> {
    let mut pieces = Vec::new();
    let mut rest = word;
    while let Some(at) = rest.find("${") {
        if rest[..at].ends_with('$') {
            pieces.extend([Piece::Text(&rest[..at - 1]), Piece::Text("${")]);
            rest = &rest[at + 2..];
            continue;
        }
        let Some(end) = rest[at..].find('}') else { return Err(Unresolved::Open) };
        pieces.extend([Piece::Text(&rest[..at]), Piece::Name(rest[at + 2..at + end].trim())]);
        rest = &rest[at + end + 1..];
    }
    pieces.push(Piece::Text(rest));
    Ok(pieces)
}

/// The word with the value of every placeholder, as `value_of` has it.
///
/// # Errors
/// [`Unresolved`] for the first placeholder without a value.
pub fn expand(word: &str, mut value_of: impl FnMut(&str) -> Option<String>) -> Result<String, Unresolved> {
    let mut out = String::new();
    for piece in pieces(word)? {
        match piece {
            Piece::Text(text) => out.push_str(text),
            Piece::Name(name) => {
                out.push_str(&value_of(name).ok_or_else(|| Unresolved::Name(name.to_owned()))?);
            }
        }
    }
    Ok(out)
}

/// The names in a word; none where it cannot be read.
pub(super) fn names(word: &str) -> Vec<&str> {
    let name = |piece| if let Piece::Name(name) = piece { Some(name) } else { None };
    pieces(word).unwrap_or_default().into_iter().filter_map(name).collect()
}

/// A hint for a name that nothing has: the nearest one that something has.
pub(super) fn nearest_name(name: &str, parameters: &[&str]) -> Option<String> {
    let settings = super::super::all_keys().filter(|key| key.is_setting() && !key.is_running());
    let known = settings.map(|key| key.name).chain(RUN_NAMES).chain(parameters.iter().copied());
    nearest(name, known).map(|near| format!("did you mean '${{{near}}}'?"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lookup(name: &str) -> Option<String> {
        (name == "rank").then(|| "8; rm -rf ~ ${rank}".to_owned())
    }

    #[test]
    fn placeholders_are_replaced_once_and_escapes_stay() {
        assert_eq!(expand("r=${rank}", lookup), Ok("r=8; rm -rf ~ ${rank}".into()));
        assert_eq!(expand("$${rank} $5 $", lookup), Ok("${rank} $5 $".into()));
        assert_eq!(expand("${ rank }x", lookup), Ok("8; rm -rf ~ ${rank}x".into()));
        assert_eq!(expand("${rnk}", lookup), Err(Unresolved::Name("rnk".into())));
        assert_eq!(expand("${rank", lookup), Err(Unresolved::Open));
        assert_eq!(names("a${b}${c}$${d}"), ["b", "c"]);
    }

    proptest::proptest! {
        #[test]
        fn words_without_a_placeholder_stay(word in "[^{]{0,30}") {
            proptest::prop_assert_eq!(expand(&word, lookup), Ok(word.clone()));
        }

        #[test]
        fn no_word_panics(word in "[${}a\\\\ä]{0,20}") {
            let _ = expand(&word, lookup);
        }
    }
}
