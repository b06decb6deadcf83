//! From what a person names to runs that can be queued: the experiment, its trials, their frozen configurations.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use loradeck_core::config::{
    Diagnostics, Experiment, Metric, Plan, Provenance, Settings, Trial, load_frozen, load_plan,
    read_config_text,
};
use loradeck_core::file::{self, Durability};
use loradeck_core::run::{ExperimentFolder, Needs, QueueEntry, RunFolder, Workspace, WorkspaceError};
use loradeck_core::text::slug;
use loradeck_core::time::Moment;
use serde_json::{Value, json};

use super::BadInput;
use super::home::be_home;
use super::identities::Identities;
use super::submit::{NewRun, Order, Submission, SweepOf, submit};
use crate::vcs::{self, Patch};

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
                    run.path().parent().and_then(Path::parent).context("the run lies in no experiment")?;
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

/// Runs that can be queued.
#[derive(Clone, Debug)]
pub struct Prepared {
    /// What was asked for.
    pub target: Target,
    /// The file as it was read, which knows where every value stands.
    pub experiment: Experiment,
    /// The checked trials.
    pub plan: Plan,
    /// One frozen configuration each.
    pub runs: Vec<NewRun>,
    /// The frozen description of a sweep.
    pub sweep: Option<Value>,
    /// What the code differs by from its commit; both are of the same moment.
    pub code: Option<Patch>,
}

/// Resolves `text` with `overrides` into runs. Nothing is written.
pub fn prepare(workspace: &Workspace, text: &str, overrides: &[String]) -> Result<Prepared> {
    let target = Target::find(workspace, text)?;
    let (experiment, plan) = load_plan(&target.file(), workspace.root(), overrides)?;
    let after = parents(workspace, &experiment, &plan)?;
    let common = common_provenance(workspace, &target, overrides);
    let mut identities = Identities::new(workspace.root());
    let runs = plan.trials.iter().enumerate().map(|(index, trial)| {
        let mut provenance = common.clone();
        identities.note(&mut provenance, &trial.settings);
        let number = plan.sweep.then_some(index as u32 + 1);
        let mut run = new_run(trial, number, plan.metric.as_ref(), plan.priority, provenance);
        run.entry.after.clone_from(&after);
        run
    });
    let runs = runs.collect();
    let sweep = plan.sweep.then(|| describe_sweep(&plan, overrides, &common));
    let code = code_patch(workspace);
    Ok(Prepared { target, experiment, plan, runs, sweep, code })
}

/// The whole labels of the runs that must have finished first.
fn parents(workspace: &Workspace, experiment: &Experiment, plan: &Plan) -> Result<Vec<String>> {
    let label = |name: &String| match workspace.find_run(name) {
        Ok(run) => Ok(run.label()),
        Err(error) => match plan.checked_trials().first() {
            Some(trial) => {
                Err(Diagnostics(vec![experiment.diagnostic(trial, "after", format!("'{name}': {error}"))])
                    .into())
            }
            None => Err(error.into()),
        },
    };
    plan.after.iter().map(label).collect()
}

/// Where in the queue runs are put, besides what their file says.
#[derive(Clone, Debug, Default)]
pub struct Place {
    /// Held back until released.
    pub hold: bool,
    /// The group whose share of the slots they take.
    pub group: Option<String>,
}

/// Queues what was prepared and starts the dispatcher.
pub fn queue(workspace: &Workspace, prepared: &Prepared, place: &Place) -> Result<Submission> {
    be_home(workspace)?;
    if let Target::File(experiment, path) = &prepared.target {
        adopt_file(experiment, path)?;
    }
    let experiment = prepared.target.experiment();
    let mut runs = with_deliveries(prepared);
    for run in &mut runs {
        run.entry.hold = place.hold;
        run.entry.group.clone_from(&place.group);
    }
    let sweep = prepared.sweep.clone().map(|mut sweep| {
        sweep["place"] = json!({ "hold": place.hold, "group": place.group, "after": after_of(&runs) });
        sweep
    });
    let order = Order {
        sweep: sweep.map_or(SweepOf::None, SweepOf::New),
        committed: highest_committed(experiment),
        code_patch: prepared.code.as_ref().and_then(kept_text),
    };
    let submission = submit(workspace, experiment, &runs, &order)?;
    super::ensure_dispatcher(workspace)?;
    Ok(submission)
}

