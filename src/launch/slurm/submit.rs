//! Giving runs to Slurm so that no death on the way submits them twice: the submission is written down under the
//! queue's lock, then sbatch is called, then its job number is added; one without a number is looked for by its id.

use std::collections::HashSet;
use std::path::PathBuf;
use std::time::Instant;

use anyhow::{Context, Result};
use loradeck_core::config::SlurmSettings;
use loradeck_core::crash;
use loradeck_core::file::{self, Durability};
use loradeck_core::run::{
    EndReason, ExperimentFolder, JournalEntry, QueueEntry, RunFolder, State, Status, read_attempt,
    try_exclusive,
};
use loradeck_core::time::Moment;

use super::decide::SETTLE;
use super::keeper::{Keeper, Order, is_being_submitted};
use super::launchers::{ForSlurm, settings_of};
use super::poll::Poll;
use super::script::{job_of_answer, sbatch_arguments, script};
use super::submission::{Filed, SubmittedRun};
use super::tools::{self, SlurmError};
use crate::launch::action::note;
use crate::launch::door::Permit;
use crate::launch::inherit::while_inheritable;
use crate::launch::trust::permit;

/// Slurm's default for the largest array is 1001 with indices from 0.
const LARGEST_ARRAY: usize = 1000;

/// Submits whatever waits and is in no open submission: one array for each experiment and kind of request.
pub(super) fn submit_waiting(keeper: &mut Keeper, order: &Order, open: &mut Vec<Filed>) -> Result<bool> {
    let taken: HashSet<RunFolder> = open.iter().flat_map(Filed::open_runs).collect();
    let free: Vec<ForSlurm> = order
        .waiting
        .iter()
        .filter(|waiting| waiting.queued.blocked.is_none() && !taken.contains(&waiting.queued.run))
        .cloned()
        .collect();
    let mut any = false;
    for (experiment, settings, runs) in arrays(free) {
        if let Some(mut filed) = write_down(keeper, experiment, &runs)? {
            crash::point("slurm.after-note");
            submit(keeper, &mut filed, &settings)?;
            open.push(filed);
            any = true;
        }
    }
    Ok(any)
}

/// Groups runs that may share an array, in the order in which they are to start.
fn arrays(mut waiting: Vec<ForSlurm>) -> Vec<(ExperimentFolder, SlurmSettings, Vec<RunFolder>)> {
    waiting.sort_by(|left, right| {
        let (left, right) = (&left.queued, &right.queued);
        (right.priority, left.queued_at, &left.run).cmp(&(left.priority, right.queued_at, &right.run))
    });
    let mut groups: Vec<(ExperimentFolder, SlurmSettings, Vec<RunFolder>)> = Vec::new();
    for ForSlurm { queued, settings } in waiting {
        let Some(folder) = queued.run.path().parent().and_then(|runs| runs.parent()) else { continue };
        let experiment = ExperimentFolder::at(folder);
        let fits = |group: &&mut (ExperimentFolder, SlurmSettings, Vec<RunFolder>)| {
            group.0 == experiment && group.1 == settings && group.2.len() < LARGEST_ARRAY
        };
        match groups.iter_mut().find(fits) {
            Some((.., runs)) => runs.push(queued.run),
            None => groups.push((experiment, settings, vec![queued.run])),
        }
    }
    groups
}

/// Writes a submission down for those of `runs` that still wait. Under the queue's lock, so that a sweep that is
/// being queued is there as a whole and nothing is removed from the queue meanwhile.
fn write_down(keeper: &Keeper, experiment: ExperimentFolder, runs: &[RunFolder]) -> Result<Option<Filed>> {
    let _queue = keeper.workspace.queue_lock()?;
    let mut elements = Vec::new();
    for run in runs {
        let Some(status) = Status::read(run)?.filter(|status| status.state == State::Queued) else {
            continue;
        };
        if read_attempt(run, status.attempt).is_none() && !QueueEntry::read(run)?.hold {
            elements.push(SubmittedRun {
                run: run.name(),
                attempt: status.attempt,
                held: false,
                over: false,
            });
        }
    }
    if elements.is_empty() {
        return Ok(None);
    }
    let filed = Filed::new(experiment, elements, Moment::now());
    filed.write()?;
    Ok(Some(filed))
}

