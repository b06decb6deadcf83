//! Trials that are given up: written down first, then asked to end.

use anyhow::Result;
use loradeck_core::run::{Deed, JournalEntry, Request, pending_requests, post_request};
use loradeck_core::time::Moment;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::judge::Judgement;
use super::sweep_at::SweepAt;
use super::trials::Trials;
use crate::launch::action::note;

/// A trial that was given up, by the attempt that was meant: one that a person resumes is not given up again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::launch) struct GivenUp {
    pub(super) trial: u32,
    pub(super) attempt: u32,
    pub(super) step: u64,
}

/// What a judgement gives up, unless somebody keeps it.
pub(super) fn given_up_now(trials: &Trials, judgement: &Judgement) -> Option<GivenUp> {
    let one = trials.runs.get(&judgement.trial)?;
    let gives_up = judgement.gives_up && !one.entry.keep;
    gives_up.then_some(GivenUp { trial: judgement.trial, attempt: one.status.attempt, step: judgement.step })
}

/// Writes judgements into the sweep's file, then into the journals of the trials.
pub(super) fn record(at: SweepAt<'_>, trials: &Trials, judgements: &[Judgement]) -> Result<()> {
    at.change(|file| {
        for judgement in judgements {
            if let Some(arrival) = &judgement.arrival {
                file.push("arrivals", json!(arrival));
            }
            if let Some(given_up) = given_up_now(trials, judgement) {
                file.push("given_up", json!(given_up));
            }
        }
    })?;
    for judgement in judgements {
        let Some(one) = trials.runs.get(&judgement.trial) else { continue };
        let verdict = match (judgement.gives_up, one.entry.keep) {
            (false, _) => "goes on",
            (true, false) => "pruned",
            (true, true) => "kept on request, although the rule prunes it",
        };
        let entry = JournalEntry::new("early-stopping", one.status.attempt)
            .at(judgement.step)
            .with("rule", judgement.rule)
            .with("verdict", verdict)
            .with("value", judgement.value)
            .with("threshold", judgement.threshold)
            .with("peers", judgement.peers as u64);
        note(&one.run, &entry)?;
    }
    Ok(())
}

/// Asks the attempt that was given up to end, unless it has or was asked already.
pub(super) fn ask_to_end(trials: &Trials, given_up: GivenUp) -> Result<()> {
    let Some(one) = trials.runs.get(&given_up.trial) else { return Ok(()) };
    let is_meant = one.status.state.is_live() && one.status.attempt == given_up.attempt;
    let was_asked = || {
        pending_requests(&one.run)
            .iter()
            .any(|file| file.request.deed == Deed::Prune && file.request.attempt == given_up.attempt)
    };
    if is_meant && !one.entry.keep && !was_asked() {
        let request = Request { attempt: given_up.attempt, time: Moment::now(), deed: Deed::Prune };
        post_request(&one.run, &request)?;
    }
    Ok(())
}
