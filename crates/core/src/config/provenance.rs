//! `provenance:` of a frozen configuration: which code, base model and data the run was made of.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::yaml::{Content, Node};
use crate::time::Moment;

/// Where a frozen configuration came from. Everything may be missing.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Provenance {
    /// When it was frozen.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub submitted_at: Option<Moment>,
    /// The experiment file, relative to the workspace.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source_file: Option<String>,
    /// Commit of the repository at that time, in full.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code_commit: Option<String>,
    /// Whether there were changes that no commit holds; they are in `code.patch`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code_changed: Option<bool>,
    /// The base model.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub base_model: Option<FileIdentity>,
    /// The training data.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub data: Option<DataIdentity>,
    /// The held-out data, where it is a file or folder of its own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub eval_data: Option<DataIdentity>,
    /// Names and versions of programs and libraries.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub versions: BTreeMap<String, String>,
    /// Number of the sweep within its experiment.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sweep: Option<u32>,
    /// Number of the trial within its sweep, from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trial: Option<u32>,
    /// What differs from the other trials of the sweep, as `key=value`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub varied: Vec<String>,
    /// The overrides of the command line, as they were typed.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub overrides: Vec<String>,
    /// The run that this one tries again.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retry_of: Option<String>,
    /// The metric that decides which run is best.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub metric: Option<super::Metric>,
}

/// What tells one model file or folder from another without reading all of it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct FileIdentity {
    /// Its path as the configuration names it.
    pub path: String,
    /// Bytes in all.
    pub size: u64,
    /// SHA-256 of the header, in hexadecimal.
    pub header_hash: String,
}

/// What tells one data set from another.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct DataIdentity {
    /// Its path as the configuration names it.
    pub path: String,
    /// Number of samples.
    pub samples: u64,
    /// Bytes in all.
    pub size: u64,
    /// SHA-256 over names and contents, in hexadecimal.
    pub fingerprint: String,
}

impl Provenance {
    /// The provenance in a file; an error says what is wrong with it.
    pub(crate) fn from_node(node: &Node) -> Result<Self, String> {
        let json = match &node.content {
            Content::Null => return Ok(Self::default()),
            Content::Map(_) => to_json(node),
            _ => return Err(String::from("is written by loradeck as a mapping, and this is none")),
        };
        serde_json::from_value(json).map_err(|error| format!("is not as loradeck writes it: {error}"))
    }
}

fn to_json(node: &Node) -> serde_json::Value {
    match &node.content {
        Content::Null => serde_json::Value::Null,
        Content::Flag(flag) => (*flag).into(),
        Content::Whole(number) => super::Value::Whole(*number).to_json(),
        Content::Real(number) => (*number).into(),
        Content::Text => node.text.as_str().into(),
        Content::List(items) => items.iter().map(to_json).collect(),
        Content::Map(entries) => {
            entries.iter().map(|(key, value)| (key.text.clone(), to_json(value))).collect()
        }
    }
}
