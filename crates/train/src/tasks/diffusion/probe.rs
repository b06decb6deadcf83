//! `probe --what diffusion` and `--what sites`: a training's inner values laid open, so that judges can repeat it with
//! other programs.

use std::collections::BTreeMap;
use std::path::Path;

use loradeck_core::file::{self, Durability};
use loradeck_data::image::{ImageSample, MicroBatch, View, load_pixels};
use loradeck_data::lora_names::{KohyaFacts, Role};
use serde_json::{Map, Value, json};
use tch::{Kind, TchError, Tensor};

use super::noise::NoiseKey;
use super::{Diffusion, Inputs, evaluation};
use crate::adapters::autograd::Context;
use crate::cli::ProbeArgs;
use crate::command::open_config;
use crate::device::Hardware;
use crate::engine;
use crate::engine::stepper::Stepper;
use crate::error::TrainError;
use crate::export::container;
use crate::export::image as export;
use crate::tasks::{Task, TaskInputs};

/// Tensors under their names in the file.
type Named = Vec<(String, Tensor)>;

/// Trains the first steps. Writes into the output folder `initial/` and `trained/` (the adapter for diffusers and as a
/// single file), `pictures.safetensors` (pixels, masks and latents' distributions), `steps.safetensors` (what every
/// micro-batch was trained on), `output.safetensors` (the trained network's output for the first micro-batch) and
/// `report.json` (losses, norms, rates, captions, hashes).
pub fn training(arguments: &ProbeArgs) -> Result<(), TrainError> {
    let (settings, root) = open_config(&arguments.config)?;
    let inputs = Inputs::read(settings, &root)?;
    let hardware = Hardware::prepare(&inputs.settings)?;
    let mut task = Diffusion::build(&inputs, &hardware)?;
    let mut stepper = engine::stepper(&inputs.settings, &mut task, &hardware)?;
    let output = arguments.output.as_path();
    write_adapter(&output.join("initial"), &task)?;
    write(&output.join("pictures.safetensors"), &pictures(&mut task)?)?;
    let eval_loss = task.evaluate(&mut || false)?;
    let (mut steps, mut tensors) = (Vec::new(), Vec::new());
    for step in 1..=arguments.steps.min(inputs.plan.total_steps()) {
        let micro_batches = lay_open(&mut task, step, &mut tensors)?;
        let mut report = one_step(&mut task, &mut stepper, step)?;
        report.insert("micro_batches".to_owned(), json!(micro_batches));
        steps.push(Value::Object(report));
    }
    write(&output.join("steps.safetensors"), &tensors)?;
    write_adapter(&output.join("trained"), &task)?;
    write(&output.join("output.safetensors"), &outputs(&mut task)?)?;
    let report = json!({
        "eval_loss": eval_loss,
        "trained_eval_loss": task.evaluate(&mut || false)?,
        "base_hash": inputs.base.header_hash(),
        "base_sha256": inputs.base_hash()(),
        "steps": steps,
    });
    Ok(file::replace_json(&output.join("report.json"), &report, Durability::Renamed)?)
}

/// Writes which layers would receive an adapter: the shapes of the single file's tensors by name, as JSON. Loads no
/// weights.
pub fn sites(arguments: &ProbeArgs) -> Result<(), TrainError> {
    let (settings, root) = open_config(&arguments.config)?;
    let inputs = Inputs::read(settings, &root)?;
    let mut shapes = Map::new();
    for chosen in &inputs.sites {
        let rank = chosen.rank as usize;
        let of = [
            (Role::Down, chosen.site.down_shape(rank)),
            (Role::Up, chosen.site.up_shape(rank)),
            (Role::Alpha, Vec::new()),
        ];
        shapes.extend(of.map(|(role, shape)| (chosen.site.kohya_key(role), json!(shape))));
    }
    Ok(file::replace_json(&arguments.output, &Value::Object(shapes), Durability::Renamed)?)
}

/// Both files of the adapter, as a finished training writes them but for the facts in the header.
fn write_adapter(folder: &Path, task: &Diffusion<'_>) -> Result<(), TrainError> {
    let (chosen, none) = (&task.inputs.sites, BTreeMap::new());
    let made = export::diffusers(task.adapters(), chosen, &none)?;
    let single = export::kohya(task.adapters(), chosen, &KohyaFacts::default(), &none)?;
    export::write_final(folder, &made, &single, "kohya").map(drop)
}

fn write(path: &Path, tensors: &[(String, Tensor)]) -> Result<(), TrainError> {
    let made = container(tensors, &BTreeMap::new())?;
    Ok(file::replace(path, &made.bytes, Durability::Renamed)?)
}

/// Of every picture its centre's pixels `[3, height, width]`, mask `[height, width]` and latents' distribution, not
/// scaled: `rgb.NAME`, `mask.NAME`, `mean.NAME`, `deviation.NAME`; of held-out ones the noise too: `noise.LEVEL.NAME`.
fn pictures(task: &mut Diffusion<'_>) -> Result<Named, TrainError> {
    let inputs = task.inputs;
    let mut tensors = Vec::new();
    for sample in &inputs.data.train.samples {
        let _ = picture(task, sample, &mut tensors)?;
    }
    for sample in inputs.data.held_out.iter().flat_map(|held_out| &held_out.samples) {
        let size = picture(task, sample, &mut tensors)?;
        for level in 0..evaluation::LEVELS.len() {
            let noise = evaluation::noise_of(sample, level, &size)?;
            tensors.push((format!("noise.{level}.{}", sample.relative), noise));
        }
    }
    Ok(tensors)
}

