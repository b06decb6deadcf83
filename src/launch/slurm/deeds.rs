//! Doing for one element what was decided: Slurm's holds and cancellations, and the words in its run's status.
//!
//! Whatever is written, is written under the queue's lock and only if the status is still the one decided about.

use anyhow::Result;
use loradeck_core::run::{
    Deed as Asked, EndReason, JournalEntry, QueueEntry, RunFolder, State, Status, Summary, pending_requests,
    read_attempt,
};
use loradeck_core::time::Moment;

use super::decide::{Deed, Facts, decide};
use super::fate::{Fate, fate};
use super::job_state::Ending;
use super::keeper::{Keeper, Order};
use super::obstacle::{obstacle, requeue_entry};
use super::poll::Poll;
use super::submission::Filed;
use super::tools;
use crate::launch::action::note;

/// Looks after element `index`; whether anything of a run or a job changed.
pub(super) fn look_after(
    keeper: &mut Keeper,
    filed: &mut Filed,
    index: u32,
    poll: &Poll,
    order: &Order,
) -> Result<bool> {
    let element = filed.submission.elements[index as usize - 1].clone();
    if element.over {
        return Ok(false);
    }
    let run = filed.run(&element);
    let status = Status::read(&run)?;
    let requests = Requests::of(&run, status.as_ref());
    let job = poll.state(filed, index);
    let state = status.as_ref().map(|status| (status.state, status.attempt));
    let lasting = keeper.lasting(filed, index, &format!("{job:?} {state:?}"));
    let deed = decide(&Facts {
        status: status.as_ref(),
        claimed: status.as_ref().is_some_and(|status| read_attempt(&run, status.attempt).is_some()),
        is_first: status.as_ref().is_some_and(|status| status.attempt == element.attempt),
        hold: order.is_blocked(&run).unwrap_or(QueueEntry::read(&run)?.hold),
        is_held: poll.element(filed, index).is_some_and(super::listing::Element::is_held),
        held_by_us: element.held,
        stop_asked: requests.stop.map(|time| Moment::now().since(time)),
        kill_asked: requests.kill.map(|time| Moment::now().since(time)),
        job,
        lasting,
    });
    match deed {
        Deed::Nothing => return Ok(false),
        Deed::Hold | Deed::Release => hold(keeper, filed, index, deed == Deed::Hold)?,
        Deed::Cancel => scancel(keeper, filed, index),
        Deed::LetGo => {}
        Deed::Drop | Deed::FailToStart(_) | Deed::Requeue | Deed::End(_) => {
            if let Some(status) = &status {
                settle(keeper, &run, status, deed, filed, index)?;
            }
        }
    }
    if !matches!(deed, Deed::Hold | Deed::Release | Deed::Cancel) {
        filed.submission.elements[index as usize - 1].over = true;
        filed.write()?;
    }
    Ok(true)
}

/// When an attempt was asked to end.
#[derive(Default)]
struct Requests {
    stop: Option<Moment>,
    kill: Option<Moment>,
    end: Option<State>,
}

impl Requests {
    fn of(run: &RunFolder, status: Option<&Status>) -> Self {
        let mut found = Self::default();
        let Some(status) = status.filter(|status| status.state.is_live()) else { return found };
        for file in pending_requests(run).iter().filter(|file| file.request.attempt == status.attempt) {
            match file.request.deed {
                Asked::Stop | Asked::Prune => {
                    found.stop.get_or_insert(file.request.time);
                    let is_stop = file.request.deed == Asked::Stop;
                    found.end.get_or_insert(if is_stop { State::Stopped } else { State::Pruned });
                }
                Asked::Kill => {
                    found.kill.get_or_insert(file.request.time);
                }
                Asked::Save | Asked::Sample | Asked::Keep => {}
            }
        }
        found
    }
}

