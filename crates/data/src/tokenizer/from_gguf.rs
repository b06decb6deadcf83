//! A byte-level BPE tokenizer from a GGUF file's metadata.

use tokenizers::decoders::byte_level::ByteLevel;
use tokenizers::models::bpe::{BPE, Merges, Vocab};
use tokenizers::pre_tokenizers::sequence::Sequence;
use tokenizers::pre_tokenizers::split::{Split, SplitPattern};
use tokenizers::{AddedToken, PreTokenizerWrapper, SplitDelimiterBehavior};

use super::Tokenizer;
use super::exported;
use super::patterns::{self, PreTokenizer};
use crate::gguf::{GgufFile, Value};

/// ggml's token types (llama.h, `llama_token_type`).
const CONTROL: i64 = 3;
const USER_DEFINED: i64 = 4;

/// Control tokens at which generation stops besides the end-of-text token (llama.cpp looks for the same texts).
const TURN_ENDS: [&str; 10] = [
    "<|eot_id|>",
    "<|im_end|>",
    "<|end|>",
    "<|end_of_text|>",
    "<|endoftext|>",
    "<end_of_turn>",
    "<|eom_id|>",
    "<|endofturn|>",
    "</s>",
    "_<EOT>",
];

/// Reads the tokenizer; the error is what is wrong, without the file's name.
pub(super) fn read(gguf: &GgufFile) -> Result<Tokenizer, String> {
    let text = |key: &str| gguf.metadata(key).and_then(Value::as_text);
    match text("tokenizer.ggml.model") {
        Some("gpt2") => {}
        Some("llama") => {
            return Err("SentencePiece tokenizers are not supported yet (byte-level BPE is)".into());
        }
        Some(other) => return Err(format!("tokenizer model '{other}' is not supported yet (gpt2 is)")),
        None => return Err("the file has no tokenizer (tokenizer.ggml.model is missing)".into()),
    }
    let name = text("tokenizer.ggml.pre")
        .ok_or("tokenizer.ggml.pre is missing, and the cut of words is not guessed")?;
    let pre = patterns::named(name)
        .ok_or_else(|| format!("pre-tokenizer '{name}' is not known ({} are)", patterns::KNOWN))?;
    let tokens = texts(gguf, "tokenizer.ggml.tokens")?;
    let inner = build(gguf, tokens, &pre)?;
    let id = |key: &str| {
        let id = gguf.metadata(key).and_then(Value::as_usize).filter(|id| *id < tokens.len());
        id.and_then(|id| u32::try_from(id).ok())
    };
    let bos = id("tokenizer.ggml.bos_token_id");
    let add_begin =
        gguf.metadata("tokenizer.ggml.add_bos_token").and_then(Value::as_bool).unwrap_or(pre.add_begin);
    Ok(Tokenizer {
        eos: ends(&inner, ["eos", "eot", "eom"].map(|name| id(&format!("tokenizer.ggml.{name}_token_id")))),
        special: super::special_ids(&inner),
        inner,
        bos,
        pad: id("tokenizer.ggml.padding_token_id"),
        prefix: bos.filter(|_| add_begin),
        chat_template: text("tokenizer.chat_template").map(str::to_owned),
        described: exported::of_gguf(gguf, tokens),
    })
}

fn texts<'a>(gguf: &'a GgufFile, key: &str) -> Result<&'a [String], String> {
    gguf.metadata(key)
        .and_then(Value::as_texts)
        .ok_or_else(|| format!("{key} is missing or no list of texts"))
}

fn build(gguf: &GgufFile, tokens: &[String], pre: &PreTokenizer) -> Result<tokenizers::Tokenizer, String> {
    let vocabulary: Vocab = tokens.iter().cloned().zip(0u32..).collect();
    let merges = texts(gguf, "tokenizer.ggml.merges")?;
    let merges: Option<Merges> = merges.iter().map(|merge| split_merge(merge)).collect();
    let merges = merges.ok_or("tokenizer.ggml.merges holds an entry that is no pair")?;
    let model = BPE::builder().vocab_and_merges(vocabulary, merges).ignore_merges(pre.ignore_merges);
    let mut inner = tokenizers::Tokenizer::new(model.build().map_err(|error| error.to_string())?);
    inner.with_pre_tokenizer(Some(pre_tokenizer(pre)?));
    inner.with_decoder(Some(ByteLevel::new(false, false, false)));
    add_special(&mut inner, gguf, tokens)?;
    Ok(inner)
}

/// `a b` → (a, b); the parts themselves hold no space, as bytes are spelt as letters.
fn split_merge(merge: &str) -> Option<(String, String)> {
    // The search begins behind the first character, as llama.cpp's does.
    let first = merge.chars().next()?.len_utf8();
    let at = first + merge.get(first..)?.find(' ')?;
    Some((merge[..at].to_owned(), merge[at + 1..].to_owned()))
}

fn pre_tokenizer(pre: &PreTokenizer) -> Result<Sequence, String> {
    let mut steps = Vec::new();
    for pattern in pre.patterns {
        let pattern = SplitPattern::Regex((*pattern).to_owned());
        let split =
            Split::new(pattern, SplitDelimiterBehavior::Isolated, false).map_err(|e| e.to_string())?;
        steps.push(PreTokenizerWrapper::Split(split));
    }
    steps.push(PreTokenizerWrapper::ByteLevel(ByteLevel::new(false, false, false)));
    Ok(Sequence::new(steps))
}

fn add_special(inner: &mut tokenizers::Tokenizer, gguf: &GgufFile, tokens: &[String]) -> Result<(), String> {
    let key = "tokenizer.ggml.token_type";
    let types = gguf.metadata(key).and_then(Value::as_integers).ok_or_else(|| format!("{key} is missing"))?;
    if types.len() != tokens.len() {
        return Err(format!("{key} has {} entries for {} tokens", types.len(), tokens.len()));
    }
    let of_type = |wanted: i64| {
        tokens
            .iter()
            .zip(&types)
            .filter(move |(token, kind)| **kind == wanted && !token.is_empty())
            .map(|(token, _)| token)
    };
    let added = |token: &String, special| AddedToken::from(token.clone(), special).normalized(false);
    inner
        .add_special_tokens(of_type(CONTROL).map(|token| added(token, true)))
        .and_then(|_| inner.add_tokens(of_type(USER_DEFINED).map(|token| added(token, false))))
        .map(|_| ())
        .map_err(|error| error.to_string())
}

/// The ids named by the file, then control tokens that end a turn by their text; each once.
fn ends(inner: &tokenizers::Tokenizer, named: [Option<u32>; 3]) -> Vec<u32> {
    let special = |token: &&str| inner.get_added_vocabulary().is_special_token(token);
    let by_text =
        TURN_ENDS.iter().filter(|token| special(token)).filter_map(|token| inner.token_to_id(token));
    let mut ends: Vec<u32> = Vec::new();
    for id in named.into_iter().flatten().chain(by_text) {
        if !ends.contains(&id) {
            ends.push(id);
        }
    }
    ends
}
