//! Sweeps that go on by themselves: the dispatcher makes their next trials and gives up those that fall behind. All
//! that is decided follows from files, and is written down before it is acted on.

mod curve;
mod draw;
mod judge;
mod pace;
mod space;
mod trials;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::PathBuf;
use std::time::SystemTime;

use anyhow::Result;
use loradeck_core::config::{Goal, Method, SearchPlan, Stopping};
use loradeck_core::crash;
use loradeck_core::run::{
    Deed, ExperimentFolder, JournalEntry, Request, RunFolder, State, Summary, Workspace, pending_requests,
    post_request,
};
use loradeck_core::time::Moment;
use loradeck_search::Arrival;
use serde::{Deserialize, Serialize};
use serde_json::json;

use self::curve::TrialCurve;
use self::judge::{Judgement, judge};
use self::pace::Pace;
use self::space::space_of;
use self::trials::{TrialRun, Trials};
use super::action::note;
use super::dispatch::AllFacts;
use super::sweep_file::{SweepFile, sweep_numbers};

/// A trial that was given up, by the attempt that was meant: one that a person resumes is not given up again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct GivenUp {
    trial: u32,
    attempt: u32,
    step: u64,
}

/// What came of one look.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Advance {
    /// Something was queued.
    pub(super) queued: bool,
    /// Trials are still to be made, as soon as there is room.
    pub(super) open: bool,
    /// Trials at work are judged by what they write: it has to be looked at often.
    pub(super) watching: bool,
}

impl Advance {
    fn and(self, other: Self) -> Self {
        Self {
            queued: self.queued || other.queued,
            open: self.open || other.open,
            watching: self.watching || other.watching,
        }
    }
}

/// What a search has to know of the queue.
pub(super) struct QueueNow<'a> {
    pub(super) is_paused: bool,
    /// How many more runs could start now; asked only by a search that waits for room.
    pub(super) room: &'a dyn Fn() -> Result<usize>,
}

/// The sweeps of a workspace and what was read of their trials.
#[derive(Default)]
pub(super) struct Searches {
    files: HashMap<PathBuf, (Option<SystemTime>, Option<SweepFile>)>,
    curves: HashMap<RunFolder, TrialCurve>,
    judged: HashMap<PathBuf, BTreeMap<u32, u64>>,
}

impl Searches {
    /// Advances every sweep that is open. Where the queue is paused no trials are made, but those at work are judged.
    pub(super) fn advance(
        &mut self,
        workspace: &Workspace,
        facts: &mut AllFacts,
        queue: &QueueNow<'_>,
    ) -> Result<Advance> {
        let mut all = Advance::default();
        for experiment in workspace.experiments() {
            for number in sweep_numbers(&experiment) {
                let path = SweepFile::path_of(&experiment, number);
                let is_open = self.file(&experiment, number, &path).is_some_and(|file| {
                    !file.is_closed() && file.get("search").is_some_and(|search| !search.is_null())
                });
                if is_open {
                    let trials = Trials::of(&experiment, number, facts);
                    all = all.and(self.advance_one(workspace, &experiment, number, &trials, queue)?);
                }
            }
        }
        Ok(all)
    }

    fn file(&mut self, experiment: &ExperimentFolder, number: u32, path: &PathBuf) -> Option<&SweepFile> {
        let modified = std::fs::metadata(path).and_then(|metadata| metadata.modified()).ok();
        let entry = self.files.entry(path.clone()).or_insert((None, None));
        if entry.0 != modified || modified.is_none() {
            *entry = (modified, SweepFile::read(experiment, number).ok().flatten());
        }
        entry.1.as_ref()
    }

