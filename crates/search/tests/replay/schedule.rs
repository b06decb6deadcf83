//! A sweep run again from its recorded curves: some trials at a time, in any order, each stopped when a rule says so.

use loradeck_search::{Arrival, Asha, Curve, Goal, MedianStop, Verdict};

use crate::sweep::{Sweep, noise};

/// The rules that may stop a trial; both may.
#[derive(Clone, Debug, Default)]
pub(crate) struct Rules {
    pub(crate) asha: Option<Asha>,
    pub(crate) median: Option<MedianStop>,
}

/// What a replay came to.
pub(crate) struct Replayed {
    /// The share of all steps that were not run.
    pub(crate) saved: f64,
    /// The best final value of the trials that ran to the end.
    pub(crate) best: f64,
}

struct Worker {
    trial: usize,
    started: f64,
    /// Units of time for one step.
    pace: f64,
    next_point: usize,
}

impl Worker {
    fn time_of(&self, step: u64) -> f64 {
        self.started + self.pace * step as f64
    }
}

struct Replay<'a> {
    sweep: &'a Sweep,
    rules: &'a Rules,
    recorded: Vec<Arrival>,
    logged: Vec<Curve>,
}

/// Runs the trials in the order and with the paces that `shuffle` fixes, as many at a time as there are `workers`.
pub(crate) fn replay(sweep: &Sweep, rules: &Rules, shuffle: u64, workers: usize) -> Replayed {
    let mut replay = Replay { sweep, rules, recorded: Vec::new(), logged: empty(sweep) };
    let mut waiting = arrivals(sweep.curves.len(), shuffle).into_iter();
    let mut start =
        |started| waiting.next().map(|(pace, trial)| Worker { trial, started, pace, next_point: 0 });
    let mut running: Vec<Option<Worker>> = (0..workers).map(|_| start(0.0)).collect();
    let (mut run, mut best) = (0, f64::INFINITY);
    while let Some(slot) = next_to_log(sweep, &running) {
        let worker = running[slot].as_mut().unwrap();
        let (trial, point) = (worker.trial, worker.next_point);
        let (step, value) = sweep.curves[trial].points[point];
        worker.next_point += 1;
        let is_last = worker.next_point == sweep.curves[trial].points.len();
        let is_stopped = replay.log(trial, step, value);
        if is_last && !is_stopped {
            best = best.min(value);
        }
        if is_last || is_stopped {
            run += step;
            let now = worker.time_of(step);
            running[slot] = start(now);
        }
    }
    Replayed { saved: 1.0 - run as f64 / (sweep.budget() * sweep.curves.len() as u64) as f64, best }
}

/// Every trial once, shuffled, each with a pace of 1 to 1.5.
fn arrivals(count: usize, shuffle: u64) -> Vec<(f64, usize)> {
    let mut unit = noise(shuffle + 1000);
    let mut keyed: Vec<(f64, f64, usize)> =
        (0..count).map(|trial| (unit(), 1.0 + unit() / 2.0, trial)).collect();
    keyed.sort_by(|one, other| one.0.total_cmp(&other.0));
    keyed.into_iter().map(|(_, pace, trial)| (pace, trial)).collect()
}

fn empty(sweep: &Sweep) -> Vec<Curve> {
    sweep.curves.iter().map(|curve| Curve { trial: curve.trial, points: Vec::new() }).collect()
}

/// The slot whose next value comes first; of several at one time the first slot.
fn next_to_log(sweep: &Sweep, running: &[Option<Worker>]) -> Option<usize> {
    let time = |worker: &Worker| worker.time_of(sweep.curves[worker.trial].points[worker.next_point].0);
    let busy = running.iter().enumerate().filter_map(|(slot, worker)| Some((time(worker.as_ref()?), slot)));
    busy.min_by(|one, other| one.0.total_cmp(&other.0).then(one.1.cmp(&other.1))).map(|(_, slot)| slot)
}

impl Replay<'_> {
    /// Writes one value down; whether the trial is stopped at it.
    fn log(&mut self, trial: usize, step: u64, value: f64) -> bool {
        self.logged[trial].points.push((step, value));
        let number = self.sweep.curves[trial].trial;
        let asha = self.rules.asha.as_ref().is_some_and(|asha| {
            let decisions = asha.decide(Goal::Minimize, &self.recorded, number, step, value);
            self.recorded.extend(decisions.iter().map(|decision| decision.arrival));
            decisions.iter().any(|decision| decision.verdict == Verdict::Stop)
        });
        let is_over = step == self.sweep.budget();
        let median = self.rules.median.as_ref().filter(|_| !is_over).is_some_and(|median| {
            let decision = median.decide(Goal::Minimize, &self.logged, &self.logged[trial]);
            decision.is_some_and(|decision| decision.verdict == Verdict::Stop)
        });
        asha || median
    }
}
