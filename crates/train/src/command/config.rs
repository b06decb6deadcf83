//! `--config FILE`: one training in the foreground, into the file's `output_dir`.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use loradeck_core::config::{Provenance, Settings, frozen_text, load_frozen, load_plan};
use loradeck_core::error::WithPath;
use loradeck_core::file::{self, Durability};
use loradeck_core::run::{Outcome, RunFolder, Summary};
use loradeck_core::time::Moment;

use super::run::{root_of, take_lock};
use crate::cli::TrainArgs;
use crate::engine::{self, BaseHash, Record, Signals};
use crate::error::TrainError;
use crate::tasks;

/// Trains what `path` says.
pub fn train_config(path: &Path, arguments: &TrainArgs) -> Result<Outcome, TrainError> {
    let signals = Signals::listen(true).map_err(|error| TrainError::Other(error.to_string()))?;
    let (settings, root) = read(path)?;
    let Some(output) = settings.output_dir.clone() else {
        return Err(TrainError::Refused(format!(
            "{}: output_dir is missing: it names the folder to write to (or `loradeck run` gives it a folder of its own)",
            path.display()
        )));
    };
    let run = RunFolder::new(root.join(output));
    let attempt = attempt_number(&run, arguments)?;
    let now = first_start(&run, attempt);
    // Everything that can be refused is refused before a folder is made.
    let inputs = tasks::read_inputs(settings, &root, now)?;
    let mut base_hash = BaseHash::start(&*inputs);
    if arguments.resume {
        engine::check_resume(&run, &*inputs, &mut base_hash)?;
    }
    file::create_folder(run.path())?;
    let _lock = take_lock(&run)?;
    if arguments.overwrite {
        remove_earlier(&run)?;
    }
    write_config(&run, inputs.settings(), path, now)?;
    let mut record = Record::open(&run, attempt, true)?;
    let outcome = engine::train(&*inputs, base_hash, &mut record, &signals);
    write_report(&run, &mut record);
    Ok(outcome)
}

/// The settings of a file that is one training, and what its paths are relative to.
pub(super) fn read(path: &Path) -> Result<(Settings, PathBuf), TrainError> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let root = root_of(folder)?;
    let (_, plan) = load_plan(path, &root, &[])?;
    if plan.sweep || plan.trials.len() != 1 {
        return Err(TrainError::Refused(format!(
            "{}: sweep: makes several trainings of one file, and this program does one (hint: `loradeck run {}`)",
            path.display(),
            path.display()
        )));
    }
    let settings = plan.trials.into_iter().next().map(|trial| trial.settings);
    let settings = settings.ok_or_else(|| TrainError::Other("the file is no training".to_owned()))?;
    for (key, value) in [("base_model", &settings.base_model), ("train_data_dir", &settings.train_data_dir)] {
        if !root.join(value).exists() && folder.join(value).exists() {
            return Err(TrainError::Refused(format!(
                "{}: {key}: '{value}' exists next to the file, but paths are relative to {} (hint: write '{}')",
                path.display(),
                root.display(),
                folder.join(value).display()
            )));
        }
    }
    Ok((settings, root))
}

/// Refuses a folder with something in it unless a flag says what to do; gives the attempt's number.
fn attempt_number(run: &RunFolder, arguments: &TrainArgs) -> Result<u32, TrainError> {
    let occupied = fs::read_dir(run.path()).is_ok_and(|mut entries| entries.next().is_some());
    if occupied && !arguments.resume && !arguments.overwrite {
        return Err(TrainError::Refused(format!(
            "output_dir {} is not empty (hint: --resume continues the training in it, --overwrite replaces it)",
            run.path().display()
        )));
    }
    if occupied && !run.config().exists() && arguments.overwrite {
        return Err(TrainError::Refused(format!(
            "output_dir {} holds no training of ours, so --overwrite will not remove it",
            run.path().display()
        )));
    }
    if !arguments.resume {
        return Ok(1);
    }
    Ok(Summary::read(run)?.map_or(1, |summary| summary.attempt + 1))
}

/// Removes what a training writes, and nothing else.
fn remove_earlier(run: &RunFolder) -> Result<(), TrainError> {
    for folder in [run.logs(), run.checkpoints(), run.samples(), run.control(), run.attempts()] {
        if folder.exists() {
            fs::remove_dir_all(&folder).with_path(&folder, "remove")?;
        }
    }
    let files =
        [run.summary(), run.metadata(), run.report(), run.report_inputs(), run.metrics_csv(), run.config()];
    for path in files {
        if path.exists() {
            fs::remove_file(&path).with_path(&path, "remove")?;
        }
    }
    Ok(())
}

/// When the training first began: a resumed one keeps that time, since chat templates may ask for it.
fn first_start(run: &RunFolder, attempt: u32) -> Moment {
    let earlier = (attempt > 1).then(|| load_frozen(&run.config(), &[]).ok()).flatten();
    earlier.and_then(|(_, provenance)| provenance.submitted_at).unwrap_or_else(Moment::now)
}

fn write_config(run: &RunFolder, settings: &Settings, source: &Path, now: Moment) -> Result<(), TrainError> {
    let provenance = Provenance {
        submitted_at: Some(now),
        source_file: Some(source.display().to_string()),
        ..Provenance::default()
    };
    let text = frozen_text(settings, Some(&provenance));
    Ok(file::replace(&run.config(), text.as_bytes(), Durability::Synced)?)
}

/// Has `loradeck report` write the README, or says which command does.
fn write_report(run: &RunFolder, record: &mut Record) {
    let written = find_deck().map(|deck| Command::new(deck).arg("report").arg(run.path()).status());
    if !written.is_some_and(|status| status.is_ok_and(|status| status.success())) {
        record.line(&format!(
            "the report was not written: `loradeck report {}` makes it",
            run.path().display()
        ));
    }
}

fn find_deck() -> Option<PathBuf> {
    let beside = env::current_exe().ok().and_then(|program| Some(program.parent()?.join("loradeck")));
    let in_path = env::var_os("PATH")
        .into_iter()
        .flat_map(|path| env::split_paths(&path).map(|folder| folder.join("loradeck")).collect::<Vec<_>>());
    env::var_os("LORADECK")
        .map(PathBuf::from)
        .into_iter()
        .chain(beside)
        .chain(in_path)
        .find(|path| path.is_file())
}