    fn advance_one(
        &mut self,
        workspace: &Workspace,
        experiment: &ExperimentFolder,
        number: u32,
        trials: &Trials,
        queue: &QueueNow<'_>,
    ) -> Result<Advance> {
        let path = SweepFile::path_of(experiment, number);
        let Some(file) = self.file(experiment, number, &path) else { return Ok(Advance::default()) };
        let Some(plan) = file.plan() else { return Ok(Advance::default()) };
        let is_paused = file.paused().is_some();
        let is_incomplete = file.submitted() < file.trials().len();
        self.follow(&plan, trials)?;
        self.give_up(workspace, experiment, number, &plan, trials)?;
        let mut advance = Advance::default();
        if is_incomplete {
            advance.queued |= complete(workspace, experiment, number, &plan)?;
        }
        let reached = self.target_reached(&plan, trials);
        if reached && trials.waiting() > 0 && !is_paused {
            let why = "a trial has reached the target of its metric";
            SweepFile::change(workspace, experiment, number, |file| {
                file.set_paused(Some(why), Moment::now());
            })?;
        }
        let more = plan.is_search() && !reached && self.wants_more(experiment, number, &plan);
        let pace = Pace::of(&plan);
        let is_wanted = more && !is_paused && !queue.is_paused && pace.wants(trials);
        if is_wanted {
            let missing = pace.missing(trials, queue.room)?;
            advance.queued |= self.draw_some(workspace, experiment, number, (&plan, trials), missing)?;
        }
        // What waits or runs keeps the dispatcher by itself.
        advance.open = is_wanted && !advance.queued;
        let at_work = trials.runs.values().any(|one| one.status.state.is_live());
        advance.watching = at_work && (!plan.stopping.is_empty() || plan.target.is_some());
        if trials.all_have_ended() && !advance.queued && !more {
            SweepFile::change(workspace, experiment, number, |file| file.set("closed", json!(true)))?;
        }
        Ok(advance)
    }

    /// Reads what the trials have written of the metric.
    fn follow(&mut self, plan: &SearchPlan, trials: &Trials) -> Result<()> {
        let Some(metric) = &plan.metric else { return Ok(()) };
        if plan.stopping.is_empty() && plan.method != Method::Bayes && plan.target.is_none() {
            return Ok(());
        }
        for one in
            trials.runs.values().filter(|one| one.status.state != State::Queued || one.status.attempt > 1)
        {
            let curve =
                self.curves.entry(one.run.clone()).or_insert_with(|| TrialCurve::new(&one.run, &metric.name));
            curve.poll()?;
        }
        Ok(())
    }

    fn points_of(&self, trials: &Trials) -> BTreeMap<u32, Vec<(u64, f64)>> {
        let curve = |one: &TrialRun| self.curves.get(&one.run).map(|curve| curve.points().to_vec());
        trials.runs.iter().filter_map(|(number, one)| Some((*number, curve(one)?))).collect()
    }

    fn give_up(
        &mut self,
        workspace: &Workspace,
        experiment: &ExperimentFolder,
        number: u32,
        plan: &SearchPlan,
        trials: &Trials,
    ) -> Result<()> {
        if plan.stopping.is_empty() {
            return Ok(());
        }
        let path = SweepFile::path_of(experiment, number);
        let Some(end) = full_length(&plan.stopping, trials) else { return Ok(()) };
        let curves = self.points_of(trials);
        let Some(file) = self.file(experiment, number, &path) else { return Ok(()) };
        let recorded: Vec<Arrival> = file.list("arrivals");
        let given_up: Vec<GivenUp> = file.list("given_up");
        let numbers: BTreeSet<u32> = given_up.iter().map(|one| one.trial).collect();
        let known = judge::Known { recorded: &recorded, given_up: &numbers, curves: &curves, end };
        let judgements = judge(plan, &known, self.judged.entry(path).or_default());
        if !judgements.is_empty() {
            record(workspace, experiment, number, trials, &judgements)?;
            crash::point("search.after-record");
        }
        let now = given_up.into_iter().chain(judgements.iter().filter_map(|one| given_up_now(trials, one)));
        for one in now {
            ask_to_end(trials, one)?;
        }
        Ok(())
    }

    fn target_reached(&self, plan: &SearchPlan, trials: &Trials) -> bool {
        let (Some(target), Some(metric)) = (plan.target, &plan.metric) else { return false };
        let mut best = trials.runs.values().filter_map(|one| self.curves.get(&one.run)?.best(metric.goal));
        best.any(|value| match metric.goal {
            Goal::Minimize => value <= target,
            Goal::Maximize => value >= target,
        })
    }

    /// Whether the method has further trials to make.
    fn wants_more(&mut self, experiment: &ExperimentFolder, number: u32, plan: &SearchPlan) -> bool {
        let path = SweepFile::path_of(experiment, number);
        let Some(file) = self.file(experiment, number, &path) else { return false };
        let cap = plan.run_cap.unwrap_or(u64::MAX);
        let is_used_up = file.get("used_up").is_some_and(|used_up| *used_up == true);
        !is_used_up && (file.trials().len() as u64) < cap
    }

    /// Makes so many further trials, or fewer where the search comes to its end. Whether any was queued.
    fn draw_some(
        &mut self,
        workspace: &Workspace,
        experiment: &ExperimentFolder,
        number: u32,
        (plan, trials): (&SearchPlan, &Trials),
        missing: usize,
    ) -> Result<bool> {
        let path = SweepFile::path_of(experiment, number);
        let seeds = plan.seeds.unwrap_or(1).max(1) as usize;
        let mut any = false;
        for _ in 0..missing.div_ceil(seeds) {
            if !self.wants_more(experiment, number, plan)
                || !self.draw(workspace, experiment, number, plan, trials)?
            {
                break;
            }
            any = true;
            // Changed by us, perhaps within one tick of the file system's clock.
            self.files.remove(&path);
        }
        Ok(any)
    }

