//! Filter expressions: `lr>=0.001 state=finished model~llama rank8`.
//!
//! Terms are separated by spaces and must all hold. A term is a bare word (found in the run's name, state or tags) or
//! `FIELD OP VALUE[,VALUE…]` with `= != ~ !~ < <= > >=`, where a comma means any of. `!` before a term turns it round.

use thiserror::Error;

use super::field::{FieldName, FieldValue, parse_number};
use super::run::Run;

/// A filter expression that cannot be understood.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[error("'{term}' in the filter: {reason}")]
pub struct FilterError {
    /// The term.
    pub term: String,
    /// What is wrong with it.
    pub reason: &'static str,
}

/// A filter over runs; the default lets every run through.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Filter {
    terms: Vec<Term>,
}

#[derive(Clone, Debug, PartialEq)]
struct Term {
    negated: bool,
    test: Test,
}

#[derive(Clone, Debug, PartialEq)]
enum Test {
    Word(String),
    Field { name: FieldName, operator: Operator, values: Vec<String> },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Operator {
    Equal,
    NotEqual,
    Contains,
    ContainsNot,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

/// Longest first, so that `<=` is not taken for `<`.
const OPERATORS: &[(&str, Operator)] = &[
    ("!=", Operator::NotEqual),
    ("!~", Operator::ContainsNot),
    ("<=", Operator::LessOrEqual),
    (">=", Operator::GreaterOrEqual),
    ("=", Operator::Equal),
    ("~", Operator::Contains),
    ("<", Operator::Less),
    (">", Operator::Greater),
];

impl Filter {
    /// Reads an expression.
    ///
    /// # Errors
    /// [`FilterError`] for a term without field or value, or an order asked of what is no number.
    pub fn parse(text: &str) -> Result<Self, FilterError> {
        let terms = words(text).iter().map(|word| term(word)).collect::<Result<_, _>>()?;
        Ok(Self { terms })
    }

    /// Whether every run passes.
    pub fn is_empty(&self) -> bool {
        self.terms.is_empty()
    }

    /// Whether `run` passes. Runs labelled archived pass only a filter that asks for `archived`.
    pub fn matches(&self, run: &Run) -> bool {
        let asks_for_archived = self.terms.iter().any(Term::asks_for_archived);
        (!run.labels.archived || asks_for_archived)
            && self.terms.iter().all(|term| term.test.holds(run) != term.negated)
    }
}

impl Term {
    fn asks_for_archived(&self) -> bool {
        matches!(&self.test, Test::Field { name, .. } if name.name() == "archived")
    }
}

impl Test {
    fn holds(&self, run: &Run) -> bool {
        match self {
            Self::Word(word) => holds_word(run, word),
            Self::Field { name, operator, values } if name.name() == "tag" => {
                let any = run.labels.tags.iter().any(|tag| {
                    values
                        .iter()
                        .any(|value| compare(&FieldValue::Text(tag.into()), positive(*operator), value))
                });
                any == (positive(*operator) == *operator)
            }
            Self::Field { name, operator, values } => {
                let wanted = positive(*operator);
                let found = name.of(run);
                let any =
                    found.is_some_and(|found| values.iter().any(|value| compare(&found, wanted, value)));
                any == (wanted == *operator)
            }
        }
    }
}

/// The operator without its negation: `!=` is "not any of", also for a run without the field.
fn positive(operator: Operator) -> Operator {
    match operator {
        Operator::NotEqual => Operator::Equal,
        Operator::ContainsNot => Operator::Contains,
        other => other,
    }
}

fn holds_word(run: &Run, word: &str) -> bool {
    let contains = |text: &str| text.to_lowercase().contains(word);
    contains(&run.label()) || run.state().word() == word || run.labels.tags.iter().any(|tag| contains(tag))
}

fn compare(found: &FieldValue<'_>, operator: Operator, value: &str) -> bool {
    if operator == Operator::Contains {
        return found.text().to_lowercase().contains(&value.to_lowercase());
    }
    let order = match (found.number(), parse_number(value)) {
        (Some(found), Some(value)) => found.partial_cmp(&value),
        _ => Some(found.text().to_lowercase().as_str().cmp(value.to_lowercase().as_str())),
    };
    match operator {
        Operator::Less => order.is_some_and(std::cmp::Ordering::is_lt),
        Operator::LessOrEqual => order.is_some_and(std::cmp::Ordering::is_le),
        Operator::Greater => order.is_some_and(std::cmp::Ordering::is_gt),
        Operator::GreaterOrEqual => order.is_some_and(std::cmp::Ordering::is_ge),
        _ => order.is_some_and(std::cmp::Ordering::is_eq),
    }
}

/// Splits at spaces outside double quotes.
fn words(text: &str) -> Vec<String> {
    let (mut all, mut word, mut quoted) = (Vec::new(), String::new(), false);
    for character in text.chars() {
        match character {
            '"' => quoted = !quoted,
            space if space.is_whitespace() && !quoted => {
                if !word.is_empty() {
                    all.push(std::mem::take(&mut word));
                }
            }
            other => word.push(other),
        }
    }
    if !word.is_empty() {
        all.push(word);
    }
    all
}

fn term(word: &str) -> Result<Term, FilterError> {
    let error = |reason| Err(FilterError { term: word.to_owned(), reason });
    let (negated, rest) = match word.strip_prefix('!') {
        Some(rest) => (true, rest),
        None => (false, word),
    };
    let first = OPERATORS
        .iter()
        .filter_map(|(sign, operator)| Some((rest.find(sign)?, *sign, *operator)))
        .min_by_key(|(at, sign, _)| (*at, std::cmp::Reverse(sign.len())));
    let Some((at, sign, operator)) = first else {
        if rest.is_empty() {
            return error("a word is missing");
        }
        return Ok(Term { negated, test: Test::Word(rest.to_lowercase()) });
    };
    let (name, value) = (rest[..at].trim(), &rest[at + sign.len()..]);
    let values: Vec<String> = value.split(',').filter(|value| !value.is_empty()).map(str::to_owned).collect();
    if name.is_empty() {
        return error("the field's name is missing before the sign");
    }
    if values.is_empty() {
        return error("the value is missing after the sign");
    }
    Ok(Term { negated, test: Test::Field { name: FieldName::new(name), operator, values } })
}

#[cfg(test)]
#[path = "filter_tests.rs"]
mod tests;
