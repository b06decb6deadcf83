//! What a report says differently of a run that another trainer's command has made.

use super::super::markdown::{code, inline};
use super::super::words;
use super::facts::best_loss;
use super::{Fact, Material, epochs};
use loradeck_core::run::Summary;

/// How much of a command is shown, in characters.
const SHOWN: usize = 300;

/// The list at the head of the report.
pub(super) fn facts(material: &Material) -> Vec<Fact> {
    let settings = &material.frozen.settings;
    let maker = match &settings.foreign.adopted {
        Some(folder) => Fact::new("Tracked Folder", code(folder)),
        None => Fact::new("Command", code(&command(material))),
    };
    let mut facts = vec![maker];
    for (name, path) in [("Base Model", &settings.base_model), ("Training Data", &settings.train_data_dir)] {
        if !path.is_empty() {
            facts.push(Fact::new(name, code(path)));
        }
    }
    for row in material.frozen.rows().iter().filter(|row| row.is_chosen && row.is_trained) {
        facts.push(Fact::new(&code(row.key), inline(&row.value)));
    }
    if let Some(summary) = &material.summary {
        facts.push(Fact::new("Steps Completed", words::steps(summary.step, summary.total_steps)));
        if summary.epoch > 0.0 {
            facts.push(Fact::new("Epochs Completed", epochs(summary.epoch)));
        }
    }
    facts.push(Fact::new("Output Path", code(&material.inputs.output_path)));
    facts.extend(best_loss(material).map(|text| Fact::new("Best Loss", text)));
    facts
}

/// The command with the values of settings and parameters; facts of the run stay as they are written.
fn command(material: &Material) -> String {
    let settings = &material.frozen.settings;
    let words = settings.foreign.command.iter().flatten();
    let filled = |word: &String| {
        let value_of = |name: &str| {
            let value = settings.value_of(name).map(|value| value.plain());
            Some(value.unwrap_or_else(|| format!("${{{name}}}")))
        };
        loradeck_core::config::expand(word, value_of).unwrap_or_else(|_| word.clone())
    };
    let text = words.map(filled).collect::<Vec<_>>().join(" ");
    match text.char_indices().nth(SHOWN) {
        Some((at, _)) => format!("{}…", &text[..at]),
        None => text,
    }
}

/// What was done, in a sentence.
pub(super) fn deed(material: &Material, summary: &Summary) -> String {
    if let Some(folder) = &material.frozen.settings.foreign.adopted {
        let (steps, time) = (words::counted(summary.step, "step"), words::duration(summary.seconds));
        return format!("{} records {steps} in {time}, trained by another program.", code(folder));
    }
    let program = material.frozen.settings.foreign.command.iter().flatten().next();
    let device = Some(summary.environment.device.as_str()).filter(|device| !device.is_empty());
    let device = device.map(|device| format!(" on {}", inline(device))).unwrap_or_default();
    format!(
        "{} trained {} in {}{device}.",
        code(program.map_or("The command", String::as_str)),
        words::counted(summary.step, "step"),
        words::duration(summary.seconds),
    )
}
