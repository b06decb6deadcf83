//! A workspace with runs as a trainer, a supervisor and a dispatcher leave them.

use std::fs;

use loradeck_core::file::Durability;
use loradeck_core::metrics::EventWriter;
use loradeck_core::run::{
    Attempt, EndReason, Evidence, ExperimentFolder, FORMAT, Host, Journal, JournalEntry, Outcome, RunFolder,
    State, Status, Summary, Workspace, Writer, claim,
};
use loradeck_core::time::Moment;
use tempfile::TempDir;

const START: i64 = 1_795_559_400_000;

/// A workspace in a temporary folder.
pub(super) struct Lab {
    _folder: TempDir,
    pub workspace: Workspace,
    pub experiment: ExperimentFolder,
}

/// What a made-up run is like.
pub(super) struct Made {
    pub name: &'static str,
    pub rank: u32,
    pub rate: f64,
    /// Validation losses at steps 0, 8, 16 and 24.
    pub evaluation: [f64; 4],
    pub state: State,
    pub config: &'static str,
    /// What it answers after training.
    pub answer: &'static str,
}

impl Default for Made {
    fn default() -> Self {
        Self {
            name: "0001-rank-8",
            rank: 8,
            rate: 2e-3,
            evaluation: [2.314, 1.42, 0.951, 0.8412],
            state: State::Finished,
            config: "",
            answer: "ANSWER: Paris\nWHY: it is the seat of government\nSURE: yes",
        }
    }
}

impl Lab {
    pub(super) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("loradeck.yaml"), "format: 1\n").unwrap();
        let workspace = Workspace::find(folder.path()).unwrap();
        let experiment = workspace.experiment("answer-card");
        fs::create_dir_all(experiment.path()).unwrap();
        fs::write(experiment.file(), "base_model: m\n").unwrap();
        Self { _folder: folder, workspace, experiment }
    }

    /// Makes a run's folder as it is once the run has ended.
    pub(super) fn run(&self, made: &Made) -> RunFolder {
        let run = RunFolder::new(self.experiment.runs_folder().join(made.name));
        for folder in [run.logs(), run.samples(), run.checkpoints()] {
            fs::create_dir_all(folder).unwrap();
        }
        fs::write(run.config(), config(made)).unwrap();
        fs::write(run.metadata(), metadata()).unwrap();
        fs::write(run.samples().join("step-00000024-prompt-01.txt"), made.answer).unwrap();
        for name in ["adapter_model.safetensors", "pytorch_lora_weights.safetensors"] {
            fs::write(run.checkpoints().join(name), "weights").unwrap();
        }
        events(&run, made);
        journal(&run, made);
        let attempt = Attempt {
            attempt: 1,
            host: Host { host: "lab".into(), boot_id: String::new() },
            devices: vec!["cpu".into()],
            program: "loradeck 0.1.0".into(),
            overrides: Vec::new(),
            time: Moment(START),
            job: None,
            withdrawn: false,
        };
        claim(&run, &attempt).unwrap();
        let mut status = Status::new(made.state, 1, Moment(START + 61_400));
        if made.state == State::Failed {
            status = status.because(EndReason::NonFinite, "the loss of step 9 is NaN");
        }
        status.write(&run).unwrap();
        summary(made).write(&run, Durability::Renamed).unwrap();
        run
    }
}

fn config(made: &Made) -> String {
    format!(
        "base_model: models/SmolLM2-135M-Instruct.Q4_1.gguf\n\
         train_data_dir: experiments/answer-card/data/train.jsonl\n\
         eval_data_dir: experiments/answer-card/data/validation.jsonl\n\
         lora_rank: {}\nlora_alpha: {}\nbatch_size: 8\nlearning_rate: {}\nwarmup_steps: 2\nmax_steps: 24\n\
         eval_steps: 8\nsample_prompts:\n  - \"What is the capital of France?\"\n{}\
         provenance:\n  submitted_at: 2026-11-24T22:29:58.000Z\n  source_file: experiments/answer-card/experiment.yaml\n\
         \x20 code_commit: 0123456789abcdef0123456789abcdef01234567\n  code_changed: false\n  sweep: 1\n\
         \x20 varied: [lora_rank={}, learning_rate={}]\n  metric:\n    name: eval/loss\n    goal: minimize\n",
        made.rank,
        made.rank * 2,
        made.rate,
        made.config,
        made.rank,
        made.rate
    )
}