/// Calls sbatch for a submission that is written down. What Slurm refuses for good ends the runs; anything else is
/// looked for, and tried again, at a later turn.
fn submit(keeper: &mut Keeper, filed: &mut Filed, settings: &SlurmSettings) -> Result<()> {
    let permit = match permit(&keeper.workspace) {
        Ok(permit) => permit,
        // It stays written down, and is tried again once it may be.
        Err(refusal) => {
            keeper.missing.insert(filed.submission.id.clone(), Instant::now());
            keeper.tell(&refusal.to_string());
            return Ok(());
        }
    };
    let program = own_path()?;
    let text = match script(&keeper.workspace, filed, settings, &program) {
        Ok(text) => text,
        Err(error) => return refuse(keeper, filed, &error.to_string()),
    };
    file::replace(&filed.script(), text.as_bytes(), Durability::Synced)?;
    match call_sbatch(&permit, filed, settings)? {
        None => Ok(()),
        Some(Ok(answer)) => {
            crash::point("slurm.after-sbatch");
            let job =
                job_of_answer(&answer).with_context(|| format!("sbatch answered '{}'", answer.trim()))?;
            accept(filed, job)
        }
        Some(Err(error)) if error.may_pass() => {
            keeper.missing.insert(filed.submission.id.clone(), Instant::now());
            keeper.tell(&error.to_string());
            Ok(())
        }
        Some(Err(error)) => refuse(keeper, filed, &error.to_string()),
    }
}

/// sbatch holds the submission's lock as long as it lives, even if we do not. `None`: another one still does.
fn call_sbatch(
    _permit: &Permit,
    filed: &Filed,
    settings: &SlurmSettings,
) -> Result<Option<Result<String, SlurmError>>> {
    let Some(lock) = try_exclusive(&filed.sbatch_lock())? else { return Ok(None) };
    let mut command = tools::program("sbatch", &filed.folder());
    command.args(sbatch_arguments(filed, settings));
    Ok(Some(while_inheritable(&lock, || Ok(tools::answer("sbatch", &mut command)))?))
}

/// The path of this program for nodes that share it; where an upgrade has replaced it, the new one's.
fn own_path() -> Result<String> {
    let path: PathBuf = std::env::current_exe().context("this program's own path")?;
    let text = path.to_str().context("this program's path is not UTF-8")?;
    Ok(text.strip_suffix(" (deleted)").unwrap_or(text).to_owned())
}

fn accept(filed: &mut Filed, job: u64) -> Result<()> {
    filed.submission.job = Some(job);
    filed.write()?;
    crash::point("slurm.after-job");
    for (index, element) in (1..).zip(&filed.submission.elements) {
        let entry = JournalEntry::new("submit", element.attempt).with("job", format!("{job}_{index}"));
        note(&filed.run(element), &entry)?;
    }
    Ok(())
}

/// Ends the runs of a submission that Slurm does not take.
fn refuse(keeper: &mut Keeper, filed: &mut Filed, complaint: &str) -> Result<()> {
    keeper.tell(complaint);
    let _queue = keeper.workspace.queue_lock()?;
    for element in &filed.submission.elements {
        let run = filed.run(element);
        let waits = |status: &Status| status.state == State::Queued && status.attempt == element.attempt;
        if Status::read(&run)?.as_ref().is_some_and(waits) {
            note(&run, &JournalEntry::new("spawn-failed", element.attempt).with("message", complaint))?;
            Status::new(State::Failed, element.attempt, Moment::now())
                .because(EndReason::Config, complaint)
                .write(&run)?;
        }
    }
    filed.submission.elements.iter_mut().for_each(|element| element.over = true);
    Ok(filed.write()?)
}

