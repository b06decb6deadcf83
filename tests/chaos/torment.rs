//! Death at random and at named points, until all runs have ended.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use loradeck_core::run::RunFolder;
use rustix::process::{Pid, Signal, kill_process};

use crate::onlooker::Onlooker;
use crate::support::{Deck, state};

/// Trials that are added while the others run.
pub const ADDED: usize = 5;

/// So many are to be killed at random; then trials are added, so that none ends before.
pub const ENOUGH: usize = 20;

/// Named points at which the processes that `list` starts die, where they are compiled in.
const POINTS: [&str; 14] = [
    "dispatch.before-claim",
    "dispatch.after-claim",
    "dispatch.after-starting",
    "supervise.after-lock",
    "supervise.before-spawn",
    "supervise.after-spawn",
    "supervise.before-end",
    "supervise.after-end",
    "report.before",
    "commit.after-index",
    // The trainer's own.
    "checkpoint.before-rename",
    "checkpoint.after-rename",
    "summary.before-end",
    "summary.after-end",
];

/// The next number of a sequence that is the same each time (an xorshift generator).
pub struct Dice(pub u64);

impl Dice {
    fn throw(&mut self, sides: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % sides as u64) as usize
    }
}

/// What is done to the sweep of the experiment `x`.
pub struct Torment<'a> {
    /// How many trials the sweep has before any are added.
    pub trials: usize,
    /// The edit that adds [`ADDED`] trials.
    pub edit: &'a str,
    /// One trainer in so many may be hit; each such run must be resumed by hand.
    pub trainers: usize,
    pub within: Duration,
}

/// How many processes of each kind were killed at random.
#[derive(Debug, Default)]
pub struct Killed {
    pub supervisors: usize,
    pub dispatchers: usize,
    pub dashboards: usize,
    pub trainers: usize,
}

impl Killed {
    pub fn all(&self) -> usize {
        self.supervisors + self.dispatchers + self.dashboards + self.trainers
    }

    fn count(&mut self, kind: &str) {
        let counter = match kind {
            "supervise" => &mut self.supervisors,
            "dispatch" => &mut self.dispatchers,
            "trainer" => &mut self.trainers,
            _ => &mut self.dashboards,
        };
        *counter += 1;
    }
}

pub fn runs(deck: &Deck) -> Vec<RunFolder> {
    deck.workspace.experiment("x").runs()
}

impl Torment<'_> {
    /// Kills until all runs have ended.
    pub fn run(&self, deck: &mut Deck, dice: &mut Dice) -> Killed {
        let (mut killed, mut edited) = (Killed::default(), false);
        let mut dashboard = Onlooker::open(deck);
        let mut last = Instant::now();
        let until = last + self.within;
        let expected = self.trials + ADDED;
        for turn in 0.. {
            let (there, ended) = count(deck);
            if there == expected && ended == expected {
                break;
            }
            assert!(
                Instant::now() < until,
                "not all runs have ended: {there} are there, {ended} have; {killed:?}"
            );
            if killed.all() >= ENOUGH && !edited {
                edited = true;
                // The programs are upgraded under those at work, and somebody adds trials. Killed or not, the trials
                // are written down: whoever comes next queues them.
                deck.upgrade();
                assert!(deck.run(&["sweep", "add", "x", self.edit]).status.success());
            }
            // On a busy machine a turn takes seconds, in which as many trainings end: the fewer turns, the more in each.
            let due = 1 + (last.elapsed().as_millis() / 300).min(5);
            last = Instant::now();
            (0..due).for_each(|_| self.kill_one(deck, dice, &mut killed));
            if !dashboard.is_there() {
                dashboard = Onlooker::open(deck);
            }
            look(deck, dice, turn);
            std::thread::sleep(Duration::from_millis(50 + dice.throw(250) as u64));
        }
        killed
    }

    fn kill_one(&self, deck: &Deck, dice: &mut Dice, killed: &mut Killed) {
        let victims: Vec<(u32, String)> = processes(&deck.slots())
            .into_iter()
            .filter(|(_, kind)| match kind.as_str() {
                "supervise" | "dispatch" | "dashboard" => true,
                "trainer" => dice.throw(self.trainers) == 0,
                _ => false,
            })
            .collect();
        if !victims.is_empty() {
            let (pid, kind) = &victims[dice.throw(victims.len())];
            // It may have ended since it was seen.
            let victim = Pid::from_raw(i32::try_from(*pid).unwrap()).unwrap();
            if kill_process(victim, Signal::KILL).is_ok() {
                killed.count(kind);
            }
        }
    }
}

/// How many runs are there, and how many of them have ended.
fn count(deck: &Deck) -> (usize, usize) {
    let runs = runs(deck);
    (runs.len(), runs.iter().filter(|run| state(run).is_end()).count())
}

/// Somebody who comes back and looks; it starts a dispatcher where none is left, which dies at a named point, as the
/// supervisors and trainers that it starts do, once among them.
fn look(deck: &Deck, dice: &mut Dice, turn: usize) {
    let point = POINTS[dice.throw(POINTS.len())];
    let mark = deck.slots().join(format!("crash-{turn}"));
    let mut look = deck.command(&["list"]);
    look.env("LORADECK_CRASH_AT", point).env("LORADECK_CRASH_MARK", mark);
    assert!(look.output().unwrap().status.success());
}

/// Our processes of this test, by the folder of slots in their environment, and what each is.
fn processes(slots: &Path) -> Vec<(u32, String)> {
    let mark = format!("LORADECK_SLOT_LOCKS={}", slots.display());
    let read = |pid: u32, name: &str| fs::read(format!("/proc/{pid}/{name}")).unwrap_or_default();
    let entries = fs::read_dir("/proc").unwrap().flatten();
    let pids = entries.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    let ours = pids.filter(|pid| {
        let environment = read(*pid, "environ");
        environment.split(|byte| *byte == 0).any(|variable| variable == mark.as_bytes())
    });
    ours.map(|pid| (pid, kind_of(&read(pid, "cmdline")))).collect()
}

/// `supervise`, `dispatch` and the like, `trainer` or `dashboard`, by the words of its command line.
fn kind_of(line: &[u8]) -> String {
    let words: Vec<String> = line
        .split(|byte| *byte == 0)
        .filter(|word| !word.is_empty())
        .map(|word| String::from_utf8_lossy(word).into_owned())
        .collect();
    let is_trainer = |word: &String| word.ends_with("trainer.sh") || word.ends_with("loradeck-train");
    match words.as_slice() {
        words if words.iter().any(is_trainer) => "trainer".to_owned(),
        [program] if program.ends_with("loradeck") => "dashboard".to_owned(),
        [_, verb, ..] => verb.clone(),
        _ => String::new(),
    }
}
