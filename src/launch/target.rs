//! What a person names: an experiment, a run, or a file.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use loradeck_core::config::load_plan;
use loradeck_core::run::{ExperimentFolder, RunFolder, Workspace, WorkspaceError};
use loradeck_core::text::slug;

/// What `run` and `check` were asked about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// An experiment of the workspace.
    Experiment(ExperimentFolder),
    /// An earlier run, to be cloned with changes.
    Run(ExperimentFolder, RunFolder),
    /// A file elsewhere, which becomes an experiment of this name.
    File(ExperimentFolder, PathBuf),
}

impl Target {
    /// Finds out what `text` means: an experiment's name, a run, or a YAML file.
    pub fn find(workspace: &Workspace, text: &str) -> Result<Self> {
        let name = text.strip_prefix("experiments/").unwrap_or(text).trim_end_matches('/');
        let experiment = workspace.experiment(name);
        if !name.contains('/') && experiment.file().is_file() {
            return Ok(Self::Experiment(experiment));
        }
        let path = Path::new(text);
        if path.is_file()
            && path.extension().is_some_and(|extension| extension == "yaml" || extension == "yml")
        {
            return Self::of_file(workspace, path);
        }
        match workspace.find_run(text) {
            Ok(run) => {
                let folder =
                    run.path().parent().and_then(Path::parent).context("the run belongs to no experiment")?;
                Ok(Self::Run(ExperimentFolder::at(folder), run))
            }
            Err(WorkspaceError::NoSuchRun(_)) => Err(super::Unknown { target: text.to_owned() }.into()),
            Err(error) => Err(error.into()),
        }
    }

    fn of_file(workspace: &Workspace, path: &Path) -> Result<Self> {
        let path = std::fs::canonicalize(path)?;
        let inside = workspace
            .experiments()
            .into_iter()
            .find(|experiment| std::fs::canonicalize(experiment.file()).is_ok_and(|file| file == path));
        if let Some(experiment) = inside {
            return Ok(Self::Experiment(experiment));
        }
        let name = experiment_name_of(workspace, &path)?;
        Ok(Self::File(workspace.experiment(&name), path))
    }

    /// The file with the settings.
    pub fn file(&self) -> PathBuf {
        match self {
            Self::Experiment(experiment) => experiment.file(),
            Self::Run(_, run) => run.config(),
            Self::File(_, path) => path.clone(),
        }
    }

    /// The experiment that the runs will belong to.
    pub fn experiment(&self) -> &ExperimentFolder {
        match self {
            Self::Experiment(experiment) | Self::Run(experiment, _) | Self::File(experiment, _) => experiment,
        }
    }
}

/// A bare file's experiment is named after its `output_dir`, else after the file.
fn experiment_name_of(workspace: &Workspace, path: &Path) -> Result<String> {
    let (experiment, _) = load_plan(path, workspace.root(), &[])?;
    let output = experiment.value("output_dir").map(loradeck_core::config::Value::plain);
    let source = output.as_deref().map_or(path, Path::new);
    let stem = source.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
    let name = slug(&stem, 48);
    if name.is_empty() {
        bail!("'{}' gives no name for an experiment (hint: set output_dir)", path.display())
    }
    Ok(name)
}
