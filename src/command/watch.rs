//! `loradeck watch`: progress lines for logs and CI, or the dashboard.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::Result;
use loradeck_core::run::{ExperimentFolder, QueueEntry, RunFolder, State, Status, Summary, Workspace};
use loradeck_core::time::Moment;

use super::list::{duration, short};
use super::{FAILED, OK, out};
use crate::launch::{SweepFile, commit_word};

const LOOK: Duration = Duration::from_millis(250);
/// A run at work gets a line at least this often, and at most this often between its changes.
const LINE: Duration = Duration::from_secs(5);

pub(super) fn watch(plain: bool) -> Result<u8> {
    let workspace = Workspace::open(Path::new("."))?;
    if !plain && out::is_terminal() {
        return super::dashboard(&[]);
    }
    let runs =
        workspace.runs().into_iter().filter(|run| status(run).is_some_and(|status| !status.state.is_end()));
    let runs: Vec<RunFolder> = runs.collect();
    if runs.is_empty() {
        out::line("nothing runs or waits");
        return Ok(OK);
    }
    follow(&workspace, runs, None)
}

/// Prints a line for every change of `runs` and every few seconds of progress, until all have ended and are written
/// up. Ctrl-C ends the watching only. The exit code is 1 if one of them failed.
///
/// Of a sweep the trials that it makes meanwhile are followed too; `sweep` is its folder.
pub(super) fn follow(workspace: &Workspace, mut runs: Vec<RunFolder>, sweep: Option<&Path>) -> Result<u8> {
    let sweep = sweep.and_then(sweep_of);
    let interrupted = Arc::new(AtomicBool::new(false));
    signal_hook::flag::register(signal_hook::consts::SIGINT, Arc::clone(&interrupted))?;
    let mut told: HashMap<PathBuf, Told> = HashMap::new();
    loop {
        if let Some((experiment, number)) = &sweep {
            let is_new = |run: &RunFolder| !runs.contains(run) && is_trial_of(run, *number);
            let new: Vec<RunFolder> = experiment.runs().into_iter().filter(is_new).collect();
            runs.extend(new);
        }
        for run in &runs {
            tell_news(run, told.entry(run.path().to_path_buf()).or_default());
        }
        let states: Vec<State> = runs.iter().filter_map(status).map(|status| status.state).collect();
        let makes_more = || sweep.as_ref().is_some_and(|(experiment, number)| may_draw(experiment, *number));
        if states.iter().all(|state| state.is_end()) && !makes_more() && !dispatcher_writes(workspace)? {
            for run in &runs {
                tell_news(run, told.entry(run.path().to_path_buf()).or_default());
            }
            let failed = states.contains(&State::Failed);
            return Ok(if failed { FAILED } else { OK });
        }
        if interrupted.load(Ordering::Relaxed) {
            out::note("detached: the runs continue (`loradeck` shows them, `loradeck stop RUN` ends one)");
            return Ok(OK);
        }
        crate::launch::wake_for(workspace, &runs)?;
        thread::sleep(LOOK);
    }
}

/// The experiment and the number of a sweep's folder.
fn sweep_of(folder: &Path) -> Option<(ExperimentFolder, u32)> {
    let number = folder.file_name()?.to_str()?.parse().ok()?;
    Some((ExperimentFolder::at(folder.parent()?.parent()?), number))
}

fn is_trial_of(run: &RunFolder, sweep: u32) -> bool {
    QueueEntry::read(run).is_ok_and(|entry| entry.sweep == Some(sweep))
}

fn may_draw(experiment: &ExperimentFolder, number: u32) -> bool {
    SweepFile::read(experiment, number).ok().flatten().is_some_and(|sweep| sweep.may_draw())
}

fn dispatcher_writes(workspace: &Workspace) -> Result<bool> {
    Ok(loradeck_core::run::is_held(&workspace.dispatch_lock())?)
}

fn status(run: &RunFolder) -> Option<Status> {
    Status::read(run).ok().flatten()
}

/// What was said of a run last.
#[derive(Default)]
struct Told {
    state: Option<(State, u32)>,
    step: u64,
    at: Option<Instant>,
    committed: bool,
}

fn tell_news(run: &RunFolder, told: &mut Told) {
    let Some(status) = status(run) else { return };
    let summary = Summary::read(run).ok().flatten().filter(|summary| summary.attempt == status.attempt);
    let fresh = told.state != Some((status.state, status.attempt));
    let due = told.at.is_none_or(|at| at.elapsed() >= LINE);
    let moved = summary.as_ref().is_some_and(|summary| summary.step != told.step);
    if fresh || (due && moved && status.state == State::Running) {
        say(run, &format!("{}{}", status.state.word(), progress(&status, summary.as_ref())));
        *told = Told {
            state: Some((status.state, status.attempt)),
            step: summary.map_or(0, |summary| summary.step),
            at: Some(Instant::now()),
            committed: false,
        };
    }
    if status.state.is_end()
        && !told.committed
        && let Some(word) = commit_word(run, &status)
    {
        say(run, &word);
        told.committed = true;
    }
}

fn say(run: &RunFolder, text: &str) {
    let now = Moment::now().to_rfc3339();
    out::line(&format!("{} {}: {text}", now.get(11..19).unwrap_or_default(), run.label()));
}

fn progress(status: &Status, summary: Option<&Summary>) -> String {
    let mut text = String::new();
    if let Some(summary) = summary {
        let _ = match summary.total_steps {
            0 => write!(text, "  step {}", summary.step),
            total => write!(text, "  step {}/{total}", summary.step),
        };
        for (tag, name) in [("train/loss", "loss"), ("eval/loss", "eval loss")] {
            if let Some(metric) = summary.metrics.get(tag) {
                let _ = write!(text, "  {name} {}", short(metric.last));
            }
        }
        let is_known = summary.total_steps > 0;
        if status.state == State::Running && is_known && summary.step > 0 && summary.seconds > 0.0 {
            let left = summary.seconds / summary.step as f64
                * summary.total_steps.saturating_sub(summary.step) as f64;
            let _ = write!(text, "  {} left", duration(left));
        }
    }
    if let Some(message) = &status.message {
        let _ = write!(text, "  ({message})");
    }
    text
}
