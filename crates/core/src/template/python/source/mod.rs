//! Rewrites a template's source where the engine (minijinja 3.1) reads the same text otherwise than Jinja:
//!
//! - `{% generation %}` tags, which it does not know, become calls that write marks, in a scope of their own.
//! - A macro or call block sees the variables around it only where the engine notices that it names them; it overlooks
//!   the base of a slice, the right side of `{% set x = x | trim %}` and the arguments of a filter block. Every name is
//!   named once more at the block's beginning.
//! - A loop goes over nothing where Python refuses `none`, and refuses a string where Python goes over its characters.
//! - Strings beside each other are one string; `\a`, `\v`, `\/`, `\U` and an escaped line break.
//!
//! Lines stay where they are, so that errors name the right one.

mod pieces;
mod strings;
mod tokens;

use std::collections::BTreeSet;

use pieces::{Piece, Tag};
use tokens::Token;

/// The function that writes the mark before a generation block's text.
pub(in crate::template) const GENERATION_START: &str = "__generation_start";
/// The function that writes the mark behind it.
pub(in crate::template) const GENERATION_END: &str = "__generation_end";
/// The function through which loops take what they go over.
pub(super) const EACH: &str = "__each";

/// Words of expressions that are no variables.
const KEYWORDS: [&str; 13] =
    ["true", "false", "none", "True", "False", "None", "not", "and", "or", "in", "is", "if", "else"];

/// A source that the engine reads as Jinja reads the original.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::template) struct Rewritten {
    /// The source.
    pub(in crate::template) source: String,
    /// Whether it has `{% generation %}` tags.
    pub(in crate::template) has_generation: bool,
}

/// Rewrites a source.
pub(in crate::template) fn rewrite(source: &str) -> Rewritten {
    let pieces = pieces::cut(source);
    let mut captured = captured_names(&pieces).into_iter();
    let mut out = String::with_capacity(source.len() + source.len() / 4);
    let mut has_generation = false;
    for piece in &pieces {
        let tag = match piece {
            Piece::Other(text) => {
                out.push_str(text);
                continue;
            }
            Piece::Expression(tag) => {
                whole(&mut out, tag, &expression(&tokens::cut(tag.body)));
                continue;
            }
            Piece::Statement(tag) => tag,
        };
        let body = tokens::cut(tag.body);
        match keyword(tag) {
            "generation" => {
                has_generation = true;
                two(&mut out, tag, ["with", "if true"], &call(GENERATION_START));
            }
            "endgeneration" => two(&mut out, tag, ["endif", "endwith"], &call(GENERATION_END)),
            "macro" | "call" => {
                let names = captured.next().unwrap_or_default();
                out.extend([tag.open, &expression(&body), "%}{% if false %}"]);
                for name in &names {
                    out.extend(["{{ ", name, " }}"]);
                }
                out.extend(["{% endif ", tag.close]);
            }
            "for" => whole(&mut out, tag, &for_loop(&body)),
            _ => whole(&mut out, tag, &expression(&body)),
        }
    }
    Rewritten { source: out, has_generation }
}

/// Two tags in the place of one, with `between` between them; the original's marks for white space stand outside.
fn two(out: &mut String, tag: &Tag<'_>, [first, second]: [&str; 2], between: &str) {
    out.extend([tag.open, " ", first, " %}", between, "{% ", second, " ", tag.close]);
}

fn call(function: &str) -> String {
    format!("{{{{ {function}() }}}}")
}

fn whole(out: &mut String, tag: &Tag<'_>, body: &str) {
    out.push_str(tag.open);
    out.push_str(body);
    out.push_str(tag.close);
}

/// The first word of a statement.
fn keyword<'a>(tag: &Tag<'a>) -> &'a str {
    let body = tag.body.trim_start();
    let end = body.find(|character: char| !character.is_alphanumeric() && character != '_');
    &body[..end.unwrap_or(body.len())]
}

/// The variables that each macro and call block may name, in the order of their opening tags.
fn captured_names<'a>(pieces: &[Piece<'a>]) -> Vec<BTreeSet<&'a str>> {
    let (mut all, mut open): (Vec<BTreeSet<&str>>, Vec<usize>) = (Vec::new(), Vec::new());
    for piece in pieces {
        let (Piece::Expression(tag) | Piece::Statement(tag)) = piece else { continue };
        let word = if matches!(piece, Piece::Statement(_)) { keyword(tag) } else { "" };
        if matches!(word, "endmacro" | "endcall") {
            open.pop();
        }
        let names = variables(&tokens::cut(tag.body));
        for block in &open {
            all[*block].extend(names.iter().copied());
        }
        if matches!(word, "macro" | "call") {
            open.push(all.len());
            all.push(BTreeSet::new());
        }
    }
    all
}

