//! What a sweep may say that nothing acts on yet: it is checked and shown, and refused before it is queued.

use loradeck_core::config::{Plan, Stopping};

/// A sweep that cannot be run yet.
#[derive(Debug, thiserror::Error)]
#[error("{what} is not supported yet (hint: {hint})")]
pub struct NotYet {
    what: String,
    hint: &'static str,
}

/// Refuses a sweep that would be run other than it says.
pub(super) fn refuse_what_nothing_acts_on(plan: &Plan) -> Result<(), NotYet> {
    let Some(search) = &plan.search else { return Ok(()) };
    let shown = "`loradeck check` shows what it would do";
    if search.is_search() {
        let what = format!("drawing the trials of a sweep with method: {}", search.method);
        return Err(NotYet { what, hint: shown });
    }
    let what = match &search.stopping {
        Some(Stopping::Asha { .. }) => "ending runs early by asha or early_terminate",
        Some(Stopping::MedianStop { .. }) => "ending runs early by median_stop",
        None if search.target.is_some() => "ending a sweep at the metric's target",
        None => return Ok(()),
    };
    Err(NotYet { what: what.to_owned(), hint: "without it all runs go on to their end" })
}
