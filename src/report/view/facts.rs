//! The list at the head of a report, in the words that readers of LoRA reports know, and the data's own section.

use super::super::inputs::{DataPart, Distribution};
use super::super::markdown::{code, inline};
use super::super::words;
use super::{Fact, Material, epochs, foreign};
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
        Fact::new("Batch Size", batch(material)),
        Fact::new("Learning Rate", rate(material)),
    ];
    if let Some(summary) = summary {
        let steps = format!("{} steps", words::steps(summary.step, summary.total_steps));
        facts.push(Fact::new("Epochs Completed", format!("{} ({steps})", epochs(summary.epoch))));
    }
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
    format!("{} (alpha {} on {targets}{trained})", settings.lora_rank, words::rate(settings.lora_alpha))
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

/// `192 samples (17,664 tokens)`, `156 images (512×512)`.
pub(super) fn data_size(material: &Material) -> String {
    let data = &material.inputs.data;
    let part = data.parts.iter().find(|part| part.name == "train").or(data.parts.first());
    let samples =
        part.map(|part| part.samples).or(material.summary.as_ref().map(|summary| summary.train_samples));
    let Some(samples) = samples else { return "data".into() };
    if let [(size, count), ..] = data.sizes.as_slice() {
        let others = if *count == samples { "" } else { " and other sizes" };
        return format!("{} ({}{others})", words::counted(samples, "image"), inline(size));
    }
    let tokens =
        part.and_then(|part| part.tokens).map(|tokens| format!(" ({} tokens)", words::count(tokens.total)));
    format!("{}{}", words::counted(samples, "sample"), tokens.unwrap_or_default())
}

pub(super) fn data(material: &Material) -> Vec<Fact> {
    let (settings, provenance) = (&material.frozen.settings, &material.frozen.provenance);
    let mut facts: Vec<Fact> = material.inputs.data.parts.iter().map(part).collect();
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

fn part(part: &DataPart) -> Fact {
    let name = match part.name.as_str() {
        "" => "Samples".to_owned(),
        "train" => "Trained on".to_owned(),
        "eval" => "Evaluated on".to_owned(),
        other => inline(other),
    };
    let mut texts = vec![words::counted(part.samples, "sample")];
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
