//! Sweeps that go on by themselves: the dispatcher makes their next trials and gives up those that fall behind. All
//! that is decided follows from files, and is written down before it is acted on.

mod complete;
mod curve;
mod draw;
mod given_up;
mod judge;
mod pace;
mod space;
mod sweep_at;
mod trials;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::PathBuf;

use anyhow::Result;
use loradeck_core::config::{Goal, Method, SearchPlan, Stopping};
use loradeck_core::crash;
use loradeck_core::run::{RunFolder, State, Summary, Workspace};
use loradeck_core::time::Moment;
use loradeck_search::Arrival;
use serde_json::json;

use self::complete::complete;
use self::curve::TrialCurve;
pub(in crate::launch) use self::given_up::GivenUp;
use self::given_up::{ask_to_end, given_up_now, record};
use self::judge::judge;
use self::pace::Pace;
use self::space::space_of;
use self::sweep_at::SweepAt;
use self::trials::{TrialRun, Trials};
use super::dispatch::{AllFacts, Mark, mark_of};
use super::sweep_file::{SweepFile, sweep_numbers};

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
    pub(super) room: &'a dyn Fn() -> usize,
}

/// The sweeps of a workspace and what was read of their trials.
#[derive(Default)]
pub(super) struct Searches {
    files: HashMap<PathBuf, (Option<Mark>, Option<SweepFile>)>,
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
                let at = SweepAt { workspace, experiment: &experiment, number };
                let is_open = self.file(at).is_some_and(|file| {
                    !file.is_closed() && file.get("search").is_some_and(|search| !search.is_null())
                });
                if is_open {
                    let trials = Trials::of(&experiment, number, facts);
                    all = all.and(self.advance_one(at, &trials, queue)?);
                }
            }
        }
        Ok(all)
    }

    fn file(&mut self, at: SweepAt<'_>) -> Option<&SweepFile> {
        let path = at.path();
        let mark = mark_of(&path);
        let entry = self.files.entry(path).or_insert((None, None));
        if entry.0 != mark || mark.is_none() {
            *entry = (mark, SweepFile::read(at.experiment, at.number).ok().flatten());
        }
        entry.1.as_ref()
    }

    fn advance_one(&mut self, at: SweepAt<'_>, trials: &Trials, queue: &QueueNow<'_>) -> Result<Advance> {
        let Some(file) = self.file(at) else { return Ok(Advance::default()) };
        let Some(plan) = file.plan() else { return Ok(Advance::default()) };
        let is_paused = file.paused().is_some();
        let is_incomplete = file.submitted() < file.trials().len();
        self.follow(&plan, trials)?;
        self.give_up(at, &plan, trials)?;
        let mut advance = Advance::default();
        if is_incomplete {
            advance.queued |= complete(at)?;
        }
        let reached = self.target_reached(&plan, trials);
        if reached && trials.waiting() > 0 && !is_paused {
            let why = "a trial has reached the target of its metric";
            at.change(|file| {
                file.set_paused(Some(why), Moment::now());
            })?;
        }
        let more = plan.is_search() && !reached && self.wants_more(at, &plan);
        let pace = Pace::of(&plan);
        let is_wanted = more && !is_paused && !queue.is_paused && pace.wants(trials);
        if is_wanted {
            let missing = pace.missing(trials, queue.room);
            advance.queued |= self.draw_some(at, &plan, trials, missing)?;
        }
        // What waits or runs keeps the dispatcher by itself.
        advance.open = is_wanted && !advance.queued;
        let at_work = trials.runs.values().any(|one| one.status.state.is_live());
        advance.watching = at_work && (!plan.stopping.is_empty() || plan.target.is_some());
        if trials.all_have_ended() && !advance.queued && !more {
            at.change(|file| file.set("closed", json!(true)))?;
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

    fn give_up(&mut self, at: SweepAt<'_>, plan: &SearchPlan, trials: &Trials) -> Result<()> {
        if plan.stopping.is_empty() {
            return Ok(());
        }
        let Some(end) = full_length(&plan.stopping, trials) else { return Ok(()) };
        let curves = self.points_of(trials);
        let Some(file) = self.file(at) else { return Ok(()) };
        let recorded: Vec<Arrival> = file.list("arrivals");
        let given_up: Vec<GivenUp> = file.list("given_up");
        let numbers: BTreeSet<u32> = given_up.iter().map(|one| one.trial).collect();
        let known = judge::Known { recorded: &recorded, given_up: &numbers, curves: &curves, end };
        let judgements = judge(plan, &known, self.judged.entry(at.path()).or_default());
        if !judgements.is_empty() {
            record(at, trials, &judgements)?;
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
    fn wants_more(&mut self, at: SweepAt<'_>, plan: &SearchPlan) -> bool {
        let Some(file) = self.file(at) else { return false };
        let cap = plan.run_cap.unwrap_or(u64::MAX);
        let is_used_up = file.get("used_up").is_some_and(|used_up| *used_up == true);
        !is_used_up && (file.trials().len() as u64) < cap
    }

    /// Makes so many further trials, or fewer where the search comes to its end. Whether any was queued.
    fn draw_some(
        &mut self,
        at: SweepAt<'_>,
        plan: &SearchPlan,
        trials: &Trials,
        missing: usize,
    ) -> Result<bool> {
        let seeds = plan.seeds.unwrap_or(1).max(1) as usize;
        let mut any = false;
        for _ in 0..missing.div_ceil(seeds) {
            if !self.wants_more(at, plan) || !self.draw(at, plan, trials)? {
                break;
            }
            any = true;
        }
        Ok(any)
    }

    fn draw(&mut self, at: SweepAt<'_>, plan: &SearchPlan, trials: &Trials) -> Result<bool> {
        let goal = plan.metric.as_ref().map_or(Goal::Minimize, |metric| metric.goal);
        let seeds = plan.seeds.unwrap_or(1).max(1) as usize;
        let Some(file) = self.file(at) else { return Ok(false) };
        let (points, given_up) = (file.points(), file.list::<GivenUp>("given_up"));
        let best = |trial: u32| self.curves.get(&trials.runs.get(&trial)?.run)?.best(goal);
        let given_up_at = |trial: u32| given_up.iter().find(|one| one.trial == trial).map(|one| one.step);
        let observations = draw::observations(&points, seeds, trials, best, given_up_at);
        let space = space_of(plan).map_err(|error| anyhow::anyhow!("the sweep's space: {error}"))?;
        match draw::next_point(plan, &space, &points, &observations) {
            None => {
                at.change(|file| file.set("used_up", json!(true)))?;
            }
            Some((point, assignment)) => {
                let cap = plan.run_cap.unwrap_or(u64::MAX) as usize;
                at.change(|file| {
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
                return complete(at);
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
