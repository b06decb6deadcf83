//! Hugging Face's `trainer_state.json`: its `log_history` holds every metric so far, and the file is replaced whole.
//!
//! Source: transformers `trainer_callback.py` (`TrainerState.save_to_json`). A trainer writes it into every
//! `checkpoint-N` and, at the end, into its output folder; where a folder is named, all of them are followed.

use std::collections::HashMap;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use serde_json::Value;

use super::columns::{Cell, step_number};
use super::pattern::PatternError;
use super::spec::SourceSpec;
use super::{Follow, Reading, python_json};
use crate::error::FileError;
use crate::file::read_if_exists;

const FILE: &str = "trainer_state.json";

#[allow(clippy::unnecessary_wraps)] // the registry's shape
pub(super) fn open(_: &SourceSpec, path: &Path) -> Result<Box<dyn Follow>, PatternError> {
    Ok(Box::new(TrainerStates { path: path.to_path_buf(), seen: HashMap::new() }))
}

/// A file's inode, length and time: whether it has been replaced.
type Mark = (u64, u64, Option<SystemTime>);

#[derive(Debug)]
struct TrainerStates {
    path: PathBuf,
    seen: HashMap<PathBuf, Mark>,
}

impl TrainerStates {
    /// The state files that have changed, oldest first: the newest has the last word.
    fn changed(&self) -> Vec<(PathBuf, Mark)> {
        let mut files: Vec<(PathBuf, Mark)> = candidates(&self.path)
            .into_iter()
            .filter_map(|path| {
                let about = fs::metadata(&path).ok()?;
                let mark = (about.ino(), about.len(), about.modified().ok());
                (about.is_file() && self.seen.get(&path) != Some(&mark)).then_some((path, mark))
            })
            .collect();
        files.sort_by_key(|(_, mark)| mark.2);
        files
    }
}

/// The path itself, or the files in it and its checkpoints; a folder `output` below a run's folder counts too.
fn candidates(path: &Path) -> Vec<PathBuf> {
    if !path.is_dir() {
        return vec![path.to_path_buf()];
    }
    let mut files = vec![path.join(FILE)];
    for folder in folders_in(path) {
        let is_checkpoint = |path: &Path| {
            path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("checkpoint-"))
        };
        files.push(folder.join(FILE));
        if !is_checkpoint(&folder) {
            files.extend(
                folders_in(&folder)
                    .into_iter()
                    .filter(|inner| is_checkpoint(inner))
                    .map(|inner| inner.join(FILE)),
            );
        }
    }
    files
}

fn folders_in(path: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(path) else { return Vec::new() };
    let mut folders: Vec<PathBuf> =
        entries.flatten().map(|entry| entry.path()).filter(|path| path.is_dir()).collect();
    folders.sort();
    folders
}

impl Follow for TrainerStates {
    fn poll(&mut self, now: f64, _finished: bool, found: &mut Vec<Reading>) -> Result<(), FileError> {
        for (path, mark) in self.changed() {
            let Some(bytes) = read_if_exists(&path)? else { continue };
            // One that is being written is whole at the next look, and looks different then.
            if let Some(readings) = readings(&String::from_utf8_lossy(&bytes), now) {
                found.extend(readings);
                self.seen.insert(path, mark);
            }
        }
        Ok(())
    }
}

/// Everything in a state's `log_history`; `None` where the text is not (yet) whole.
pub(super) fn readings(text: &str, now: f64) -> Option<Vec<Reading>> {
    let state = python_json::read(text)?;
    let history = state.get("log_history")?.as_array()?;
    let mut found = Vec::new();
    for entry in history.iter().filter_map(Value::as_object) {
        let step = entry.get("step").and_then(python_json::number).map(Cell::Number);
        let Some(step) = step.as_ref().and_then(step_number) else { continue };
        for (name, value) in entry.iter().filter(|(name, _)| *name != "step") {
            if let Some(value) = python_json::number(value) {
                found.push(Reading { tag: name.clone(), step, time: now, value });
            }
        }
    }
    Some(found)
}
