//! Reading configurations from disk.

use std::path::{Path, PathBuf};

use super::detect::recognised;
use super::diagnostic::{Diagnostic, Diagnostics};
use super::experiment::Experiment;
use super::frozen::read_frozen;
use super::paths::path_complaint;
use super::plan::{Plan, plan_with};
use super::provenance::Provenance;
use super::settings::Settings;
use super::task::Recognise;
use crate::error::FileError;

/// The longest file that a configuration may name for its own reading, in bytes.
const NAMED_FILE_LIMIT: u64 = 16 << 20;

/// Reads a configuration as text.
pub fn read_config_text(path: &Path) -> Result<String, Diagnostics> {
    let bytes = std::fs::read(path).map_err(|source| FileError::new(path, "read", source))?;
    String::from_utf8(bytes).map_err(|error| {
        let valid = error.utf8_error().valid_up_to();
        let before = String::from_utf8_lossy(&error.as_bytes()[..valid]).into_owned();
        let line = before.matches('\n').count() + 1;
        let column = before.rsplit('\n').next().map_or(0, |last| last.chars().count()) + 1;
        let message = "this is no UTF-8 text";
        Diagnostics(vec![Diagnostic {
            line,
            column,
            ..Diagnostic::of_file(path.display().to_string(), message)
        }])
    })
}

/// Reads an experiment file with overrides. Where nothing names the training data and a folder `data` stands beside
/// the file, that is it; its path is written relative to `root`, as all paths of a configuration are. Where no
/// `data_type` is written, the names of the data and of the base model tell it.
pub fn load_plan(path: &Path, root: &Path, overrides: &[String]) -> Result<(Experiment, Plan), Diagnostics> {
    let text = read_config_text(path)?;
    let read = |named: &str| read_named(&root.join(named));
    let by_names = |base: &str, data: &str| recognised(root, base, data);
    let data_beside = data_beside(path, root);
    let recognise = Recognise::By(&by_names);
    let complaint = path_complaint(&shown(path), root);
    plan_with(&shown(path), &text, overrides, data_beside.as_deref(), &read, recognise, &complaint)
}

/// The text of a file that a configuration names, or why there is none.
fn read_named(path: &Path) -> Result<String, String> {
    let size = std::fs::metadata(path).map_err(|error| format!("cannot be read: {error}"))?.len();
    if size > NAMED_FILE_LIMIT {
        return Err(format!("is longer than {NAMED_FILE_LIMIT} bytes"));
    }
    let bytes = std::fs::read(path).map_err(|error| format!("cannot be read: {error}"))?;
    String::from_utf8(bytes).map_err(|_| "is no UTF-8 text".to_owned())
}

/// Reads a run's `config.yaml` with the overrides of its attempt.
pub fn load_frozen(path: &Path, overrides: &[String]) -> Result<(Settings, Provenance), Diagnostics> {
    read_frozen(&shown(path), &read_config_text(path)?, overrides)
}

/// The path as it is told: relative to the current folder where it lies below it.
fn shown(path: &Path) -> PathBuf {
    let relative =
        std::env::current_dir().ok().and_then(|here| path.strip_prefix(here).ok().map(Path::to_path_buf));
    relative.unwrap_or_else(|| path.to_path_buf())
}

fn data_beside(path: &Path, root: &Path) -> Option<String> {
    let folder = std::fs::canonicalize(path).ok()?.parent()?.join("data");
    if !folder.is_dir() {
        return None;
    }
    let root = std::fs::canonicalize(root).ok()?;
    let relative = folder.strip_prefix(&root).map_or(folder.as_path(), |relative| relative);
    relative.to_str().map(str::to_owned)
}
