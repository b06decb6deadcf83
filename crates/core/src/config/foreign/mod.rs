//! Any other trainer than the built-in one: its command, what is put into it, where its metrics are.

mod check;
mod environment;
mod metrics_reader;
mod parameters;
mod placeholder;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json};

pub(crate) use self::check::{complaints, placeholder_problems, shows};
pub(crate) use self::environment::environment;
pub(crate) use self::metrics_reader::metrics;
pub(crate) use self::parameters::{declare, declare_names, free_key, read_parameters};
pub use self::placeholder::{ENVIRONMENT, RUN_NAMES, Unresolved, expand};
use super::settings::Settings;
use super::value::Value;
use crate::metrics::SourceSpec;

/// The settings of a run that another trainer than the built-in one makes. Frozen with all others.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ForeignSettings {
    /// The program and its arguments; `${name}` stands for a setting, a parameter or a fact of the run.
    #[serde(default)]
    pub command: Option<Vec<String>>,
    /// The same for going on after an earlier attempt.
    #[serde(default)]
    pub resume_command: Option<Vec<String>>,
    /// Environment variables; secrets stand here by name only.
    #[serde(default)]
    pub env: BTreeMap<String, String>,
    /// Where the command runs; unset: the workspace's root.
    #[serde(default)]
    pub working_dir: Option<String>,
    /// Where it writes its metrics; empty: event files in the run's folder.
    #[serde(default)]
    pub metrics: Vec<SourceSpec>,
    /// Another program's folder that is only looked at; nothing can be started of it.
    #[serde(default)]
    pub adopted: Option<String>,
    /// Settings of its own, by name.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub parameters: Map<String, Json>,
}

impl Settings {
    /// Whether another trainer than the built-in one makes the run.
    pub fn is_foreign(&self) -> bool {
        self.foreign.command.is_some() || self.foreign.adopted.is_some()
    }

    /// The value that `${name}` stands for in a command: a parameter's or a setting's; `None` where it has none.
    pub fn value_of(&self, name: &str) -> Option<Value> {
        if let Some(parameter) = self.foreign.parameters.get(name) {
            return Value::from_json(parameter);
        }
        let key = super::find_key(name).filter(|key| key.is_setting())?;
        let json = serde_json::to_value(self).ok()?;
        Value::from_json(json.get(key.name)?)
    }

    /// Everything in which placeholders stand.
    pub(crate) fn texts_with_placeholders(&self) -> impl Iterator<Item = (&'static str, &str)> {
        let foreign = &self.foreign;
        let command = foreign.command.iter().flatten().map(|text| ("command", text.as_str()));
        let resume = foreign.resume_command.iter().flatten().map(|text| ("resume_command", text.as_str()));
        let environment = foreign.env.values().map(|text| ("env", text.as_str()));
        let folder = foreign.working_dir.iter().map(|text| ("working_dir", text.as_str()));
        let sources = foreign.metrics.iter().filter_map(|source| source.path.as_deref());
        command.chain(resume).chain(environment).chain(folder).chain(sources.map(|path| ("metrics", path)))
    }
}

#[cfg(test)]
mod tests;
