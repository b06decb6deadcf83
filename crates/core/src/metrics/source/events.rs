//! Event files of other programs, in a folder and the folders below it: Hugging Face writes into
//! `runs/DATE_HOST/`, kohya into `DATE/network_train/`, diffusers into `logs/NAME/`.

use std::collections::{BTreeMap, HashMap};
use std::fs;
use std::path::{Path, PathBuf};

use super::pattern::PatternError;
use super::spec::SourceSpec;
use super::{Follow, Reading};
use crate::error::FileError;
use crate::metrics::EVENT_FILE_PREFIX;
use crate::metrics::tail::{EventSink, EventTail};

/// How deep folders are searched.
const DEPTH: usize = 5;
/// The most folders that are looked into.
const FOLDER_LIMIT: usize = 2_000;
/// Folders of a run that hold no other program's events; those in `logs` are the run's own already.
const NOT_SEARCHED: [&str; 5] = ["logs", "checkpoints", "samples", "control", "attempts"];

#[allow(clippy::unnecessary_wraps)] // the registry's shape
pub(super) fn open(_: &SourceSpec, path: &Path) -> Result<Box<dyn Follow>, PatternError> {
    Ok(Box::new(EventFolders { root: path.to_path_buf(), tails: BTreeMap::new(), owners: HashMap::new() }))
}

/// The folders with event files at or below `root`, by name.
pub fn event_folders(root: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut waiting = vec![(root.to_path_buf(), 0)];
    let mut looked = 0;
    let is_run = root.join("config.yaml").is_file() && root.join("queue.json").is_file();
    while let Some((folder, depth)) = waiting.pop() {
        looked += 1;
        let Ok(entries) = fs::read_dir(&folder) else { continue };
        let mut has_events = false;
        for entry in entries.flatten() {
            let name = entry.file_name().to_string_lossy().into_owned();
            has_events |= name.starts_with(EVENT_FILE_PREFIX);
            // No link is followed: a circle of them has no end.
            let is_folder = entry.file_type().is_ok_and(|kind| kind.is_dir());
            let is_own = is_run && depth == 0 && NOT_SEARCHED.contains(&name.as_str());
            if is_folder && depth < DEPTH && looked + waiting.len() < FOLDER_LIMIT && !is_own {
                waiting.push((entry.path(), depth + 1));
            }
        }
        if has_events {
            found.push(folder);
        }
    }
    found.sort();
    found
}

struct EventFolders {
    root: PathBuf,
    tails: BTreeMap<PathBuf, EventTail>,
    /// The folder that has a tag without a prefix.
    owners: HashMap<String, PathBuf>,
}

/// Folders in which Keras and others keep the same tags apart.
const PARTS: [&str; 6] = ["train", "validation", "val", "valid", "eval", "test"];

/// Whether a folder is named for a part of the data: its curves belong to the run of the folder above.
pub fn is_part_of_data(folder: &Path) -> bool {
    folder.file_name().and_then(|name| name.to_str()).is_some_and(|name| PARTS.contains(&name))
}

impl EventFolders {
    /// The tag of a curve in `folder`. Folders named for a part of the data stand in front of their tags; of others
    /// that have the same tag the first keeps it, and the path stands in front of the later ones'.
    fn tag_of(&mut self, folder: &Path, tag: String) -> String {
        let below = folder.strip_prefix(&self.root).unwrap_or(Path::new("")).to_string_lossy().into_owned();
        let part = below.rsplit('/').next().unwrap_or_default();
        if PARTS.contains(&part) {
            return if tag.starts_with(&format!("{part}/")) { tag } else { format!("{part}/{tag}") };
        }
        let owner = self.owners.entry(tag.clone()).or_insert_with(|| folder.to_path_buf());
        if owner == folder || below.is_empty() { tag } else { format!("{below}/{tag}") }
    }
}

impl Follow for EventFolders {
    fn poll(&mut self, _now: f64, _finished: bool, found: &mut Vec<Reading>) -> Result<(), FileError> {
        for folder in event_folders(&self.root) {
            self.tails.entry(folder.clone()).or_insert_with(|| EventTail::new(&folder));
        }
        let mut polled = Ok(());
        let mut all = Vec::new();
        for (folder, tail) in &mut self.tails {
            let mut gathered = Gathered(Vec::new());
            let outcome = tail.poll(&mut gathered).map(|_| ());
            all.push((folder.clone(), gathered.0));
            if polled.is_ok() {
                polled = outcome;
            }
        }
        for (folder, readings) in all {
            for reading in readings {
                let tag = self.tag_of(&folder, reading.tag);
                found.push(Reading { tag, ..reading });
            }
        }
        polled
    }
}

/// What one folder's tail brought. What a restart makes void was either brought in the same look, or is replaced by
/// what the restarted program writes at the same steps.
struct Gathered(Vec<Reading>);

impl EventSink for Gathered {
    fn scalar(&mut self, tag: &str, step: u64, time: f64, value: f64) {
        self.0.push(Reading { tag: tag.to_owned(), step, time, value });
    }

    fn purge(&mut self, step: u64) {
        self.0.retain(|reading| reading.step < step);
    }

    fn clear(&mut self) {
        self.0.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folders() -> EventFolders {
        EventFolders { root: PathBuf::from("/r"), tails: BTreeMap::new(), owners: HashMap::new() }
    }

    #[test]
    fn the_same_tag_of_two_folders_is_two_curves() {
        let mut folders = folders();
        let mut tag = |folder: &str, tag: &str| folders.tag_of(Path::new(folder), tag.to_owned());
        assert_eq!(tag("/r/tb/train", "epoch_loss"), "train/epoch_loss");
        assert_eq!(tag("/r/tb/validation", "epoch_loss"), "validation/epoch_loss");
        assert_eq!(tag("/r/train", "train/loss"), "train/loss", "not twice");
        assert_eq!(tag("/r/logs/a", "loss"), "loss");
        assert_eq!(tag("/r/logs/b", "loss"), "logs/b/loss");
        assert_eq!(tag("/r/logs/a", "loss"), "loss", "it keeps its tag");
        assert_eq!(tag("/r", "lr"), "lr");
    }
}
