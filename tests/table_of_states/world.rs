//! One world of the walk: a run's folder, its locks, and every process at its place, with all worlds one step away.

use loradeck_core::run::{
    Liveness, Outcome, ProcessEnd, Recovery, State, Status, decide_recovery, end_state,
};
use loradeck_core::time::Moment;

const ATTEMPTS: usize = 12;

/// What the code could have got wrong.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Mistake {
    None,
    /// Recovery looks at the locks without holding the run's own.
    RecoveryWithoutRunLock,
    /// A late supervisor does not look whether the status still speaks of its attempt.
    SupervisorDoesNotLookAgain,
    /// The trainer takes its lock itself, some time after it was spawned.
    TrainLockAfterSpawn,
    /// A claim is a plain write that replaces an earlier one, of whatever attempt the dispatcher saw first.
    StartWithoutLookingAgain,
    /// Recovery does not look for a claim without a word.
    ClaimedButQueuedIsLeftAlone,
}

#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
enum Owner {
    Dispatcher,
    Supervisor(u8),
    Trainer(u8),
}

/// Where a dispatcher is in its turn.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
enum Dispatching {
    Look,
    WantsToStart(u8),
    LockedToStart(u8),
    Claimed(u8),
    Spawning(u8),
    WantsToRecover,
    LockedToRecover,
    Deciding,
    /// What was decided, about which attempt.
    Writing(Recovery, u8, bool),
    SpawningAdopter(u8),
    /// For the supervisor's word, or its end, on the pipe.
    WaitsForWord(u8),
}

#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
enum Supervising {
    WantsLock,
    HasLock,
    SaidRunning,
    HasTrainLock,
    Waits,
    Ends,
    Gone,
}

#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
struct Supervisor {
    attempt: u8,
    adopts: bool,
    at: Supervising,
}

#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
enum Training {
    Spawned,
    Trains,
    Finished,
    Gone,
}

#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(super) struct World {
    state: State,
    pub(super) attempt: u8,
    claims: u16,
    summary: Option<(u8, bool)>,
    queue_lock: Option<Owner>,
    run_lock: Option<Owner>,
    train_lock: Option<Owner>,
    dispatcher: Option<Dispatching>,
    supervisors: Vec<Supervisor>,
    trainers: Vec<(u8, Training)>,
    /// What each person still wants: 0 stop it while it waits, 1 resume it once it has ended.
    wishes: [bool; 2],
    deaths_left: u8,
    starts: [u8; ATTEMPTS],
    /// A supervisor wrote its attempt's state over another's, or a start or training began that the status does not
    /// know.
    astray: bool,
}

impl World {
    pub(super) fn begin(deaths: u8) -> Self {
        Self {
            state: State::Queued,
            attempt: 1,
            claims: 0,
            summary: None,
            queue_lock: None,
            run_lock: None,
            train_lock: None,
            dispatcher: None,
            supervisors: Vec::new(),
            trainers: Vec::new(),
            wishes: [true, true],
            deaths_left: deaths,
            starts: [0; ATTEMPTS],
            astray: false,
        }
    }

    fn is_claimed(&self, attempt: u8) -> bool {
        self.claims & (1 << attempt) != 0
    }

    /// Places of the gone are used again, so that worlds which differ only in their past are one.
    fn add_supervisor(&mut self, attempt: u8, adopts: bool) -> u8 {
        let new = Supervisor { attempt, adopts, at: Supervising::WantsLock };
        let free = self.supervisors.iter().position(|one| one.at == Supervising::Gone);
        let index = free.unwrap_or(self.supervisors.len());
        if free.is_some() {
            self.supervisors[index] = new
        } else {
            self.supervisors.push(new)
        }
        index as u8
    }

