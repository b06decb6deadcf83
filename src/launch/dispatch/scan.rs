//! What the dispatcher finds in the run folders at one look.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use loradeck_core::error::FileError;
use loradeck_core::run::{
    EndReason, ExperimentFolder, Host, Place, QueueEntry, RunFolder, State, Status, Workspace, asked_to_end,
    comeback, is_held, read_attempt,
};
use loradeck_core::time::Moment;

use super::facts::AllFacts;
use crate::launch::disk;
use crate::launch::door::Permit;
use crate::launch::queue_settings::QueueSettings;
use crate::launch::schedule::{QueuedRun, RunningRun, Waiting};
use crate::launch::sweep_file::SweepFile;
use crate::launch::trust::permit;

/// A failure counts as quick where it came so soon after the attempt's start.
const QUICK: Duration = Duration::from_mins(2);
/// Room for what differs between the runs of a sweep, over the most that one was seen to use.
const MEMORY_MARGIN: f64 = 1.1;

/// Everything of one look.
#[derive(Debug, Default)]
pub(super) struct Found {
    /// The leave to start what the workspace names, if it is trusted.
    pub(super) permit: Option<Permit>,
    /// The queue's settings, as they were at this look.
    pub(super) settings: QueueSettings,
    /// Runs that wait.
    pub(super) queued: Vec<QueuedRun>,
    /// Runs in a slot.
    pub(super) running: Vec<RunningRun>,
    /// The groups of runs that are at work on nodes of Slurm's.
    pub(super) groups_on_nodes: Vec<String>,
    /// Runs without a live supervisor, and claimed attempts whose status was never written.
    pub(super) unattended: Vec<(RunFolder, u32)>,
    /// Failed runs that go on by themselves after this pause.
    pub(super) comebacks: Vec<(RunFolder, u32, Duration)>,
    /// Waiting runs that another host asked to leave the queue.
    pub(super) unwanted: Vec<(RunFolder, u32)>,
    /// Waiting runs whose parent has failed, and the parent's name and state.
    pub(super) forsaken: Vec<(RunFolder, u32, String)>,
    /// Sweeps whose runs fail one after the other, and what is to be said of it.
    pub(super) failing_sweeps: Vec<(ExperimentFolder, u32, String)>,
    /// Ended runs.
    pub(super) ended: Vec<(RunFolder, Status)>,
    /// Experiments with ended runs in which nothing waits or runs any more.
    pub(super) quiet_experiments: Vec<ExperimentFolder>,
}

impl Found {
    /// Whether something is at work or must be put right.
    pub(super) fn anything_at_work(&self) -> bool {
        !self.running.is_empty() || !self.unattended.is_empty() || !self.comebacks.is_empty()
    }

    /// How long the shortest pause of a waiting run still is.
    pub(super) fn next_moment(&self, now: Moment) -> Option<Duration> {
        let moments = self.queued.iter().filter_map(|queued| match &queued.blocked {
            Some(Waiting::NotBefore(moment)) => Some(moment.since(now)),
            _ => None,
        });
        moments.min()
    }
}

/// Looks at all run folders of a workspace.
#[derive(Debug)]
pub(super) struct Scanner {
    here: Host,
    facts: AllFacts,
}

impl Default for Scanner {
    fn default() -> Self {
        Self { here: Host::here(), facts: AllFacts::default() }
    }
}

/// A run as it was found.
struct Seen {
    run: RunFolder,
    status: Status,
    entry: QueueEntry,
}

impl Scanner {
    /// What was read of the runs' small files.
    pub(super) fn facts(&mut self) -> &mut AllFacts {
        &mut self.facts
    }