    fn draw(
        &mut self,
        workspace: &Workspace,
        experiment: &ExperimentFolder,
        number: u32,
        plan: &SearchPlan,
        trials: &Trials,
    ) -> Result<bool> {
        let path = SweepFile::path_of(experiment, number);
        let goal = plan.metric.as_ref().map_or(Goal::Minimize, |metric| metric.goal);
        let seeds = plan.seeds.unwrap_or(1).max(1) as usize;
        let Some(file) = self.file(experiment, number, &path) else { return Ok(false) };
        let (points, given_up) = (file.points(), file.list::<GivenUp>("given_up"));
        let best = |trial: u32| self.curves.get(&trials.runs.get(&trial)?.run)?.best(goal);
        let given_up_at = |trial: u32| given_up.iter().find(|one| one.trial == trial).map(|one| one.step);
        let observations = draw::observations(&points, seeds, trials, best, given_up_at);
        let space = space_of(plan).map_err(|error| anyhow::anyhow!("the sweep's space: {error}"))?;
        match draw::next_point(plan, &space, &points, &observations) {
            None => {
                SweepFile::change(workspace, experiment, number, |file| file.set("used_up", json!(true)))?;
            }
            Some((point, assignment)) => {
                let cap = plan.run_cap.unwrap_or(u64::MAX) as usize;
                SweepFile::change(workspace, experiment, number, |file| {
                    let before = file.trials().len();
                    file.push("points", json!(point));
                    for assignment in
                        plan.with_seeds(&assignment).into_iter().take(cap.saturating_sub(before))
                    {
                        file.push("trials", json!(assignment));
                    }
                    file.set("submitted", json!(before.min(file.submitted())));
                })?;
                crash::point("search.after-draw");
                return complete(workspace, experiment, number, plan);
            }
        }
        Ok(false)
    }
}

/// The steps of a trial that goes on to its end.
fn full_length(stopping: &[Stopping], trials: &Trials) -> Option<u64> {
    let budget = stopping.iter().find_map(|rule| match rule {
        Stopping::Asha { max_t, .. } => *max_t,
        Stopping::MedianStop { .. } => None,
    });
    if budget.is_some() {
        return budget;
    }
    let lengths = trials.runs.values().filter_map(|one| Summary::read(&one.run).ok().flatten());
    lengths.map(|summary| summary.total_steps).max().filter(|steps| *steps > 0)
}

fn given_up_now(trials: &Trials, judgement: &Judgement) -> Option<GivenUp> {
    let one = trials.runs.get(&judgement.trial)?;
    let gives_up = judgement.gives_up && !one.entry.keep;
    gives_up.then_some(GivenUp { trial: judgement.trial, attempt: one.status.attempt, step: judgement.step })
}

/// Writes judgements into the sweep's file, then into the journals of the trials.
fn record(
    workspace: &Workspace,
    experiment: &ExperimentFolder,
    number: u32,
    trials: &Trials,
    judgements: &[Judgement],
) -> Result<()> {
    SweepFile::change(workspace, experiment, number, |file| {
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
            (true, false) => "is given up",
            (true, true) => "would be given up, but is kept on request",
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
fn ask_to_end(trials: &Trials, given_up: GivenUp) -> Result<()> {
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

/// Queues the trials that the sweep's file names and that are not there: whoever was to queue them has died.
fn complete(
    workspace: &Workspace,
    experiment: &ExperimentFolder,
    number: u32,
    plan: &SearchPlan,
) -> Result<bool> {
    let _queue = workspace.queue_lock()?;
    // Read under the lock: a person may be adding trials.
    let Some(mut file) = SweepFile::read(experiment, number)? else { return Ok(false) };
    let trials = Trials::of(experiment, number, &mut AllFacts::default());
    let refused: Vec<u32> = file.list("refused");
    let mut queued = false;
    for (index, assignment) in file.trials().iter().enumerate().skip(file.submitted()) {
        let trial_number = index as u32 + 1;
        if trials.has(trial_number) || refused.contains(&trial_number) {
            continue;
        }
        match plan.trial_of(assignment) {
            Ok(trial) => {
                draw::queue_trial(workspace, experiment, number, &file, trial_number, &trial)?;
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
