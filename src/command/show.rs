//! `loradeck show RUN`: status, figures, configuration and what happened.

use std::path::Path;

use anyhow::{Context, Result};
use loradeck_core::metrics::registry;
use loradeck_core::run::{JournalEntry, Workspace, read_attempts, read_journal};
use loradeck_core::time::Moment;
use serde_json::json;

use super::list::{describe_waiting, duration, short, waiting_for_trust, waits_for_trust};
use super::{OK, out};
use crate::launch::{ShownJobs, SubmittedEnvironment};
use crate::store::{Run, Store};

const LAST_ENTRIES: usize = 15;

pub(super) fn show(name: &str, as_json: bool) -> Result<u8> {
    let workspace = Workspace::open(Path::new("."))?;
    let folder = workspace.find_run(name)?;
    crate::launch::refresh_adopted(&workspace);
    let store = Store::open(vec![workspace.clone()]);
    crate::launch::wake_for_shown(&workspace, store.runs())?;
    let run = store.find(folder.path()).and_then(|id| store.get(id)).context("the run was just removed")?;
    let journal = read_journal(&folder);
    let job = ShownJobs::read(&workspace).of(&folder).cloned();
    if as_json {
        let mut value = describe_waiting(run, waits_for_trust(&workspace).as_deref(), Moment::now());
        let environment = run.queue.environment.as_deref();
        value["environment"] =
            json!(environment.and_then(|digest| SubmittedEnvironment::read(&workspace, digest)));
        value["attempts"] = json!(read_attempts(&folder));
        value["journal"] = json!(journal.entries);
        if let Some(job) = &job {
            value["slurm"] = json!(job);
        }
        return out::json(&value).map(|()| OK);
    }
    print_status(run);
    if let Some(why) = waiting_for_trust(run, waits_for_trust(&workspace).as_deref()) {
        out::line(&why);
    }
    if let Some(job) = &job {
        out::line(&job.words());
    }
    print_figures(run);
    print_settings(run);
    print_environment(&workspace, run);
    out::line("");
    for entry in journal.entries.iter().rev().take(LAST_ENTRIES).rev() {
        out::line(&happening(entry));
    }
    if journal.unreadable > 0 {
        out::line(&format!("({} journal lines could not be read)", journal.unreadable));
    }
    Ok(OK)
}

fn print_status(run: &Run) {
    out::line(&format!("{}  {}", run.label(), run.state().word()));
    if let Some(status) = &run.status {
        let message = status.message.as_deref().map(|message| format!(": {message}")).unwrap_or_default();
        out::line(&format!("attempt {} since {}{message}", status.attempt, status.since.to_minute()));
    }
    if let Some(words) = run.ending_words() {
        out::line(&words);
    }
    run.problems.iter().for_each(|problem| out::line(problem));
    if let Some((step, total)) = run.steps() {
        let left = run.seconds_left(Moment::now()).map(|left| format!(", {} left", duration(left)));
        // A command need not say how many there will be.
        let of_all = if total > 0 { format!(" of {total}") } else { String::new() };
        out::line(&format!("step {step}{of_all}{}", left.unwrap_or_default()));
    }
    out::line(&format!("{}", run.path().display()));
}

fn print_figures(run: &Run) {
    let Some(summary) = &run.summary else { return };
    out::line("");
    let never = |tag: &&String| !summary.metrics.contains_key(*tag);
    for tag in summary.not_finite.keys().filter(never) {
        out::line(&format!("{tag:<28} never finite"));
    }
    for (tag, metric) in &summary.metrics {
        if let Some(step) = summary.not_finite.get(tag) {
            out::line(&format!(
                "{tag:<28} not finite from step {step}  best {} (step {})",
                short(metric.best),
                metric.best_step
            ));
            continue;
        }
        // A learning rate or a gradient norm has a lowest value, but no best one.
        let best = registry::describe(tag)
            .goal
            .map(|_| format!("  best {} (step {})", short(metric.best), metric.best_step))
            .unwrap_or_default();
        out::line(&format!("{tag:<28} last {} (step {}){best}", short(metric.last), metric.last_step));
    }
}

fn print_settings(run: &Run) {
    out::line("");
    for (key, value) in run.config.iter() {
        out::line(&format!("{key:<28} {value}"));
    }
}

/// How the environment that the run was submitted with differs from this shell's.
fn print_environment(workspace: &Workspace, run: &Run) {
    let digest = run.queue.environment.as_deref();
    let Some(then) = digest.and_then(|digest| SubmittedEnvironment::read(workspace, digest)) else { return };
    let differences = then.differences(&SubmittedEnvironment::here());
    if !differences.is_empty() {
        out::line("");
        out::line("its environment differs from this shell's:");
        for difference in &differences {
            out::line(&format!("  {difference}"));
        }
    }
}

fn happening(entry: &JournalEntry) -> String {
    let step = entry.step.map(|step| format!(" step {step}")).unwrap_or_default();
    let facts: Vec<String> = entry.facts.iter().map(|(name, value)| format!("{name}={value}")).collect();
    let mut text =
        format!("{} [{}] {}{step} {}", entry.time.to_minute(), entry.attempt, entry.kind, facts.join(" "));
    if text.chars().count() > 160 {
        text = text.chars().take(159).chain(['…']).collect();
    }
    text
}