fn after_of(runs: &[NewRun]) -> &[String] {
    runs.first().map_or(&[], |run| run.entry.after.as_slice())
}

/// A bare file's `output_dir` receives a copy of its results; the runs of a sweep a folder each in it.
fn with_deliveries(prepared: &Prepared) -> Vec<NewRun> {
    let mut runs = prepared.runs.clone();
    if matches!(prepared.target, Target::File(..)) {
        for run in &mut runs {
            let folder = run.settings.output_dir.clone();
            run.entry.deliver_to = folder.map(|folder| match &run.provenance.trial {
                Some(trial) => format!("{}/{trial:04}-{}", folder.trim_end_matches('/'), slug(&run.slug, 48)),
                None => folder,
            });
        }
    }
    runs
}

/// The longest patch that is kept beside a run. A longer one is only counted: the code was not to be frozen this way.
const PATCH_LIMIT: usize = 4 << 20;

/// What the code differs by from its commit, as far as that can be said.
fn code_patch(workspace: &Workspace) -> Option<Patch> {
    vcs::uncommitted_patch(workspace.root(), PATCH_LIMIT).ok().flatten()
}

fn kept_text(patch: &Patch) -> Option<Vec<u8>> {
    (!patch.text.is_empty()).then(|| patch.text.clone())
}

/// Queues a new run with the configuration of `run`, changed by `overrides`.
pub fn retry(workspace: &Workspace, run: &RunFolder, overrides: &[String]) -> Result<Submission> {
    be_home(workspace)?;
    let folder = run.path().parent().and_then(Path::parent).context("the run lies in no experiment")?;
    let experiment = ExperimentFolder::at(folder);
    let (settings, mut provenance) = load_frozen(&run.config(), overrides)?;
    if settings.foreign.adopted.is_some() {
        let label = run.label();
        return Err(BadInput(format!(
            "{label} is tracked in place: the program that trains it is not loradeck's"
        ))
        .into());
    }
    Identities::new(workspace.root()).note(&mut provenance, &settings);
    provenance.retry_of = Some(run.name());
    provenance.submitted_at = Some(Moment::now());
    provenance.overrides.extend(overrides.iter().cloned());
    let base = loradeck_core::run::RunName::parse(&run.name()).map(|name| name.slug).unwrap_or_default();
    let slug = format!(
        "{} {}",
        base.trim_end_matches("-retry"),
        if overrides.is_empty() { "retry".to_owned() } else { overrides.join(" ") }
    );
    let entry = QueueEntry { priority: QueueEntry::read(run)?.priority, ..entry_of(&settings) };
    let new = NewRun { slug, settings, provenance, entry };
    let order = Order {
        sweep: SweepOf::None,
        committed: highest_committed(&experiment),
        code_patch: code_patch(workspace).as_ref().and_then(kept_text),
    };
    let submission = submit(workspace, &experiment, &[new], &order)?;
    super::ensure_dispatcher(workspace)?;
    Ok(submission)
}

fn adopt_file(experiment: &ExperimentFolder, path: &Path) -> Result<()> {
    let text = read_config_text(path)?;
    match file::read_if_exists(&experiment.file())? {
        Some(known) if known == text.as_bytes() => Ok(()),
        Some(_) => bail!(
            "the experiment '{}' exists with another file's settings (hint: another output_dir, or `loradeck run {}`)",
            experiment.name(),
            experiment.name()
        ),
        None => {
            file::create_folder(experiment.path())?;
            Ok(file::replace(&experiment.file(), text.as_bytes(), Durability::Synced)?)
        }
    }
}