    fn add_trainer(&mut self, attempt: u8) -> Owner {
        let new = (attempt, Training::Spawned);
        let free = self.trainers.iter().position(|(_, at)| *at == Training::Gone);
        let index = free.unwrap_or(self.trainers.len());
        if free.is_some() {
            self.trainers[index] = new
        } else {
            self.trainers.push(new)
        }
        Owner::Trainer(index as u8)
    }

    fn forget_the_gone(&mut self) {
        for one in &mut self.supervisors {
            if one.at == Supervising::Gone {
                (one.attempt, one.adopts) = (0, false);
            }
        }
        for (attempt, at) in &mut self.trainers {
            if *at == Training::Gone {
                *attempt = 0;
            }
        }
    }

    /// The world as it goes on when nobody dies or wishes any more.
    pub(super) fn in_peace(&self) -> Self {
        Self { deaths_left: 0, wishes: [false, false], ..self.clone() }
    }

    pub(super) fn is_over(&self) -> bool {
        self.state.is_end()
            && self.supervisors.iter().all(|one| one.at == Supervising::Gone)
            && self.trainers.iter().all(|(_, at)| *at == Training::Gone)
    }

    fn release(&mut self, owner: Owner) {
        for lock in [&mut self.queue_lock, &mut self.run_lock, &mut self.train_lock] {
            if *lock == Some(owner) {
                *lock = None;
            }
        }
    }

    /// What must hold in every world.
    pub(super) fn violation(&self) -> Option<String> {
        let training = self.trainers.iter().filter(|(_, at)| *at == Training::Trains).count();
        if training > 1 {
            return Some("two trainings at once".to_owned());
        }
        if self.astray {
            return Some("an attempt went on behind the status's back".to_owned());
        }
        self.starts
            .iter()
            .position(|count| *count > 1)
            .map(|attempt| format!("attempt {attempt} started twice"))
    }

    /// All worlds one step away.
    pub(super) fn successors(&self, mistake: Mistake) -> Vec<World> {
        let mut next = Vec::new();
        self.people(&mut next);
        self.dispatcher_steps(mistake, &mut next);
        for index in 0..self.supervisors.len() {
            self.supervisor_steps(index, mistake, &mut next);
        }
        for index in 0..self.trainers.len() {
            self.trainer_steps(index, mistake, &mut next);
        }
        self.deaths(&mut next);
        next
    }

    fn people(&self, next: &mut Vec<World>) {
        if self.wishes[0] && self.queue_lock.is_none() {
            let mut world = self.clone();
            world.wishes[0] = false;
            if world.state == State::Queued {
                world.state = State::Stopped;
            }
            next.push(world);
        }
        let free = self.run_lock.is_none() && self.train_lock.is_none();
        if self.wishes[1] && self.queue_lock.is_none() && self.state.is_end() && free {
            let mut world = self.clone();
            world.wishes[1] = false;
            world.state = State::Queued;
            if world.claims != 0 {
                world.attempt = world.attempt.max(15 - world.claims.leading_zeros() as u8) + 1;
            }
            next.push(world);
        }
    }

