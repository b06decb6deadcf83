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

/// What the model made of a prompt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// Its words.
    Text(String),
    /// The prompt leaves no room for an answer.
    TooLong {
        /// Its tokens.
        tokens: usize,
        /// Tokens that prompt and answer may have together.
        positions: usize,
    },
}

impl Answer {
    /// The answer's words, or in brackets why there is none.
    pub fn shown(&self) -> String {
        match self {
            Self::Text(text) => text.clone(),
            Self::TooLong { tokens, positions } => format!(
                "[not answered: the prompt has {tokens} tokens, and prompt and answer together may have {positions}]"
            ),
        }
    }
}

/// Greedy answers to `prompts`, each a user's message through the chat template. `None` where `interrupted` said to
/// leave off.
pub fn answer(
    model: &Llama,
    tokenizer: &Tokenizer,
    encoder: &ChatEncoder<'_>,
    prompts: &[String],
    device: Device,
    mut interrupted: impl FnMut() -> bool,
) -> Result<Option<Vec<Answer>>, TrainError> {
    let limits =
        Limits { tokens: ANSWER_TOKENS, stops: encoder.stop_ids(), pad_id: model.base().pad_id(tokenizer) };
    let ids: Vec<Vec<u32>> = prompts
        .iter()
        .map(|prompt| encoder.prompt(&[Message { role: "user".to_owned(), content: prompt.clone() }]))
        .collect::<Result<_, _>>()
        .map_err(|error| TrainError::Refused(format!("sample_prompts: {error}")))?;
    let positions = model.positions();
    let lengths: Vec<usize> = ids.iter().map(Vec::len).collect();
    let mut answers: Vec<Answer> =
        lengths.iter().map(|tokens| Answer::TooLong { tokens: *tokens, positions }).collect();
    for group in groups(&lengths, positions) {
        let chosen: Vec<Vec<u32>> = group.iter().map(|index| ids[*index].clone()).collect();
        let Some(given) = greedy(model, &chosen, &limits, device, &mut interrupted)? else { return Ok(None) };
        for (index, answer) in group.iter().zip(given) {
            answers[*index] = Answer::Text(tokenizer.decode(&answer, true)?);
        }
    }
    Ok(Some(answers))
}

/// The prompts that are answered side by side. A group has the room that its longest prompt leaves: one that leaves
/// less than a whole answer is answered alone, one that leaves none is not.
fn groups(lengths: &[usize], positions: usize) -> Vec<Vec<usize>> {
    let room = |index: &usize| positions.saturating_sub(lengths[*index]);
    let (ample, scarce): (Vec<usize>, Vec<usize>) =
        (0..lengths.len()).partition(|index| room(index) >= ANSWER_TOKENS);
    let alone = scarce.into_iter().filter(|index| room(index) > 0).map(|index| vec![index]);
    ample.chunks(AT_ONCE).map(<[usize]>::to_vec).chain(alone).collect()
}

/// Writes prompts and answers of `step` down.
pub(super) fn tell(record: &mut Record, step: u64, prompts: &[String], answers: &[Answer]) {
    let mut page = String::new();
    for (index, (prompt, answer)) in prompts.iter().zip(answers).enumerate() {
        let number = index + 1;
        let shown = answer.shown();
        if matches!(answer, Answer::TooLong { .. }) {
            record.line(&format!("warning: sample prompt {number}: {shown}"));
        }
        let path = record.run().samples().join(format!("step-{step:08}-prompt-{number:02}.txt"));
        let text = format!("{prompt}\n\n{shown}\n");
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
            .with("answer", shown.as_str());
        record.journal(&entry);
        let fenced = shown.replace("```", "'''");
        // Writing to a text cannot fail.
        let _ = write!(page, "**{number}. {prompt}**\n\n```\n{fenced}\n```\n\n");
    }
    record.text(step, "samples/text", &page);
    let answered = answers.iter().filter(|answer| matches!(answer, Answer::Text(_))).count();
    record.line(&format!("answered {answered} prompts at step {step}"));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prompt_that_is_too_long_silences_no_other() {
        let positions = 200;
        // The third leaves less than a whole answer, the fourth nothing.
        assert_eq!(groups(&[10, 104, 105, 200, 20], positions), [vec![0, 1, 4], vec![2]]);
        assert_eq!(groups(&[5; 17], positions).iter().map(Vec::len).collect::<Vec<_>>(), [16, 1]);
        assert_eq!(groups(&[300], positions), Vec::<Vec<usize>>::new());
        let said = Answer::TooLong { tokens: 300, positions }.shown();
        assert!(said.contains("300 tokens") && said.contains("may have 200"), "{said}");
    }
}
