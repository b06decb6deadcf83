//! The strict reader of a `config.json`: a key that changes the arithmetic is read or refused, a wrong type is an error
//! and never a default, and a key that nobody here has heard of is refused unless its value says "off".

use std::collections::BTreeSet;
use std::path::Path;

use serde_json::{Map, Value};

use crate::base_model::BaseModelError;

/// A size beyond this is a broken file, not a model: products of two such sizes still fit.
const LARGEST_SIZE: u64 = 1 << 28;

/// The keys of one configuration file, and which of them have been looked at.
pub(super) struct Keys<'a> {
    map: &'a Map<String, Value>,
    path: &'a Path,
    /// What stands in front of a key in messages: `rope_scaling.` for the keys of that object.
    prefix: &'static str,
    known: BTreeSet<&'static str>,
}

impl<'a> Keys<'a> {
    pub(super) fn new(map: &'a Map<String, Value>, path: &'a Path) -> Self {
        Self::nested(map, path, "")
    }

    /// The keys of an object inside the file.
    pub(super) fn nested(map: &'a Map<String, Value>, path: &'a Path, prefix: &'static str) -> Self {
        Self { map, path, prefix, known: BTreeSet::new() }
    }

    /// An error that names this file.
    pub(super) fn refused(&self, problem: impl Into<String>) -> BaseModelError {
        BaseModelError::Unsupported { path: self.path.to_path_buf(), problem: problem.into() }
    }

    fn wrong(&self, key: &str, value: &Value, expected: &str) -> BaseModelError {
        self.refused(format!("'{}{key}' is {value}, which is not {expected}", self.prefix))
    }

    /// The value of a key; `None` where it is absent.
    pub(super) fn raw(&mut self, key: &'static str) -> Option<&'a Value> {
        self.known.insert(key);
        self.map.get(key)
    }

    /// The error for a key that must be there.
    pub(super) fn missing(&self, key: &str) -> BaseModelError {
        BaseModelError::Key { path: self.path.to_path_buf(), key: format!("{}{key}", self.prefix) }
    }

    /// A whole number from 1 on that must be there.
    pub(super) fn size(&mut self, key: &'static str) -> Result<usize, BaseModelError> {
        if self.raw(key).is_none() {
            return Err(self.missing(key));
        }
        self.size_or(key, 1)
    }

    /// A finite number above 0 that must be there.
    pub(super) fn positive(&mut self, key: &'static str) -> Result<f64, BaseModelError> {
        if self.raw(key).is_none() {
            return Err(self.missing(key));
        }
        self.positive_or(key, 1.0)
    }

    /// A whole number from 1 on.
    pub(super) fn size_or(&mut self, key: &'static str, default: usize) -> Result<usize, BaseModelError> {
        let Some(value) = self.raw(key) else { return Ok(default) };
        size(value).ok_or_else(|| self.wrong(key, value, "a whole number above 0 and below 2^28"))
    }

    /// A whole number from 0 on.
    pub(super) fn count_or(&mut self, key: &'static str, default: usize) -> Result<usize, BaseModelError> {
        let Some(value) = self.raw(key) else { return Ok(default) };
        if value.as_u64() == Some(0) {
            return Ok(0);
        }
        size(value).ok_or_else(|| self.wrong(key, value, "a whole number from 0 on and below 2^28"))
    }

    /// A finite number.
    pub(super) fn number_or(&mut self, key: &'static str, default: f64) -> Result<f64, BaseModelError> {
        let Some(value) = self.raw(key) else { return Ok(default) };
        value.as_f64().filter(|n| n.is_finite()).ok_or_else(|| self.wrong(key, value, "a number"))
    }

    /// A finite number above 0.
    pub(super) fn positive_or(&mut self, key: &'static str, default: f64) -> Result<f64, BaseModelError> {
        let number = self.number_or(key, default)?;
        if number > 0.0 {
            return Ok(number);
        }
        Err(self.refused(format!("'{}{key}' is {number}, which is not above 0", self.prefix)))
    }

    /// True or false.
    pub(super) fn bool_or(&mut self, key: &'static str, default: bool) -> Result<bool, BaseModelError> {
        let Some(value) = self.raw(key) else { return Ok(default) };
        value.as_bool().ok_or_else(|| self.wrong(key, value, "true or false"))
    }

    /// A text.
    pub(super) fn text_or(&mut self, key: &'static str, default: &'a str) -> Result<&'a str, BaseModelError> {
        let Some(value) = self.raw(key) else { return Ok(default) };
        value.as_str().ok_or_else(|| self.wrong(key, value, "a text"))
    }

