//! `sample` for image models: a labelled grid of prompts and seeds against runs and strengths, through the exported
//! weights.

use std::path::{Path, PathBuf};

use loradeck_core::config::{Settings, load_frozen};
use loradeck_core::run::{Outcome, RunFolder};
use loradeck_data::base_model::stable_diffusion::StableDiffusion;
use loradeck_data::image::Picture;
use loradeck_data::image_check::{open_base, pixels_per_latent};

use super::picture_options;
use super::run::root_of;
use super::sample_grid::{self, Made};
use crate::adapters::autograd::{Context, Strength};
use crate::cli::SampleArgs;
use crate::device::{self, Hardware};
use crate::error::TrainError;
use crate::export::image::DIFFUSERS_WEIGHTS;
use crate::tasks::diffusion::Parts;
use crate::tasks::diffusion::apply::apply;
use crate::tasks::diffusion::generate::{Generator, Request};
use crate::tasks::diffusion::parts::Loading;
use crate::tasks::diffusion::samples::requests;

/// One run to sample from.
struct Source {
    /// `experiment/run`, or a folder as it was named.
    label: String,
    settings: Settings,
    base: StableDiffusion,
    /// None: the base model alone is asked for.
    weights: Option<PathBuf>,
}

/// Draws the grid and says where it is.
pub(super) fn sample(arguments: &SampleArgs, prompts: &[String]) -> Result<Outcome, TrainError> {
    let given = &arguments.picture;
    let output = picture_options::grid_path(given.output.as_deref()).map_err(TrainError::Refused)?;
    picture_options::refuse_pictures_folder(given.pictures.as_deref()).map_err(TrainError::Refused)?;
    let sources = open_all(arguments)?;
    let Some(first) = sources.first() else {
        return Err(TrainError::Refused("give a run folder".to_owned()));
    };
    let most_steps = first.base.scheduler().num_train_timesteps as u64;
    picture_options::refuse_useless(given, arguments.base_only, most_steps).map_err(TrainError::Refused)?;
    refuse_different(&sources)?;
    let hardware = Hardware::prepare(&first.settings)?;
    let mut parts = Parts::load(&first.base, loading(&first.settings, &hardware)?)?;
    let mut made = Vec::new();
    let mut column = 0;
    for source in &sources {
        if let Some(weights) = &source.weights {
            apply(&mut parts, &source.base, weights, hardware.device())?;
        }
        let drawn = pictures_of(source, &parts, arguments, prompts, sources.len() > 1, column, &hardware)?;
        column = drawn.iter().map(|made| made.column + 1).max().unwrap_or(column);
        made.extend(drawn);
    }
    sample_grid::write(&output, given.pictures.as_deref(), arguments.json, &made)?;
    Ok(Outcome::Finished)
}

/// Opens every run that is named. Of the base model alone one picture a prompt is drawn, so that one run suffices.
fn open_all(arguments: &SampleArgs) -> Result<Vec<Source>, TrainError> {
    if arguments.base_only && arguments.runs.len() > 1 {
        return Err(TrainError::Refused("--base-only draws without an adapter: give one run".to_owned()));
    }
    arguments.runs.iter().map(|run| open(run, arguments.base_only)).collect()
}

/// Refuses runs that one loaded model cannot draw: the base models are compared by every byte where their headers agree.
fn refuse_different(sources: &[Source]) -> Result<(), TrainError> {
    let [first, others @ ..] = sources else { return Ok(()) };
    let mut first_hash = None;
    for other in others {
        if !is_same_base(first, other, &mut first_hash) {
            return Err(TrainError::Refused(format!(
                "{} and {} have different base models, so their pictures do not stand side by side",
                first.label, other.label
            )));
        }
        if reads_text(other) != reads_text(first) {
            return Err(TrainError::Refused(format!(
                "{} and {} differ in clip_skip or max_token_length, so their pictures do not stand side by side",
                first.label, other.label
            )));
        }
    }
    Ok(())
}

/// Whether two runs have the same base model. Copies have the same headers, and so have other weights of the same
/// sizes: only every byte tells. Two names of one path need no reading.
fn is_same_base(first: &Source, other: &Source, first_hash: &mut Option<String>) -> bool {
    if first.base.header_hash() != other.base.header_hash() {
        return false;
    }
    let path = |source: &Source| std::fs::canonicalize(source.base.path()).ok();
    if path(first).is_some() && path(first) == path(other) {
        return true;
    }
    let first_hash = first_hash.get_or_insert_with(|| first.base.full_hash());
    *first_hash == other.base.full_hash()
}

/// How a run reads its prompts: the encoder is loaded once for all runs.
fn reads_text(source: &Source) -> Option<(u32, u32)> {
    source.settings.image().map(|image| (image.clip_skip, image.max_token_length))
}

