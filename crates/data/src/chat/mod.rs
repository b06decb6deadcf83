//! Conversations into samples: the chat template's text, its tokens, and which of them are learnt.
//!
//! Learnt are the assistant's words and the token that ends each of its turns, so that the model learns to stop. Where
//! the template marks the assistant's text itself (`{% generation %}`), its marks are followed. Where it does not, an
//! answer is found by rendering the conversation with other answers (see `answers`), and its turn ends with the next
//! special token (see `turn`). An answer whose text is not among what is learnt is refused.

mod answers;
mod error;
mod left_out;
mod spans;
mod turn;

use std::ops::Range;

use loradeck_core::template::chat::{ChatTemplate, Message};
use loradeck_core::time::Moment;

pub use error::ChatError;
pub use left_out::LeftOut;

use crate::sample::Sample;
use crate::tokenizer::Tokenizer;
use answers::Answer;

/// How conversations become samples.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ChatOptions {
    /// Longer samples are cut to this many tokens.
    pub max_seq_len: usize,
    /// Whether all tokens are learnt, not only the assistant's.
    pub train_on_prompt: bool,
}

/// A sample with what is told about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Encoded {
    /// Tokens and mask.
    pub sample: Sample,
    /// Tokens before cutting.
    pub full_length: usize,
    /// Assistant turns whose text holds no special token to end it.
    pub turns_without_end: usize,
    /// The special tokens that end its turns, each once.
    pub turn_ends: Vec<u32>,
    /// Answers of which the first token also holds text in front of the answer.
    pub merged_starts: usize,
    /// What of the messages the template does not write, each kind once.
    pub left_out: Vec<LeftOut>,
}

/// Turns conversations into samples for one model.
#[derive(Clone, Debug)]
pub struct ChatEncoder<'a> {
    tokenizer: &'a Tokenizer,
    template: ChatTemplate,
    bos: String,
    eos: String,
}

/// The tokens that are learnt of one turn, and where its answer begins in the text.
struct Turn {
    tokens: Range<usize>,
    start: usize,
}

impl<'a> ChatEncoder<'a> {
    /// Uses the model's own chat template; `now` is the time that a template may ask for, fixed for a whole training.
    pub fn new(tokenizer: &'a Tokenizer, now: Moment) -> Result<Self, ChatError> {
        let source = tokenizer.chat_template().ok_or(ChatError::NoTemplate)?;
        Self::with_template(tokenizer, source, now)
    }

    /// Uses another template, in Jinja's language.
    pub fn with_template(tokenizer: &'a Tokenizer, source: &str, now: Moment) -> Result<Self, ChatError> {
        let template = ChatTemplate::compile(source, now)?;
        Ok(Self { tokenizer, template, bos: tokenizer.bos_text(), eos: tokenizer.eos_text() })
    }

    /// The ids at which an answer ends: the model's own, and the special token that ends the assistant's turns in this
    /// template, which a folder's files need not name.
    pub fn stop_ids(&self) -> Vec<u32> {
        let mut stops = self.tokenizer.eos_ids().to_vec();
        stops.extend(self.turn_end().filter(|end| !self.tokenizer.eos_ids().contains(end)));
        stops
    }

    /// The special token that ends an answer: in a conversation of one, else where another turn follows.
    pub fn turn_end(&self) -> Option<u32> {
        let options = ChatOptions { max_seq_len: usize::MAX, train_on_prompt: false };
        let turns = [("user", "Hi"), ("assistant", "Yes"), ("user", "Well"), ("assistant", "No")];
        let messages = turns.map(|(role, content)| Message::new(role, content));
        [2, 4]
            .into_iter()
            .find_map(|count| self.encode(&messages[..count], options).ok()?.turn_ends.first().copied())
    }

    /// The text of a conversation up to where the assistant is to answer.
    pub fn prompt_text(&self, messages: &[Message]) -> Result<String, ChatError> {
        Ok(self.template.text(messages, true, &self.bos, &self.eos)?)
    }

    /// The tokens of a conversation up to where the assistant is to answer.
    pub fn prompt(&self, messages: &[Message]) -> Result<Vec<u32>, ChatError> {
        Ok(self.tokenizer.encode(&self.prompt_text(messages)?, false)?)
    }