    /// An object; `None` where the key is absent.
    pub(super) fn object(
        &mut self,
        key: &'static str,
    ) -> Result<Option<&'a Map<String, Value>>, BaseModelError> {
        let Some(value) = self.raw(key) else { return Ok(None) };
        value.as_object().map(Some).ok_or_else(|| self.wrong(key, value, "an object"))
    }

    /// One of some texts, each with its meaning.
    pub(super) fn choice_or<T: Copy>(
        &mut self,
        key: &'static str,
        choices: &[(&str, T)],
        default: T,
    ) -> Result<T, BaseModelError> {
        let Some(value) = self.raw(key) else { return Ok(default) };
        let found = value.as_str().and_then(|text| choices.iter().find(|(name, _)| *name == text));
        found.map(|(_, meaning)| *meaning).ok_or_else(|| {
            let names: Vec<&str> = choices.iter().map(|(name, _)| *name).collect();
            self.wrong(key, value, &format!("supported ({})", names.join(", ")))
        })
    }

    /// Whole numbers above 0: a list.
    pub(super) fn sizes_or(
        &mut self,
        key: &'static str,
        default: &[usize],
    ) -> Result<Vec<usize>, BaseModelError> {
        let Some(value) = self.raw(key) else { return Ok(default.to_vec()) };
        let sizes: Option<Vec<usize>> = value.as_array().and_then(|list| list.iter().map(size).collect());
        let plausible = |list: &Vec<usize>| (1..=16).contains(&list.len());
        sizes.filter(plausible).ok_or_else(|| self.wrong(key, value, "a list of whole numbers above 0"))
    }

    /// A size, or a list of `count` sizes: always `count` of them.
    pub(super) fn size_each_or(
        &mut self,
        key: &'static str,
        count: usize,
        default: usize,
    ) -> Result<Vec<usize>, BaseModelError> {
        match self.raw(key) {
            Some(value @ Value::Array(_)) => {
                let sizes = self.sizes_or(key, &[])?;
                if sizes.len() == count {
                    return Ok(sizes);
                }
                Err(self.wrong(key, value, &format!("a list of {count} entries, one a resolution")))
            }
            _ => Ok(vec![self.size_or(key, default)?; count]),
        }
    }

    /// A size, or a list of `count` equal ones.
    pub(super) fn same_size_or(
        &mut self,
        key: &'static str,
        count: usize,
        default: usize,
    ) -> Result<usize, BaseModelError> {
        let sizes = self.size_each_or(key, count, default)?;
        let first = sizes.first().copied().unwrap_or(default);
        if sizes.iter().all(|size| *size == first) {
            return Ok(first);
        }
        Err(self
            .refused(format!("'{key}' differs between the resolutions ({sizes:?}), which is not supported")))
    }

    /// A list of texts.
    pub(super) fn texts_or(
        &mut self,
        key: &'static str,
        default: &[&'a str],
    ) -> Result<Vec<&'a str>, BaseModelError> {
        let Some(value) = self.raw(key) else { return Ok(default.to_vec()) };
        let texts: Option<Vec<&str>> =
            value.as_array().and_then(|list| list.iter().map(Value::as_str).collect());
        texts.ok_or_else(|| self.wrong(key, value, "a list of texts"))
    }

    /// Refuses a key whose value is none of those under which it changes nothing here.
    pub(super) fn only(&mut self, key: &'static str, allowed: &[Value]) -> Result<(), BaseModelError> {
        let Some(value) = self.raw(key) else { return Ok(()) };
        if allowed.iter().any(|one| equal(one, value)) {
            return Ok(());
        }
        let allowed: Vec<String> = allowed.iter().map(Value::to_string).collect();
        Err(self.wrong(key, value, &format!("supported ({})", allowed.join(" or "))))
    }

    /// Keys that change no number of the model.
    pub(super) fn harmless(&mut self, keys: &[&'static str]) {
        self.known.extend(keys);
    }

    /// Refuses keys that have not been asked for. Names with a leading underscore are the libraries' notes to
    /// themselves; `null` and `false` say that a thing is off.
    pub(super) fn finish(self) -> Result<(), BaseModelError> {
        let off = |value: &Value| value.is_null() || value == &Value::Bool(false);
        let unknown = self
            .map
            .iter()
            .find(|(key, value)| !key.starts_with('_') && !self.known.contains(key.as_str()) && !off(value));
        match unknown {
            Some((key, value)) => Err(self.refused(format!(
                "'{}{key}' ({value}) is not known here and may change what the model computes, so it is refused",
                self.prefix
            ))),
            None => Ok(()),
        }
    }
}

fn size(value: &Value) -> Option<usize> {
    let size = value.as_u64().filter(|size| (1..=LARGEST_SIZE).contains(size))?;
    usize::try_from(size).ok()
}

/// Equality of JSON values in which 1 and 1.0 are the same.
fn equal(one: &Value, other: &Value) -> bool {
    match (one.as_f64(), other.as_f64()) {
        (Some(one), Some(other)) => (one - other).abs() < f64::EPSILON,
        _ => one == other,
    }
}
