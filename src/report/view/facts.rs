//! The list at the head of a report, in the words that readers of LoRA reports know, and the data's own section.

use super::super::inputs::{CaptionCount, DataPart, Distribution};
use super::super::markdown::{code, inline};
use super::super::words;
use super::{Fact, Material, epochs, foreign};
use crate::report::evidence::doubt_of;
use crate::report::{goal_of, key_metric};
use loradeck_core::config::LoraTargets;

/// The run's name for people: its own, or its folder's.
pub(super) fn name(material: &Material) -> String {
    let settings = &material.frozen.settings;
    let name = settings.run_name.clone().unwrap_or_else(|| match &material.inputs.experiment {
        Some(experiment) => format!("{experiment}/{}", material.inputs.run),
        None => material.inputs.run.clone(),
    });
    settings.version.as_ref().map_or(name.clone(), |version| format!("{name} {version}"))
}

pub(super) fn facts(material: &Material) -> Vec<Fact> {
    let settings = &material.frozen.settings;
    if settings.is_foreign() {
        return foreign::facts(material);
    }
    let summary = material.summary.as_ref();
    let mut facts = vec![
        Fact::new("Base Model", code(&settings.base_model)),
        Fact::new(
            "Training Data",
            format!("{} from {}", data_size(material), code(&settings.train_data_dir)),
        ),
        Fact::new("LoRA Rank", rank(material)),
    ];
    facts.extend(trained_parts(material).map(|text| Fact::new("Trained", text)));
    facts.extend([Fact::new("Batch Size", batch(material)), Fact::new("Learning Rate", rate(material))]);
    if let Some(summary) = summary {
        let steps = format!("{} steps", words::steps(summary.step, summary.total_steps));
        facts.push(Fact::new("Epochs Completed", format!("{} ({steps})", epochs(summary.epoch))));
    }
    facts.extend(images_per_second(material).map(|text| Fact::new("Speed", text)));
    facts.push(Fact::new("Output Path", code(&material.inputs.output_path)));
    facts.extend(best_loss(material).map(|text| Fact::new("Best Loss", text)));
    facts
}

fn rank(material: &Material) -> String {
    let settings = &material.frozen.settings;
    let targets = match &settings.lora_targets {
        LoraTargets::Preset(preset) => code(preset),
        LoraTargets::List(names) => names.iter().map(|name| code(name)).collect::<Vec<_>>().join(", "),
    };
    let trained =
        material.summary.as_ref().map(|summary| summary.trainable_parameters).filter(|count| *count > 0);
    let trained =
        trained.map(|count| format!(", {} trained parameters", words::count(count))).unwrap_or_default();
    let alpha = words::rate(settings.lora_alpha);
    // The factor that decides how strongly an image adapter acts, and that programs read wrongly most often.
    let strength = settings.is_image().then(|| {
        let strength = settings.lora_alpha / f64::from(settings.lora_rank.max(1));
        format!(
            ", trained at alpha / rank = {}, which the file holds: a weight of 1 in `<lora:NAME:1>` is this strength,",
            words::rate(strength)
        )
    });
    format!("{} (alpha {alpha}{} on {targets}{trained})", settings.lora_rank, strength.unwrap_or_default())
}

/// Which parts of an image model were trained: `UNet only`.
fn trained_parts(material: &Material) -> Option<&'static str> {
    let image = material.frozen.settings.image()?;
    Some(match (image.unet_lr > 0.0, image.text_encoder_lr > 0.0) {
        (true, true) => "UNet and text encoder",
        (false, true) => "text encoder only (`unet_lr` is 0)",
        (_, false) => "UNet only (`text_encoder_lr` is 0)",
    })
}

fn images_per_second(material: &Material) -> Option<String> {
    let summary = material.summary.as_ref().filter(|summary| summary.images > 0 && summary.seconds > 0.0)?;
    let speed = words::value(summary.images as f64 / summary.seconds);
    Some(format!("{speed} images per second ({} in all)", words::counted(summary.images, "image")))
}

fn batch(material: &Material) -> String {
    let settings = &material.frozen.settings;
    match settings.gradient_accumulation {
        1 => settings.batch_size.to_string(),
        parts => format!(
            "{} ({} × {parts} accumulated)",
            u64::from(settings.batch_size) * u64::from(parts),
            settings.batch_size
        ),
    }
}

fn rate(material: &Material) -> String {
    let settings = &material.frozen.settings;
    let schedule = format!("{:?}", settings.lr_scheduler).to_lowercase();
    let warmup = match settings.warmup_steps {
        0 => String::new(),
        steps => format!(" after {} of warm-up", words::counted(steps, "step")),
    };
    format!("{} ({schedule}{warmup})", words::rate(settings.learning_rate))
}

