//! A training that was given as a bare file leaves what its `output_dir` promises, as it would without a workspace:
//! once its report is written, a copy of the run's results is put there.

use std::fs;
use std::path::{Path, PathBuf};

use loradeck_core::error::{FileError, WithPath};
use loradeck_core::file::{self, Durability, staging_path};
use loradeck_core::run::{QueueEntry, RunFolder, Workspace};

/// Names the run that a delivered folder is a copy of; by it the folder is known as ours.
const MARK: &str = ".loradeck-run";
/// What is copied of a run, as far as it exists. Folders with the files directly in them.
const DELIVERED: [&str; 7] =
    ["README.md", "config.yaml", "metadata.csv", "metrics.csv", "summary.json", "logs", "samples"];

/// What came of a delivery.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Delivery {
    /// The copy is there.
    Made(PathBuf),
    /// The folder holds something else, which is left alone.
    InTheWay(PathBuf),
}

/// Copies the results of `run` to where its file wanted them; `None` where it is of no bare file.
pub fn deliver(workspace: &Workspace, run: &RunFolder) -> Result<Option<Delivery>, FileError> {
    let Some(wanted) = QueueEntry::read(run)?.deliver_to else { return Ok(None) };
    let target = workspace.root().join(wanted);
    if !is_free_for(&target, run)? {
        return Ok(Some(Delivery::InTheWay(target)));
    }
    let staged = staging_path(&target);
    copy_results(run, &staged)?;
    put_in_place(&staged, &target)?;
    Ok(Some(Delivery::Made(target)))
}

/// Absent, empty, or an earlier copy of this run or of one of the same experiment.
fn is_free_for(target: &Path, run: &RunFolder) -> Result<bool, FileError> {
    let mark = file::read_if_exists(&target.join(MARK))?;
    if let Some(mark) = mark {
        let label = String::from_utf8_lossy(&mark).into_owned();
        return Ok(label.split('/').next() == run.experiment().as_deref());
    }
    Ok(match fs::read_dir(target) {
        Ok(mut entries) => entries.next().is_none(),
        Err(error) => error.kind() == std::io::ErrorKind::NotFound,
    })
}

fn copy_results(run: &RunFolder, staged: &Path) -> Result<(), FileError> {
    file::create_folder(staged)?;
    for name in DELIVERED {
        copy(&run.path().join(name), &staged.join(name), &|_| true)?;
    }
    // Final weights and what loads them; full training states stay in the run, which alone can go on from them.
    copy(&run.checkpoints(), &staged.join("checkpoints"), &Path::is_file)?;
    file::replace(&staged.join(MARK), run.label().as_bytes(), Durability::Renamed)
}

fn copy(from: &Path, to: &Path, is_wanted: &dyn Fn(&Path) -> bool) -> Result<(), FileError> {
    if from.is_file() {
        return fs::copy(from, to).map(drop).with_path(to, "copy to");
    }
    let Ok(entries) = fs::read_dir(from) else { return Ok(()) };
    file::create_folder(to)?;
    for entry in entries.flatten() {
        let (path, name) = (entry.path(), entry.file_name());
        if path.is_file() && is_wanted(&path) && !name.to_string_lossy().starts_with('.') {
            copy(&path, &to.join(name), is_wanted)?;
        }
    }
    Ok(())
}

fn put_in_place(staged: &Path, target: &Path) -> Result<(), FileError> {
    let old = staging_path(&target.with_extension("old"));
    let was_there = target.exists();
    if was_there {
        fs::rename(target, &old).with_path(target, "move aside")?;
    }
    fs::rename(staged, target).with_path(target, "put in place")?;
    if was_there {
        fs::remove_dir_all(&old).with_path(&old, "remove")?;
    }
    file::sync_folder_of(target)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run_in(root: &Path, experiment: &str, wanted: &str) -> (Workspace, RunFolder) {
        let run = RunFolder::new(root.join(format!("experiments/{experiment}/runs/0001-x")));
        fs::create_dir_all(run.checkpoints().join("step-00000010")).unwrap();
        fs::create_dir_all(run.logs().join("journal")).unwrap();
        fs::write(run.report(), "# Report\n").unwrap();
        fs::write(run.train_log(), "log\n").unwrap();
        fs::write(run.checkpoints().join("pytorch_lora_weights.safetensors"), "w").unwrap();
        fs::write(run.checkpoints().join("step-00000010/state.safetensors"), "s").unwrap();
        QueueEntry { deliver_to: Some(wanted.into()), ..QueueEntry::default() }.write(&run).unwrap();
        (Workspace::at(root), run)
    }

    #[test]
    fn results_are_copied_and_a_later_copy_replaces_an_earlier() {
        let root = tempfile::tempdir().unwrap();
        let (workspace, run) = run_in(root.path(), "style", "output/style");
        let target = root.path().join("output/style");
        assert_eq!(deliver(&workspace, &run).unwrap(), Some(Delivery::Made(target.clone())));
        assert!(target.join("checkpoints/pytorch_lora_weights.safetensors").is_file());
        assert!(
            target.join("logs/train.log").is_file() && !target.join("checkpoints/step-00000010").exists()
        );
        fs::write(run.report(), "# Second\n").unwrap();
        deliver(&workspace, &run).unwrap();
        assert_eq!(fs::read_to_string(target.join("README.md")).unwrap(), "# Second\n");
        assert_eq!(fs::read_dir(root.path().join("output")).unwrap().count(), 1, "nothing is left beside it");
    }

    #[test]
    fn what_is_not_ours_is_left_alone() {
        let root = tempfile::tempdir().unwrap();
        let (workspace, run) = run_in(root.path(), "style", "output/style");
        let target = root.path().join("output/style");
        fs::create_dir_all(&target).unwrap();
        fs::write(target.join("mine.txt"), "x").unwrap();
        assert_eq!(deliver(&workspace, &run).unwrap(), Some(Delivery::InTheWay(target.clone())));
        fs::remove_file(target.join("mine.txt")).unwrap();
        fs::write(target.join(MARK), "another/0001-x").unwrap();
        assert_eq!(deliver(&workspace, &run).unwrap(), Some(Delivery::InTheWay(target)));
        QueueEntry::default().write(&run).unwrap();
        assert_eq!(deliver(&workspace, &run).unwrap(), None);
    }
}
