//! CLIP's tokenizer: captions and prompts to the token ids that Stable Diffusion's text encoder reads. The same ids as
//! `CLIPTokenizer` of transformers (its fast form, without ftfy's repairs).

mod build;
mod embedded;
mod from_folder;

use std::path::Path;

use crate::tokenizer::TokenizerError;

/// Tokens of one chunk of CLIP's own context, first and last left out: the unit in which longer prompts are counted.
const CHUNK: usize = 75;

/// A text cut into the chunks that the text encoder reads one after the other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chunks {
    /// The chunks, each as long as the encoder's context: the start token, up to two fewer tokens, the end token, padding.
    pub ids: Vec<Vec<u32>>,
    /// Tokens at the text's end that have found no place.
    pub dropped: usize,
}

/// A CLIP tokenizer for a text encoder of some context length.
#[derive(Clone, Debug)]
pub struct ClipTokenizer {
    inner: tokenizers::Tokenizer,
    bos: u32,
    eos: u32,
    pad: u32,
    context: usize,
}

impl ClipTokenizer {
    /// The tokenizer of a diffusers folder's `tokenizer/`: `vocab.json` with `merges.txt`, or `tokenizer.json` where
    /// that is all there is; special tokens from `tokenizer_config.json` and `special_tokens_map.json`. `context` is the
    /// text encoder's length (`max_position_embeddings`), first and last token included.
    pub fn from_folder(folder: &Path, context: usize) -> Result<Self, TokenizerError> {
        let built = from_folder::read(folder)?;
        let unusable = |problem| TokenizerError::Unusable { path: folder.to_path_buf(), problem };
        built.and_then(|built| Self::new(built, context)).map_err(unusable)
    }

    /// CLIP's own tokenizer, as Stable Diffusion 1 uses it.
    pub fn embedded(context: usize) -> Result<Self, TokenizerError> {
        Self::from_embedded(&build::stable_diffusion_1(), context)
    }

    /// CLIP's own tokenizer, as Stable Diffusion 2 uses it: padded with `!` (id 0), which is a special token there.
    pub fn embedded_for_open_clip(context: usize) -> Result<Self, TokenizerError> {
        Self::from_embedded(&build::stable_diffusion_2(), context)
    }

    fn from_embedded(special: &build::Special, context: usize) -> Result<Self, TokenizerError> {
        let (vocabulary, merges) = embedded::vocabulary();
        let built = build::from_parts(vocabulary, merges, special);
        built.and_then(|built| Self::new(built, context)).map_err(|problem| TokenizerError::Unusable {
            path: "the built-in CLIP vocabulary".into(),
            problem,
        })
    }

    fn new(built: build::Built, context: usize) -> Result<Self, String> {
        if context < 3 {
            return Err(format!(
                "a context of {context} tokens leaves no place between the first and the last"
            ));
        }
        let build::Built { inner, bos, eos, pad } = built;
        Ok(Self { inner, bos, eos, pad, context })
    }

    /// The ids of a text, without the tokens that begin and end a chunk. Special tokens in the text are recognised.
    pub fn encode(&self, text: &str) -> Result<Vec<u32>, TokenizerError> {
        let encoding = self.inner.encode_fast(text, false).map_err(|error| TokenizerError::Failed {
            action: "encode a text",
            problem: error.to_string(),
        })?;
        Ok(encoding.get_ids().to_vec())
    }

    /// The ids of a text, cut into one, two or three chunks (`max_token_length` 75, 150 or 225): always so many, as
    /// kohya's scripts do, so that all texts of a batch are equally long. For a context of other length than CLIP's 77
    /// the number of chunks is the same, and each holds as many tokens as the context has room for.
    pub fn chunks(&self, text: &str, max_token_length: usize) -> Result<Chunks, TokenizerError> {
        let count = max_token_length / CHUNK;
        if !(1..=3).contains(&count) || count * CHUNK != max_token_length {
            return Err(TokenizerError::Failed {
                action: "cut a text into chunks",
                problem: format!("max_token_length is {max_token_length}; it can be 75, 150 or 225"),
            });
        }
        let ids = self.encode(text)?;
        let room = self.context - 2;
        let piece = |number: usize| {
            let start = (number * room).min(ids.len());
            &ids[start..(start + room).min(ids.len())]
        };
        Ok(Chunks {
            ids: (0..count).map(|number| self.chunk(piece(number))).collect(),
            dropped: ids.len().saturating_sub(count * room),
        })
    }

    fn chunk(&self, ids: &[u32]) -> Vec<u32> {
        let padding = self.context - 2 - ids.len();
        std::iter::once(self.bos)
            .chain(ids.iter().copied())
            .chain(std::iter::once(self.eos))
            .chain(std::iter::repeat_n(self.pad, padding))
            .collect()
    }

    /// The token that begins a chunk.
    pub fn bos_id(&self) -> u32 {
        self.bos
    }

    /// The token that ends a text.
    pub fn eos_id(&self) -> u32 {
        self.eos
    }

    /// The token that fills a chunk.
    pub fn pad_id(&self) -> u32 {
        self.pad
    }

    /// Length of a chunk in tokens.
    pub fn context(&self) -> usize {
        self.context
    }

    /// The number of ids.
    pub fn vocabulary_size(&self) -> usize {
        self.inner.get_vocab_size(true)
    }

    /// The largest id: the text encoder's embedding must have a row for it.
    pub fn largest_id(&self) -> u32 {
        self.inner.get_vocab(true).values().copied().max().unwrap_or(0)
    }

    /// A token as it stands in the vocabulary.
    pub fn token(&self, id: u32) -> Option<String> {
        self.inner.id_to_token(id)
    }
}

#[cfg(test)]
mod tests;
