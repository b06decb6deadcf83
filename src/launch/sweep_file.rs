//! `sweeps/NN/sweep.json`: the frozen description of a sweep, and how it stands. Written under the queue lock.

use std::path::PathBuf;

use loradeck_core::error::FileError;
use loradeck_core::file::{self, Durability};
use loradeck_core::run::ExperimentFolder;
use loradeck_core::time::Moment;
use serde_json::{Map, Value, json};

/// One sweep's file. Fields that this program does not know are kept.
#[derive(Clone, Debug, PartialEq)]
pub struct SweepFile {
    path: PathBuf,
    fields: Map<String, Value>,
}

impl SweepFile {
    /// The file of sweep `number`.
    pub fn path_of(experiment: &ExperimentFolder, number: u32) -> PathBuf {
        experiment.sweeps().join(format!("{number:02}/sweep.json"))
    }

    /// Reads sweep `number`; `None` where it is not there.
    pub fn read(experiment: &ExperimentFolder, number: u32) -> Result<Option<Self>, FileError> {
        let path = Self::path_of(experiment, number);
        let fields: Option<Map<String, Value>> = file::read_json(&path)?;
        Ok(fields.map(|fields| Self { path, fields }))
    }

    /// Replaces the file. The caller holds the queue lock.
    pub fn write(&self) -> Result<(), FileError> {
        file::replace_json(&self.path, &self.fields, Durability::Synced)
    }

    /// A field.
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.fields.get(name)
    }

    /// Sets a field; null takes it away.
    pub fn set(&mut self, name: &str, value: Value) {
        if value.is_null() {
            self.fields.shift_remove(name);
        } else {
            self.fields.insert(name.to_owned(), value);
        }
    }

    /// Appends to a list.
    pub fn push(&mut self, name: &str, value: Value) {
        match self.fields.get_mut(name) {
            Some(Value::Array(items)) => items.push(value),
            _ => {
                self.fields.insert(name.to_owned(), json!([value]));
            }
        }
    }

    /// Why it is paused, empty where nobody said; `None` where it is not.
    pub fn paused(&self) -> Option<&str> {
        self.get("paused").map(|why| why.as_str().unwrap_or_default())
    }

    /// Pauses it, or lets it go on. Failures before that moment no longer pause it.
    pub fn set_paused(&mut self, why: Option<&str>, now: Moment) {
        self.set("paused", why.map_or(Value::Null, Value::from));
        if why.is_none() {
            self.set("resumed_at", json!(now));
        }
    }

    /// When it was last let go on.
    pub fn resumed_at(&self) -> Option<Moment> {
        serde_json::from_value(self.get("resumed_at")?.clone()).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pause_is_kept_with_its_reason_and_what_is_unknown_stays() {
        let root = tempfile::tempdir().unwrap();
        let experiment = ExperimentFolder::at(root.path());
        std::fs::create_dir_all(experiment.sweeps().join("01")).unwrap();
        std::fs::write(SweepFile::path_of(&experiment, 1), r#"{"format": 1, "later": [1]}"#).unwrap();
        let mut sweep = SweepFile::read(&experiment, 1).unwrap().unwrap();
        assert_eq!(sweep.paused(), None);
        sweep.set_paused(Some("3 failures"), Moment(5));
        sweep.write().unwrap();
        let mut sweep = SweepFile::read(&experiment, 1).unwrap().unwrap();
        assert_eq!((sweep.paused(), sweep.get("later")), (Some("3 failures"), Some(&json!([1]))));
        sweep.set_paused(None, Moment(7));
        assert_eq!((sweep.paused(), sweep.resumed_at()), (None, Some(Moment(7))));
        assert_eq!(SweepFile::read(&experiment, 2).unwrap(), None);
    }
}