/// Finds the job of a submission whose number is not written down: its dispatcher died, or sbatch gave no clear
/// answer. Where Slurm has not heard of it for a while, and no element ever ran, it is submitted now. Whether its
/// job is known.
pub(super) fn find_job(keeper: &mut Keeper, filed: &mut Filed, poll: &Poll, order: &Order) -> Result<bool> {
    if let Some(job) = poll.arrays(&filed.submission.job_name()).first() {
        accept(filed, *job)?;
        return Ok(true);
    }
    let since = *keeper.missing.entry(filed.submission.id.clone()).or_insert_with(Instant::now);
    if is_being_submitted(filed)? || since.elapsed() < SETTLE {
        return Ok(false);
    }
    if filed.has_output() || has_claims(filed) {
        // Slurm had it and has forgotten it; the runs' folders say what became of them.
        filed.submission.job = Some(0);
        filed.write()?;
        return Ok(true);
    }
    let first = filed.submission.elements.iter().find(|element| !element.over);
    let settings = first.and_then(|element| settings_of(&filed.run(element)));
    let is_blocked =
        filed.submission.elements.iter().all(|element| order.is_blocked(&filed.run(element)) == Some(true));
    let Some(settings) = settings.filter(|_| !is_blocked) else { return Ok(false) };
    keeper.missing.remove(&filed.submission.id);
    submit(keeper, filed, &settings)?;
    Ok(false)
}

fn has_claims(filed: &Filed) -> bool {
    filed.submission.elements.iter().any(|element| {
        let record = read_attempt(&filed.run(element), element.attempt).and_then(|attempt| attempt.job);
        record.is_some_and(|job| job.submission == filed.submission.id)
    })
}

/// A submission that came to Slurm twice keeps its first array; its runs could not have started twice, since every
/// attempt is claimed, but the second array would wait for nothing.
pub(super) fn cancel_doubles(keeper: &mut Keeper, filed: &Filed, poll: &Poll) {
    let Some(job) = filed.submission.job else { return };
    let others =
        poll.arrays(&filed.submission.job_name()).into_iter().filter(|array| *array != job && job > 0);
    for array in others.filter(|array| poll.is_alive(&filed.submission.job_name(), *array)) {
        if let Err(error) = tools::ask("scancel", keeper.workspace.root(), &[array.to_string()]) {
            keeper.tell(&error.to_string());
        }
    }
}

#[cfg(test)]
mod tests {
    use loradeck_core::run::Workspace;

    use super::*;
    use crate::launch::schedule::QueuedRun;

    fn waiting(experiment: &str, run: &str, priority: i64, partition: &str) -> ForSlurm {
        let run = RunFolder::new(Workspace::at("/w").experiment(experiment).runs_folder().join(run));
        let queued = QueuedRun {
            run,
            attempt: 1,
            priority,
            queued_at: Moment(1),
            blocked: None,
            needs: loradeck_core::run::Needs::default(),
            memory: None,
            group: None,
        };
        ForSlurm {
            queued,
            settings: SlurmSettings { partition: Some(partition.into()), ..SlurmSettings::default() },
        }
    }

    #[test]
    fn runs_of_one_kind_share_an_array_in_their_order() {
        let groups = arrays(vec![
            waiting("x", "0001", 0, "main"),
            waiting("x", "0002", 5, "main"),
            waiting("x", "0003", 0, "other"),
            waiting("y", "0001", 0, "main"),
        ]);
        let shown: Vec<(String, Vec<String>)> = groups
            .iter()
            .map(|(experiment, _, runs)| (experiment.name(), runs.iter().map(RunFolder::name).collect()))
            .collect();
        let group =
            |name: &str, runs: &[&str]| (name.to_owned(), runs.iter().map(|run| (*run).to_owned()).collect());
        let expected = [group("x", &["0002", "0001"]), group("x", &["0003"]), group("y", &["0001"])];
        assert_eq!(shown, expected);
    }

    #[test]
    fn a_large_sweep_becomes_several_arrays() {
        let many = (0..2500).map(|number| waiting("x", &format!("{number:04}"), 0, "main")).collect();
        let sizes: Vec<usize> = arrays(many).iter().map(|(.., runs)| runs.len()).collect();
        assert_eq!(sizes, [1000, 1000, 500]);
    }
}
