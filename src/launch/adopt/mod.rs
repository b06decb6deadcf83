//! `loradeck adopt DIR`: tracks another program's output folder in place. A run folder points to it and holds its
//! metrics as events; nothing is written in DIR. Whoever looks brings the run up to date first.

mod detect;
mod facts;

use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use anyhow::{Context, Result};
use loradeck_core::config::{Provenance, Settings, Value, expand, frozen_text, load_frozen, plan};
use loradeck_core::error::WithPath;
use loradeck_core::file::{self, Durability, staging_path};
use loradeck_core::metrics::source::event_folders;
use loradeck_core::metrics::{Converter, EventTail, EventWriter, MetricSource, SourceKind, SourceSpec};
use loradeck_core::run::{
    Evidence, FORMAT, Host, Journal, JournalEntry, Outcome, RunFolder, RunName, Summary, Workspace, Writer,
    try_exclusive,
};
use loradeck_core::text::slug;
use loradeck_core::time::Moment;
use serde::{Deserialize, Serialize};

use self::detect::Found;
use super::BadInput;

/// What has not been written to for so long has ended.
const QUIET: Duration = Duration::from_secs(600);

/// `adopted.json`: what of the folder has been taken up.
#[derive(Debug, Default, PartialEq, Serialize, Deserialize)]
struct Adopted {
    format: u32,
    /// A mark of all the files that were read.
    mark: u64,
}

/// A run that tracks a folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AdoptedRun {
    /// The run.
    pub run: RunFolder,
    /// Whether it is a new one; else the folder was tracked already and has been brought up to date.
    pub is_new: bool,
}

/// Tracks the runs in `folder` as runs of the experiment `name`, by default called after the folder.
pub fn adopt_folder(workspace: &Workspace, folder: &Path, name: Option<&str>) -> Result<Vec<AdoptedRun>> {
    let folder = match fs::canonicalize(folder) {
        Ok(found) if found.is_dir() => found,
        _ => return refuse(folder, "is no folder here (hint: name the output folder of a training)"),
    };
    if holds_own_runs(workspace, &folder) {
        return refuse(&folder, "holds runs of this workspace, which are listed already");
    }
    let found = detect::runs_in(&folder);
    if found.is_empty() {
        let kinds = "no event files, trainer_state.json, metrics.jsonl or metrics.csv";
        return refuse(&folder, &format!("holds no metrics: {kinds}"));
    }
    let stem = name.map_or_else(|| name_of(&folder), str::to_owned);
    let experiment = slug(&stem, 48);
    if experiment.is_empty() {
        return Err(BadInput(format!("'{stem}' gives no name for an experiment (hint: --name NAME)")).into());
    }
    found.iter().map(|found| adopt_one(workspace, &experiment, &folder, found)).collect()
}

fn refuse<T>(folder: &Path, why: &str) -> Result<T> {
    Err(BadInput(format!("'{}' {why}", folder.display())).into())
}

/// Whether the folder is the workspace or above it, an experiment, or a run in one.
fn holds_own_runs(workspace: &Workspace, folder: &Path) -> bool {
    let root = fs::canonicalize(workspace.root()).unwrap_or_else(|_| workspace.root().to_path_buf());
    let is_of_runs =
        |inside: &Path| inside.iter().nth(1).is_none_or(|part| part == "runs" || part == "trash");
    root.starts_with(folder) || folder.strip_prefix(root.join("experiments")).is_ok_and(is_of_runs)
}

fn name_of(folder: &Path) -> String {
    folder.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
}

fn adopt_one(workspace: &Workspace, experiment: &str, top: &Path, found: &Found) -> Result<AdoptedRun> {
    if let Some(run) = known(workspace, &found.folder) {
        refresh(workspace, &run)?;
        return Ok(AdoptedRun { run, is_new: false });
    }
    let (settings, provenance) = settings_of(found)?;
    let inner = found.folder.strip_prefix(top).unwrap_or(Path::new("")).to_string_lossy().into_owned();
    let label = if inner.is_empty() { name_of(top) } else { inner };
    let run = make_run(workspace, experiment, &label, &settings, &provenance)?;
    let entry = JournalEntry::new("adopt-folder", 1).with("message", found.folder.display().to_string());
    Journal::open(&run, Writer::Trainer)?.append(&entry)?;
    refresh(workspace, &run)?;
    Ok(AdoptedRun { run, is_new: true })
}

