//! The model's greedy answers to the sample prompts: into `samples/`, the journal and the events.

use std::fmt::Write;

use loradeck_core::file::{self, Durability};
use loradeck_core::template::chat::Message;
use loradeck_data::chat::ChatEncoder;
use loradeck_data::tokenizer::Tokenizer;
use tch::Device;

use super::generate::{Limits, greedy};
use crate::engine::record::Record;
use crate::error::TrainError;
use crate::models::llama::Llama;

/// Tokens an answer may have.
pub const ANSWER_TOKENS: usize = 96;
/// Prompts answered side by side.
const AT_ONCE: usize = 16;

/// Greedy answers to `prompts`, each a user's message through the chat template. `None` where `interrupted` said to
/// leave off.
pub fn answer(
    model: &Llama,
    tokenizer: &Tokenizer,
    encoder: &ChatEncoder<'_>,
    prompts: &[String],
    device: Device,
    mut interrupted: impl FnMut() -> bool,
) -> Result<Option<Vec<String>>, TrainError> {
    let pad_id = model.base().pad_id(tokenizer);
    let limits = Limits { tokens: ANSWER_TOKENS, stops: tokenizer.eos_ids().to_vec(), pad_id };
    let mut answers = Vec::with_capacity(prompts.len());
    for group in prompts.chunks(AT_ONCE) {
        let ids: Vec<Vec<u32>> = group
            .iter()
            .map(|prompt| encoder.prompt(&[Message { role: "user".to_owned(), content: prompt.clone() }]))
            .collect::<Result<_, _>>()
            .map_err(|error| TrainError::Refused(format!("sample_prompts: {error}")))?;
        let Some(given) = greedy(model, &ids, &limits, device, &mut interrupted)? else { return Ok(None) };
        for answer in given {
            answers.push(tokenizer.decode(&answer, true)?);
        }
    }
    Ok(Some(answers))
}

/// Writes prompts and answers of `step` down.
pub(super) fn tell(record: &mut Record, step: u64, prompts: &[String], answers: &[String]) {
    let mut page = String::new();
    for (index, (prompt, answer)) in prompts.iter().zip(answers).enumerate() {
        let number = index + 1;
        let path = record.run().samples().join(format!("step-{step:08}-prompt-{number:02}.txt"));
        let text = format!("{prompt}\n\n{answer}\n");
        let written = file::create_folder(&record.run().samples())
            .and_then(|()| file::replace(&path, text.as_bytes(), Durability::Renamed));
        if let Err(error) = written {
            record.line(&format!("warning: {error}"));
        }
        let entry = record
            .entry("sample")
            .at(step)
            .with("number", number)
            .with("prompt", prompt.as_str())
            .with("answer", answer.as_str());
        record.journal(&entry);
        let fenced = answer.replace("```", "'''");
        // Writing to a text cannot fail.
        let _ = write!(page, "**{number}. {prompt}**\n\n```\n{fenced}\n```\n\n");
    }
    record.text(step, "samples/text", &page);
    record.line(&format!("answered {} prompts at step {step}", answers.len()));
}
