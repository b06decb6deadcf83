//! Whether the paths of a configuration lead anywhere. They are relative to the workspace's root, or to the current
//! folder where there is no workspace.

use std::fs;
use std::path::{Path, PathBuf};

use super::diagnostic::{Diagnostic, Diagnostics};
use super::experiment::Experiment;
use super::place::Problem;
use super::plan::{Plan, Trial};
use super::settings::Settings;
use crate::run::Workspace;

const EMPTY_FOLDER: &str = "is an empty folder";

/// The folder that the paths of a configuration are relative to: the workspace's root upwards from it, else the
/// current folder.
pub fn root_of(config: &Path) -> PathBuf {
    let folder = config.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    Workspace::find(folder).map_or_else(|_| PathBuf::from("."), |workspace| workspace.root().to_path_buf())
}

/// Missing files and folders, and empty ones, of all trials, at the keys that name them.
pub fn check_paths(experiment: &Experiment, plan: &Plan, root: &Path) -> Diagnostics {
    let beside = Path::new(experiment.file()).parent().unwrap_or(Path::new("."));
    let mut problems: Vec<Problem> = Vec::new();
    for trial in plan.checked_trials() {
        for (key, path) in paths_of(&trial.settings) {
            let place = trial.place(key);
            let found = complaint(path, root, beside).filter(|(message, _)| {
                // A command may run in a folder with nothing in it.
                key != "working_dir" || message != EMPTY_FOLDER
            });
            if let Some((message, hint)) = found {
                let problem = Problem::new(place, key, message).value(Some(path.to_owned()));
                let problem = Problem { hint, ..problem };
                if !problems.contains(&problem) {
                    problems.push(problem);
                }
            }
        }
    }
    experiment.source.diagnostics(problems)
}

impl Experiment {
    /// A problem that was found later, such as in the model that a key names, at the key's value.
    pub fn diagnostic(&self, trial: &Trial, key: &str, message: impl Into<String>) -> Diagnostic {
        let (file, line, column) = self.source.position(trial.place(key));
        let (key, message) = (Some(key.to_owned()), message.into());
        Diagnostic { file, line, column, key, value: None, message, hint: None }
    }
}

/// The keys whose values are paths of what a training reads.
const PATHS: [&str; 5] = ["base_model", "train_data_dir", "eval_data_dir", "reg_data_dir", "working_dir"];

/// Looks at single values of a file whose plan cannot be made.
pub(crate) fn path_complaint(
    file: &Path,
    root: &Path,
) -> impl Fn(&str, &str) -> Option<(String, Option<String>)> + use<> {
    let beside = file.parent().unwrap_or(Path::new(".")).to_path_buf();
    let root = root.to_path_buf();
    move |key, path| {
        let is_looked_at = PATHS.contains(&key) && !path.is_empty() && !path.contains("${");
        let found = is_looked_at.then(|| complaint(path, &root, &beside)).flatten();
        found.filter(|(message, _)| key != "working_dir" || message != EMPTY_FOLDER)
    }
}

fn paths_of(settings: &Settings) -> Vec<(&'static str, &str)> {
    let of_the_run =
        [("base_model", settings.base_model.as_str()), ("train_data_dir", settings.train_data_dir.as_str())];
    // A command may do without them.
    let mut paths: Vec<_> = of_the_run.into_iter().filter(|(_, path)| !path.is_empty()).collect();
    let folder = settings.foreign.working_dir.as_deref().filter(|folder| !folder.contains("${"));
    paths.extend(folder.map(|folder| ("working_dir", folder)));
    paths.extend(settings.eval_data_dir.as_deref().map(|path| ("eval_data_dir", path)));
    let kept = settings.image().and_then(|image| image.reg_data_dir.as_deref());
    paths.extend(kept.map(|path| ("reg_data_dir", path)));
    paths
}

/// What is wrong with a path, and a hint.
fn complaint(path: &str, root: &Path, beside: &Path) -> Option<(String, Option<String>)> {
    let full = root.join(path);
    match fs::metadata(&full) {
        Ok(about) if about.is_dir() => is_empty_folder(&full).then(|| (EMPTY_FOLDER.to_owned(), None)),
        Ok(about) if about.len() == 0 => Some(("is an empty file".to_owned(), None)),
        Ok(_) => None,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            Some(("does not exist".to_owned(), missing_hint(path, root, beside)))
        }
        Err(error) => Some((format!("cannot be read: {error}"), None)),
    }
}

