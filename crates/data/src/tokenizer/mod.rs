//! Text to token ids and back: the door of the crate `tokenizers`. A tokenizer comes from a GGUF file's metadata or
//! from a Hugging Face folder; both behave as the model's own.

pub mod clip;
mod exported;
mod from_folder;
mod from_gguf;
mod named_tokens;
mod patterns;

use std::collections::HashSet;
use std::ops::Range;
use std::path::PathBuf;

use loradeck_core::error::FileError;
use serde_json::{Map, Value, json};
use tokenizers::processors::template::TemplateProcessing;

use crate::base_model::BaseModel;

/// Why a tokenizer cannot be made or used.
#[derive(Debug, thiserror::Error)]
pub enum TokenizerError {
    /// A file cannot be read.
    #[error(transparent)]
    File(#[from] FileError),
    /// The tokenizer is absent, broken, or of a kind that is not known.
    #[error("tokenizer of {}: {problem}", path.display())]
    Unusable {
        /// The model's file or folder.
        path: PathBuf,
        /// What is wrong.
        problem: String,
    },
    /// A text could not be encoded or ids not decoded.
    #[error("cannot {action}: {problem}")]
    Failed {
        /// `encode a text` or `decode tokens`.
        action: &'static str,
        /// The library's answer.
        problem: String,
    },
}

/// A model's tokenizer with its special tokens and chat template.
#[derive(Clone, Debug)]
pub struct Tokenizer {
    inner: tokenizers::Tokenizer,
    bos: Option<u32>,
    eos: Vec<u32>,
    pad: Option<u32>,
    /// The id that `encode` puts in front where special tokens are wanted and the library's own post-processor does
    /// not do it.
    prefix: Option<u32>,
    chat_template: Option<String>,
    special: HashSet<u32>,
    /// What an exported `tokenizer_config.json` says besides the tokens that begin and end a text.
    described: Map<String, Value>,
}

/// The ids of a library tokenizer's special tokens.
fn special_ids(inner: &tokenizers::Tokenizer) -> HashSet<u32> {
    inner
        .get_added_tokens_decoder()
        .into_iter()
        .filter(|(_, token)| token.special)
        .map(|(id, _)| id)
        .collect()
}

impl Tokenizer {
    /// The tokenizer that comes with a base model.
    pub fn of(model: &BaseModel) -> Result<Self, TokenizerError> {
        let result = match model.gguf() {
            Some(gguf) => from_gguf::read(gguf),
            None => from_folder::read(model.path())?,
        };
        result.map_err(|problem| TokenizerError::Unusable { path: model.path().to_path_buf(), problem })
    }

    /// Token ids of a text. Special tokens that stand in the text are recognised; `add_special` adds those that the
    /// model wants around a text (the beginning-of-text token).
    pub fn encode(&self, text: &str, add_special: bool) -> Result<Vec<u32>, TokenizerError> {
        Ok(self.encode_with_offsets(text, add_special)?.0)
    }

    /// Token ids of a text with the range of the text's bytes that each stands for; empty for added ones.
    pub fn encode_with_offsets(
        &self,
        text: &str,
        add_special: bool,
    ) -> Result<(Vec<u32>, Vec<Range<usize>>), TokenizerError> {
        let encoding = self.inner.encode(text, add_special).map_err(|error| TokenizerError::Failed {
            action: "encode a text",
            problem: error.to_string(),
        })?;
        let prefix = self.prefix.filter(|_| add_special);
        let ids = prefix.into_iter().chain(encoding.get_ids().iter().copied()).collect();
        let offsets = encoding.get_offsets().iter().map(|(start, end)| *start..*end);
        Ok((ids, prefix.map(|_| 0..0).into_iter().chain(offsets).collect()))
    }

    /// The text of some token ids; `skip_special` leaves special tokens out.
    pub fn decode(&self, ids: &[u32], skip_special: bool) -> Result<String, TokenizerError> {
        self.inner
            .decode(ids, skip_special)
            .map_err(|error| TokenizerError::Failed { action: "decode tokens", problem: error.to_string() })
    }

    /// The beginning-of-text token's id.
    pub fn bos_id(&self) -> Option<u32> {
        self.bos
    }

    /// The ids that end a text or a turn: the end-of-text token first, then further ones that generation stops at.
    pub fn eos_ids(&self) -> &[u32] {
        &self.eos
    }

    /// The id to pad with: the model's own, else its end-of-text token, else 0.
    pub fn pad_id(&self) -> u32 {
        self.pad.or(self.eos.first().copied()).unwrap_or(0)
    }

