//! The strict reader of a GGUF file's `llama.…` metadata: a value of the wrong type is an error and never a default,
//! and a key that nobody here has heard of is refused, because it may change what the model computes.

use std::collections::BTreeSet;
use std::path::Path;

use crate::base_model::BaseModelError;
use crate::gguf::{GgufFile, Value};

const PREFIX: &str = "llama.";

/// The `llama.…` keys of one file, and which of them have been looked at.
pub(super) struct GgufKeys<'a> {
    gguf: &'a GgufFile,
    path: &'a Path,
    known: BTreeSet<&'static str>,
}

impl<'a> GgufKeys<'a> {
    pub(super) fn new(gguf: &'a GgufFile, path: &'a Path) -> Self {
        Self { gguf, path, known: BTreeSet::new() }
    }

    /// An error that names this file.
    pub(super) fn refused(&self, problem: impl Into<String>) -> BaseModelError {
        BaseModelError::Unsupported { path: self.path.to_path_buf(), problem: problem.into() }
    }

    /// The error for a key that must be there.
    pub(super) fn missing(&self, key: &str) -> BaseModelError {
        BaseModelError::Key { path: self.path.to_path_buf(), key: format!("{PREFIX}{key}") }
    }

    fn read<T>(
        &mut self,
        key: &'static str,
        expected: &str,
        of: impl Fn(&'a Value) -> Option<T>,
    ) -> Result<Option<T>, BaseModelError> {
        self.known.insert(key);
        let Some(value) = self.gguf.metadata(&format!("{PREFIX}{key}")) else { return Ok(None) };
        let wrong = || self.refused(format!("'{PREFIX}{key}' is not {expected}"));
        of(value).map(Some).ok_or_else(wrong)
    }

    /// A whole number above 0.
    pub(super) fn size(&mut self, key: &'static str) -> Result<Option<usize>, BaseModelError> {
        self.read(key, "a whole number above 0", |value| value.as_usize().filter(|size| *size > 0))
    }

    /// A finite number.
    pub(super) fn number(&mut self, key: &'static str) -> Result<Option<f64>, BaseModelError> {
        self.read(key, "a number", |value| value.as_f64().filter(|number| number.is_finite()))
    }

    /// A text.
    pub(super) fn text(&mut self, key: &'static str) -> Result<Option<&'a str>, BaseModelError> {
        self.read(key, "a text", Value::as_text)
    }

    /// Refuses a number that is none of those under which it changes nothing here.
    pub(super) fn only(&mut self, key: &'static str, allowed: &[f64]) -> Result<(), BaseModelError> {
        let as_number = |value: &Value| value.as_f64().or_else(|| value.as_bool().map(f64::from));
        match self.read(key, "a number", as_number)? {
            Some(number) if !allowed.iter().any(|one| (one - number).abs() < f64::EPSILON) => {
                Err(self.refused(format!("'{PREFIX}{key}' is {number}, which is not supported yet")))
            }
            _ => Ok(()),
        }
    }

    /// Keys that change no number of the model.
    pub(super) fn harmless(&mut self, keys: &[&'static str]) {
        self.known.extend(keys);
    }

    /// Refuses keys that have not been asked for.
    pub(super) fn finish(self) -> Result<(), BaseModelError> {
        let own = self.gguf.metadata_keys().filter_map(|key| key.strip_prefix(PREFIX));
        let mut unknown: Vec<&str> = own.filter(|key| !self.known.contains(key)).collect();
        unknown.sort_unstable();
        match unknown.first() {
            Some(key) => Err(self.refused(format!(
                "'{PREFIX}{key}' is not known here and may change what the model computes, so it is refused"
            ))),
            None => Ok(()),
        }
    }
}
