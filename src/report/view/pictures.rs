//! Sample pictures and how to use the trained adapter, for image models.

use loradeck_core::text::harmless;
use serde::Serialize;

use super::super::inputs::{PictureAt, PictureRow};
use super::super::markdown::{code, inline, target};
use super::super::sheet::{CONTACT_SHEET, column_label, columns};
use super::super::words;
use super::{Fact, Material, usage};

/// Characters of a prompt in a table.
const SHOWN: usize = 300;
/// The weight that the line to copy asks for: somewhat below the full one, which suits most adapters.
const WEIGHT: &str = "0.8";

/// The section of sample pictures.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct PicturesView {
    /// The contact sheet, relative to the report.
    pub sheet: String,
    /// What its columns are, in words.
    pub columns: String,
    /// One row a prompt.
    pub rows: Vec<PictureRowView>,
}

/// A prompt's row; all texts are Markdown for a table.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[allow(missing_docs)]
pub(crate) struct PictureRowView {
    pub number: u64,
    pub prompt: String,
    pub negative_prompt: String,
    pub seed: u64,
    pub scheduler: String,
    pub steps: u64,
    pub guidance: f64,
    pub clip_skip: u64,
    pub size: String,
    /// Links to the first and the last picture.
    pub before: String,
    pub after: String,
}

/// How to use the adapter in other programs.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct DeploymentView {
    /// What is there, what to type, and where to put it.
    pub facts: Vec<Fact>,
    /// A fenced block: the line for the WebUIs' prompt; empty where there is no single file.
    pub webui: String,
    /// A fenced block of Python for diffusers; empty where there are no such weights.
    pub diffusers: String,
}

/// The sample pictures; `None` where there are none.
pub(super) fn pictures(material: &Material) -> Option<PicturesView> {
    let rows = &material.inputs.pictures;
    let steps = columns(rows);
    (!rows.is_empty()).then(|| PicturesView {
        sheet: format!("samples/{CONTACT_SHEET}"),
        columns: steps.iter().map(|step| column_label(*step)).collect::<Vec<_>>().join(", "),
        rows: rows.iter().map(row).collect(),
    })
}

fn row(row: &PictureRow) -> PictureRowView {
    let prompt: String = row.prompt.chars().take(SHOWN).collect();
    let negative: String = row.negative_prompt.chars().take(SHOWN).collect();
    let before = row.pictures.first().filter(|picture| picture.step == 0);
    let after = row.pictures.last().filter(|picture| picture.step > 0);
    PictureRowView {
        number: row.number,
        prompt: inline(&prompt),
        negative_prompt: if negative.is_empty() { "–".into() } else { inline(&negative) },
        seed: row.seed,
        scheduler: inline(&row.scheduler),
        steps: row.steps,
        guidance: row.guidance,
        clip_skip: row.clip_skip,
        size: format!("{}x{}", row.width, row.height),
        before: link(before),
        after: link(after),
    }
}

fn link(picture: Option<&PictureAt>) -> String {
    picture.map_or_else(
        || "–".to_owned(),
        |picture| {
            format!("[{}]({})", column_label(picture.step), target(&format!("samples/{}", picture.file)))
        },
    )
}

/// What the deployment check says; `None` for other models and where there are no weights.
pub(super) fn deployment(material: &Material) -> Option<DeploymentView> {
    let settings = &material.frozen.settings;
    // What another trainer's weights are good for is not known.
    let image = settings.image().filter(|_| !settings.is_foreign())?;
    let inputs = &material.inputs;
    if inputs.weights.is_empty() {
        return None;
    }
    let has_diffusers = inputs.weights.iter().any(|(name, _)| name.ends_with(usage::DIFFUSERS_WEIGHTS));
    let single = single_file(material);
    let mut facts = vec![Fact::new("Files", files(material))];
    let trigger = image.trigger_word.as_deref().filter(|word| !word.trim().is_empty());
    facts.push(match trigger {
        Some(word) => Fact::new("Trigger word", code(word)),
        None => Fact::new("Trigger word", "none was set: prompts in the captions' words call the adapter up"),
    });
    if let Some(file) = &single {
        let into = |folder: &str| format!("{} into {}", code(file), code(folder));
        facts.push(Fact::new("AUTOMATIC1111, Forge", format!("put {}", into("models/Lora/"))));
        facts.push(Fact::new(
            "ComfyUI",
            format!("put {}, then load it with *Load LoRA*", into("models/loras/")),
        ));
    }
    let prompt = prompt(material, trigger);
    let webui = single.as_ref().map(|file| {
        let name = file.trim_end_matches(".safetensors");
        usage::fenced("text", harmless(format!("<lora:{name}:{WEIGHT}> {prompt}").trim_end()).as_ref())
    });
    Some(DeploymentView {
        facts,
        webui: webui.unwrap_or_default(),
        diffusers: if has_diffusers { usage::diffusers(material, &prompt) } else { String::new() },
    })
}

/// The file that WebUIs and ComfyUI take.
fn single_file(material: &Material) -> Option<String> {
    let is_there = |name: &&String| {
        let path = format!("checkpoints/{name}");
        **name != usage::DIFFUSERS_WEIGHTS && material.inputs.weights.iter().any(|(known, _)| *known == path)
    };
    material.inputs.released.iter().find(is_there).cloned()
}

fn files(material: &Material) -> String {
    let file = |(name, size): &(String, u64)| format!("{} ({})", code(name), words::bytes(*size));
    material.inputs.weights.iter().map(file).collect::<Vec<_>>().join(", ")
}

/// The first sample prompt, with the trigger word in it.
fn prompt(material: &Material, trigger: Option<&str>) -> String {
    let first = material.frozen.settings.sample_prompts.first().map(String::as_str).unwrap_or_default();
    // One line: this is copied into a prompt.
    let first = first.split_whitespace().collect::<Vec<_>>().join(" ");
    match trigger {
        Some(word) if first.is_empty() => word.to_owned(),
        Some(word) if !first.contains(word) => format!("{word}, {first}"),
        _ => first,
    }
}