    /// The tokens of a whole conversation with their mask.
    pub fn encode(&self, messages: &[Message], options: ChatOptions) -> Result<Encoded, ChatError> {
        let rendered = self.template.render(messages, false, &self.bos, &self.eos)?;
        let text = rendered.text;
        // The template has written the special tokens itself.
        let (ids, offsets) = self.tokenizer.encode_with_offsets(&text, false)?;
        let found = answers::find(messages, &text, &|messages| self.text_of(messages));
        let prompt = self.generation_prompt(messages);
        let turns = if self.template.has_generation_blocks() {
            tagged_turns(messages, &text, &rendered.assistant_spans, &offsets, found.as_deref())
        } else {
            found
                .as_deref()
                .map_err(ChatError::clone)
                .map(|answers| self.turns_around(messages, &text, &prompt, answers, &ids, &offsets))
        };
        // With the prompt learnt too, nothing has to be told apart.
        let turns = if options.train_on_prompt { turns.unwrap_or_default() } else { turns? };
        let left_out = left_out::find(messages, &text, found.as_deref().unwrap_or_default());
        let mut labels_mask = vec![options.train_on_prompt; ids.len()];
        let (mut turn_ends, mut turns_without_end, mut merged_starts) = (Vec::new(), 0, 0);
        for turn in &turns {
            labels_mask[turn.tokens.clone()].fill(true);
            let first = offsets.get(turn.tokens.start).filter(|_| !turn.tokens.is_empty());
            merged_starts +=
                usize::from(first.is_some_and(|first| turn::is_merged(&text, first, turn.start, &prompt)));
            match turn.tokens.clone().rev().find(|index| self.tokenizer.is_special(ids[*index])) {
                Some(end) if turn_ends.contains(&ids[end]) => {}
                Some(end) => turn_ends.push(ids[end]),
                None => turns_without_end += 1,
            }
        }
        let full_length = ids.len();
        let mut sample = Sample { ids, labels_mask };
        sample.ids.truncate(options.max_seq_len);
        sample.labels_mask.truncate(options.max_seq_len);
        if sample.trained_tokens() == 0 {
            return Err(ChatError::nothing_to_learn(full_length, options.max_seq_len, &left_out));
        }
        Ok(Encoded { sample, full_length, turns_without_end, turn_ends, merged_starts, left_out })
    }

    fn text_of(&self, messages: &[Message]) -> Result<String, ChatError> {
        Ok(self.template.text(messages, false, &self.bos, &self.eos)?)
    }

    /// The turns around answers that were found without the template's help.
    fn turns_around(
        &self,
        messages: &[Message],
        text: &str,
        prompt: &str,
        answers: &[Answer],
        ids: &[u32],
        offsets: &[Range<usize>],
    ) -> Vec<Turn> {
        let special = |index: usize| self.tokenizer.is_special(ids[index]);
        let mut turns = Vec::new();
        let mut from = 0;
        for answer in answers {
            let Some(span) = &answer.span else { continue };
            let next = messages.get(answer.message + 1).map(|message| message.content.as_str());
            let before = answer.message.checked_sub(1).map(|index| messages[index].content.as_str());
            let start = turn::start(text, from, span.start, prompt, before.unwrap_or_default());
            let end = turn::end(text, span.end, next, offsets, special);
            from = span.end;
            turns.push(Turn { tokens: spans::overlapping(offsets, &(start..end)), start });
        }
        turns
    }

    /// What the template adds to the messages before the first answer to have it answered; empty where it adds nothing.
    fn generation_prompt(&self, messages: &[Message]) -> String {
        let first = messages.iter().position(|message| message.role == "assistant").unwrap_or(0);
        let render = |prompt| self.template.text(&messages[..first], prompt, &self.bos, &self.eos);
        match (render(false), render(true)) {
            (Ok(without), Ok(with)) => with.strip_prefix(&without).unwrap_or_default().to_owned(),
            _ => String::new(),
        }
    }
}

/// The turns that the template's own tags mark, if they hold every answer that stands in the text.
fn tagged_turns(
    messages: &[Message],
    text: &str,
    marked: &[Range<usize>],
    offsets: &[Range<usize>],
    found: Result<&[Answer], &ChatError>,
) -> Result<Vec<Turn>, ChatError> {
    let holds = |span: &Range<usize>| marked.iter().any(|m| m.start <= span.start && span.end <= m.end);
    let missing = if let Ok(answers) = found {
        let is_outside =
            |answer: &&Answer| answer.span.as_ref().is_some_and(|span| !span.is_empty() && !holds(span));
        answers.iter().find(is_outside).map(|answer| answer.message)
    } else {
        not_among(messages, &marked.iter().map(|span| &text[span.clone()]).collect::<String>())
    };
    if let Some(message) = missing {
        return Err(ChatError::OutsideOfTags { message: message + 1 });
    }
    let turn = |span: &Range<usize>| Turn { tokens: spans::overlapping(offsets, span), start: span.start };
    Ok(marked.iter().map(turn).collect())
}

/// The first answer that does not stand in `learnt`, each looked for behind the one before: for templates whose
/// renderings do not tell where the answers are.
fn not_among(messages: &[Message], learnt: &str) -> Option<usize> {
    let mut rest = learnt;
    for (index, message) in messages.iter().enumerate().filter(|(_, message)| message.role == "assistant") {
        let wanted = answers::after_thinking(&message.content).trim();
        let Some(at) = rest.find(wanted) else { return Some(index) };
        rest = &rest[at + wanted.len()..];
    }
    None
}

#[cfg(test)]
mod tests;
