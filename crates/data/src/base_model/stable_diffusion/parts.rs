//! Where each weight lies: every expected one is found at its shape when a model is opened, and every tensor that
//! belongs to a part and is not read is refused, unless it is known to change nothing.

use std::collections::{HashMap, HashSet};

use super::stored::Stored;
use super::{Component, layers};
use crate::base_model::{BaseModelError, WeightData, WeightView};
use crate::safetensors::{Entry, SafetensorsFile};

/// Where one weight lies.
#[derive(Clone, Debug)]
struct Place {
    file: usize,
    stored: Stored,
    shape: Vec<usize>,
}

/// The places of all weights.
#[derive(Debug, Default)]
pub(super) struct Places(HashMap<(Component, String), Place>);

/// A part's weights in a file.
pub(super) struct Part<'a> {
    pub(super) component: Component,
    /// The file's number.
    pub(super) file: usize,
    pub(super) weights: &'a SafetensorsFile,
    pub(super) layers: Vec<layers::Layer>,
}

fn error(file: &SafetensorsFile, name: &str, problem: String) -> BaseModelError {
    BaseModelError::Weight { path: file.file().path().to_path_buf(), name: name.to_owned(), problem }
}

impl Places {
    /// Finds every weight that a part calls for; the answer holds the names of the tensors that are read.
    pub(super) fn add(
        &mut self,
        part: &Part<'_>,
        names: impl Fn(&str) -> Vec<Stored>,
    ) -> Result<HashSet<String>, BaseModelError> {
        let mut read = HashSet::new();
        for (name, shape) in layers::weights(&part.layers) {
            let candidates = names(&name);
            let found = candidates.iter().find_map(|s| Some((s, part.weights.entries().get(&s.name)?)));
            let Some((stored, entry)) = found else {
                let looked: Vec<String> =
                    candidates.iter().filter(|s| s.name != name).map(|s| format!("'{}'", s.name)).collect();
                let looked = if looked.is_empty() {
                    String::new()
                } else {
                    format!(" (looked for {} too)", looked.join(", "))
                };
                return Err(error(part.weights, &name, format!("is missing{looked}")));
            };
            check(part.weights, stored, entry, &shape)?;
            read.insert(stored.name.clone());
            let place = Place { file: part.file, stored: stored.clone(), shape };
            self.0.insert((part.component, name), place);
        }
        Ok(read)
    }

    /// One weight, straight from its mapped file.
    pub(super) fn weight<'a>(
        &self,
        files: &'a [SafetensorsFile],
        component: Component,
        name: &str,
    ) -> Option<WeightView<'a>> {
        let place = self.0.get(&(component, name.to_owned()))?;
        let file = files.get(place.file)?;
        let entry = file.entries().get(&place.stored.name)?;
        let dtype = SafetensorsFile::data_type(entry)?;
        let all = file.bytes(entry);
        let bytes = match place.stored.rows(*place.shape.first()?) {
            None => all,
            Some(rows) => {
                let row = place.shape[1..].iter().product::<usize>() * dtype.bytes();
                all.get(rows.start * row..rows.end * row)?
            }
        };
        Some(WeightView { dtype, shape: place.shape.clone(), data: WeightData::Stored(bytes) })
    }
}

/// Refuses a tensor of another shape or of a number type that is not read. A linear layer may be stored as a 1×1
/// convolution: the numbers are the same.
fn check(
    file: &SafetensorsFile,
    stored: &Stored,
    entry: &Entry,
    shape: &[usize],
) -> Result<(), BaseModelError> {
    let mut expected = shape.to_vec();
    if stored.third.is_some() {
        expected[0] *= 3;
    }
    let as_convolution = [expected.as_slice(), &[1, 1]].concat();
    if entry.shape != expected && !(expected.len() == 2 && entry.shape == as_convolution) {
        let problem = format!("has the shape {:?} instead of {expected:?}", entry.shape);
        return Err(error(file, &stored.name, problem));
    }
    if SafetensorsFile::data_type(entry).is_none() {
        let problem = format!("is stored as {}, which is not supported (F32, F16, BF16)", entry.dtype);
        return Err(error(file, &stored.name, problem));
    }
    Ok(())
}

/// Refuses the first tensor, by name, that is neither read nor known to change nothing.
pub(super) fn refuse_unread<'a>(
    file: &SafetensorsFile,
    names: impl Iterator<Item = &'a String>,
    read: &HashSet<String>,
    harmless: impl Fn(&str) -> bool,
) -> Result<(), BaseModelError> {
    match names.filter(|name| !read.contains(*name) && !harmless(name)).min() {
        None => Ok(()),
        Some(name) => Err(error(
            file,
            name,
            "is in the file but belongs to no layer of this model: the file is of another architecture, and \
             leaving it out would change the result"
                .into(),
        )),
    }
}
