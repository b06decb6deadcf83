//! The checked settings of one training: every key that the built-in trainer acts on, typed, with defaults applied.
//!
//! Names and defaults are those of the experiment file; a frozen `config.yaml` holds exactly these keys.

use serde::{Deserialize, Serialize};

use super::foreign::ForeignSettings;
use super::image_settings::ImageSettings;
use super::running::RunningSettings;

/// What a training learns from, which decides what kind of model it adapts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum DataType {
    /// Text: a language model.
    #[default]
    Text,
    /// Pictures with captions: an image model.
    Image,
}

impl DataType {
    /// The word of the key `data_type`.
    pub fn word(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Image => "image",
        }
    }

    /// The data type of that word; `None` for any other, `auto` too.
    pub fn of_word(word: &str) -> Option<Self> {
        [Self::Text, Self::Image].into_iter().find(|known| known.word() == word)
    }

    /// What is trained on, in a sentence.
    pub(crate) fn data(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Image => "pictures",
        }
    }

    /// What is adapted, in a sentence.
    pub(crate) fn models(self) -> &'static str {
        match self {
            Self::Text => "language models",
            Self::Image => "image models",
        }
    }
}

/// The settings that only one kind of training has. `data_type` says which.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "data_type", rename_all = "lowercase")]
pub enum TaskSettings {
    /// A language model.
    Text(TextSettings),
    /// An image model.
    Image(Box<ImageSettings>),
}

/// Settings of a training on text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TextSettings {
    /// Tokens a sample may have; longer ones are cut.
    pub max_seq_len: u32,
    /// Whether prompt tokens count in the loss too.
    pub train_on_prompt: bool,
}

/// The defaults of the key table.
impl Default for TextSettings {
    fn default() -> Self {
        Self { max_seq_len: 2048, train_on_prompt: false }
    }
}

/// Which projections receive an adapter.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum LoraTargets {
    /// A preset: `qkv` (language models only), `attention` (q, k, v, o), `character` (q, v), `kohya` (image models only),
    /// `all-linear`; or a regular expression.
    Preset(String),
    /// Module names, matched as a whole or as a `.`-suffix (PEFT's rule for lists).
    List(Vec<String>),
}

/// How the learning rate falls after warm-up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LearningRateSchedule {
    /// Half a cosine from the peak to zero at the last step (transformers' `get_cosine_schedule_with_warmup`).
    Cosine,
    /// A straight line from the peak to zero at the last step.
    Linear,
    /// The peak until the end.
    Constant,
}

/// The number format of the forward and backward pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Precision {
    /// bf16 on CUDA (fp16 for image models where the GPU has no bf16), fp32 on the CPU.
    Auto,
    /// 32-bit floats.
    Fp32,
    /// bfloat16 base and activations with fp32 adapters.
    Bf16,
    /// fp16 base and activations with fp32 adapters and a scaled loss; image models only.
    Fp16,
}

/// Everything one training needs to know.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Settings {
    /// Path of a GGUF or safetensors file, or of a Hugging Face or diffusers folder; empty only where another trainer's command needs none.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub base_model: String,
    /// Path of the training data: a file or a folder; empty only where another trainer's command needs none.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub train_data_dir: String,
    /// Where a run outside a workspace writes; ignored inside one.
    pub output_dir: Option<String>,
    /// Path of held-out data.
    pub eval_data_dir: Option<String>,
    /// Share of the training data held out, 0 (none) to below 1.
    pub eval_split: f64,
    /// What decides which samples are held out by `eval_split`: not `seed`, so that runs of several seeds can be compared.
    pub split_seed: u64,
    /// A name for people; becomes part of the run folder's slug.
    pub run_name: Option<String>,
    /// A version for people.
    pub version: Option<String>,
    /// Free text for the report.
    pub notes: Option<String>,

    /// Rank r of the adapters.
    pub lora_rank: u32,
    /// The scale is alpha / rank; default twice the rank.
    pub lora_alpha: f64,
    /// Which projections receive an adapter.
    pub lora_targets: LoraTargets,

    /// Samples per micro-batch.
    pub batch_size: u32,
    /// Micro-batches per step.
    pub gradient_accumulation: u32,
    /// Peak learning rate.
    pub learning_rate: f64,
    /// How the learning rate falls.
    pub lr_scheduler: LearningRateSchedule,
    /// Steps over which the learning rate rises from zero.
    pub warmup_steps: u64,
    /// `AdamW`'s decoupled weight decay.
    pub weight_decay: f64,
    /// Gradients are scaled down to this 2-norm; 0 leaves them.
    pub max_grad_norm: f64,
    /// Passes over the data, where `max_steps` is not given.
    pub epochs: f64,
    /// Steps in all; wins over `epochs`.
    pub max_steps: Option<u64>,
    /// Metrics are written every so many steps.
    pub log_steps: u64,
    /// Seed of data order and initial weights.
    pub seed: u64,
    /// CPU threads; default all of the slot's.
    pub threads: Option<u32>,
    /// Number format of the step.
    pub precision: Precision,

    /// A full checkpoint every so many steps.
    pub save_steps: u64,
    /// Newest checkpoints kept.
    pub keep_checkpoints: u32,
    /// Held-out loss every so many steps (always at step 0 and at the end, where there is held-out data).
    pub eval_steps: Option<u64>,
    /// Samples per evaluation batch; default `batch_size`.
    pub eval_batch_size: Option<u32>,
    /// Prompts of the samples before and after training: answered greedily, or drawn.
    pub sample_prompts: Vec<String>,

    /// What only a training on text, or only one on pictures, has; serialised beside all others, with `data_type`.
    #[serde(flatten)]
    pub task: TaskSettings,

    /// Where and how the run is started.
    #[serde(flatten)]
    pub running: RunningSettings,
    /// Another trainer than the built-in one.
    #[serde(flatten)]
    pub foreign: ForeignSettings,
}

impl Settings {
    /// What is trained on.
    pub fn data_type(&self) -> DataType {
        match self.task {
            TaskSettings::Text(_) => DataType::Text,
            TaskSettings::Image(_) => DataType::Image,
        }
    }

    /// Whether an image model is trained.
    pub fn is_image(&self) -> bool {
        self.data_type() == DataType::Image
    }

    /// The settings of a training on text, where it is one.
    pub fn text(&self) -> Option<&TextSettings> {
        match &self.task {
            TaskSettings::Text(text) => Some(text),
            TaskSettings::Image(_) => None,
        }
    }

    /// The settings of a training on pictures, where it is one.
    pub fn image(&self) -> Option<&ImageSettings> {
        match &self.task {
            TaskSettings::Image(image) => Some(image),
            TaskSettings::Text(_) => None,
        }
    }

    /// Samples per evaluation batch.
    pub fn evaluation_batch(&self) -> u32 {
        self.eval_batch_size.unwrap_or(self.batch_size)
    }

    /// Steps in all for `samples` training samples: `max_steps`, or `epochs` passes of whole and part batches. Pictures in
    /// buckets of several sizes make more part batches than this counts.
    pub fn total_steps(&self, samples: usize) -> u64 {
        if let Some(steps) = self.max_steps {
            return steps;
        }
        let per_step = u64::from(self.batch_size) * u64::from(self.gradient_accumulation);
        let per_epoch = (samples as u64).div_ceil(per_step.max(1));
        (self.epochs * per_epoch as f64).ceil() as u64
    }
}
