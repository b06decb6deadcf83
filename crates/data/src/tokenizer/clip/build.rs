//! The library's tokenizer from a vocabulary, as transformers' `CLIPTokenizer` sets it up.

use tokenizers::models::bpe::{BPE, Merges, Vocab};
use tokenizers::normalizers::{Lowercase, NFC, Replace, Sequence as Normalizers, replace::ReplacePattern};
use tokenizers::pre_tokenizers::byte_level::ByteLevel;
use tokenizers::pre_tokenizers::sequence::Sequence;
use tokenizers::pre_tokenizers::split::{Split, SplitPattern};
use tokenizers::{AddedToken, NormalizerWrapper, PreTokenizerWrapper, SplitDelimiterBehavior, Tokenizer};

use super::embedded::WORD_END;

/// The token that begins a chunk.
pub(super) const BOS: &str = "<|startoftext|>";
/// The token that ends a text.
pub(super) const EOS: &str = "<|endoftext|>";

/// The pieces of a text that are merged each for itself.
const PIECES: &str =
    r"<\|startoftext\|>|<\|endoftext\|>|'s|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+";

/// One special token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct SpecialToken {
    pub(super) text: String,
    /// Whether it is looked for in the normalised text, so in any case of letters.
    pub(super) normalized: bool,
}

/// A tokenizer's special tokens.
#[derive(Clone, Debug)]
pub(super) struct Special {
    pub(super) bos: SpecialToken,
    pub(super) eos: SpecialToken,
    pub(super) unknown: SpecialToken,
    pub(super) pad: SpecialToken,
}

fn token(text: &str, normalized: bool) -> SpecialToken {
    SpecialToken { text: text.to_owned(), normalized }
}

/// Stable Diffusion 1's. Its padding names the end token as a plain text, so that one is looked for as it is written.
pub(super) fn stable_diffusion_1() -> Special {
    Special {
        bos: token(BOS, true),
        eos: token(EOS, true),
        unknown: token(EOS, true),
        pad: token(EOS, false),
    }
}

/// Stable Diffusion 2's.
pub(super) fn stable_diffusion_2() -> Special {
    Special { pad: token("!", false), ..stable_diffusion_1() }
}

/// A tokenizer and its special tokens' ids.
pub(super) struct Built {
    pub(super) inner: Tokenizer,
    pub(super) bos: u32,
    pub(super) eos: u32,
    pub(super) pad: u32,
}

/// From a vocabulary and merges; the error is what is wrong.
pub(super) fn from_parts(vocabulary: Vocab, merges: Merges, special: &Special) -> Result<Built, String> {
    let text = |error: tokenizers::Error| error.to_string();
    let model = BPE::builder()
        .vocab_and_merges(vocabulary, merges)
        .continuing_subword_prefix(String::new())
        .end_of_word_suffix(WORD_END.to_owned())
        .unk_token(special.unknown.text.clone())
        .build()
        .map_err(|error| format!("vocab.json and merges.txt do not fit together: {error}"))?;
    let mut inner = Tokenizer::new(model);
    let spaces = Replace::new(ReplacePattern::Regex(r"\s+".into()), " ").map_err(text)?;
    let normalizers: Vec<NormalizerWrapper> = vec![NFC.into(), spaces.into(), Lowercase.into()];
    inner.with_normalizer(Some(Normalizers::new(normalizers))).map_err(text)?;
    let pieces = Split::new(SplitPattern::Regex(PIECES.into()), SplitDelimiterBehavior::Removed, true);
    let bytes = ByteLevel::new(false, true, true);
    let steps =
        vec![PreTokenizerWrapper::Split(pieces.map_err(text)?), PreTokenizerWrapper::ByteLevel(bytes)];
    inner.with_pre_tokenizer(Some(Sequence::new(steps)));
    // Of tokens with the same text the last one's manner of search holds, as in transformers.
    let mut added: Vec<&SpecialToken> = Vec::new();
    for token in [&special.bos, &special.eos, &special.unknown, &special.pad] {
        added.retain(|other| other.text != token.text);
        added.push(token);
    }
    if let Some(absent) = added.iter().find(|token| inner.token_to_id(&token.text).is_none()) {
        return Err(format!("its special token '{}' is not in its vocabulary", absent.text));
    }
    let added = added
        .into_iter()
        .map(|token| AddedToken::from(token.text.clone(), true).normalized(token.normalized));
    inner.add_special_tokens(added).map_err(text)?;
    with_ids(inner, special)
}

/// Looks up the special tokens' ids.
pub(super) fn with_ids(inner: Tokenizer, special: &Special) -> Result<Built, String> {
    let id = |token: &SpecialToken| {
        let id = inner.token_to_id(&token.text);
        id.ok_or_else(|| format!("its special token '{}' is not in its vocabulary", token.text))
    };
    let (bos, eos, pad) = (id(&special.bos)?, id(&special.eos)?, id(&special.pad)?);
    Ok(Built { inner, bos, eos, pad })
}
