//! `report-inputs.json`: frozen copies of everything a report uses beyond the committed files, so that a clone can
//! make the same report again.

use loradeck_core::run::{Attempt, MetricBest};
use loradeck_core::time::Moment;
use serde::{Deserialize, Serialize};

use super::performance::Table;

/// The contents of `report-inputs.json`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct ReportInputs {
    /// Format of the run folder.
    pub format: u32,
    /// The experiment's name; `None` for a bare output folder.
    pub experiment: Option<String>,
    /// The run folder's name.
    pub run: String,
    /// The run folder, relative to the workspace.
    pub output_path: String,
    /// State, reason and message of `status.json`.
    pub end: Option<End>,
    /// One record per start.
    pub attempts: Vec<Attempt>,
    /// What happened that a reader should know, by time.
    pub happenings: Vec<Happening>,
    /// Happenings beyond those kept.
    pub happenings_left_out: usize,
    /// Lines of the journal that could not be read.
    pub unreadable_lines: usize,
    /// Checkpoints that were written, by all attempts.
    pub checkpoints: u64,
    /// The data as it was used.
    pub data: DataSummary,
    /// The curve in a few rows.
    pub performance: Table,
    /// The number of the sweep within the experiment.
    pub sweep: Option<u32>,
    /// The other runs of the sweep, or else of the experiment, as they stood at the end of this run.
    pub siblings: Vec<Sibling>,
    /// Other runs beyond those kept.
    pub siblings_left_out: usize,
    /// The run's place among all of them that had ended.
    pub standing: Option<Standing>,
    /// Prompts and their answers before and after training.
    pub answers: Vec<Answer>,
    /// Sample pictures, one row a prompt.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub pictures: Vec<PictureRow>,
    /// Names of the released weight files in `checkpoints/`, the one that people take first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub released: Vec<String>,
    /// Files with final weights and their sizes in bytes, relative to the run folder.
    pub weights: Vec<(String, u64)>,
    /// Files that are not committed because of their size.
    pub too_large: Vec<LargeFile>,
}

/// A file that is too large for git.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LargeFile {
    /// Its path in the run folder.
    pub name: String,
    /// Its size in bytes.
    pub bytes: u64,
    /// The SHA-256 of its contents, in hexadecimal.
    pub sha256: String,
}

/// How the run ended.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct End {
    /// The state's word.
    pub state: String,
    /// The class of a failure.
    pub reason: Option<String>,
    /// A sentence about it.
    pub message: Option<String>,
    /// Exit code of the trainer.
    pub exit: Option<i32>,
    /// When it ended.
    pub time: Moment,
}

/// Something that happened.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Happening {
    /// When.
    pub time: Moment,
    /// In which attempt.
    pub attempt: u32,
    /// At which step, where one matters.
    pub step: Option<u64>,
    /// In words.
    pub text: String,
    /// Whether something went wrong.
    pub is_trouble: bool,
}

/// The data as it was used.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct DataSummary {
    /// Samples by part, such as `train` and `eval`; one part without a name where the data has no parts.
    pub parts: Vec<DataPart>,
    /// Width × height and number of pictures, the most frequent first.
    pub sizes: Vec<(String, u64)>,
    /// Aspect buckets of the training pictures, the one with the most pictures first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub buckets: Vec<BucketCount>,
    /// Captions of the training pictures; `None` for other data.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub captions: Option<CaptionCount>,
    /// What was noticed of pictures and how often, such as `enlarged`, by name.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub flags: Vec<(String, u64)>,
}

/// Pictures of one aspect bucket.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct BucketCount {
    /// Its size, such as `512x512`.
    pub bucket: String,
    /// Training pictures in it.
    pub images: u64,
    /// Looks at them in an epoch: the sum of their repeats.
    pub looks: u64,
}

/// How many pictures have a caption.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct CaptionCount {
    /// Pictures with a caption.
    pub with: u64,
    /// Pictures without one.
    pub without: u64,
    /// Different captions.
    pub different: u64,
}

/// A prompt, how it was drawn, and what was drawn from it over the steps.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct PictureRow {
    /// The prompt's number, from 1.
    pub number: u64,
    /// The prompt.
    pub prompt: String,
    /// What the picture was steered away from.
    pub negative_prompt: String,
    /// The noise's seed.
    pub seed: u64,
    /// The sampler's name.
    pub scheduler: String,
    /// Its steps.
    pub steps: u64,
    /// The guidance scale.
    pub guidance: f64,
    /// Which of the text encoder's layers gave the states, counted from the end.
    pub clip_skip: u64,
    /// Pixels from left to right.
    pub width: u64,
    /// Pixels from top to bottom.
    pub height: u64,
    /// The pictures by step; step 0 is the base model's.
    pub pictures: Vec<PictureAt>,
}

/// One sample picture.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct PictureAt {
    /// The step after which it was drawn.
    pub step: u64,
    /// Its name in `samples/`.
    pub file: String,
}

/// One part of the data.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct DataPart {
    /// Its name; may be empty.
    pub name: String,
    /// Number of samples.
    pub samples: u64,
    /// Tokens per sample.
    pub tokens: Option<Distribution>,
    /// Tokens per sample that the loss counts.
    pub trained_tokens: Option<Distribution>,
    /// Samples that were cut to the longest length allowed.
    pub truncated: u64,
}

/// How a number is spread over samples.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Distribution {
    /// Sum.
    pub total: u64,
    /// Smallest.
    pub least: u64,
    /// Median.
    pub median: f64,
    /// Largest.
    pub most: u64,
}

/// A place among runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Standing {
    /// The place, from 1.
    pub place: usize,
    /// Among how many.
    pub of: usize,
}

/// Another run beside this one.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Sibling {
    /// Its folder's name.
    pub run: String,
    /// Its state's word.
    pub state: String,
    /// What it varies, as (key, value).
    pub varied: Vec<(String, String)>,
    /// The metric that the runs are judged by.
    pub metric: Option<MetricBest>,
}

/// A prompt and what the model said.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Answer {
    /// The prompt.
    pub prompt: String,
    /// The base model's answer.
    pub before: Option<String>,
    /// The answer after training.
    pub after: Option<String>,
    /// The step after which it was given.
    pub step: u64,
}
