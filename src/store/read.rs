//! Bringing one run up to date from its folder's small files.

use std::io;
use std::path::{Path, PathBuf};
use std::time::Instant;

use loradeck_core::run::{
    Deed, FORMAT, Heartbeat, Host, Liveness, Place, Pulse, Request, RunFolder, Status, is_held,
    pending_requests, read_attempt, why_unwritable,
};
use serde::de::DeserializeOwned;

use super::config::{ConfigValues, Interner};
use super::run::Run;
use super::stamp::{Fetched, FolderStamp, Stamp};

/// What was last seen of one run's files.
#[derive(Debug, Default)]
pub(super) struct Seen {
    folder: FolderStamp,
    status: Stamp,
    summary: Stamp,
    queue: Stamp,
    labels: Stamp,
    config: Stamp,
    /// The attempt whose place was looked up, and that place.
    place: Option<(u32, Place)>,
    pulse: Pulse,
}

/// What reading needs besides the run.
pub(super) struct Reading<'a> {
    pub(super) here: &'a Host,
    pub(super) interner: &'a mut Interner,
}

impl Seen {
    /// Reads what is new; whether anything of the run changed.
    pub(super) fn refresh(&mut self, run: &mut Run, reading: &mut Reading<'_>) -> bool {
        let folder = run.folder.clone();
        let mut changed = self.refresh_status(run);
        changed |= update(&mut self.summary, &folder.summary(), &mut run.problems, &mut run.summary);
        if changed && let Some(summary) = &run.summary {
            run.pace.note(summary);
        }
        let (mut queue, mut labels) = (None, None);
        if update(&mut self.queue, &folder.queue(), &mut run.problems, &mut queue) {
            run.queue = queue.unwrap_or_default();
            changed = true;
        }
        if update(&mut self.labels, &folder.labels(), &mut run.problems, &mut labels) {
            run.labels = labels.unwrap_or_default();
            changed = true;
        }
        changed |= self.refresh_config(run, reading.interner);
        changed |= refresh_ending(run);
        changed | self.refresh_liveness(run, reading.here)
    }

    /// As [`Seen::refresh`], but only if the folder has changed since the last such look.
    pub(super) fn refresh_if_touched(&mut self, run: &mut Run, reading: &mut Reading<'_>) -> bool {
        // A request is left in a folder of its own; few runs are at work, so that one is always looked into.
        let ending = refresh_ending(run);
        (self.folder.may_have_changed(run.path()) && self.refresh(run, reading)) || ending
    }

    /// Asks the locks of a run that should be at work; whether the answer is a new one.
    pub(super) fn refresh_liveness(&mut self, run: &mut Run, here: &Host) -> bool {
        let before = run.live;
        run.live = self.liveness(run, here);
        run.with_slurm = matches!(self.place, Some((_, Place::Slurm)));
        let lost = run.status.as_ref().is_some_and(|status| run.live.is_lost(status.state));
        // Its end may have been written between our look at the status and our look at the locks.
        let mut changed = false;
        if lost && self.refresh_status(run) {
            run.live = self.liveness(run, here);
            changed = true;
        }
        changed | refresh_writability(run) || run.live != before
    }

    fn refresh_status(&mut self, run: &mut Run) -> bool {
        let path = run.folder.status();
        let changed = update(&mut self.status, &path, &mut run.problems, &mut run.status);
        if changed && run.status.as_ref().is_some_and(|status: &Status| status.format > FORMAT) {
            run.problems.push(String::from("status.json: written by a newer loradeck, please upgrade"));
        }
        changed
    }

    fn refresh_config(&mut self, run: &mut Run, interner: &mut Interner) -> bool {
        match self.config.fetch(&run.folder.config()) {
            Ok(Fetched::Same) => false,
            Ok(Fetched::Missing) => std::mem::take(&mut run.config) != ConfigValues::default(),
            Ok(Fetched::New(text)) => {
                run.config = ConfigValues::parse(&String::from_utf8_lossy(&text), interner);
                true
            }
            Err(error) => note(&mut run.problems, "config.yaml", &error.to_string()),
        }
    }