    fn dispatcher_steps(&self, mistake: Mistake, next: &mut Vec<World>) {
        let mut world = self.clone();
        let Some(at) = self.dispatcher else {
            // Somebody starts one; the dispatch lock keeps it the only one.
            world.dispatcher = Some(Dispatching::Look);
            next.push(world);
            return;
        };
        let unclaimed = self.state == State::Queued && !self.is_claimed(self.attempt);
        let unattended = (self.state == State::Queued && self.is_claimed(self.attempt))
            || (self.state.is_live() && self.run_lock.is_none());
        world.dispatcher = Some(match at {
            Dispatching::Look if unclaimed => Dispatching::WantsToStart(self.attempt),
            Dispatching::Look if unattended => Dispatching::WantsToRecover,
            Dispatching::Look => return,
            Dispatching::WantsToStart(attempt) if self.queue_lock.is_none() => {
                world.queue_lock = Some(Owner::Dispatcher);
                Dispatching::LockedToStart(attempt)
            }
            Dispatching::LockedToStart(attempt) => {
                let still = self.state == State::Queued && self.attempt == attempt;
                let free = !self.is_claimed(attempt);
                if (still && free) || mistake == Mistake::StartWithoutLookingAgain {
                    world.claims |= 1 << attempt;
                    Dispatching::Claimed(attempt)
                } else {
                    world.queue_lock = None;
                    Dispatching::Look
                }
            }
            Dispatching::Claimed(attempt) => {
                world.astray |= self.state != State::Queued || self.attempt != attempt;
                world.state = State::Starting;
                world.attempt = attempt;
                world.queue_lock = None;
                Dispatching::Spawning(attempt)
            }
            Dispatching::Spawning(attempt) => Dispatching::WaitsForWord(world.add_supervisor(attempt, false)),
            Dispatching::WantsToRecover if self.queue_lock.is_none() => {
                world.queue_lock = Some(Owner::Dispatcher);
                Dispatching::LockedToRecover
            }
            Dispatching::LockedToRecover => {
                if self.run_lock.is_some() {
                    world.queue_lock = None;
                    Dispatching::Look
                } else {
                    if mistake != Mistake::RecoveryWithoutRunLock {
                        world.run_lock = Some(Owner::Dispatcher);
                    }
                    Dispatching::Deciding
                }
            }
            Dispatching::Deciding => self.decide(mistake),
            Dispatching::Writing(decision, attempt, finished) => {
                world.write_down(decision, attempt, finished)
            }
            Dispatching::SpawningAdopter(attempt) => {
                Dispatching::WaitsForWord(world.add_supervisor(attempt, true))
            }
            Dispatching::WaitsForWord(index) => {
                let waits = self.supervisors[usize::from(index)].at == Supervising::WantsLock;
                if waits {
                    return;
                }
                Dispatching::Look
            }
            Dispatching::WantsToStart(_) | Dispatching::WantsToRecover => return,
        });
        next.push(world);
    }

    /// Reading the folder and deciding; somebody may come in before the decision is written down, unless a lock
    /// keeps them out.
    fn decide(&self, mistake: Mistake) -> Dispatching {
        let status = Status::new(self.state, u32::from(self.attempt), Moment(0));
        let live = Liveness { supervisor: false, trainer: self.train_lock.is_some() };
        let summary = self.summary.filter(|(attempt, _)| *attempt == self.attempt);
        let finished = summary.is_some_and(|(_, finished)| finished);
        let outcome = finished.then_some(Outcome::Finished);
        let claimed = self.is_claimed(self.attempt) && mistake != Mistake::ClaimedButQueuedIsLeftAlone;
        let decision = decide_recovery(&status, live, claimed, outcome, summary.is_some());
        Dispatching::Writing(decision, self.attempt, finished)
    }

    fn write_down(&mut self, decision: Recovery, attempt: u8, finished: bool) -> Dispatching {
        self.release(Owner::Dispatcher);
        match decision {
            Recovery::Nothing => {}
            Recovery::Requeue => (self.state, self.attempt) = (State::Queued, attempt + 1),
            Recovery::Adopt => return Dispatching::SpawningAdopter(attempt),
            Recovery::End => self.state = ended(attempt, finished.then_some(Outcome::Finished)),
        }
        Dispatching::Look
    }