/// The run that tracks `folder` already.
fn known(workspace: &Workspace, folder: &Path) -> Option<RunFolder> {
    adopted_runs(workspace).into_iter().find(|run| {
        let settings = load_frozen(&run.config(), &[]).ok().map(|(settings, _)| settings);
        settings.and_then(|settings| settings.foreign.adopted).is_some_and(|path| Path::new(&path) == folder)
    })
}

/// Whether a run tracks another program's folder.
pub(super) fn is_adopted(run: &RunFolder) -> bool {
    marker(run).is_file()
}

fn marker(run: &RunFolder) -> PathBuf {
    run.path().join("adopted.json")
}

fn adopted_runs(workspace: &Workspace) -> Vec<RunFolder> {
    workspace.runs().into_iter().filter(is_adopted).collect()
}

/// The settings that the folder's files tell; what does not fit a key is left out.
fn settings_of(found: &Found) -> Result<(Settings, Provenance)> {
    let path = Value::Text(found.folder.to_string_lossy().into_owned());
    let sources = serde_json::to_value(&found.sources).ok().and_then(|json| Value::from_json(&json));
    let metrics = sources.unwrap_or(Value::List(Vec::new()));
    let text = format!("adopted: {path}\nmetrics: {metrics}\n");
    let file = Path::new("adopted");
    let mut overrides = Vec::new();
    for fact in facts::facts(&found.folder) {
        overrides.push(fact);
        if plan(file, &text, &overrides, None).is_err() {
            overrides.pop();
        }
    }
    let (_, planned) = plan(file, &text, &overrides, None)?;
    let trial = planned.trials.into_iter().next().context("the folder gives no settings")?;
    let provenance = Provenance { submitted_at: Some(Moment::now()), ..Provenance::default() };
    Ok((trial.settings, provenance))
}

fn make_run(
    workspace: &Workspace,
    experiment: &str,
    label: &str,
    settings: &Settings,
    provenance: &Provenance,
) -> Result<RunFolder> {
    let _queue = workspace.queue_lock()?;
    let experiment = workspace.experiment(experiment);
    file::create_folder(&experiment.runs_folder())?;
    let number = experiment.next_number(super::prepare::highest_committed(&experiment));
    experiment.note_next_number(number + 1)?;
    let path = experiment.runs_folder().join(RunName::new(number, label).to_string());
    let staged = RunFolder::new(staging_path(&path));
    file::create_folder(staged.path())?;
    file::replace(&staged.config(), frozen_text(settings, Some(provenance)).as_bytes(), Durability::Synced)?;
    file::replace_json(&marker(&staged), &Adopted { format: FORMAT, mark: 0 }, Durability::Renamed)?;
    // A run without a status is one that is only looked at; without a summary it would not be seen at all.
    blank_summary(settings).write(&staged, Durability::Renamed)?;
    fs::rename(staged.path(), &path).with_path(&path, "make the run")?;
    Ok(RunFolder::new(path))
}

/// Brings every tracked folder's run up to date. Errors of single folders, such as one that is away for now, leave
/// their runs as they are.
pub fn refresh_adopted(workspace: &Workspace) {
    for run in adopted_runs(workspace) {
        let _ = refresh(workspace, &run);
    }
}

/// Takes up what is new in the folder that `run` tracks; whether anything was.
fn refresh(workspace: &Workspace, run: &RunFolder) -> Result<bool> {
    // Somebody else who looks does the same.
    let Some(_lock) = try_exclusive(&run.train_lock())? else { return Ok(false) };
    let (settings, _) = load_frozen(&run.config(), &[])?;
    let sources = places(workspace, &settings.foreign.metrics);
    let (mark, newest) = mark_of(&sources);
    let before: Adopted = file::read_json(&marker(run))?.unwrap_or_default();
    let is_over = newest.is_some_and(|newest| newest.elapsed().is_ok_and(|quiet| quiet >= QUIET));
    let outcome = if is_over { Outcome::Finished } else { Outcome::Running };
    let told = Summary::read(run).ok().flatten();
    if before.mark == mark && told.as_ref().is_some_and(|summary| summary.outcome == outcome) {
        return Ok(false);
    }
    let now = newest.and_then(|time| time.duration_since(SystemTime::UNIX_EPOCH).ok());
    let now = now.map_or_else(Moment::now, |since| Moment::from_seconds(since.as_secs_f64()));
    let converter = convert(run, &sources, now)?;
    let mut summary = told.unwrap_or_else(|| blank_summary(&settings));
    tell(&mut summary, &converter, outcome, now);
    summary.write(run, Durability::Renamed)?;
    file::replace_json(&marker(run), &Adopted { format: FORMAT, mark }, Durability::Renamed)?;
    Ok(true)
}