/// The names that may be variables: neither keywords nor attributes nor filters. A name too many does no harm.
fn variables<'a>(tokens: &[Token<'a>]) -> Vec<&'a str> {
    let mut previous = "";
    let mut names = Vec::new();
    for token in tokens {
        match token {
            Token::Space(_) => continue,
            // `loop` is the inner loop's own, `caller` the macro's.
            Token::Name(name)
                if !matches!(previous, "." | "|" | "is")
                    && !KEYWORDS.contains(name)
                    && !matches!(*name, "loop" | "caller" | "self") =>
            {
                names.push(*name);
            }
            _ => {}
        }
        previous = token.source();
    }
    // The first word of a statement is no variable, but cannot be told from one here; naming it does no harm either.
    names
}

/// A `for` tag with what it goes over in a call of [`EACH`].
fn for_loop(tokens: &[Token<'_>]) -> String {
    let mut depth = 0;
    let (mut from, mut to) = (None, tokens.len());
    let mut has_comma = false;
    for (index, token) in tokens.iter().enumerate() {
        depth += token.depth();
        match (depth, from, token) {
            (0, None, Token::Name("in")) => from = Some(index + 1),
            (0, Some(_), Token::Name("if" | "recursive")) => {
                to = index;
                break;
            }
            (0, Some(_), Token::Other(",")) => has_comma = true,
            _ => {}
        }
    }
    let Some(from) = from else { return expression(tokens) };
    let (open, close) = if has_comma { ("((", "))") } else { ("(", ")") };
    let [before, over, after] = [&tokens[..from], &tokens[from..to], &tokens[to..]].map(expression);
    format!("{before} {EACH}{open}{over}{close} {after}")
}

/// The tokens as the engine is to read them.
fn expression(tokens: &[Token<'_>]) -> String {
    let mut out = String::new();
    let mut rest = tokens;
    while let Some((token, after)) = rest.split_first() {
        let Token::Text(text) = token else {
            out.push_str(token.source());
            rest = after;
            continue;
        };
        let (mut texts, mut spaces) = (vec![*text], String::new());
        rest = after;
        loop {
            match rest {
                [Token::Text(next), after @ ..] => {
                    texts.push(next);
                    rest = after;
                }
                [Token::Space(space), Token::Text(next), after @ ..] => {
                    spaces.push_str(space);
                    texts.push(next);
                    rest = after;
                }
                _ => break,
            }
        }
        out.push_str(&strings::literal(&texts));
        out.push_str(&spaces);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn generation_tags_keep_their_marks() {
        let Rewritten { source, has_generation } =
            rewrite("a{%- generation -%}b{%endgeneration+%}{% set generation = 1 %}");
        assert!(has_generation);
        assert_eq!(
            source,
            "a{%- with %}{{ __generation_start() }}{% if true -%}b{% endif %}{{ __generation_end() }}{% endwith +%}{% set generation = 1 %}"
        );
        assert!(!rewrite("{# {% generation %} #}{{ '{% generation %}' }}").has_generation);
    }

    #[test]
    fn loops_take_what_they_go_over_through_a_function() {
        let over = |source: &str| rewrite(source).source;
        assert_eq!(over("{%- for a, b in x.items() -%}"), "{%- for a, b in __each( x.items() ) -%}");
        assert_eq!(
            over("{% for a in f(b if c) if a in d %}"),
            "{% for a in __each( f(b if c) ) if a in d %}"
        );
        assert_eq!(
            over("{% for a in 'x', 'y' recursive %}"),
            "{% for a in __each(( 'x', 'y' )) recursive %}"
        );
    }

    #[test]
    fn macros_name_what_they_may_need() {
        let source = rewrite("{% macro m(a) -%}{{ text[1:] | trim }}{% set x = x.y %}{%- endmacro %}").source;
        assert!(source.contains("{% if false %}{{ set }}{{ text }}{{ x }}{% endif -%}{{ text"), "{source}");
    }
}
