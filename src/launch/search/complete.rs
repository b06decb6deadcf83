//! Queues the trials that a sweep's file names: checked as any trial is, with the sweep's frozen code.

use anyhow::Result;
use loradeck_core::config::{Provenance, SearchPlan, Trial};
use loradeck_core::file;
use loradeck_core::time::Moment;
use serde::Deserialize;
use serde_json::json;

use super::sweep_at::SweepAt;
use super::trials::Trials;
use crate::launch::dispatch::AllFacts;
use crate::launch::identities::Identities;
use crate::launch::new_run::new_run;
use crate::launch::prepare::highest_committed;
use crate::launch::submit::{Order, SubmitError, SweepOf, submit_locked};
use crate::launch::sweep_file::SweepFile;

/// Queues the trials that the sweep's file names and that are not there: whoever was to queue them has died.
pub(super) fn complete(at: SweepAt<'_>) -> Result<bool> {
    let _queue = at.workspace.queue_lock()?;
    // Read under the lock, with its plan: a person may be adding trials, or setting what all of them share.
    let Some(mut file) = SweepFile::read(at.experiment, at.number)? else { return Ok(false) };
    let Some(plan) = file.plan() else { return Ok(false) };
    let trials = Trials::of(at.experiment, at.number, &mut AllFacts::default());
    let refused: Vec<u32> = file.list("refused");
    let mut queued = false;
    for (index, assignment) in file.trials().iter().enumerate().skip(file.submitted()) {
        let trial_number = index as u32 + 1;
        if trials.has(trial_number) || refused.contains(&trial_number) {
            continue;
        }
        match plan.trial_of(assignment) {
            Ok(trial) => {
                queue_trial(at, &file, trial_number, &trial)?;
                queued = true;
            }
            // Settings that contradict each other in this combination: the search goes on without it.
            Err(problems) => {
                file.push("refused", json!(trial_number));
                file.push("refusals", json!(problems.to_string()));
            }
        }
    }
    file.set("submitted", json!(file.trials().len()));
    file.write()?;
    Ok(queued)
}

/// What all trials of a sweep share in the queue, frozen with it.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Place {
    hold: bool,
    group: Option<String>,
    after: Vec<String>,
    environment: Option<String>,
}

/// Queues trial `number`. The caller holds the queue lock and has written its assignment into the sweep's file.
fn queue_trial(at: SweepAt<'_>, file: &SweepFile, number: u32, trial: &Trial) -> Result<(), SubmitError> {
    let field = |name: &str| file.get(name).cloned().unwrap_or_default();
    let mut provenance: Provenance = serde_json::from_value(field("provenance")).unwrap_or_default();
    provenance.submitted_at = Some(Moment::now());
    provenance.sweep = Some(at.number);
    Identities::new(at.workspace.root()).note(&mut provenance, &trial.settings);
    let plan = file.plan();
    let metric = plan.as_ref().and_then(|plan| plan.metric.as_ref());
    let priority = plan.as_ref().map_or(0, SearchPlan::priority);
    let mut run = new_run(trial, Some(number), metric, priority, provenance);
    let place: Place = serde_json::from_value(field("place")).unwrap_or_default();
    (run.entry.hold, run.entry.group, run.entry.after) = (place.hold, place.group, place.after);
    run.entry.environment = place.environment;
    let order = Order {
        sweep: SweepOf::Known(at.number),
        committed: highest_committed(at.experiment),
        code_patch: file::read_if_exists(&SweepFile::folder_of(at.experiment, at.number).join("code.patch"))?,
    };
    submit_locked(at.experiment, &[run], &order).map(drop)
}
