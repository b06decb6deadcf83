//! Puts what was prepared into the queue, and starts the dispatcher.

use std::path::Path;

use anyhow::{Context, Result, bail};
use loradeck_core::config::{load_frozen, read_config_text};
use loradeck_core::file::{self, Durability};
use loradeck_core::run::{ExperimentFolder, QueueEntry, RunFolder, Workspace};
use loradeck_core::text::slug;
use loradeck_core::time::Moment;
use serde_json::json;

use super::BadInput;
use super::home::be_home;
use super::identities::Identities;
use super::new_run::entry_of;
use super::prepare::{Prepared, code_patch, highest_committed};
use super::submit::{NewRun, Order, Submission, SweepOf, submit};
use super::submitted_environment::SubmittedEnvironment;
use super::target::Target;
use super::trust::permit;
use crate::vcs::Patch;

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
    permit(workspace)?;
    be_home(workspace)?;
    if let Target::File(experiment, path) = &prepared.target {
        adopt_file(experiment, path)?;
    }
    let experiment = prepared.target.experiment();
    let mut runs = with_deliveries(prepared);
    let environment = SubmittedEnvironment::here().store(workspace)?;
    for run in &mut runs {
        run.entry.environment = Some(environment.clone());
        run.entry.hold = place.hold;
        run.entry.group.clone_from(&place.group);
    }
    let sweep = prepared.sweep.clone().map(|mut sweep| {
        sweep["place"] = json!({ "hold": place.hold, "group": place.group, "after": after_of(&runs), "environment": environment });
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

/// Queues a new run with the configuration of `run`, changed by `overrides`.
pub fn retry(workspace: &Workspace, run: &RunFolder, overrides: &[String]) -> Result<Submission> {
    permit(workspace)?;
    be_home(workspace)?;
    let folder = run.path().parent().and_then(Path::parent).context("the run belongs to no experiment")?;
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
    let entry = QueueEntry {
        priority: QueueEntry::read(run)?.priority,
        environment: Some(SubmittedEnvironment::here().store(workspace)?),
        ..entry_of(&settings)
    };
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

fn kept_text(patch: &Patch) -> Option<Vec<u8>> {
    (!patch.text.is_empty()).then(|| patch.text.clone())
}
