//! Writing a checkpoint: staged under a hidden name, every file synced, the manifest last, then one rename.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use loradeck_core::crash;
use loradeck_core::error::WithPath;
use loradeck_core::file::{self, Durability};
use loradeck_core::run::RunFolder;

use super::manifest::{FileRecord, MANIFEST, Manifest};
use crate::adapters::AdapterSet;
use crate::engine::stepper::Stepper;
use crate::error::TrainError;
use crate::export::container;

/// The optimizer's moments.
pub(super) const MOMENTS: &str = "optimizer.safetensors";
/// A checkpoint that holds this file is never pruned.
const KEEP: &str = "keep";
/// What the names of staged and discarded folders begin with.
const HIDDEN: &str = ".tmp-";

/// What of a task goes into a checkpoint.
#[derive(Debug)]
pub struct Contents<'a> {
    /// The trained numbers.
    pub adapters: &'a AdapterSet,
    /// The file of the weights.
    pub weights_name: &'static str,
    /// Files beside it, by name.
    pub files: Vec<(String, Vec<u8>)>,
    /// The optimizer's state.
    pub stepper: &'a Stepper,
}

/// Writes the checkpoint that `manifest` describes (its `files` are filled in here). Returns its size in bytes; a
/// complete one of that step that is already there stays as it is.
pub fn write(run: &RunFolder, mut manifest: Manifest, contents: &Contents<'_>) -> Result<u64, TrainError> {
    let target = run.checkpoint(manifest.step);
    if target.exists() {
        if let Ok(present) = Manifest::read_verified(&target) {
            return Ok(size(&present));
        }
        discard(&target)?;
    }
    let staged = file::staging_path(&target);
    let written = stage(&staged, &mut manifest, contents)
        .and_then(|()| promote(&staged, &target).map_err(TrainError::from));
    if let Err(error) = written {
        let _ = fs::remove_dir_all(&staged);
        return Err(error);
    }
    Ok(size(&manifest))
}

fn size(manifest: &Manifest) -> u64 {
    manifest.files.values().map(|record| record.bytes).sum()
}

fn stage(staged: &Path, manifest: &mut Manifest, contents: &Contents<'_>) -> Result<(), TrainError> {
    file::create_folder(staged)?;
    let metadata = BTreeMap::from([("format".to_owned(), "pt".to_owned())]);
    let Contents { adapters, weights_name, files, stepper } = contents;
    let weights = container(&adapters.named(&adapters.parameters)?, &metadata)?;
    let mut moments = Vec::new();
    let average = stepper.average.as_ref().map(|average| ("average", &average.numbers));
    let optimizer = &stepper.optimizer;
    let flats = [("first", &optimizer.first), ("second", &optimizer.second)].into_iter().chain(average);
    for (prefix, flat) in flats {
        let named = adapters.named(flat)?;
        moments.extend(named.into_iter().map(|(name, tensor)| (format!("{prefix}.{name}"), tensor)));
    }
    let moments = container(&moments, &BTreeMap::new())?;
    let tensors = [(*weights_name, weights.bytes.as_slice()), (MOMENTS, moments.bytes.as_slice())];
    let others = files.iter().map(|(name, bytes)| (name.as_str(), bytes.as_slice()));
    for (name, contents) in tensors.into_iter().chain(others) {
        file::replace(&staged.join(name), contents, Durability::Synced)?;
        manifest.files.insert(name.to_owned(), FileRecord::of(contents));
    }
    file::replace_json(&staged.join(MANIFEST), manifest, Durability::Synced)?;
    Ok(())
}

fn promote(staged: &Path, target: &Path) -> Result<(), loradeck_core::error::FileError> {
    crash::point("checkpoint.before-rename");
    fs::rename(staged, target).with_path(target, "put the checkpoint into place")?;
    crash::point("checkpoint.after-rename");
    file::sync_folder_of(target)
}

/// Takes a checkpoint away: hidden first, so that no half of it is ever taken for a whole.
fn discard(folder: &Path) -> Result<(), loradeck_core::error::FileError> {
    let hidden = file::staging_path(folder);
    fs::rename(folder, &hidden).with_path(folder, "take away")?;
    fs::remove_dir_all(&hidden).with_path(&hidden, "remove")
}

/// Removes all but the newest `keep` (at least one) checkpoints; those marked to be kept stay besides.
pub fn prune(run: &RunFolder, keep: u32) {
    let mut steps = run.checkpoint_steps();
    steps.truncate(steps.len().saturating_sub(keep.max(1) as usize));
    for step in steps {
        let folder = run.checkpoint(step);
        if !folder.join(KEEP).exists() {
            // What cannot be removed now is tried again after the next checkpoint.
            let _ = discard(&folder);
        }
    }
}

/// Marks the newest checkpoint to be kept for good. Returns its step.
pub fn keep_newest(run: &RunFolder) -> Result<Option<u64>, TrainError> {
    let Some(step) = run.checkpoint_steps().pop() else { return Ok(None) };
    file::replace(&run.checkpoint(step).join(KEEP), b"", Durability::Synced)?;
    Ok(Some(step))
}

/// Removes what an earlier, killed attempt left half-written. The caller holds the train lock.
pub fn clear_staged(run: &RunFolder) {
    let Ok(entries) = fs::read_dir(run.checkpoints()) else { return };
    for entry in entries.flatten() {
        if entry.file_name().to_string_lossy().starts_with(HIDDEN) {
            let _ = fs::remove_dir_all(entry.path()).or_else(|_| fs::remove_file(entry.path()));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pruning_keeps_the_newest_and_the_marked() {
        let folder = tempfile::tempdir().unwrap();
        let run = RunFolder::new(folder.path());
        for step in [10, 20, 30, 40] {
            fs::create_dir_all(run.checkpoint(step)).unwrap();
        }
        fs::write(run.checkpoint(10).join(KEEP), b"").unwrap();
        prune(&run, 2);
        assert_eq!(run.checkpoint_steps(), [10, 30, 40]);
        prune(&run, 0);
        assert_eq!(run.checkpoint_steps(), [10, 40]);
        assert_eq!(keep_newest(&run).unwrap(), Some(40));
    }

    #[test]
    fn half_written_checkpoints_are_cleared() {
        let folder = tempfile::tempdir().unwrap();
        let run = RunFolder::new(folder.path());
        fs::create_dir_all(run.checkpoints().join(".tmp-step-00000010-1-0")).unwrap();
        fs::create_dir_all(run.checkpoint(5)).unwrap();
        clear_staged(&run);
        assert_eq!(fs::read_dir(run.checkpoints()).unwrap().count(), 1);
    }
}