fn places(workspace: &Workspace, sources: &[SourceSpec]) -> Vec<(SourceSpec, PathBuf)> {
    let place = |spec: &SourceSpec| {
        let path = expand(spec.path.as_deref()?, |_| None).ok()?;
        Some((spec.clone(), workspace.root().join(path)))
    };
    sources.iter().filter_map(place).collect()
}

fn convert(run: &RunFolder, sources: &[(SourceSpec, PathBuf)], now: Moment) -> Result<Converter> {
    let mut converter = Converter::default();
    EventTail::new(&run.logs()).poll(&mut converter)?;
    let mut events: Option<EventWriter> = None;
    for (index, (spec, place)) in sources.iter().enumerate() {
        let mut readings = MetricSource::open(spec, place)?.poll(now.seconds(), true)?;
        if spec.source == SourceKind::TrainerState {
            // It writes no times; the event files beside it do.
            for reading in &mut readings {
                reading.time = converter.time_at(reading.step).unwrap_or(reading.time);
            }
        }
        let update = converter.take(index, readings);
        if update.is_empty() {
            continue;
        }
        let writer = match &mut events {
            Some(writer) => writer,
            None => events.insert(EventWriter::create(&run.logs(), &Host::here().host, Moment::now())?),
        };
        update.write(writer, now)?;
    }
    Ok(converter)
}

fn tell(summary: &mut Summary, converter: &Converter, outcome: Outcome, now: Moment) {
    summary.outcome = outcome;
    summary.metrics = converter.bests();
    summary.not_finite = converter.not_finite();
    summary.step = converter.last_step().unwrap_or(0);
    summary.epoch = converter.last("train/epoch").unwrap_or(0.0);
    summary.updated = now;
    if let Some((first, last)) = converter.span() {
        summary.started = Moment::from_seconds(first);
        summary.seconds = last - first;
    }
}

fn blank_summary(settings: &Settings) -> Summary {
    let now = Moment::now();
    Summary {
        total_steps: settings.max_steps.unwrap_or(0),
        environment: Evidence::default(),
        ..Summary::blank(1, now)
    }
}

/// A mark of everything that the sources would read, and when the newest of it was written.
fn mark_of(sources: &[(SourceSpec, PathBuf)]) -> (u64, Option<SystemTime>) {
    let mut hasher = DefaultHasher::new();
    let mut newest = None;
    for path in sources.iter().flat_map(|(_, place)| files_below(place)) {
        let Ok(about) = fs::metadata(&path) else { continue };
        let modified = about.modified().ok();
        (&path, about.len(), modified).hash(&mut hasher);
        newest = newest.max(modified);
    }
    (hasher.finish().max(1), newest)
}

fn files_below(place: &Path) -> Vec<PathBuf> {
    if !place.is_dir() {
        return vec![place.to_path_buf()];
    }
    let list = |folder: &Path| {
        let entries = fs::read_dir(folder).into_iter().flatten().flatten();
        entries.map(|entry| entry.path()).collect::<Vec<PathBuf>>()
    };
    let checkpoints = list(place).into_iter().filter(|path| path.is_dir());
    let states = std::iter::once(place.to_path_buf()).chain(checkpoints);
    let mut files: Vec<PathBuf> =
        states.map(|folder| folder.join("trainer_state.json")).filter(|path| path.is_file()).collect();
    files.extend(event_folders(place).iter().flat_map(|folder| list(folder)).filter(|path| path.is_file()));
    files.sort();
    files
}
