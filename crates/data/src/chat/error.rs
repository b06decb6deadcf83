//! Why a conversation cannot become a sample.

use loradeck_core::template::TemplateError;

use super::LeftOut;
use crate::tokenizer::TokenizerError;

/// Why a conversation cannot become a sample.
#[derive(Clone, Debug, thiserror::Error)]
pub enum ChatError {
    /// The model brings no template.
    #[error("the base model brings no chat template, and giving one is not supported yet")]
    NoTemplate,
    /// The template is broken or refuses the conversation.
    #[error(transparent)]
    Template(#[from] TemplateError),
    /// The tokenizer failed.
    #[error("{0}")]
    Tokenizer(String),
    /// The template writes an answer otherwise than it was given, so that its place is not known.
    #[error(
        "the chat template rewrites the answer in message {message}, or other text because of it, so the assistant's text cannot be located; it needs {{% generation %}} tags"
    )]
    Rewritten {
        /// The message's number, from 1.
        message: usize,
    },
    /// The template writes an answer in several places.
    #[error(
        "the chat template writes the answer in message {message} more than once, so the assistant's text cannot be located; it needs {{% generation %}} tags"
    )]
    Repeated {
        /// The message's number, from 1.
        message: usize,
    },
    /// The template's tags leave an answer out.
    #[error(
        "the answer in message {message} is outside of the chat template's {{% generation %}} tags, so it would \
         not be learnt"
    )]
    OutsideOfTags {
        /// The message's number, from 1.
        message: usize,
    },
    /// The sample is cut before the first token that would be learnt.
    #[error("has {tokens} tokens, and none of the assistant's are among the first {limit} (max_seq_len)")]
    CutAway {
        /// Tokens before cutting.
        tokens: usize,
        /// `max_seq_len`.
        limit: usize,
    },
    /// The template leaves out all that would be learnt.
    #[error("has no token of the assistant to learn: the chat template leaves the answer out")]
    LeftOut,
    /// No token would be learnt.
    #[error("has no token of the assistant to learn")]
    NothingToLearn,
}

impl From<TokenizerError> for ChatError {
    fn from(error: TokenizerError) -> Self {
        Self::Tokenizer(error.to_string())
    }
}

impl ChatError {
    pub(super) fn nothing_to_learn(full_length: usize, limit: usize, left_out: &[LeftOut]) -> Self {
        if full_length > limit {
            Self::CutAway { tokens: full_length, limit }
        } else if left_out.contains(&LeftOut::Answer) {
            Self::LeftOut
        } else {
            Self::NothingToLearn
        }
    }
}
