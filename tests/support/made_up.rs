//! Made-up workspaces whose folders look as real trainings leave them, without training anything.

use std::fs;
use std::path::{Path, PathBuf};

use loradeck_core::file::{self, Durability, LineFile};
use loradeck_core::metrics::EventWriter;
use loradeck_core::run::{
    Attempt, EndReason, FileLock, Host, Journal, JournalEntry, Outcome, QueueEntry, RunFolder, RunName,
    State, Status, Summary, Writer, claim, try_exclusive,
};
use loradeck_core::time::Moment;

/// When made-up runs begin.
pub const BEGIN: Moment = Moment(1_795_600_000_000);

/// A made-up run.
#[derive(Clone, Debug)]
pub struct Plan {
    /// Its number and slug.
    pub name: RunName,
    /// Where it stands.
    pub state: State,
    /// Steps done.
    pub step: u64,
    /// Steps planned.
    pub total: u64,
    /// LoRA rank.
    pub rank: u32,
    /// Learning rate.
    pub learning_rate: f64,
    /// Seed, also of the noise.
    pub seed: u64,
    /// Seconds per step.
    pub pace: f64,
    /// When its first step began.
    pub begin: Moment,
}

impl Plan {
    /// A finished run of 96 steps.
    pub fn new(number: u32, rank: u32, learning_rate: f64) -> Self {
        Self {
            name: RunName::new(number, &format!("rank-{rank}-lr-{learning_rate:e}")),
            state: State::Finished,
            step: 96,
            total: 96,
            rank,
            learning_rate,
            seed: 0,
            pace: 0.7,
            begin: Moment(BEGIN.0 + i64::from(number) * 80_000),
        }
    }

    /// The same in another state and at another step.
    #[must_use]
    pub fn at(mut self, state: State, step: u64) -> Self {
        (self.state, self.step) = (state, step);
        self
    }

    /// The training loss at `step`: falls towards a floor that rank and learning rate set, with noise.
    pub fn loss(&self, step: u64) -> f64 {
        let speed = (self.learning_rate / 5e-4).sqrt() * 0.04;
        let floor = 0.55 + 0.9 / f64::from(self.rank).sqrt() * (5e-4 / self.learning_rate).sqrt() * 0.4;
        let fall = (2.9 - floor) * (-speed * step as f64).exp();
        floor
            + fall
            + (noise(self.seed ^ u64::from(self.name.number), step) - 0.5) * 0.35 * (0.3 + fall / 2.9)
    }

    /// When a step is done.
    pub fn when(&self, step: u64) -> Moment {
        Moment(self.begin.0 + (step as f64 * self.pace * 1000.0) as i64)
    }
}

/// A number from 0 to 1 that depends on both arguments alone.
fn noise(seed: u64, step: u64) -> f64 {
    let mut mixed = (seed << 32) ^ step.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    for _ in 0..3 {
        mixed ^= mixed >> 29;
        mixed = mixed.wrapping_mul(0xbf58_476d_1ce4_e5b9);
    }
    (mixed >> 11) as f64 / (1u64 << 53) as f64
}

/// A made-up workspace. Runs at work are held alive by the locks kept here.
#[derive(Debug)]
pub struct MadeUp {
    root: PathBuf,
    alive: Vec<FileLock>,
}

impl MadeUp {
    /// An empty workspace in `root`.
    pub fn new(root: &Path) -> Self {
        fs::create_dir_all(root).unwrap();
        fs::write(root.join("loradeck.yaml"), "format: 1\n").unwrap();
        Self { root: root.to_path_buf(), alive: Vec::new() }
    }

    /// Makes a run's folder with everything in it.
    pub fn add(&mut self, experiment: &str, plan: &Plan) -> RunFolder {
        let folder = self.root.join("experiments").join(experiment);
        fs::create_dir_all(folder.join("runs")).unwrap();
        fs::write(folder.join("experiment.yaml"), "base_model: models/smollm2.gguf\n").unwrap();
        let run = RunFolder::new(folder.join("runs").join(plan.name.to_string()));
        fs::create_dir_all(run.logs()).unwrap();
        write_config(&run, plan);
        write_status(&run, plan);
        if plan.state != State::Queued {
            write_attempt(&run, plan);
            write_events(&run, plan, 0..=plan.step);
            write_summary(&run, plan);
            write_log(&run, plan, 0..=plan.step);
        }
        if plan.state.is_live() {
            self.alive.extend(try_exclusive(&run.run_lock()).unwrap());
            self.alive.extend(try_exclusive(&run.train_lock()).unwrap());
        }
        run
    }
}

fn write_config(run: &RunFolder, plan: &Plan) {
    let text = format!(
        "base_model: models/smollm2.gguf\ntrain_data_dir: experiments/format/data/train.jsonl\nlora_rank: {}\n\
         lora_alpha: {}\nlora_targets: qkv\nbatch_size: 8\nlearning_rate: {:e}\nlr_scheduler: cosine\n\
         warmup_steps: 5\nmax_steps: {}\nseed: {}\neval_steps: 24\nprovenance:\n  code_commit: 0123abcd\n",
        plan.rank,
        plan.rank * 2,
        plan.learning_rate,
        plan.total,
        plan.seed,
    );
    fs::write(run.config(), text).unwrap();
}