pub(super) fn best_loss(material: &Material) -> Option<String> {
    let summary = material.summary.as_ref()?;
    let tag = key_metric(&material.frozen.provenance, &summary.metrics)?;
    let metric = summary.metrics.get(&tag)?;
    // The lowest of a training on pictures' steps is one lucky noise level.
    if tag == "train/loss" && doubt_of(material.frozen.settings.is_image(), &tag, summary).is_some() {
        return None;
    }
    let what = match tag.as_str() {
        "eval/loss" => "validation".to_owned(),
        "train/loss" => "training".to_owned(),
        other => {
            let goal = goal_of(&material.frozen.provenance, other);
            format!("{} {}", if goal.is_lower() { "lowest" } else { "highest" }, inline(other))
        }
    };
    Some(format!("{} (step {}, {what})", words::value(metric.best), words::count(metric.best_step)))
}

/// `192 samples (17,664 tokens)`, `156 images (512x512)`, `156 images (6 buckets, mostly 512x512)`.
pub(super) fn data_size(material: &Material) -> String {
    let data = &material.inputs.data;
    let part = data.parts.iter().find(|part| part.name == "train").or(data.parts.first());
    let samples =
        part.map(|part| part.samples).or(material.summary.as_ref().map(|summary| summary.train_samples));
    let Some(samples) = samples else { return "data".into() };
    if let [(size, count), ..] = data.sizes.as_slice() {
        if *count != samples
            && let [most, rest @ ..] = data.buckets.as_slice()
        {
            let bucket = inline(&most.bucket);
            let images = words::counted(samples, "image");
            return match rest.len() {
                0 => format!("{images} ({bucket})"),
                others => format!("{images} ({} buckets, mostly {bucket})", others + 1),
            };
        }
        let others = if *count == samples { "" } else { " and other sizes" };
        return format!("{} ({}{others})", words::counted(samples, "image"), inline(size));
    }
    let tokens =
        part.and_then(|part| part.tokens).map(|tokens| format!(" ({} tokens)", words::count(tokens.total)));
    format!("{}{}", words::counted(samples, "sample"), tokens.unwrap_or_default())
}

pub(super) fn data(material: &Material) -> Vec<Fact> {
    let (settings, provenance) = (&material.frozen.settings, &material.frozen.provenance);
    let data = &material.inputs.data;
    let noun = if data.sizes.is_empty() { "sample" } else { "image" };
    let mut facts: Vec<Fact> = data.parts.iter().map(|known| part(known, noun)).collect();
    facts.extend(data.captions.map(|captions| Fact::new("Captions", caption_counts(captions))));
    if !data.flags.is_empty() {
        let flag = |(name, count): &(String, u64)| format!("{} {}", words::count(*count), inline(name));
        facts.push(Fact::new("Noticed", data.flags.iter().map(flag).collect::<Vec<_>>().join(", ")));
    }
    if let Some(path) = &settings.eval_data_dir {
        facts.push(Fact::new("Held-out data", code(path)));
    } else if settings.eval_split > 0.0 {
        facts.push(Fact::new(
            "Held out",
            format!("{} % of the training data", epochs(settings.eval_split * 100.0)),
        ));
    }
    facts.extend(material.inputs.too_large.iter().map(|file| {
        let (size, hash) = (words::bytes(file.bytes), code(&file.sha256));
        Fact::new("Too large for git", format!("{} ({size}, SHA-256 {hash})", code(&file.name)))
    }));
    for (name, identity) in
        [("Fingerprint", &provenance.data), ("Fingerprint, held out", &provenance.eval_data)]
    {
        if let Some(identity) = identity {
            let size = words::bytes(identity.size);
            let hash: String = identity.fingerprint.chars().take(16).collect();
            facts.push(Fact::new(name, format!("{} ({size})", code(&hash))));
        }
    }
    facts
}

fn caption_counts(captions: CaptionCount) -> String {
    let CaptionCount { with, without, different } = captions;
    let without = if without > 0 {
        format!("; **{} without one**", words::counted(without, "image"))
    } else {
        String::new()
    };
    format!(
        "{} with a caption, {} different{without}",
        words::counted(with, "image"),
        words::count(different)
    )
}

fn part(part: &DataPart, noun: &str) -> Fact {
    let name = match part.name.as_str() {
        "" => "Samples".to_owned(),
        "train" => "Trained on".to_owned(),
        "eval" => "Evaluated on".to_owned(),
        "reg" if noun == "image" => "Regularised by".to_owned(),
        other => inline(other),
    };
    let mut texts = vec![words::counted(part.samples, noun)];
    texts.extend(part.tokens.map(spread));
    texts.extend(
        part.trained_tokens.map(|trained| format!("the loss counts {} of them", words::count(trained.total))),
    );
    if part.truncated > 0 {
        texts.push(format!(
            "**{} cut** to the longest length allowed",
            words::counted(part.truncated, "sample")
        ));
    }
    Fact { name, value: texts.join("; ") }
}

fn spread(tokens: Distribution) -> String {
    let (least, most) = (words::count(tokens.least), words::count(tokens.most));
    let median = words::count(tokens.median.round() as u64);
    format!("{} tokens, {least} to {most} a sample (median {median})", words::count(tokens.total))
}
