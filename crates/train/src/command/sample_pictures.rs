//! `sample` for image models: a labelled grid of prompts and seeds against runs and strengths, through the exported
//! weights.

use std::path::{Path, PathBuf};

use loradeck_core::config::{Settings, load_frozen};
use loradeck_core::file::{self, Durability};
use loradeck_core::run::{Outcome, RunFolder};
use loradeck_data::base_model::stable_diffusion::StableDiffusion;
use loradeck_data::image::{Cell, Grid, Picture};
use loradeck_data::image_check::{open_base, pixels_per_latent};
use serde_json::json;

use super::run::root_of;
use crate::adapters::autograd::{Context, Strength};
use crate::cli::SampleArgs;
use crate::device::{self, Hardware};
use crate::error::TrainError;
use crate::export::image::DIFFUSERS_WEIGHTS;
use crate::tasks::diffusion::Parts;
use crate::tasks::diffusion::apply::apply;
use crate::tasks::diffusion::generate::{Generator, Request};
use crate::tasks::diffusion::parts::Loading;
use crate::tasks::diffusion::png_text::with_text;
use crate::tasks::diffusion::samples::{parameters, requests};

/// Pixels of a cell's side in the grid.
const CELL: u32 = 256;

/// One run to sample from.
struct Source {
    label: String,
    settings: Settings,
    base: StableDiffusion,
    weights: PathBuf,
}

/// A picture of the grid.
struct Made {
    row: String,
    column: String,
    request: Request,
    weight: f64,
    clip_skip: u32,
    run: String,
    picture: Picture,
}

/// Draws the grid and says where it is.
pub(super) fn sample(arguments: &SampleArgs, prompts: &[String]) -> Result<Outcome, TrainError> {
    let sources: Vec<Source> =
        arguments.runs.iter().map(|run| open(run)).collect::<Result<_, TrainError>>()?;
    let Some(first) = sources.first() else {
        return Err(TrainError::Refused("give a run folder".to_owned()));
    };
    if let Some(other) = sources.iter().find(|s| s.base.header_hash() != first.base.header_hash()) {
        return Err(TrainError::Refused(format!(
            "{} and {} have different base models, so their pictures cannot be shown side by side",
            first.label, other.label
        )));
    }
    if let Some(other) = sources.iter().find(|s| reads_text(s) != reads_text(first)) {
        return Err(TrainError::Refused(format!(
            "{} and {} differ in clip_skip or max_token_length, so their pictures cannot be shown side by side",
            first.label, other.label
        )));
    }
    let hardware = Hardware::prepare(&first.settings)?;
    let mut parts = Parts::load(&first.base, loading(&first.settings, &hardware)?)?;
    let mut made = Vec::new();
    for source in &sources {
        apply(&mut parts, &source.base, &source.weights, hardware.device())?;
        made.extend(pictures_of(source, &parts, arguments, prompts, sources.len() > 1, &hardware)?);
    }
    write(arguments, &made)?;
    Ok(Outcome::Finished)
}

/// How a run reads its prompts: the encoder is loaded once for all runs.
fn reads_text(source: &Source) -> Option<(u32, u32)> {
    source.settings.image().map(|image| (image.clip_skip, image.max_token_length))
}

fn open(run: &Path) -> Result<Source, TrainError> {
    let folder = RunFolder::new(run);
    let (settings, _) = load_frozen(&folder.config(), &[])?;
    if !settings.is_image() {
        return Err(TrainError::Refused(format!("{}: a training on text makes no pictures", run.display())));
    }
    let base = open_base(&root_of(folder.path())?, &settings.base_model)?;
    let weights = weights_of(&folder)?;
    Ok(Source { label: folder.name(), settings, base, weights })
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
    for weight in weights {
        let context = Context { strength: Strength::Number(weight), ..Context::default() };
        parts.conditioning.forget();
        for request in wanted(&source.settings, arguments, prompts) {
            let Some(drawn) = generator.generate(&request, &context, &mut || false)? else { continue };
            let Some(picture) = Picture::new(drawn.width, drawn.height, drawn.rgb) else { continue };
            let column =
                if several { format!("{} x {weight}", source.label) } else { format!("weight {weight}") };
            let row = format!("{} (seed {})", request.prompt, request.seed);
            made.push(Made { row, column, request, weight, clip_skip, run: source.label.clone(), picture });
        }
    }
    Ok(made)
}

/// The grid, the single pictures where they are wanted, and a word about them.
fn write(arguments: &SampleArgs, made: &[Made]) -> Result<(), TrainError> {
    let given = &arguments.picture;
    file::replace(&given.output, &grid(made).draw().to_png(), Durability::Renamed)?;
    if let Some(folder) = &given.pictures {
        file::create_folder(folder)?;
        for (number, made) in made.iter().enumerate() {
            let png =
                with_text(&made.picture.to_png(), "parameters", &parameters(&made.request, made.clip_skip));
            let name = format!("{:03}-seed-{}-weight-{}.png", number + 1, made.request.seed, made.weight);
            file::replace(&folder.join(name), &png, Durability::Renamed)?;
        }
    }
    if arguments.json {
        let list: Vec<_> = made
            .iter()
            .map(|made| {
                json!({ "run": made.run, "prompt": made.request.prompt, "seed": made.request.seed,
                        "weight": made.weight, "steps": made.request.steps, "guidance": made.request.guidance })
            })
            .collect();
        println!("{}", json!({ "grid": given.output, "pictures": list }));
    } else {
        println!("{} pictures in {}", made.len(), given.output.display());
    }
    Ok(())
}

/// Rows are prompts with seeds, columns runs with strengths.
fn grid(made: &[Made]) -> Grid {
    let mut rows: Vec<&str> = Vec::new();
    let mut columns: Vec<&str> = Vec::new();
    for made in made {
        if !rows.contains(&made.row.as_str()) {
            rows.push(&made.row);
        }
        if !columns.contains(&made.column.as_str()) {
            columns.push(&made.column);
        }
    }
    let cell = |row: &str, column: &str| {
        let found = made.iter().find(|made| made.row == row && made.column == column);
        Cell { picture: found.map(|made| made.picture.clone()), caption: String::new() }
    };
    let side = made.first().map_or(CELL, |made| made.picture.width().min(CELL));
    Grid {
        column_labels: columns.iter().map(|label| (*label).to_owned()).collect(),
        row_labels: rows.iter().map(|label| (*label).to_owned()).collect(),
        rows: rows.iter().map(|row| columns.iter().map(|column| cell(row, column)).collect()).collect(),
        cell: side,
    }
}