fn open(run: &Path, base_only: bool) -> Result<Source, TrainError> {
    let folder = RunFolder::new(run);
    let (settings, _) = load_frozen(&folder.config(), &[])?;
    if !settings.is_image() {
        return Err(TrainError::Refused(format!("{}: a training on text makes no pictures", run.display())));
    }
    let base = open_base(&root_of(folder.path())?, &settings.base_model)?;
    let weights = if base_only { None } else { Some(weights_of(&folder)?) };
    Ok(Source { label: label_of(&folder), settings, base, weights })
}

/// `experiment/run` of a run in a workspace: run folders of two experiments have equal names. Else the folder as it
/// was named.
fn label_of(run: &RunFolder) -> String {
    let in_runs = run.path().parent().is_some_and(|folder| folder.ends_with("runs"));
    if in_runs && run.experiment().is_some() { run.label() } else { run.path().display().to_string() }
}

/// diffusers' file: the final one, else the newest checkpoint's.
fn weights_of(run: &RunFolder) -> Result<PathBuf, TrainError> {
    let finished = run.checkpoints().join(DIFFUSERS_WEIGHTS);
    if finished.exists() {
        return Ok(finished);
    }
    let newest = run.checkpoint_steps().pop().map(|step| run.checkpoint(step).join(DIFFUSERS_WEIGHTS));
    newest.ok_or_else(|| TrainError::Refused(format!("{} holds no weights yet", run.path().display())))
}

fn loading(settings: &Settings, hardware: &Hardware) -> Result<Loading, TrainError> {
    let Some(image) = settings.image() else {
        return Err(TrainError::Refused("data_type: these settings are for text".to_owned()));
    };
    Ok(Loading {
        device: hardware.device(),
        kind: device::kind(settings, hardware.device()),
        // Its states change with the strength: none may be kept.
        text_encoder_is_trained: image.text_encoder_lr > 0.0,
        clip_skip: image.clip_skip,
        max_token_length: image.max_token_length,
    })
}

/// What to draw: the settings' way of sampling with the command line's changes.
fn wanted(settings: &Settings, arguments: &SampleArgs, prompts: &[String]) -> Vec<Request> {
    let Some(image) = settings.image() else { return Vec::new() };
    let given = &arguments.picture;
    let settings = Settings { sample_prompts: prompts.to_vec(), ..settings.clone() };
    let mut all = Vec::new();
    for mut request in requests(&settings, image) {
        request.steps = given.steps.unwrap_or(request.steps);
        request.guidance = given.guidance.unwrap_or(request.guidance);
        if let Some(negative) = &given.negative {
            request.negative_prompt.clone_from(negative);
        }
        if given.seed.is_empty() {
            all.push(request);
        } else {
            all.extend(given.seed.iter().map(|seed| Request { seed: *seed, ..request.clone() }));
        }
    }
    all
}

fn pictures_of(
    source: &Source,
    parts: &Parts,
    arguments: &SampleArgs,
    prompts: &[String],
    several: bool,
    first_column: usize,
    hardware: &Hardware,
) -> Result<Vec<Made>, TrainError> {
    let base = &source.base;
    let generator = Generator {
        unet: &parts.unet,
        conditioning: &parts.conditioning,
        vae: &parts.vae,
        schedule: &parts.schedule,
        scaling_factor: base.vae().scaling_factor,
        pixels_per_latent: pixels_per_latent(base),
        channels: base.vae().latent_channels as i64,
        device: hardware.device(),
        kind: hardware.kind,
    };
    let weights =
        if arguments.picture.weight.is_empty() { vec![1.0] } else { arguments.picture.weight.clone() };
    let clip_skip = reads_text(source).map_or(1, |(clip_skip, _)| clip_skip);
    let mut made = Vec::new();
    for (column, weight) in weights.into_iter().enumerate() {
        let context = Context { strength: Strength::Number(weight), ..Context::default() };
        parts.conditioning.forget();
        let column_label = match (&source.weights, several) {
            (None, _) => "base model".to_owned(),
            (_, true) => format!("{} x {weight}", source.label),
            (_, false) => format!("weight {weight}"),
        };
        for (row, request) in wanted(&source.settings, arguments, prompts).into_iter().enumerate() {
            let Some(drawn) = generator.generate(&request, &context, &mut || false)? else { continue };
            let Some(picture) = Picture::new(drawn.width, drawn.height, drawn.rgb) else { continue };
            made.push(Made {
                row,
                column: first_column + column,
                column_label: column_label.clone(),
                request,
                weight: source.weights.as_ref().map(|_| weight),
                clip_skip,
                run: source.label.clone(),
                picture,
            });
        }
    }
    Ok(made)
}