    fn liveness(&mut self, run: &Run, here: &Host) -> Liveness {
        let Some(status) = run.status.as_ref().filter(|status| status.state.is_live()) else {
            return Liveness::default();
        };
        let both = |alive| Liveness { supervisor: alive, trainer: alive };
        match self.place(run, status.attempt, here) {
            Place::Slurm => both(true),
            Place::OtherHost => {
                both(self.pulse.is_felt(Heartbeat::read(&run.folder).ok().flatten(), Instant::now()))
            }
            Place::Here => {
                // A lock that cannot be asked is not taken for a dead process.
                let held = |path: PathBuf| is_held(&path).unwrap_or(true);
                Liveness { supervisor: held(run.folder.run_lock()), trainer: held(run.folder.train_lock()) }
            }
        }
    }

    fn place(&mut self, run: &Run, attempt: u32, here: &Host) -> Place {
        match self.place {
            Some((known, place)) if known == attempt => place,
            _ => {
                let record = read_attempt(&run.folder, attempt);
                let place = record.map_or(Place::Here, |record| record.place(here));
                self.place = Some((attempt, place));
                place
            }
        }
    }
}

/// What a run at work, or one that should be, cannot write; whether the answer is a new one.
fn refresh_writability(run: &mut Run) -> bool {
    const NAME: &str = "its folder";
    let is_live = run.status.as_ref().is_some_and(|status| status.state.is_live());
    let found = is_live.then(|| why_unwritable(&run.folder)).flatten();
    let found = found.map(|error| format!("{NAME}: {error}; its end waits until it can be written"));
    let known = run.problems.iter().position(|problem| problem.starts_with(NAME));
    if known.map(|index| &run.problems[index]) == found.as_ref() {
        return false;
    }
    run.problems.retain(|problem| !problem.starts_with(NAME));
    run.problems.extend(found);
    true
}

/// Looks for a request to end; whether the answer is a new one.
fn refresh_ending(run: &mut Run) -> bool {
    let attempt = run.status.as_ref().filter(|status| status.state.is_live()).map(|status| status.attempt);
    let found = attempt.and_then(|attempt| request_to_end(&run.folder, attempt));
    let changed = found != run.ending;
    run.ending = found;
    changed
}

/// The request to end that this attempt follows: the hardest, and of equals the first.
fn request_to_end(run: &RunFolder, attempt: u32) -> Option<Request> {
    let hardness = |deed: Deed| match deed {
        Deed::Kill => 2,
        Deed::Stop | Deed::Prune => 1,
        Deed::Save | Deed::Sample | Deed::Keep => 0,
    };
    let requests = pending_requests(run).into_iter().map(|file| file.request);
    requests
        .filter(|request| request.attempt == attempt && hardness(request.deed) > 0)
        .min_by_key(|request| std::cmp::Reverse(hardness(request.deed)))
}

/// Reads a JSON file into `target` if there is a new version; whether `target` changed.
fn update<T: DeserializeOwned>(
    stamp: &mut Stamp,
    path: &Path,
    problems: &mut Vec<String>,
    target: &mut Option<T>,
) -> bool {
    let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let fetched = stamp.fetch(path);
    if !matches!(fetched, Ok(Fetched::Same)) {
        problems.retain(|problem| !problem.starts_with(&name));
    }
    match fetched {
        Ok(Fetched::Same) => false,
        Ok(Fetched::Missing) => target.take().is_some(),
        Ok(Fetched::New(text)) => match serde_json::from_slice(&text) {
            Ok(value) => {
                *target = Some(value);
                true
            }
            Err(error) => note(problems, &name, &error.to_string()),
        },
        Err(error) => note(problems, &name, &io_text(&error)),
    }
}

fn io_text(error: &io::Error) -> String {
    format!("cannot be read: {error}")
}

fn note(problems: &mut Vec<String>, name: &str, text: &str) -> bool {
    let problem = format!("{name}: {text}");
    if problems.contains(&problem) {
        return false;
    }
    problems.push(problem);
    true
}