    fn supervisor_steps(&self, index: usize, mistake: Mistake, next: &mut Vec<World>) {
        let me = Owner::Supervisor(index as u8);
        let supervisor = self.supervisors[index];
        let mut world = self.clone();
        let at = match supervisor.at {
            Supervising::WantsLock if self.run_lock.is_none() => {
                world.run_lock = Some(me);
                Supervising::HasLock
            }
            // It waits a bounded time, then goes.
            Supervising::WantsLock => Supervising::Gone,
            Supervising::HasLock => {
                let expected =
                    if supervisor.adopts { self.state.is_live() } else { self.state == State::Starting };
                let ours = self.attempt == supervisor.attempt && expected;
                if ours || mistake == Mistake::SupervisorDoesNotLookAgain {
                    world.state = State::Running;
                    world.attempt = supervisor.attempt;
                    if supervisor.adopts { Supervising::Waits } else { Supervising::SaidRunning }
                } else {
                    world.release(me);
                    Supervising::Gone
                }
            }
            Supervising::SaidRunning if mistake == Mistake::TrainLockAfterSpawn => Supervising::HasTrainLock,
            Supervising::SaidRunning if self.train_lock.is_none() => {
                world.train_lock = Some(me);
                Supervising::HasTrainLock
            }
            Supervising::SaidRunning => Supervising::Ends,
            Supervising::HasTrainLock => {
                let trainer = world.add_trainer(supervisor.attempt);
                if mistake != Mistake::TrainLockAfterSpawn {
                    world.train_lock = Some(trainer);
                }
                Supervising::Waits
            }
            Supervising::Waits => {
                let at_work = self
                    .trainers
                    .iter()
                    .any(|(attempt, at)| *attempt == supervisor.attempt && *at != Training::Gone);
                if self.train_lock.is_some() || (at_work && !supervisor.adopts) {
                    return;
                }
                Supervising::Ends
            }
            Supervising::Ends => {
                let finished = self.summary == Some((supervisor.attempt, true));
                world.astray |= self.attempt != supervisor.attempt;
                world.state = ended(supervisor.attempt, finished.then_some(Outcome::Finished));
                world.release(me);
                Supervising::Gone
            }
            Supervising::Gone => return,
        };
        world.supervisors[index].at = at;
        world.forget_the_gone();
        next.push(world);
    }

    fn trainer_steps(&self, index: usize, mistake: Mistake, next: &mut Vec<World>) {
        let me = Owner::Trainer(index as u8);
        let (attempt, at) = self.trainers[index];
        let mut world = self.clone();
        world.trainers[index].1 = match at {
            Training::Spawned => {
                if mistake == Mistake::TrainLockAfterSpawn {
                    if self.train_lock.is_some() {
                        return;
                    }
                    world.train_lock = Some(me);
                }
                world.summary = Some((attempt, false));
                world.astray |= self.attempt != attempt || self.state != State::Running;
                world.starts[attempt as usize] += 1;
                Training::Trains
            }
            Training::Trains => {
                world.summary = Some((attempt, true));
                Training::Finished
            }
            Training::Finished => {
                world.release(me);
                Training::Gone
            }
            Training::Gone => return,
        };
        world.forget_the_gone();
        next.push(world);
    }

    fn deaths(&self, next: &mut Vec<World>) {
        if self.deaths_left == 0 {
            return;
        }
        let mut die = |owner: Owner, bury: &dyn Fn(&mut World)| {
            let mut world = self.clone();
            world.deaths_left -= 1;
            world.release(owner);
            bury(&mut world);
            world.forget_the_gone();
            next.push(world);
        };
        if self.dispatcher.is_some() {
            die(Owner::Dispatcher, &|world| world.dispatcher = None);
        }
        for (index, supervisor) in self.supervisors.iter().enumerate() {
            if supervisor.at != Supervising::Gone {
                die(Owner::Supervisor(index as u8), &move |world| {
                    world.supervisors[index].at = Supervising::Gone
                });
            }
        }
        for (index, (_, at)) in self.trainers.iter().enumerate() {
            if *at != Training::Gone {
                die(Owner::Trainer(index as u8), &move |world| world.trainers[index].1 = Training::Gone);
            }
        }
    }
}

fn ended(attempt: u8, outcome: Option<Outcome>) -> State {
    let outcome = outcome.map(|outcome| (outcome, None));
    end_state(u32::from(attempt), None, false, outcome, ProcessEnd::default(), Moment(0)).state
}