fn hold(keeper: &mut Keeper, filed: &mut Filed, index: u32, hold: bool) -> Result<()> {
    // A user's hold, whoever runs the dispatcher: its owner may release it.
    let verb = if hold { "uhold" } else { "release" };
    match tools::ask("scontrol", keeper.workspace.root(), &[verb.to_owned(), id(filed, index)]) {
        Ok(_) => {
            filed.submission.elements[index as usize - 1].held = hold;
            filed.write()?;
        }
        Err(error) => keeper.tell(&error.to_string()),
    }
    Ok(())
}

fn scancel(keeper: &mut Keeper, filed: &Filed, index: u32) {
    if let Err(error) = tools::ask("scancel", keeper.workspace.root(), &[id(filed, index)]) {
        keeper.tell(&error.to_string());
    }
}

fn id(filed: &Filed, index: u32) -> String {
    format!("{}_{index}", filed.submission.job.unwrap_or_default())
}

fn settle(
    keeper: &Keeper,
    run: &RunFolder,
    decided: &Status,
    deed: Deed,
    filed: &Filed,
    index: u32,
) -> Result<()> {
    let _queue = keeper.workspace.queue_lock()?;
    let is_same = |now: &Status| (now.state, now.attempt) == (decided.state, decided.attempt);
    if !Status::read(run)?.as_ref().is_some_and(is_same) {
        return Ok(());
    }
    match deed {
        Deed::Drop => {
            let mut status = Status::new(State::Stopped, decided.attempt, Moment::now());
            status.message = Some(Ending::Cancelled.words().to_owned());
            write_end(run, &status)
        }
        Deed::FailToStart(ending) => write_end(run, &failed_to_start(decided.attempt, ending, filed, index)),
        Deed::Requeue => go_on(run, decided.attempt, Ending::Unknown),
        Deed::End(ending) => {
            let requests = Requests::of(run, Some(decided));
            let summary = Summary::read(run).ok().flatten();
            let outcome = summary.as_ref().and_then(|summary| summary.outcome_of(decided.attempt));
            let message = summary.and_then(|summary| summary.message);
            let requested = match (requests.kill, requests.end) {
                (Some(_), _) => Some((State::Failed, true)),
                (None, end) => end.map(|state| (state, false)),
            };
            if decided.state == State::Starting && outcome.is_none() {
                // Nothing was trained, as with a claim that came to nothing.
                return go_on(run, decided.attempt, ending);
            }
            let outcome = outcome.map(|outcome| (outcome, message));
            let obstacle = obstacle(run, ending);
            match fate(decided.attempt, ending, outcome, requested, obstacle, Moment::now()) {
                Fate::Ended(status) => write_end(run, &status),
                Fate::GoesOn => go_on(run, decided.attempt, ending),
            }
        }
        Deed::Nothing | Deed::Hold | Deed::Release | Deed::Cancel | Deed::LetGo => Ok(()),
    }
}

fn write_end(run: &RunFolder, status: &Status) -> Result<()> {
    let mut entry = JournalEntry::new("end", status.attempt).with("state", status.state.word());
    if let Some(message) = &status.message {
        entry = entry.with("message", message.as_str());
    }
    note(run, &entry.with("recovered", true))?;
    Ok(status.write(run)?)
}

fn go_on(run: &RunFolder, attempt: u32, ending: Ending) -> Result<()> {
    note(run, &requeue_entry(run, attempt, ending).with("recovered", true))?;
    let mut status = Status::new(State::Queued, attempt + 1, Moment::now());
    status.message = Some(format!("{}; resumes from its checkpoint", ending.words()));
    Ok(status.write(run)?)
}

/// What the element wrote before it had a log says why it did not start.
fn failed_to_start(attempt: u32, ending: Ending, filed: &Filed, index: u32) -> Status {
    let said = std::fs::read(filed.output(index)).unwrap_or_default();
    let last = String::from_utf8_lossy(&said).trim().lines().last().unwrap_or_default().to_owned();
    let words = match last.as_str() {
        "" => format!("{} before the run began", ending.words()),
        last => format!("{} before the run began: {last}", ending.words()),
    };
    Status::new(State::Failed, attempt, Moment::now()).because(EndReason::Spawn, words)
}