fn metadata() -> String {
    let rows = (0..192).map(|row| {
        format!(
            "train,train.jsonl,{row},{},{},300,user assistant,0a,{}\n",
            60 + row % 40,
            20 + row % 9,
            row == 7
        )
    });
    let held_out = (0..24)
        .map(|row| format!("eval,validation.jsonl,{row},{},21,300,user assistant,0b,false\n", 62 + row));
    format!(
        "split,file,line,tokens,trained_tokens,characters,roles,digest,truncated\n{}",
        rows.chain(held_out).collect::<String>()
    )
}

fn steps_of(made: &Made) -> u64 {
    if made.state == State::Failed { 9 } else { 24 }
}

fn events(run: &RunFolder, made: &Made) {
    let mut writer = EventWriter::create(&run.logs(), "lab", Moment(START)).unwrap();
    for step in 0..=steps_of(made) {
        let time = Moment(START + 2500 * step as i64);
        let share = step as f64 / 24.0;
        if step % 8 == 0 {
            writer.scalar(step, "eval/loss", made.evaluation[step as usize / 8] as f32, time).unwrap();
        }
        if step > 0 {
            let noise = ((step * 37) % 11) as f64 / 50.0 - 0.1;
            let loss =
                made.evaluation[3] + (made.evaluation[0] - made.evaluation[3]) * (-3.0 * share).exp() + noise;
            let loss = if made.state == State::Failed && step == 9 { f64::NAN } else { loss };
            let rate = made.rate * (1.0 + (std::f64::consts::PI * share).cos()) / 2.0;
            let values = [
                ("train/loss", loss as f32),
                ("train/learning_rate", rate as f32),
                ("train/epoch", share as f32),
                ("train/tokens_per_second", 240.0),
            ];
            writer.scalars(step, &values, time).unwrap();
        }
    }
}

fn journal(run: &RunFolder, made: &Made) {
    let mut journal = Journal::open(run, Writer::Trainer).unwrap();
    let mut append = |entry: JournalEntry, second: i64| {
        journal.append(&JournalEntry { time: Moment(START + second * 1000), ..entry }).unwrap();
    };
    append(JournalEntry::new("start", 1), 0);
    append(sample(0, "The capital of France is Paris."), 3);
    append(JournalEntry::new("checkpoint", 1).at(8), 20);
    if made.state == State::Failed {
        append(
            JournalEntry::new("non-finite", 1)
                .at(9)
                .with("what", "loss")
                .with("samples", "train.jsonl:7, train.jsonl:9"),
            23,
        );
    }
    if made.state == State::Finished {
        append(sample(24, made.answer), 60);
    }
    append(JournalEntry::new("end", 1).with("outcome", "finished"), 61);
    append(JournalEntry::new("end", 1).with("state", made.state.word()), 61);
}

fn sample(step: u64, answer: &str) -> JournalEntry {
    let entry = JournalEntry::new("sample", 1).at(step).with("number", 1);
    entry.with("prompt", "What is the capital of France?").with("answer", answer)
}

fn summary(made: &Made) -> Summary {
    let outcome = match made.state {
        State::Failed => Outcome::NonFinite,
        State::Stopped => Outcome::Stopped,
        _ => Outcome::Finished,
    };
    let steps = steps_of(made);
    let mut summary = Summary {
        format: FORMAT,
        attempt: 1,
        outcome,
        message: None,
        step: steps,
        total_steps: 24,
        epoch: steps as f64 / 24.0,
        tokens: 14_976,
        images: 0,
        not_finite: std::collections::BTreeMap::new(),
        skipped_steps: 0,
        seconds: 61.3,
        started: Moment(START),
        updated: Moment(START + 61_300),
        peak_memory_bytes: 1_234_567_890,
        peak_gpu_memory_bytes: 0,
        metrics: std::collections::BTreeMap::new(),
        trainable_parameters: 460_800,
        base_sha256: Some("b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53".into()),
        weights_sha256: None,
        train_samples: 192,
        eval_samples: 24,
        environment: Evidence {
            host: "lab".into(),
            device: "2 CPU cores".into(),
            precision: "fp32".into(),
            threads: 2,
            trainer: "0.1.0".into(),
            libtorch: "2.11.0".into(),
        },
    };
    for (index, value) in made.evaluation.iter().enumerate().filter(|(index, _)| *index as u64 * 8 <= steps) {
        summary.note("eval/loss", index as u64 * 8, *value, false);
    }
    summary.note("train/loss", 1, made.evaluation[0], false);
    summary.note("train/loss", steps, made.evaluation[3] + 0.02, false);
    summary
}
