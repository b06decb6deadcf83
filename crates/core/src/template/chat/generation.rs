//! The text inside of `{% generation %}` tags: the rewritten template (see `python::source`) calls two functions there,
//! which write private characters, from which the spans are read.

use std::ops::Range;

use minijinja::Environment;

use crate::template::python::source::{GENERATION_END, GENERATION_START};

/// The characters that mark a span's start and end in a rendered text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Marks {
    start: char,
    end: char,
}

impl Default for Marks {
    fn default() -> Self {
        Self { start: '\u{10fff0}', end: '\u{10fff1}' }
    }
}

impl Marks {
    /// Marks that do not occur in `text`; `None` where it holds every private character there is.
    pub(super) fn absent_from(text: &str) -> Option<Self> {
        let default = Self::default();
        if !text.contains([default.start, default.end]) {
            return Some(default);
        }
        let mut free = ('\u{f0000}'..='\u{ffffd}').filter(|character| !text.contains(*character));
        Some(Self { start: free.next()?, end: free.next()? })
    }

    /// The text without marks, and the spans between them.
    pub(super) fn strip(self, text: &str) -> (String, Vec<Range<usize>>) {
        let (mut out, mut open, mut spans) = (String::with_capacity(text.len()), Vec::new(), Vec::new());
        for character in text.chars() {
            if character == self.start {
                open.push(out.len());
            } else if character == self.end {
                spans.extend(open.pop().map(|start| start..out.len()));
            } else {
                out.push(character);
            }
        }
        (out, spans)
    }
}

/// Gives the environment the functions behind the tags; without `marks` they write nothing.
pub(super) fn add_functions(environment: &mut Environment<'static>, marks: Option<Marks>) {
    let text = |mark: Option<char>| mark.map(String::from).unwrap_or_default();
    let (start, end) = (text(marks.map(|marks| marks.start)), text(marks.map(|marks| marks.end)));
    environment.add_function(GENERATION_START, move || start.clone());
    environment.add_function(GENERATION_END, move || end.clone());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_become_spans() {
        let Marks { start, end } = Marks::default();
        let text = format!("é{start}ab{end}c{start}{end}");
        assert_eq!(Marks::default().strip(&text), ("éabc".to_owned(), vec![2..4, 5..5]));
    }

    #[test]
    fn marks_are_never_characters_of_the_text() {
        assert_eq!(Marks::absent_from("a"), Some(Marks::default()));
        let other = Marks::absent_from("\u{10fff1}\u{f0000}").unwrap();
        assert_eq!((other.start, other.end), ('\u{f0001}', '\u{f0002}'));
    }
}