    pub(super) fn scan(&mut self, workspace: &Workspace) -> Result<Found, FileError> {
        let settings = QueueSettings::read(workspace)?;
        let (paused, now) = (settings.paused, Moment::now());
        let mut found = Found { settings, permit: permit(workspace).ok(), ..Found::default() };
        let mut all = Vec::new();
        for experiment in workspace.experiments() {
            let runs = experiment.runs();
            let seen: Vec<Seen> = runs.iter().filter_map(|run| self.look(run)).collect();
            self.sort_in(workspace, &experiment, &seen, (paused, now), &mut found)?;
            all.extend(runs);
        }
        self.facts.keep(&all);
        Ok(found)
    }

    fn look(&mut self, run: &RunFolder) -> Option<Seen> {
        let facts = self.facts.of(run);
        let status = facts.status(run)?;
        // Of ended runs only the failed ones may still have something before them.
        let is_done = status.state.is_end() && status.state != State::Failed;
        let entry = if is_done { QueueEntry::default() } else { facts.entry(run) };
        Some(Seen { run: run.clone(), status, entry })
    }

    fn sort_in(
        &mut self,
        workspace: &Workspace,
        experiment: &ExperimentFolder,
        seen: &[Seen],
        (paused, now): (bool, Moment),
        found: &mut Found,
    ) -> Result<(), FileError> {
        let sweeps = Self::sweeps_at_work(experiment, seen, now)?;
        let memory = self.memory_by_sweep(seen);
        let before = found.ended.len();
        let mut is_busy = false;
        for one in seen {
            is_busy |= !one.status.state.is_end();
            let known = one.entry.needs.gpu_memory.or(memory.get(&one.entry.sweep).copied());
            if !one.status.state.is_end() && self.is_with_slurm(one) {
                found.groups_on_nodes.extend(one.entry.group.clone());
                continue;
            }
            match one.status.state {
                State::Queued if one.run.attempt(one.status.attempt).exists() => {
                    found.unattended.push((one.run.clone(), one.status.attempt));
                }
                State::Queued => {
                    if asked_to_end(&one.run, one.status.attempt) {
                        found.unwanted.push((one.run.clone(), one.status.attempt));
                    } else if let Some(parent) = self.parent_that_failed(workspace, &one.entry) {
                        found.forsaken.push((one.run.clone(), one.status.attempt, parent));
                    } else {
                        let distrusted = found.permit.is_none();
                        let blocked = distrusted.then(|| Waiting::NotTrusted(workspace.root().to_path_buf()));
                        let blocked = blocked.or_else(|| paused.then_some(Waiting::QueuePaused));
                        let blocked = blocked.or_else(|| Self::blocked(workspace, one, &sweeps, now));
                        found.queued.push(queued(one, blocked, known));
                    }
                }
                State::Starting | State::Running => {
                    let is_attended = self.is_attended(one)?;
                    // A dead one takes no slot, even where its end cannot be written.
                    if is_attended || self.place(one) != Place::Here || is_held(&one.run.train_lock())? {
                        found.running.push(self.running(one, known));
                    }
                    if !is_attended {
                        found.unattended.push((one.run.clone(), one.status.attempt));
                    }
                }
                _ => match comeback(&one.status, &one.entry) {
                    Some(pause) => found.comebacks.push((one.run.clone(), one.status.attempt, pause)),
                    None => found.ended.push((one.run.clone(), one.status.clone())),
                },
            }
        }
        found.failing_sweeps.extend(Self::failing_sweeps(experiment, seen, &sweeps));
        if !is_busy && found.ended.len() > before {
            found.quiet_experiments.push(experiment.clone());
        }
        Ok(())
    }

    /// Whether an element of an array has it, perhaps on another host: its locks tell nothing, Slurm does.
    fn is_with_slurm(&mut self, one: &Seen) -> bool {
        self.place(one) == Place::Slurm
    }

    /// Where the attempt of a run at work is, seen from here.
    fn place(&mut self, one: &Seen) -> Place {
        let record = self.facts.of(&one.run).attempt(&one.run, one.status.attempt);
        record.map_or(Place::Here, |record| record.place(&self.here))
    }

