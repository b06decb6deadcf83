//! `loradeck list`: runs as a table, or as JSON.

use std::path::Path;

use anyhow::Result;
use loradeck_core::run::Workspace;
use loradeck_core::time::Moment;
use serde_json::{Value, json};

use super::out::UsageError;
use super::{OK, out};
use crate::report::plain_table;
use crate::store::{Filter, Run, ShownState, SortKey, Store};

pub(super) fn list(filter: &[String], as_json: bool) -> Result<u8> {
    let workspace = Workspace::open(Path::new("."))?;
    let filter = Filter::parse(&filter.join(" ")).map_err(|error| UsageError(error.to_string()))?;
    crate::launch::refresh_adopted(&workspace);
    let store = Store::open(vec![workspace.clone()]);
    crate::launch::wake_for_shown(&workspace, store.runs())?;
    let now = Moment::now();
    let runs: Vec<&Run> =
        store.select(&filter, &SortKey::parse("")).into_iter().filter_map(|id| store.get(id)).collect();
    if as_json {
        let waits = waits_for_trust(&workspace);
        let described = |run: &&Run| describe_waiting(run, waits.as_deref(), now);
        return out::json(&runs.iter().map(described).collect::<Vec<_>>()).map(|()| OK);
    }
    if runs.is_empty() {
        out::note("no runs (hint: `loradeck run EXPERIMENT` queues one)");
        return Ok(OK);
    }
    let waits = waits_for_trust(&workspace);
    let rows: Vec<Vec<String>> = runs.iter().map(|run| row(run, waits.as_deref(), now)).collect();
    out::document(&plain_table(&["run", "state", "step", "left", "train loss", "eval loss", "note"], &rows));
    Ok(OK)
}

fn row(run: &Run, waits: Option<&str>, now: Moment) -> Vec<String> {
    vec![
        run.label(),
        run.state().word().to_owned(),
        run.steps().map_or_else(String::new, |(step, total)| match total {
            0 => step.to_string(),
            total => format!("{step}/{total}"),
        }),
        run.seconds_left(now).map_or_else(String::new, duration),
        run.last("train/loss").map_or_else(String::new, short),
        run.best("eval/loss").map_or_else(String::new, short),
        waiting_for_trust(run, waits).or_else(|| note(run)).unwrap_or_default(),
    ]
}

/// What every waiting run of this workspace waits for, if that is trust.
pub(super) fn waits_for_trust(workspace: &Workspace) -> Option<String> {
    crate::launch::permit(workspace).err().map(|refusal| crate::launch::waits_for_trust(&refusal.root))
}

/// The same for this run.
pub(super) fn waiting_for_trust(run: &Run, waits: Option<&str>) -> Option<String> {
    let is_waiting = matches!(run.state(), ShownState::Queued | ShownState::Held);
    waits.filter(|_| is_waiting).map(str::to_owned)
}

fn note(run: &Run) -> Option<String> {
    let message = run.status.as_ref().and_then(|status| status.message.clone());
    run.ending_words().or(message).or_else(|| run.problems.first().cloned())
}

/// `1:05:09`, `5:09`.
pub(super) fn duration(seconds: f64) -> String {
    let whole = seconds.max(0.0).round() as u64;
    let (hours, minutes, rest) = (whole / 3600, whole / 60 % 60, whole % 60);
    if hours > 0 { format!("{hours}:{minutes:02}:{rest:02}") } else { format!("{minutes}:{rest:02}") }
}

/// Four significant digits.
pub(super) fn short(value: f64) -> String {
    if value == 0.0 || !value.is_finite() {
        return value.to_string();
    }
    let digits = (3 - value.abs().log10().floor() as i32).clamp(0, 10) as usize;
    format!("{value:.digits$}")
}

/// As [`describe`], with why it waits, if that is trust.
pub(super) fn describe_waiting(run: &Run, waits: Option<&str>, now: Moment) -> Value {
    let mut about = describe(run, now);
    if let Some(why) = waiting_for_trust(run, waits) {
        about["why"] = json!(why);
    }
    about
}

/// What scripts get about a run.
pub(super) fn describe(run: &Run, now: Moment) -> Value {
    let config: serde_json::Map<String, Value> =
        run.config.iter().map(|(key, value)| (key.to_owned(), Value::from(value))).collect();
    json!({
        "run": run.label(),
        "path": run.path(),
        "state": run.state().word(),
        "attempt": run.status.as_ref().map(|status| status.attempt),
        "since": run.status.as_ref().map(|status| status.since),
        "reason": run.status.as_ref().and_then(|status| status.reason),
        "message": run.status.as_ref().and_then(|status| status.message.clone()),
        "ending": run.ending.as_ref().map(|request| json!({ "do": request.deed, "time": request.time })),
        "exit": run.status.as_ref().and_then(|status| status.exit),
        "resumable": run.folder.is_resumable(),
        "priority": run.queue.priority,
        "seconds_left": run.seconds_left(now),
        "config": config,
        "summary": run.summary,
        "problems": run.problems,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_short_and_times_readable() {
        assert_eq!(
            (short(1.234_567), short(0.001_234_5), short(1234.56)),
            ("1.235".into(), "0.001234".into(), "1235".into())
        );
        assert_eq!((duration(9.4), duration(3909.0)), ("0:09".into(), "1:05:09".into()));
    }
}
