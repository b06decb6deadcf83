//! The command line of `loradeck-train`.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

/// Trains LoRA adapters with libtorch.
///
/// `loradeck-train --config FILE` trains in the foreground into the file's `output_dir`. loradeck itself starts this
/// program for every run of a workspace.
#[derive(Debug, Parser)]
#[command(
    name = "loradeck-train",
    version,
    args_conflicts_with_subcommands = true,
    arg_required_else_help = true
)]
pub struct Cli {
    /// What to train.
    #[command(flatten)]
    pub train: TrainArgs,
    /// Other commands.
    #[command(subcommand)]
    pub command: Option<Command>,
}

/// What to train and how to treat a folder that is there.
#[derive(Args, Debug)]
pub struct TrainArgs {
    /// Train from this experiment file, in the foreground
    #[arg(long, value_name = "FILE", conflicts_with = "run")]
    pub config: Option<PathBuf>,
    /// Continue the earlier training in `output_dir`
    #[arg(long, requires = "config", conflicts_with = "overwrite")]
    pub resume: bool,
    /// Remove an earlier training in `output_dir` first
    #[arg(long, requires = "config")]
    pub overwrite: bool,
    /// Train this run folder (used by loradeck)
    #[arg(long, value_name = "RUN", hide = true, requires = "attempt")]
    pub run: Option<PathBuf>,
    /// The attempt's number (used by loradeck)
    #[arg(long, value_name = "N", hide = true, requires = "run")]
    pub attempt: Option<u32>,
}

/// Commands besides training.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Answer prompts with a trained adapter: with text (greedily), or with pictures in a labelled grid
    Sample(SampleArgs),
    /// Lay inner values open for checks against other programs
    #[command(hide = true)]
    Probe(ProbeArgs),
}

/// Arguments of `sample`.
#[derive(Args, Debug)]
pub struct SampleArgs {
    /// A run folder or an `output_dir`; for pictures several, side by side
    #[arg(required = true, value_name = "RUN")]
    pub runs: Vec<PathBuf>,
    /// A prompt; may be given several times
    #[arg(long, value_name = "TEXT")]
    pub prompt: Vec<String>,
    /// A file with one prompt per line, or a JSON list of texts (.json)
    #[arg(long, value_name = "FILE")]
    pub prompts: Option<PathBuf>,
    /// Answer or draw with the base model alone
    #[arg(long)]
    pub base_only: bool,
    /// Print the results as a JSON list
    #[arg(long)]
    pub json: bool,
    /// Arguments of pictures
    #[command(flatten, next_help_heading = "Pictures")]
    pub picture: PictureArgs,
}

/// Arguments of `sample` for image models. What is left out is as in the run's configuration.
#[derive(Args, Debug)]
pub struct PictureArgs {
    /// Seeds of the noise, one picture each [default: the run's `sample_seeds`]
    #[arg(long, value_name = "N", value_delimiter = ',')]
    pub seed: Vec<u64>,
    /// Strengths of the adapter side by side, such as 0,0.6,0.8,1; 1 is the strength it was trained at [default: 1]
    #[arg(long, value_name = "X", value_delimiter = ',', allow_hyphen_values = true)]
    pub weight: Vec<f64>,
    /// Steps of the sampler [default: the run's `sample_inference_steps`]; the sampler is its `sample_scheduler`
    #[arg(long, value_name = "N")]
    pub steps: Option<u32>,
    /// Guidance scale, 0 or more; 1 is none [default: the run's `sample_guidance`]
    #[arg(long, value_name = "X", allow_hyphen_values = true)]
    pub guidance: Option<f64>,
    /// What the pictures should not show [default: the run's `sample_negative_prompt`]
    #[arg(long, value_name = "TEXT")]
    pub negative: Option<String>,
    /// Where the labelled grid goes [default: grid.png, or the first of grid-2.png, … that is free]
    #[arg(short, long, value_name = "FILE.png")]
    pub output: Option<PathBuf>,
    /// Also write every picture into this folder
    #[arg(long, value_name = "DIR")]
    pub pictures: Option<PathBuf>,
}

/// Arguments of `probe`.
#[derive(Args, Debug)]
pub struct ProbeArgs {
    /// The configuration
    #[arg(long, value_name = "FILE")]
    pub config: PathBuf,
    /// What to lay open
    #[arg(long, value_enum)]
    pub what: What,
    /// Logits: a JSON file with lists of token ids
    #[arg(long, value_name = "FILE.json")]
    pub ids: Option<PathBuf>,
    /// Logits: use this PEFT adapter folder
    #[arg(long, value_name = "DIR")]
    pub adapter: Option<PathBuf>,
    /// Batches, diffusion: how many steps
    #[arg(long, value_name = "N", default_value_t = 10)]
    pub steps: u64,
    /// Where to write: a .safetensors file for logits, a .json file for sites, else a folder
    #[arg(short, long, value_name = "OUT")]
    pub output: PathBuf,
}

/// What `probe` lays open.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum What {
    /// Logits of given token ids
    Logits,
    /// Token ids and labels of the first steps, the initial adapter, step-0 evaluation and losses
    Batches,
    /// The first steps of a training on pictures: what each was trained on, losses, adapters and outputs
    Diffusion,
    /// The layers of an image model that would receive an adapter, without loading weights
    Sites,
}