    /// Whether a supervisor looks after it: on this host its lock tells, on another one, whose locks cannot be seen from
    /// here, its heartbeat.
    fn is_attended(&mut self, one: &Seen) -> Result<bool, FileError> {
        match self.place(one) {
            Place::OtherHost => Ok(self.facts.of(&one.run).beats(&one.run)),
            Place::Here | Place::Slurm => is_held(&one.run.run_lock()),
        }
    }

    /// The files of sweeps that have something waiting.
    fn sweeps_at_work(
        experiment: &ExperimentFolder,
        seen: &[Seen],
        now: Moment,
    ) -> Result<BTreeMap<u32, SweepFile>, FileError> {
        let mut sweeps = BTreeMap::new();
        // Of a search no trial need wait: it draws the next one where there is room, and it fails all the same.
        let has_just_failed =
            |one: &Seen| one.status.state == State::Failed && now.since(one.status.since) < QUICK;
        let is_at_work = |one: &&Seen| one.status.state == State::Queued || has_just_failed(one);
        for number in seen.iter().filter(is_at_work).filter_map(|one| one.entry.sweep) {
            if !sweeps.contains_key(&number)
                && let Some(sweep) = SweepFile::read(experiment, number)?
            {
                sweeps.insert(number, sweep);
            }
        }
        Ok(sweeps)
    }

    /// The most GPU memory that a run of each sweep was seen to use, with a margin; only where runs share GPUs.
    fn memory_by_sweep(&mut self, seen: &[Seen]) -> HashMap<Option<u32>, u64> {
        let mut most: HashMap<Option<u32>, u64> = HashMap::new();
        if seen.iter().all(|one| one.entry.needs.runs_per_gpu < 2) {
            return most;
        }
        for one in seen.iter().filter(|one| one.status.state != State::Queued) {
            // An ended run's place in the queue is not read with the others'.
            let facts = self.facts.of(&one.run);
            let Some(peak) = facts.peak_gpu_memory(&one.run) else { continue };
            let sweep = facts.entry(&one.run).sweep;
            let known = most.entry(sweep).or_default();
            *known = (*known).max((peak as f64 * MEMORY_MARGIN) as u64);
        }
        most
    }

    fn blocked(
        workspace: &Workspace,
        one: &Seen,
        sweeps: &BTreeMap<u32, SweepFile>,
        now: Moment,
    ) -> Option<Waiting> {
        let entry = &one.entry;
        if entry.hold {
            return Some(Waiting::Held);
        }
        let sweep = entry.sweep.and_then(|number| sweeps.get(&number));
        if let Some(why) = sweep.and_then(SweepFile::paused) {
            return Some(Waiting::SweepPaused(why.to_owned()));
        }
        if let Some(parent) = entry.after.iter().find(|label| !has_finished(workspace, label)) {
            let is_there = run_of(workspace, parent).is_some();
            let wait = if is_there { Waiting::After } else { Waiting::AfterRemoved };
            return Some(wait(parent.clone()));
        }
        if let Some(moment) = entry.not_before.filter(|moment| *moment > now) {
            return Some(Waiting::NotBefore(moment));
        }
        disk::complaint(&one.run)
    }

    /// The first parent that has ended without finishing and does not come back.
    fn parent_that_failed(&mut self, workspace: &Workspace, entry: &QueueEntry) -> Option<String> {
        entry.after.iter().find_map(|label| {
            let parent = run_of(workspace, label)?;
            let facts = self.facts.of(&parent);
            let status = facts.status(&parent)?;
            let has_failed = status.state.is_end() && status.state != State::Finished;
            (has_failed && comeback(&status, &facts.entry(&parent)).is_none())
                .then(|| format!("{label} is {}", status.state.word()))
        })
    }

