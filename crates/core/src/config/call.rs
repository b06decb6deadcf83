//! Calls of functions on the command line: `name(argument, word=argument)`.

use super::spread::{SpreadError, error};

/// A call taken apart: `name`, its arguments, and those that are named.
pub(super) struct Call<'a> {
    pub(super) name: &'a str,
    pub(super) column: usize,
    pub(super) plain: Vec<(&'a str, usize)>,
    pub(super) named: Vec<(&'a str, &'a str, usize)>,
}

impl<'a> Call<'a> {
    /// The call that a text is; `None` where it is none. Casts are calls for keys of numbers only.
    pub(super) fn taken_apart(
        text: &'a str,
        column: usize,
        is_number: bool,
    ) -> Result<Option<Self>, SpreadError> {
        let trimmed = text.trim_start();
        let column = column + text.chars().count() - trimmed.chars().count();
        let Some((name, rest)) = trimmed.split_once('(') else { return Ok(None) };
        let Some(arguments) = rest.trim_end().strip_suffix(')') else { return Ok(None) };
        let is_known = match name {
            "choice" | "range" | "linspace" | "logspace" | "interval" | "uniform" | "loguniform" | "tag"
            | "sort" | "shuffle" | "glob" => true,
            "int" | "float" | "str" | "bool" => is_number,
            _ => false,
        };
        if !is_known {
            return Ok(None);
        }
        let mut call = Self { name, column, plain: Vec::new(), named: Vec::new() };
        for (part, at) in split_commas(arguments, column + name.chars().count() + 1) {
            let named = part.split_once('=').filter(|(word, _)| {
                let word = word.trim();
                !word.is_empty() && word.chars().all(|c| c.is_ascii_lowercase() || c == '_')
            });
            match named.filter(|_| name != "choice") {
                Some((word, value)) => {
                    call.named.push((word.trim(), value, at + word.chars().count() + 1));
                }
                None if call.named.is_empty() => call.plain.push((part, at)),
                None => {
                    return Err(error(at, format!("{name}(…) has an unnamed argument after a named one")));
                }
            }
        }
        Ok(Some(call))
    }

    /// Refuses arguments with names.
    pub(super) fn no_names(&self) -> Result<(), SpreadError> {
        match self.named.first() {
            Some((word, _, column)) => Err(error(*column, format!("{} does not take {word}=…", self.name))),
            None => Ok(()),
        }
    }

    /// The arguments as if all had been given by their place.
    pub(super) fn ordered(&self, names: &[&str]) -> Result<Vec<(&'a str, usize)>, SpreadError> {
        let mut ordered: Vec<Option<(&'a str, usize)>> = self.plain.iter().copied().map(Some).collect();
        for (word, value, column) in &self.named {
            let Some(at) = names.iter().position(|name| name == word) else {
                return Err(error(*column, format!("{} does not take {word}=…", self.name)));
            };
            ordered.resize(ordered.len().max(at + 1), None);
            if ordered[at].replace((value, *column)).is_some() {
                return Err(error(*column, format!("{word} is given twice")));
            }
        }
        let missing = || error(self.column, format!("{} lacks an argument", self.name));
        ordered.into_iter().map(|part| part.ok_or_else(missing)).collect()
    }
}

/// The parts between commas that stand in no quotes, brackets, braces or parentheses.
pub(super) fn split_commas(text: &str, start: usize) -> Vec<(&str, usize)> {
    let mut parts = Vec::new();
    let (mut depth, mut quote) = (0_usize, None);
    let (mut from, mut from_column) = (0, start);
    for (column, (offset, character)) in (start..).zip(text.char_indices()) {
        if let Some(open) = quote {
            quote = (open != character).then_some(open);
            continue;
        }
        match character {
            '"' | '\'' if text[from..offset].trim_start_matches(['[', ' ']).is_empty() || depth > 0 => {
                quote = Some(character);
            }
            '[' | '{' | '(' => depth += 1,
            ']' | '}' | ')' => depth = depth.saturating_sub(1),
            ',' if depth == 0 => {
                parts.push((&text[from..offset], from_column));
                (from, from_column) = (offset + 1, column + 1);
            }
            _ => {}
        }
    }
    parts.push((&text[from..], from_column));
    parts
}
