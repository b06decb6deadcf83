//! `manifest.json`: what a checkpoint holds. Written last, so that a folder without it is no checkpoint.

use std::collections::BTreeMap;
use std::path::Path;

use loradeck_core::file;
use loradeck_core::run::MetricBest;
use loradeck_core::time::Moment;
use loradeck_data::mapped::sha256_hex;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::Identity;
use crate::engine::loss_scale::ScaleState;

/// The name of the file.
pub const MANIFEST: &str = "manifest.json";
/// The format written, and the newest one read.
pub const FORMAT: u32 = 1;

/// Everything of a training's state that is no tensor.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Manifest {
    /// Format of checkpoints.
    pub format: u32,
    /// Steps done.
    pub step: u64,
    /// Steps planned when it was written.
    pub total_steps: u64,
    /// Passes over the data done. The order is a function of seed and step, so this is all there is to its position.
    pub epoch: f64,
    /// The attempt that wrote it.
    pub attempt: u32,
    /// When.
    pub time: Moment,
    /// What it is bound to.
    pub identity: Identity,
    /// Best and last per metric so far.
    pub metrics: BTreeMap<String, MetricBest>,
    /// Tokens trained on.
    pub tokens: u64,
    /// Pictures trained on.
    #[serde(default)]
    pub images: u64,
    /// Seconds of training, over all attempts.
    pub seconds: f64,
    /// Settings in force that a later attempt may change, by key.
    #[serde(default)]
    pub settings: BTreeMap<String, Value>,
    /// The scale of the loss, where it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub loss_scale: Option<ScaleState>,
    /// The files beside this one.
    pub files: BTreeMap<String, FileRecord>,
}

/// Size and hash of one file of a checkpoint.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileRecord {
    /// Bytes.
    pub bytes: u64,
    /// SHA-256 in hexadecimal.
    pub sha256: String,
}

impl FileRecord {
    /// The record of these contents.
    pub fn of(contents: &[u8]) -> Self {
        Self { bytes: contents.len() as u64, sha256: sha256_hex([contents]) }
    }
}

impl Manifest {
    /// Reads the manifest in `folder` and holds every file against it; an error says what is wrong.
    pub fn read_verified(folder: &Path) -> Result<Self, String> {
        let path = folder.join(MANIFEST);
        let manifest: Self = file::read_json(&path)
            .map_err(|error| error.to_string())?
            .ok_or_else(|| format!("{MANIFEST} is missing"))?;
        if manifest.format > FORMAT {
            return Err(format!(
                "its format {} is newer than this program knows ({FORMAT})",
                manifest.format
            ));
        }
        for (name, record) in &manifest.files {
            let contents = file::read_if_exists(&folder.join(name))
                .map_err(|error| error.to_string())?
                .ok_or_else(|| format!("{name} is missing"))?;
            if FileRecord::of(&contents) != *record {
                return Err(format!("{name} is not what was written (size or sha256 differs)"));
            }
        }
        Ok(manifest)
    }
}
