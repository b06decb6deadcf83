//! A run's folder: names and paths of everything in it.

use std::fmt;
use std::path::{Path, PathBuf};

use crate::text::slug;

/// What checkpoint folders' names start with; the step follows in eight digits.
pub const CHECKPOINT_PREFIX: &str = "step-";

/// The name of a run folder: `0007-short-slug`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RunName {
    /// Never reused within its experiment.
    pub number: u32,
    /// What the run is about; may be empty.
    pub slug: String,
}

impl RunName {
    /// A name whose slug is made from `text`.
    pub fn new(number: u32, text: &str) -> Self {
        Self { number, slug: slug(text, 48) }
    }

    /// Reads a folder's name; `None` for anything that is no run.
    pub fn parse(name: &str) -> Option<Self> {
        let (digits, slug) = name.split_once('-').unwrap_or((name, ""));
        if digits.len() < 4 || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        Some(Self { number: digits.parse().ok()?, slug: slug.to_owned() })
    }
}

impl fmt::Display for RunName {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.slug.is_empty() {
            write!(formatter, "{:04}", self.number)
        } else {
            write!(formatter, "{:04}-{}", self.number, self.slug)
        }
    }
}

/// The step of a complete checkpoint's folder name.
pub fn checkpoint_step(name: &str) -> Option<u64> {
    let digits = name.strip_prefix(CHECKPOINT_PREFIX)?;
    (digits.len() == 8 && digits.bytes().all(|byte| byte.is_ascii_digit())).then(|| digits.parse().ok())?
}

/// Paths within one run's folder (or a bare `output_dir`, which has the same shape).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RunFolder {
    path: PathBuf,
}

macro_rules! paths {
    ($($(#[$doc:meta])* $name:ident => $relative:literal),* $(,)?) => {
        $($(#[$doc])* pub fn $name(&self) -> PathBuf { self.path.join($relative) })*
    };
}

impl RunFolder {
    /// The folder at `path`, existing or not.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into() }
    }

    /// The folder itself.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The folder's name.
    pub fn name(&self) -> String {
        self.path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
    }

    /// The experiment's name, where the folder lies in one.
    pub fn experiment(&self) -> Option<String> {
        let experiment = self.path.parent()?.parent()?;
        experiment.file_name().map(|name| name.to_string_lossy().into_owned())
    }

    /// `EXPERIMENT/RUN`, the way people name a run; the bare folder name outside a workspace.
    pub fn label(&self) -> String {
        match self.experiment() {
            Some(experiment) => format!("{experiment}/{}", self.name()),
            None => self.name(),
        }
    }

    paths! {
        /// The frozen configuration.
        config => "config.yaml",
        /// Uncommitted changes at submit.
        code_patch => "code.patch",
        /// Priority, hold, overrides for the next attempt.
        queue => "queue.json",
        /// The table of states.
        status => "status.json",
        /// One claim per start.
        attempts => "attempts",
        /// Held by the supervisor as long as it lives.
        run_lock => "run.lock",
        /// Held by the training process.
        train_lock => "train.lock",
        /// The supervisor's sign of life for other hosts.
        heartbeat => "heartbeat.json",
        /// Requests.
        control => "control",
        /// Everything the trainer says and measures.
        logs => "logs",
        /// Standard output and error of the trainer.
        train_log => "logs/train.log",
        /// What happened, one file per writer.
        journal => "logs/journal",
        /// The loss curve.
        training_curve => "logs/training_curve.svg",
        /// One row per sample used.
        metadata => "metadata.csv",
        /// Full training states and final weights.
        checkpoints => "checkpoints",
        /// Answers and pictures made on the way.
        samples => "samples",
        /// Outcome and best/last figures.
        summary => "summary.json",
        /// Frozen copies of what the report used.
        report_inputs => "report-inputs.json",
        /// The bounded curve.
        metrics_csv => "metrics.csv",
        /// The report.
        report => "README.md",
        /// Tags, pin, colour.
        labels => "labels.json",
    }

    /// The record of attempt `number`.
    pub fn attempt(&self, number: u32) -> PathBuf {
        self.path.join(format!("attempts/{number:02}.json"))
    }

    /// How the command of attempt `number` ended, where another trainer's made it.
    pub fn command_exit(&self, number: u32) -> PathBuf {
        self.path.join(format!("attempts/{number:02}.exit.json"))
    }

    /// The folder of the checkpoint at `step`.
    pub fn checkpoint(&self, step: u64) -> PathBuf {
        self.checkpoints().join(format!("{CHECKPOINT_PREFIX}{step:08}"))
    }

    /// Steps of all complete checkpoints, ascending. A checkpoint's folder exists only complete.
    pub fn checkpoint_steps(&self) -> Vec<u64> {
        let Ok(entries) = std::fs::read_dir(self.checkpoints()) else { return Vec::new() };
        let mut steps: Vec<u64> = entries
            .flatten()
            .filter_map(|entry| checkpoint_step(&entry.file_name().to_string_lossy()))
            .collect();
        steps.sort_unstable();
        steps
    }

    /// Whether training can go on from a checkpoint.
    pub fn is_resumable(&self) -> bool {
        !self.checkpoint_steps().is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn run_names_survive_their_text() {
        for name in ["0007-rank-8", "0007", "12345-x"] {
            assert_eq!(RunName::parse(name).unwrap().to_string(), name);
        }
        assert_eq!(RunName::parse("7-x"), None);
        assert_eq!(RunName::parse(".tmp-0007"), None);
        assert_eq!(RunName::new(3, "../r=8 lr=2e-4").to_string(), "0003-r-8-lr-2e-4");
    }

    #[test]
    fn only_promoted_checkpoints_count() {
        let folder = tempfile::tempdir().unwrap();
        let run = RunFolder::new(folder.path());
        for name in ["step-00000100", ".tmp-step-00000200-1-0", "step-20", "step-00000050"] {
            std::fs::create_dir_all(run.checkpoints().join(name)).unwrap();
        }
        assert_eq!(run.checkpoint_steps(), [50, 100]);
    }
}
