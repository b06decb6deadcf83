//! Conversations into samples: the chat template's text, its tokens, and which of them are learnt.
//!
//! Learnt are the assistant's words and the token that ends each of its turns, so that the model learns to stop. Where
//! the template marks the assistant's text itself (`{% generation %}`), its marks are followed. Where it does not, a
//! turn is what the template adds when the turn is added: rendered up to the turn with the generation prompt, and with
//! the turn. A template for which the shorter text is not the beginning of the longer one is refused.

mod spans;

use std::ops::Range;

use loradeck_core::template::TemplateError;
use loradeck_core::template::chat::{ChatTemplate, Message};
use loradeck_core::time::Moment;

use crate::sample::Sample;
use crate::tokenizer::{Tokenizer, TokenizerError};

/// Why a conversation cannot become a sample.
#[derive(Debug, thiserror::Error)]
pub enum ChatError {
    /// The model brings no template.
    #[error("the base model brings no chat template, and giving one is not supported yet")]
    NoTemplate,
    /// The template is broken or refuses the conversation.
    #[error(transparent)]
    Template(#[from] TemplateError),
    /// The tokenizer failed.
    #[error(transparent)]
    Tokenizer(#[from] TokenizerError),
    /// The assistant's turns cannot be found in the template's text.
    #[error(
        "the chat template rewrites earlier text when message {message} is added, so what the assistant says cannot be \
         told apart; it needs {{% generation %}} tags"
    )]
    NotAPrefix {
        /// The message's number, from 1.
        message: usize,
    },
    /// No token would be learnt.
    #[error("{0}")]
    NothingToLearn(String),
}

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
}

/// Turns conversations into samples for one model.
#[derive(Clone, Debug)]
pub struct ChatEncoder<'a> {
    tokenizer: &'a Tokenizer,
    template: ChatTemplate,
    bos: String,
    eos: String,
}

impl<'a> ChatEncoder<'a> {
    /// Uses the model's own chat template; `now` is the time that a template may ask for, fixed for a whole training.
    pub fn new(tokenizer: &'a Tokenizer, now: Moment) -> Result<Self, ChatError> {
        let source = tokenizer.chat_template().ok_or(ChatError::NoTemplate)?;
        let template = ChatTemplate::compile(source, now)?;
        Ok(Self { tokenizer, template, bos: tokenizer.bos_text(), eos: tokenizer.eos_text() })
    }

    /// The text of a conversation up to where the assistant is to answer.
    pub fn prompt_text(&self, messages: &[Message]) -> Result<String, ChatError> {
        Ok(self.template.render(messages, true, &self.bos, &self.eos)?.text)
    }

    /// The tokens of a conversation up to where the assistant is to answer.
    pub fn prompt(&self, messages: &[Message]) -> Result<Vec<u32>, ChatError> {
        Ok(self.tokenizer.encode(&self.prompt_text(messages)?, false)?)
    }

    /// The tokens of a whole conversation with their mask.
    pub fn encode(&self, messages: &[Message], options: ChatOptions) -> Result<Encoded, ChatError> {
        let (text, spans) = self.text_and_spans(messages)?;
        // The template has written the special tokens itself.
        let (ids, offsets) = self.tokenizer.encode_with_offsets(&text, false)?;
        let is_special = |index: usize| self.tokenizer.is_special(ids[index]);
        let mut turns_without_end = 0;
        let mut labels_mask = vec![options.train_on_prompt; ids.len()];
        for span in &spans {
            let tokens = spans::overlapping(&offsets, span);
            let learnt = if self.template.has_generation_blocks() {
                tokens
            } else {
                spans::up_to_end(tokens, &text, span, &offsets, is_special)
            };
            turns_without_end += usize::from(!learnt.clone().any(is_special));
            labels_mask[learnt].fill(true);
        }
        let full_length = ids.len();
        let mut sample = Sample { ids, labels_mask };
        sample.ids.truncate(options.max_seq_len);
        sample.labels_mask.truncate(options.max_seq_len);
        if sample.trained_tokens() == 0 {
            return Err(ChatError::NothingToLearn(nothing_to_learn(full_length, options.max_seq_len)));
        }
        Ok(Encoded { sample, full_length, turns_without_end })
    }

    /// The whole conversation's text and the bytes of it that the assistant says.
    fn text_and_spans(&self, messages: &[Message]) -> Result<(String, Vec<Range<usize>>), ChatError> {
        let render =
            |upto: usize, prompt: bool| self.template.render(&messages[..upto], prompt, &self.bos, &self.eos);
        let whole = render(messages.len(), false)?;
        if self.template.has_generation_blocks() {
            return Ok((whole.text, whole.assistant_spans));
        }
        let mut spans = Vec::new();
        for (index, _) in messages.iter().enumerate().filter(|(_, message)| message.role == "assistant") {
            let before = render(index, true)?.text;
            let with = render(index + 1, false)?.text;
            if !with.starts_with(&before) || !whole.text.starts_with(&with) {
                return Err(ChatError::NotAPrefix { message: index + 1 });
            }
            spans.push(before.len()..with.len());
        }
        Ok((whole.text, spans))
    }
}

fn nothing_to_learn(full_length: usize, limit: usize) -> String {
    if full_length > limit {
        return format!(
            "has {full_length} tokens, and none of the assistant's are among the first {limit} (max_seq_len)"
        );
    }
    "has no token of the assistant to learn".to_owned()
}

#[cfg(test)]
mod tests;