    fn running(&mut self, one: &Seen, memory: Option<u64>) -> RunningRun {
        // What a run on another host takes, it does not take of this one.
        let is_here = self.place(one) == Place::Here;
        let facts = self.facts.of(&one.run);
        let devices = facts.attempt(&one.run, one.status.attempt).map(|record| record.devices);
        let slot = devices.filter(|_| is_here).and_then(|devices| devices.into_iter().next());
        RunningRun {
            run: one.run.clone(),
            slot: slot.unwrap_or_default(),
            runs_per_gpu: one.entry.needs.runs_per_gpu,
            memory: memory.or_else(|| facts.peak_gpu_memory(&one.run)),
            group: one.entry.group.clone(),
        }
    }

    /// Sweeps whose newest ends are all quick failures, as many as the runs allow.
    fn failing_sweeps(
        experiment: &ExperimentFolder,
        seen: &[Seen],
        sweeps: &BTreeMap<u32, SweepFile>,
    ) -> Vec<(ExperimentFolder, u32, String)> {
        let mut failing = Vec::new();
        let may_go_on = |number: u32, sweep: &SweepFile| {
            let waits = |one: &Seen| one.status.state == State::Queued && one.entry.sweep == Some(number);
            sweep.paused().is_none() && (seen.iter().any(waits) || sweep.may_draw())
        };
        for (number, sweep) in sweeps.iter().filter(|(number, sweep)| may_go_on(**number, sweep)) {
            let of_sweep = |one: &&Seen| one.entry.sweep == Some(*number);
            let limit = seen.iter().filter(of_sweep).find_map(|one| one.entry.stop_sweep_after_failures);
            let Some(limit) = limit else { continue };
            let resumed = sweep.resumed_at().unwrap_or_default();
            // Runs that ended well have no entry here; their ends interrupt a row of failures all the same.
            let mut ends: Vec<&Seen> = seen
                .iter()
                .filter(|one| one.status.state.is_end() && one.status.since > resumed)
                .filter(|one| one.status.state != State::Failed || one.entry.sweep == Some(*number))
                .filter(|one| one.status.state == State::Failed || is_of_sweep(&one.run, *number))
                .collect();
            ends.sort_by_key(|one| std::cmp::Reverse(one.status.since));
            let row = ends.iter().take_while(|one| failed_quickly(one)).count();
            if row >= limit as usize {
                let last = ends[0].status.message.clone().unwrap_or_default();
                failing.push((experiment.clone(), *number, format!("{row} runs failed in a row: {last}")));
            }
        }
        failing
    }
}

fn is_of_sweep(run: &RunFolder, number: u32) -> bool {
    QueueEntry::read(run).is_ok_and(|entry| entry.sweep == Some(number))
}

fn failed_quickly(one: &Seen) -> bool {
    let is_of_others = matches!(one.status.reason, Some(EndReason::Killed | EndReason::Parent));
    let record = read_attempt(&one.run, one.status.attempt);
    one.status.state == State::Failed
        && !is_of_others
        && record.is_none_or(|record| one.status.since.since(record.time) < QUICK)
}

fn queued(one: &Seen, blocked: Option<Waiting>, memory: Option<u64>) -> QueuedRun {
    QueuedRun {
        run: one.run.clone(),
        attempt: one.status.attempt,
        priority: one.entry.priority,
        queued_at: one.entry.queued_at,
        blocked,
        needs: one.entry.needs.clone(),
        memory,
        group: one.entry.group.clone(),
    }
}

/// The folder of the run that `label` names, as a queue entry names it.
fn run_of(workspace: &Workspace, label: &str) -> Option<RunFolder> {
    let (experiment, name) = label.split_once('/')?;
    let folder = workspace.experiment(experiment).runs_folder().join(name);
    folder.is_dir().then(|| RunFolder::new(folder))
}

fn has_finished(workspace: &Workspace, label: &str) -> bool {
    let status = run_of(workspace, label).and_then(|run| Status::read(&run).ok().flatten());
    status.is_some_and(|status| status.state == State::Finished)
}