pub(super) fn highest_committed(experiment: &ExperimentFolder) -> u32 {
    let names = vcs::names_in_head(&experiment.runs_folder()).unwrap_or_default();
    names
        .iter()
        .filter_map(|name| loradeck_core::run::RunName::parse(name))
        .map(|name| name.number)
        .max()
        .unwrap_or(0)
}

fn common_provenance(workspace: &Workspace, target: &Target, overrides: &[String]) -> Provenance {
    let mut common = Provenance {
        submitted_at: Some(Moment::now()),
        source_file: Some(workspace.relative(&target.file()).display().to_string()),
        code_commit: vcs::head_commit(workspace.root()).ok().flatten().map(|id| id.0),
        code_changed: vcs::is_dirty(workspace.root()).ok(),
        overrides: overrides.to_vec(),
        ..Provenance::default()
    };
    common.versions.insert("loradeck".to_owned(), env!("CARGO_PKG_VERSION").to_owned());
    common
}

/// The run of a trial, which is number `trial` of a sweep or alone.
pub(super) fn new_run(
    trial: &Trial,
    number: Option<u32>,
    metric: Option<&Metric>,
    priority: i64,
    mut provenance: Provenance,
) -> NewRun {
    provenance.trial = number;
    if number.is_some() {
        provenance.varied =
            trial.varied.iter().map(|(key, value)| format!("{key}={}", value.plain())).collect();
    }
    provenance.metric = metric.cloned();
    let slug = match (&trial.settings.run_name, trial.varied.is_empty()) {
        (Some(name), true) => name.clone(),
        (None, true) => provenance.overrides.join(" "),
        (Some(name), false) => format!("{name} {}", short_label(trial)),
        (None, false) => short_label(trial),
    };
    let entry = QueueEntry { priority, ..entry_of(&trial.settings) };
    NewRun { slug, settings: trial.settings.clone(), provenance, entry }
}

/// What the queue must know of a run with these settings, so that it never has to read its configuration.
pub(crate) fn entry_of(settings: &Settings) -> QueueEntry {
    let running = &settings.running;
    QueueEntry {
        needs: Needs {
            devices: running.devices.clone(),
            runs_per_gpu: running.runs_per_gpu,
            gpu_memory: running.gpu_memory,
        },
        auto_resume: running.auto_resume,
        stop_sweep_after_failures: running.stop_sweep_after_failures,
        ..QueueEntry::default()
    }
}

/// `rank=8 lr=2e-4`: the usual short names keep folder names readable.
fn short_label(trial: &Trial) -> String {
    let short = |key: &str| match key {
        "learning_rate" => "lr".to_owned(),
        "lora_rank" => "rank".to_owned(),
        "lora_alpha" => "alpha".to_owned(),
        "batch_size" => "bs".to_owned(),
        "max_steps" => "steps".to_owned(),
        other => other.to_owned(),
    };
    let parts: Vec<String> =
        trial.varied.iter().map(|(key, value)| format!("{}={}", short(key), value.plain())).collect();
    parts.join(" ")
}

fn describe_sweep(plan: &Plan, overrides: &[String], common: &Provenance) -> Value {
    let trials: Vec<Value> = plan
        .trials
        .iter()
        .map(|trial| {
            let values: serde_json::Map<String, Value> =
                trial.varied.iter().map(|(key, value)| ((*key).to_owned(), value.to_json())).collect();
            Value::Object(values)
        })
        .collect();
    json!({
        "format": loradeck_core::run::FORMAT,
        "method": plan.search.as_ref().map(|search| search.method),
        "search": plan.search,
        "metric": plan.metric,
        "submitted_at": common.submitted_at,
        "code_commit": common.code_commit,
        "source": common.source_file,
        "overrides": overrides,
        "provenance": common,
        "trials": trials,
    })
}
