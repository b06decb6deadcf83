//! A frozen configuration's values by key, their texts shared between runs.

use std::collections::HashSet;
use std::sync::Arc;

use loradeck_core::config::flat_values;

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
        let found = flat_values(text);
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

#[cfg(test)]
mod tests {
    use super::*;

    fn values(text: &str) -> Vec<(String, String)> {
        let values = ConfigValues::parse(text, &mut Interner::default());
        values.iter().map(|(key, value)| (key.to_owned(), value.to_owned())).collect()
    }

    fn pairs(expected: &[(&str, &str)]) -> Vec<(String, String)> {
        expected.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn values_are_texts_as_the_command_gets_them() {
        let text = "a: \"C:\\\\new\\\\table\"\nparameters:\n  lr: 1e-4\nlist: ['x', y]\n";
        assert_eq!(values(text), pairs(&[("a", "C:\\new\\table"), ("list", "[x, y]"), ("lr", "1e-4")]));
    }

    #[test]
    fn equal_texts_are_shared() {
        let mut interner = Interner::default();
        let first = interner.intern("learning_rate");
        assert!(Arc::ptr_eq(&first, &interner.intern("learning_rate")));
    }
}