    /// The beginning-of-text token as text, for chat templates; empty where there is none.
    pub fn bos_text(&self) -> String {
        self.bos.and_then(|id| self.token(id)).unwrap_or_default()
    }

    /// The end-of-text token as text, for chat templates; empty where there is none.
    pub fn eos_text(&self) -> String {
        self.eos.first().and_then(|id| self.token(*id)).unwrap_or_default()
    }

    /// A token as it stands in the vocabulary.
    pub fn token(&self, id: u32) -> Option<String> {
        self.inner.id_to_token(id)
    }

    /// The id of a token of the vocabulary.
    pub fn token_id(&self, token: &str) -> Option<u32> {
        self.inner.token_to_id(token)
    }

    /// Whether an id is one of the special tokens, which never come from plain text.
    pub fn is_special(&self, id: u32) -> bool {
        self.special.contains(&id)
    }

    /// All special tokens as text.
    pub fn special_tokens(&self) -> Vec<String> {
        let mut ids: Vec<u32> = self.special.iter().copied().collect();
        ids.sort_unstable();
        ids.into_iter().filter_map(|id| self.token(id)).collect()
    }

    /// The number of ids, added tokens included.
    pub fn vocabulary_size(&self) -> usize {
        self.inner.get_vocab_size(true)
    }

    /// The model's chat template, in Jinja's language.
    pub fn chat_template(&self) -> Option<&str> {
        self.chat_template.as_deref()
    }

    /// The files by which Hugging Face's libraries load this tokenizer: names and contents of `tokenizer.json`,
    /// `tokenizer_config.json` (what the source says, and nothing that it does not) and `generation_config.json`.
    /// `turn_end` is the token that ends the assistant's turns: a generation must stop there, so it is the end-of-text
    /// token unless the template itself writes that one.
    pub fn files(&self, turn_end: Option<u32>) -> Result<Vec<(&'static str, String)>, TokenizerError> {
        let pretty = |value: &Value| {
            serde_json::to_string_pretty(value)
                .map(|text| text + "\n")
                .map_err(|error| unwritten(error.to_string()))
        };
        let mut config = self.described.clone();
        let ends = [("bos_token", self.bos), ("eos_token", self.exported_eos(turn_end))];
        for (name, id) in ends {
            config.extend(id.and_then(|id| self.token(id)).map(|token| (name.to_owned(), json!(token))));
        }
        let mut stops = self.eos.clone();
        stops.extend(turn_end.filter(|end| !self.eos.contains(end)));
        let generation =
            json!({ "bos_token_id": self.bos, "eos_token_id": stops, "pad_token_id": self.pad_id() });
        Ok(vec![
            ("tokenizer.json", self.tokenizer_json()?),
            ("tokenizer_config.json", pretty(&Value::Object(config))?),
            ("generation_config.json", pretty(&generation)?),
        ])
    }

    fn exported_eos(&self, turn_end: Option<u32>) -> Option<u32> {
        let writes_eos = self.chat_template.as_ref().is_some_and(|template| template.contains("eos_token"));
        let own = self.eos.first().copied();
        if writes_eos { own.or(turn_end) } else { turn_end.or(own) }
    }

    /// `tokenizer.json`, by which other programs put the same tokens around a text.
    fn tokenizer_json(&self) -> Result<String, TokenizerError> {
        let mut inner = self.inner.clone();
        let begin = self.prefix.and_then(|id| Some((id, self.token(id)?)));
        if let Some(processor) = begin.and_then(|(id, token)| begin_processor(id, token)) {
            // transformers goes by the post-processor; it does not read add_bos_token beside a tokenizer.json.
            inner.with_post_processor(Some(processor));
        }
        inner.to_string(true).map_err(|error| unwritten(error.to_string()))
    }
}

/// Puts a token in front of each text; `None` where the crate cannot name that token.
fn begin_processor(id: u32, token: String) -> Option<TemplateProcessing> {
    TemplateProcessing::builder()
        .try_single(vec![token.clone(), "$A".to_owned()])
        .and_then(|builder| builder.try_pair(vec![token.clone(), "$A".to_owned(), "$B".to_owned()]))
        .ok()?
        .special_tokens(vec![(token, id)])
        .build()
        .ok()
}

fn unwritten(problem: String) -> TokenizerError {
    TokenizerError::Failed { action: "write the tokenizer", problem }
}

#[cfg(test)]
pub(crate) mod testing;
#[cfg(test)]
mod tests;