/// Adds a picture's tensors. Returns the size of its latents.
fn picture(
    task: &mut Diffusion<'_>,
    sample: &ImageSample,
    tensors: &mut Named,
) -> Result<Vec<i64>, TrainError> {
    let view = View::centre(&sample.fit());
    let pixels = load_pixels(sample, view, task.inputs.data.background)
        .map_err(|problem| TrainError::Refused(problem.to_string()))?;
    let (height, width) = (i64::from(pixels.height), i64::from(pixels.width));
    let name = &sample.relative;
    tensors.push((format!("rgb.{name}"), Tensor::f_from_slice(&pixels.rgb)?.f_view([3, height, width])?));
    if let Some(mask) = &pixels.mask {
        tensors.push((format!("mask.{name}"), Tensor::f_from_slice(mask)?.f_view([height, width])?));
    }
    let look = task.latents.look(sample, view)?;
    let size = look.mean.size();
    tensors.push((format!("mean.{name}"), look.mean));
    tensors.push((format!("deviation.{name}"), look.deviation));
    Ok(size)
}

/// What each micro-batch of a step is trained on, as `STEP.NUMBER.PART`. Returns what is said of them in the report.
fn lay_open(task: &mut Diffusion<'_>, step: u64, tensors: &mut Named) -> Result<Vec<Value>, TrainError> {
    let mut said = Vec::new();
    let mut place = 0;
    for (number, batch) in task.inputs.plan.step(step - 1).iter().enumerate() {
        let (denoising, captions) = task.draw(step, place, batch)?;
        let mut add = |part: &str, tensor: Tensor| tensors.push((format!("{step}.{number}.{part}"), tensor));
        add("posterior", posterior(task, step, place, &denoising.latents)?);
        add("ids", ids(task, &captions)?);
        add("latents", denoising.latents);
        add("noise", denoising.noise);
        add("noisy", denoising.noisy);
        add("timesteps", denoising.timesteps);
        add("weights", denoising.weights);
        if let Some(mask) = denoising.mask {
            add("mask", mask);
        }
        said.push(json!({ "samples": names(task, batch), "captions": captions }));
        place += batch.draws.len() as u32;
    }
    Ok(said)
}

fn names(task: &Diffusion<'_>, batch: &MicroBatch) -> Vec<String> {
    let samples = &task.inputs.data.train.samples;
    let chosen = batch.draws.iter().filter_map(|draw| samples.get(draw.sample));
    chosen.map(|sample| sample.relative.clone()).collect()
}

/// The draws from the latents' distributions, in the shape of `latents`.
fn posterior(task: &Diffusion<'_>, step: u64, place: u32, latents: &Tensor) -> Result<Tensor, TchError> {
    let size = latents.size();
    let seed = task.inputs.settings.seed;
    let each: Vec<Tensor> = (0..size[0] as u32)
        .map(|offset| NoiseKey { seed, step, place: place + offset }.posterior([size[1], size[2], size[3]]))
        .collect::<Result<_, _>>()?;
    Tensor::f_stack(&each, 0)
}

/// Token ids `[captions, chunks, context]`.
fn ids(task: &Diffusion<'_>, captions: &[String]) -> Result<Tensor, TrainError> {
    let length = task.inputs.image.max_token_length as usize;
    let tokenizer = task.conditioning.tokenizer();
    let mut all = Vec::new();
    for caption in captions {
        all.extend(tokenizer.chunks(caption, length)?.ids.into_iter().flatten().map(i64::from));
    }
    let context = tokenizer.context() as i64;
    Ok(Tensor::f_from_slice(&all)?.f_view([captions.len() as i64, -1, context])?)
}

fn one_step(
    task: &mut Diffusion<'_>,
    stepper: &mut Stepper,
    step: u64,
) -> Result<Map<String, Value>, TrainError> {
    let inputs = task.inputs;
    let rate = engine::schedule(&inputs.settings, inputs.plan.total_steps()).rate(step - 1);
    let units = stepper.step(task, step, rate)?;
    let metrics = stepper.read(step, step)?;
    let metrics = metrics.first().ok_or_else(|| TrainError::Other("the ring is empty".to_owned()))?;
    let mut report = Map::new();
    report.insert("step".to_owned(), json!(step));
    report.insert("learning_rate".to_owned(), json!(rate));
    report.insert("loss".to_owned(), json!(metrics.loss));
    report.insert("grad_norm".to_owned(), json!(metrics.gradient_norm));
    report.insert("pictures".to_owned(), json!(units));
    Ok(report)
}

/// The network's output for the first micro-batch, with the adapters and without, and the text states it read.
fn outputs(task: &mut Diffusion<'_>) -> Result<Named, TrainError> {
    let batches = task.inputs.plan.step(0);
    let Some(batch) = batches.first() else { return Ok(Vec::new()) };
    task.refresh()?;
    let (denoising, captions) = task.draw(1, 0, batch)?;
    let mut tensors = Vec::new();
    for (name, context) in [("adapted", Context::default()), ("base", Context::base())] {
        let states = task.conditioning.states(&captions, &context)?;
        let output = denoising.predict(&task.unet, &states, task.kind, &context)?.f_to_kind(Kind::Float)?;
        tensors.push((format!("{name}.states"), states));
        tensors.push((format!("{name}.output"), output));
    }
    tensors.push(("noisy".to_owned(), denoising.noisy));
    tensors.push(("timesteps".to_owned(), denoising.timesteps));
    tensors.push(("ids".to_owned(), ids(task, &captions)?));
    Ok(tensors)
}