fn missing_hint(path: &str, root: &Path, beside: &Path) -> Option<String> {
    if path.starts_with("~/") {
        return Some("'~' has no meaning here: write the whole path".to_owned());
    }
    let near = beside.join(path);
    if Path::new(path).is_relative() && near.exists() {
        let right = relative_to(&near, root).unwrap_or(near);
        let base = if root == Path::new(".") { "the current folder" } else { "the workspace's root" };
        return Some(format!(
            "it exists next to the configuration, but paths are relative to {base}: '{}'",
            right.display()
        ));
    }
    Path::new(path).is_relative().then(|| format!("looked for '{}'", root.join(path).display()))
}

fn relative_to(path: &Path, root: &Path) -> Option<PathBuf> {
    let (path, root) = (fs::canonicalize(path).ok()?, fs::canonicalize(root).ok()?);
    path.strip_prefix(root).ok().map(Path::to_path_buf)
}

/// Hidden files do not count.
fn is_empty_folder(folder: &Path) -> bool {
    let Ok(entries) = fs::read_dir(folder) else { return false };
    !entries.flatten().any(|entry| !entry.file_name().to_string_lossy().starts_with('.'))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::load_plan;

    #[test]
    fn a_wrong_key_hides_no_missing_file() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("e.yaml");
        let text = "base_model: none.gguf\ntrain_data_dir: nowhere\nlora_rnk: 8\nbatch_size: many\n";
        fs::write(&file, text).unwrap();
        let error = load_plan(&file, folder.path(), &[]).unwrap_err().to_string();
        for expected in [
            ":1:13: base_model: 'none.gguf' does not exist",
            ":2:17: train_data_dir: 'nowhere' does not exist",
            "lora_rnk",
            "batch_size: 'many'",
        ] {
            assert!(error.contains(expected), "{error}");
        }
    }

    fn check(text: &str, overrides: &[&str]) -> String {
        let folder = tempfile::tempdir().unwrap();
        let experiment = folder.path().join("experiments/a");
        fs::create_dir_all(experiment.join("data")).unwrap();
        fs::create_dir_all(folder.path().join("empty")).unwrap();
        fs::write(experiment.join("data/train.jsonl"), "{}").unwrap();
        fs::write(folder.path().join("m.gguf"), "x").unwrap();
        fs::write(folder.path().join("loradeck.yaml"), "format: 1\n").unwrap();
        let file = experiment.join("experiment.yaml");
        fs::write(&file, text).unwrap();
        let root = root_of(&file);
        assert_eq!(root, fs::canonicalize(folder.path()).unwrap());
        let overrides: Vec<String> = overrides.iter().map(|text| (*text).to_owned()).collect();
        let (experiment, plan) = load_plan(&file, &root, &overrides).unwrap();
        let text = check_paths(&experiment, &plan, &root).to_string();
        text.replace(&format!("{}/", root.display()), "")
            .replace(&format!("{}/", folder.path().display()), "")
    }

    #[test]
    fn the_data_folder_beside_the_file_is_found_by_itself() {
        assert_eq!(check("base_model: m.gguf\n", &[]), "");
    }

    #[test]
    fn missing_and_empty_paths_are_named_where_they_stand() {
        assert_eq!(
            check("base_model: m2.gguf\ntrain_data_dir: data\n", &["eval_data_dir=empty"]),
            "experiments/a/experiment.yaml:1:13: base_model: 'm2.gguf' does not exist\n  \
             hint: looked for 'm2.gguf'\n\
             experiments/a/experiment.yaml:2:17: train_data_dir: 'data' does not exist\n  \
             hint: it exists next to the configuration, but paths are relative to the workspace's root: \
             'experiments/a/data'\n\
             command line:1:15: eval_data_dir: 'empty' is an empty folder"
        );
    }

    #[test]
    fn a_swept_path_is_checked_for_each_value() {
        let text = "base_model: m.gguf\nsweep:\n  method: grid\n  parameters:\n    train_data_dir:\n      values: [empty, gone]\n";
        let problems = check(text, &[]);
        assert!(problems.contains(":6:16: train_data_dir: 'empty' is an empty folder"), "{problems}");
        assert!(problems.contains(":6:23: train_data_dir: 'gone' does not exist"), "{problems}");
    }
}
