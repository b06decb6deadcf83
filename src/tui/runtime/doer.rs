//! Does what may take a while: deeds on runs, reading stories, talking to tmux.

use std::io::Write as _;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::mpsc::{Sender, channel};

use loradeck_core::run::{QueueEntry, RunFolder, Workspace};

use super::{Wake, spawn};
use crate::launch::{self, action};
use crate::store::RunId;
use crate::tui::deed::Deed;
use crate::tui::feed::{read_document, read_pictures, read_story};
use crate::tui::message::Msg;
use crate::tui::state::{DocumentOf, SweepId};

/// Something to do.
pub(super) enum Job {
    /// A deed on a run, with its place in the queue as it was seen.
    Do(Deed, Workspace, RunFolder, Box<QueueEntry>),
    /// Pause a queue or let it go on, and how that was said.
    PauseQueue(&'static str, Workspace, bool),
    /// Pause a sweep or let it go on, and how that was said.
    PauseSweep(String, Workspace, SweepId, bool),
    /// Read a run's story.
    Story(RunId, RunFolder),
    /// Read a report or comparison.
    Document(DocumentOf, PathBuf),
    /// Read the names of runs' sample pictures.
    Pictures(Vec<(RunId, RunFolder)>),
    /// Give text to tmux, which a terminal behind it may not get otherwise.
    CopyInTmux(String),
}

/// The thread that does.
pub(super) struct Doer {
    jobs: Sender<Job>,
}

impl Doer {
    /// Starts it. It ends with the dashboard; a deed begun is done.
    pub(super) fn start(wake: Sender<Wake>) -> Self {
        let (jobs, incoming) = channel();
        spawn(wake, move |wake| {
            for job in incoming {
                if let Some(msg) = work(job)
                    && wake.send(Wake::Msg(Box::new(msg))).is_err()
                {
                    return;
                }
            }
        });
        Self { jobs }
    }

    /// Hands a job over.
    pub(super) fn give(&self, job: Job) {
        let _ = self.jobs.send(job);
    }
}

fn work(job: Job) -> Option<Msg> {
    match job {
        Job::Do(deed, workspace, run, entry) => {
            let result = carry_out(deed, &workspace, &run, &entry);
            Some(Msg::Done { deed, run: run.label(), result })
        }
        Job::PauseQueue(what, workspace, paused) => {
            let said =
                if paused { "the queue is paused; running runs continue" } else { "the queue is resumed" };
            let result = action::pause_queue(&workspace, paused).map(|()| said.to_owned());
            Some(Msg::Queue { what: what.to_owned(), result: result.map_err(|error| error.to_string()) })
        }
        Job::PauseSweep(what, workspace, sweep, paused) => {
            let experiment = workspace.experiment(&sweep.experiment);
            let why = paused.then_some("");
            let said = if paused { "is paused; running trials continue" } else { "is resumed" };
            let result = action::pause_sweep(&workspace, &experiment, sweep.number, why);
            let result = result.map(|()| format!("{} {said}", sweep.label()));
            Some(Msg::Queue { what, result: result.map_err(|error| error.to_string()) })
        }
        Job::Story(id, run) => Some(Msg::Details(Box::new(read_story(id, &run)))),
        Job::Document(of, path) => {
            let text = read_document(&path);
            Some(Msg::Document { of, text })
        }
        Job::Pictures(runs) => {
            Some(Msg::Pictures(runs.iter().map(|(id, run)| read_pictures(*id, run)).collect()))
        }
        Job::CopyInTmux(text) => {
            let told = || Msg::Note(Err("tmux did not take the text (is `set-clipboard on`?)".into()));
            copy_in_tmux(&text).is_err().then(told)
        }
    }
}

fn carry_out(
    deed: Deed,
    workspace: &Workspace,
    run: &RunFolder,
    entry: &QueueEntry,
) -> Result<String, String> {
    let held = entry.hold;
    let prioritise = |priority: i64| match action::set_priority(workspace, run, priority) {
        Ok(()) => Ok(format!("priority {priority}")),
        Err(error) => Err(error.to_string()),
    };
    let done = |result: Result<action::Done, action::ActionError>| match result {
        Ok(action::Done::Dropped) => Ok("removed from the queue".to_owned()),
        Ok(_) => Ok(deed.done().to_owned()),
        Err(error) => Err(error.to_string()),
    };
    match deed {
        Deed::Stop => done(action::stop(workspace, run)),
        Deed::Kill => done(action::kill(workspace, run)),
        Deed::Resume => done(action::resume(workspace, run, &[])),
        Deed::Remove => done(action::remove(workspace, run)),
        Deed::Raise => prioritise(entry.priority.saturating_add(1)),
        Deed::Lower => prioritise(entry.priority.saturating_sub(1)),
        Deed::Retry => match launch::retry(workspace, run, &[]) {
            Ok(submission) => {
                let names: Vec<String> = submission.runs.iter().map(RunFolder::label).collect();
                Ok(format!("queued again as {}", names.join(", ")))
            }
            Err(error) => Err(format!("{error:#}")),
        },
        Deed::Hold => match hold(workspace, run, !held) {
            Ok(()) => Ok(if held { "may start again".to_owned() } else { "held".to_owned() }),
            Err(error) => Err(error.to_string()),
        },
        Deed::Keep => match action::set_keep(workspace, run, !entry.keep) {
            Ok(()) if entry.keep => Ok("may be pruned by its sweep again".to_owned()),
            Ok(()) => Ok("will not be pruned by its sweep".to_owned()),
            Err(error) => Err(error.to_string()),
        },
        Deed::Requeue => done(launch::requeue(workspace, run).map(|()| action::Done::Requested)),
    }
}

/// A run that is let go may wait for a dispatcher that has ended since.
fn hold(workspace: &Workspace, run: &RunFolder, hold: bool) -> Result<(), action::ActionError> {
    action::set_hold(workspace, run, hold)?;
    Ok(launch::ensure_dispatcher(workspace)?)
}

fn copy_in_tmux(text: &str) -> Result<(), ()> {
    if std::env::var_os("TMUX").is_none() {
        return Ok(());
    }
    let mut tmux = Command::new("tmux")
        .args(["load-buffer", "-w", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .map_err(drop)?;
    let written = tmux.stdin.take().map(|mut input| input.write_all(text.as_bytes()));
    let status = tmux.wait().map_err(drop)?;
    if status.success() && matches!(written, Some(Ok(()))) { Ok(()) } else { Err(()) }
}
