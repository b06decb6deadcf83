//! Sample pictures: into `samples/`, the journal and the events, each with everything that made it.

use loradeck_core::config::{ImageSettings, Settings};
use loradeck_core::file::{self, Durability};
use loradeck_data::image::Picture;

use super::generate::{Generated, Generator, Request};
use super::png_text::with_text;
use crate::adapters::autograd::Context;
use crate::engine::record::Record;
use crate::error::TrainError;
use crate::tasks::Interrupted;

/// What the settings ask to be sampled, prompt by prompt.
pub fn requests(settings: &Settings, image: &ImageSettings) -> Vec<Request> {
    let seed =
        |index: usize| image.sample_seeds.get(index).or(image.sample_seeds.last()).copied().unwrap_or(0);
    let request = |(index, prompt): (usize, &String)| Request {
        prompt: prompt.clone(),
        negative_prompt: image.sample_negative_prompt.clone(),
        seed: seed(index),
        scheduler: image.sample_scheduler,
        steps: image.sample_inference_steps,
        guidance: image.sample_guidance,
        width: image.resolution,
        height: image.resolution,
    };
    settings.sample_prompts.iter().enumerate().map(request).collect()
}

/// Generates every request and writes it down as of `step`.
pub(super) fn produce(
    generator: Generator<'_>,
    requests: &[Request],
    clip_skip: u32,
    step: u64,
    record: &mut Record,
    interrupted: Interrupted<'_>,
) -> Result<(), TrainError> {
    let mut made = 0;
    for (index, request) in requests.iter().enumerate() {
        match generator.generate(request, &Context::default(), interrupted) {
            Ok(Some(picture)) => {
                tell(record, step, index + 1, request, clip_skip, picture);
                made += 1;
            }
            Ok(None) => return Ok(()),
            // The training itself may be sound: it is not ended for want of a picture.
            Err(error @ TrainError::Picture { .. }) => {
                let problem = error.to_string();
                record.line(&format!("warning: {problem}"));
                let entry = record.entry("no-sample").at(step).with("number", index + 1);
                record.journal(&entry.with("problem", problem));
            }
            Err(error) => return Err(error),
        }
    }
    let noun = if made == 1 { "picture" } else { "pictures" };
    record.line(&format!("sampled {made} {noun} at step {step}"));
    Ok(())
}

fn tell(record: &mut Record, step: u64, number: usize, request: &Request, clip_skip: u32, made: Generated) {
    let (width, height) = (made.width, made.height);
    let Some(picture) = Picture::new(width, height, made.rgb) else { return };
    let facts = parameters(request, clip_skip);
    let png = with_text(&picture.to_png(), "parameters", &facts);
    let name = format!("step-{step:08}-prompt-{number:02}-seed-{}.png", request.seed);
    let folder = record.run().samples();
    let written = file::create_folder(&folder)
        .and_then(|()| file::replace(&folder.join(&name), &png, Durability::Renamed));
    if let Err(error) = written {
        record.line(&format!("warning: {error}"));
    }
    let entry = record
        .entry("sample")
        .at(step)
        .with("number", number)
        .with("prompt", request.prompt.as_str())
        .with("negative_prompt", request.negative_prompt.as_str())
        .with("picture", name)
        .with("seed", request.seed)
        .with("scheduler", scheduler_name(request))
        .with("steps", request.steps)
        .with("guidance", request.guidance)
        .with("clip_skip", clip_skip)
        .with("width", width)
        .with("height", height);
    record.journal(&entry);
    record.image(step, &format!("samples/{number}"), width, height, &png);
}

/// The sampler's word in settings and reports.
pub fn scheduler_name(request: &Request) -> &'static str {
    super::generate::sampler_kind(request.scheduler).name()
}

/// What AUTOMATIC1111's and ComfyUI's readers of PNG files show: prompt, negative prompt, then settings in one line.
pub fn parameters(request: &Request, clip_skip: u32) -> String {
    let negative = if request.negative_prompt.is_empty() {
        String::new()
    } else {
        format!("Negative prompt: {}\n", request.negative_prompt)
    };
    format!(
        "{}\n{negative}Steps: {}, Sampler: {}, CFG scale: {}, Seed: {}, Size: {}x{}, Clip skip: {clip_skip}",
        request.prompt,
        request.steps,
        scheduler_name(request),
        request.guidance,
        request.seed,
        request.width,
        request.height,
    )
}
