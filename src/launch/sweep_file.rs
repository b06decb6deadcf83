//! `sweeps/NN/sweep.json`: the frozen description of a sweep, and how it stands. Written under the queue lock.

use std::collections::BTreeMap;
use std::path::PathBuf;

use loradeck_core::config::{Assignment, SearchPlan};
use loradeck_core::error::FileError;
use loradeck_core::file::{self, Durability};
use loradeck_core::run::{ExperimentFolder, Workspace};
use loradeck_core::time::Moment;
use loradeck_search::Arrival;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};

use super::search::GivenUp;

/// One sweep's file. Fields that this program does not know are kept.
#[derive(Clone, Debug, PartialEq)]
pub struct SweepFile {
    path: PathBuf,
    fields: Map<String, Value>,
}

impl SweepFile {
    /// The folder of sweep `number`.
    pub(crate) fn folder_of(experiment: &ExperimentFolder, number: u32) -> PathBuf {
        experiment.sweeps().join(format!("{number:02}"))
    }

    /// The file of sweep `number`.
    pub fn path_of(experiment: &ExperimentFolder, number: u32) -> PathBuf {
        Self::folder_of(experiment, number).join("sweep.json")
    }

    /// Reads sweep `number`; `None` where it is not there.
    pub fn read(experiment: &ExperimentFolder, number: u32) -> Result<Option<Self>, FileError> {
        let path = Self::path_of(experiment, number);
        let Some(fields) = file::read_json::<Map<String, Value>>(&path)? else { return Ok(None) };
        let sweep = Self { path, fields };
        match sweep.malformed() {
            // Read as an empty list it would begin the sweep anew.
            Some(name) => Err(FileError::new(
                &sweep.path,
                "understand",
                std::io::Error::other(format!("'{name}' is not as it was written")),
            )),
            None => Ok(Some(sweep)),
        }
    }

    /// A field that is there and is not of its type.
    fn malformed(&self) -> Option<&'static str> {
        fn is<T: DeserializeOwned>(value: &Value) -> bool {
            serde_json::from_value::<T>(value.clone()).is_ok()
        }
        type Check = fn(&Value) -> bool;
        let fields: [(&'static str, Check); 11] = [
            ("search", |value| value.is_null() || is::<SearchPlan>(value)),
            ("trials", is::<Vec<Assignment>>),
            ("points", is::<Vec<Vec<Option<f64>>>>),
            ("given_up", is::<Vec<GivenUp>>),
            ("arrivals", is::<Vec<Arrival>>),
            ("refused", is::<Vec<u32>>),
            ("refusals", is::<Vec<String>>),
            ("submitted", is::<u64>),
            ("closed", is::<bool>),
            ("used_up", is::<bool>),
            ("resumed_at", is::<Moment>),
        ];
        let broken =
            |(name, fits): &(&'static str, Check)| self.fields.get(*name).is_some_and(|value| !fits(value));
        fields.into_iter().find(broken).map(|(name, _)| name)
    }

    /// Reads sweep `number` anew under the queue lock, changes it and writes it. Whether it was there: a sweep that
    /// has gone stays gone.
    pub fn change(
        workspace: &Workspace,
        experiment: &ExperimentFolder,
        number: u32,
        change: impl FnOnce(&mut Self),
    ) -> Result<bool, FileError> {
        let _queue = workspace.queue_lock()?;
        let Some(mut file) = Self::read(experiment, number)? else { return Ok(false) };
        change(&mut file);
        file.write().map(|()| true)
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

    /// What further trials are made of; `None` where it is not there or not as it was written.
    pub fn plan(&self) -> Option<SearchPlan> {
        serde_json::from_value(self.get("search")?.clone()).ok()
    }

    /// What differs in each trial, by their numbers from 1.
    pub fn trials(&self) -> Vec<Assignment> {
        self.list("trials")
    }

    /// The points of the space that a search has chosen, in their order.
    pub fn points(&self) -> Vec<Vec<Option<f64>>> {
        self.list("points")
    }

    /// A list; empty where it is not there.
    pub fn list<T: DeserializeOwned>(&self, name: &str) -> Vec<T> {
        self.get(name).and_then(|list| serde_json::from_value(list.clone()).ok()).unwrap_or_default()
    }

    /// The trials that were given up, and the step at which each was judged.
    pub fn given_up(&self) -> BTreeMap<u32, u64> {
        let number = |one: &Value, name: &str| one.get(name).and_then(Value::as_u64);
        let all = self.list::<Value>("given_up");
        all.iter().filter_map(|one| Some((number(one, "trial")? as u32, number(one, "step")?))).collect()
    }

    /// How many trials are known to have been queued: those after it may be missing, if whoever queued them died.
    pub fn submitted(&self) -> usize {
        self.get("submitted").and_then(Value::as_u64).map_or(usize::MAX, |count| count as usize)
    }

    /// Whether nothing more will come of it.
    pub fn is_closed(&self) -> bool {
        self.get("closed").is_some_and(|closed| *closed == true)
    }

    /// Whether trials of it are still to be queued: those of a search, and those that whoever submitted them left out
    /// when it died.
    pub fn may_draw(&self) -> bool {
        let is_open = !self.is_closed() && self.paused().is_none();
        let is_used_up = self.get("used_up").is_some_and(|used_up| *used_up == true);
        let is_search = || self.plan().is_some_and(|plan| plan.is_search());
        is_open && (self.submitted() < self.trials().len() || (!is_used_up && is_search()))
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

/// The numbers of an experiment's sweeps, ascending.
pub fn sweep_numbers(experiment: &ExperimentFolder) -> Vec<u32> {
    let Ok(entries) = std::fs::read_dir(experiment.sweeps()) else { return Vec::new() };
    let mut numbers: Vec<u32> = entries
        .flatten()
        .filter(|entry| entry.path().join("sweep.json").is_file())
        .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
        .collect();
    numbers.sort_unstable();
    numbers
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

    #[test]
    fn a_list_with_an_element_that_cannot_be_read_is_an_error_and_no_empty_list() {
        let root = tempfile::tempdir().unwrap();
        let experiment = ExperimentFolder::at(root.path());
        std::fs::create_dir_all(experiment.sweeps().join("01")).unwrap();
        for (field, value) in [
            ("points", json!([[0.5], ["half"]])),
            ("given_up", json!([{"trial": 1}])),
            ("arrivals", json!({})),
            ("trials", json!(7)),
            ("refused", json!([-1])),
            ("submitted", json!("3")),
            ("closed", json!("yes")),
        ] {
            let text = json!({"format": 1, field: value}).to_string();
            std::fs::write(SweepFile::path_of(&experiment, 1), text).unwrap();
            let error = SweepFile::read(&experiment, 1).unwrap_err().to_string();
            assert!(error.contains(&format!("'{field}' is not as it was written")), "{error}");
        }
    }
}