/// Writes the status that the plan asks for.
pub fn write_status(run: &RunFolder, plan: &Plan) {
    let mut status = Status::new(plan.state, 1, plan.when(plan.step));
    if plan.state == State::Failed {
        status =
            status.because(EndReason::NonFinite, format!("the loss was not finite at step {}", plan.step));
        status.exit = Some(4);
    }
    status.write(run).unwrap();
    let queued_at = Moment(BEGIN.0 + i64::from(plan.name.number) * 1000);
    QueueEntry { queued_at, ..QueueEntry::default() }.write(run).unwrap();
}

fn write_attempt(run: &RunFolder, plan: &Plan) {
    let record = Attempt {
        attempt: 1,
        host: Host::here(),
        devices: vec!["cpu-0".into()],
        program: "loradeck 0.1.0".into(),
        overrides: Vec::new(),
        time: plan.when(0),
        job: None,
        withdrawn: false,
    };
    claim(run, &record).unwrap();
    let mut journal = Journal::open(run, Writer::Trainer).unwrap();
    let mut start = JournalEntry::new("start", 1).at(0);
    start.time = plan.when(0);
    journal.append(&start).unwrap();
}

/// Writes the events of these steps into a file of their own.
pub fn write_events(run: &RunFolder, plan: &Plan, steps: std::ops::RangeInclusive<u64>) {
    let mut events = EventWriter::create(&run.logs(), "made-up", plan.when(*steps.start())).unwrap();
    for step in steps {
        append_step(&mut events, plan, step);
    }
}

/// Appends one step's events.
pub fn append_step(events: &mut EventWriter, plan: &Plan, step: u64) {
    let time = plan.when(step);
    if step > 0 {
        let failed = plan.state == State::Failed && step == plan.step;
        let loss = if failed { f64::NAN } else { plan.loss(step) };
        let values: &[(&str, f32)] = &[
            ("train/loss", loss as f32),
            ("train/learning_rate", (plan.learning_rate * (1.0 - step as f64 / plan.total as f64)) as f32),
            ("train/grad_norm", (0.8 + noise(7, step)) as f32),
            ("train/tokens_per_second", (720.0 + 60.0 * noise(9, step)) as f32),
            ("train/epoch", step as f32 / 24.0),
            ("system/memory_bytes", 9.0e8 + 1e6 * step as f32),
        ];
        events.scalars(step, values, time).unwrap();
    }
    if step.is_multiple_of(24) {
        events.scalar(step, "eval/loss", smooth_loss(plan, step) as f32, time).unwrap();
    }
}

fn smooth_loss(plan: &Plan, step: u64) -> f64 {
    (plan.loss(step) + plan.loss(step + 1) + plan.loss(step + 2)) / 3.0 + 0.05
}

/// Writes the summary of the plan's step.
pub fn write_summary(run: &RunFolder, plan: &Plan) {
    let outcome = match plan.state {
        State::Finished => Outcome::Finished,
        State::Failed => Outcome::NonFinite,
        State::Stopped => Outcome::Stopped,
        State::Pruned => Outcome::Pruned,
        _ => Outcome::Running,
    };
    let mut summary: Summary = serde_json::from_value(serde_json::json!({
        "format": 1, "attempt": 1, "outcome": outcome, "step": plan.step, "total_steps": plan.total,
        "epoch": plan.step as f64 / 24.0, "tokens": plan.step * 520, "seconds": plan.step as f64 * plan.pace,
        "started": plan.when(0), "updated": plan.when(plan.step), "peak_memory_bytes": 912_000_000u64,
        "trainable_parameters": u64::from(plan.rank) * 115_200, "train_samples": 192, "eval_samples": 20,
        "environment": { "host": "made-up", "device": "cpu", "precision": "fp32", "threads": 2 },
    }))
    .unwrap();
    for step in 0..=plan.step {
        if step > 0 && !(plan.state == State::Failed && step == plan.step) {
            summary.note("train/loss", step, plan.loss(step), false);
            summary.note("train/tokens_per_second", step, 720.0 + 60.0 * noise(9, step), true);
        }
        if step.is_multiple_of(24) {
            summary.note("eval/loss", step, smooth_loss(plan, step), false);
        }
    }
    file::replace_json(&run.summary(), &summary, Durability::Renamed).unwrap();
}

/// Appends what a trainer would have said at these steps.
pub fn write_log(run: &RunFolder, plan: &Plan, steps: std::ops::RangeInclusive<u64>) {
    let mut log = LineFile::open(&run.train_log()).unwrap();
    for step in steps {
        let line = match step {
            0 => format!("training {} on 192 samples for {} steps", plan.name, plan.total),
            _ if step.is_multiple_of(24) => {
                format!("step {step}/{}  eval/loss {:.4}", plan.total, smooth_loss(plan, step))
            }
            _ => format!("step {step}/{}  loss {:.4}  {:.0} tokens/s", plan.total, plan.loss(step), 720.0),
        };
        log.append(&line).unwrap();
    }
}
