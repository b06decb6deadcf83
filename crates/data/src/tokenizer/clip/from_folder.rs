//! A tokenizer from the files of a folder.

use std::path::Path;

use loradeck_core::error::FileError;
use loradeck_core::file;
use serde_json::{Map, Value};
use tokenizers::models::bpe::{Merges, Vocab};

use super::build::{self, Built, Special, SpecialToken};

/// Reads the tokenizer; the inner error is what is wrong, without the folder's name.
pub(super) fn read(folder: &Path) -> Result<Result<Built, String>, FileError> {
    let json = |name: &str| file::read_json::<Value>(&folder.join(name)).map(Option::unwrap_or_default);
    let settings = [json("tokenizer_config.json")?, json("special_tokens_map.json")?];
    let vocabulary = file::read_json::<Value>(&folder.join("vocab.json"))?;
    let merges = file::read_if_exists(&folder.join("merges.txt"))?;
    let whole = file::read_if_exists(&folder.join("tokenizer.json"))?;
    Ok(special(&settings).and_then(|special| match (vocabulary, merges, whole) {
        (Some(vocabulary), Some(merges), _) => {
            build::from_parts(read_vocabulary(&vocabulary)?, read_merges(&merges)?, &special)
        }
        (_, _, Some(whole)) => from_json(&whole, &special),
        _ => Err("there is neither vocab.json with merges.txt nor tokenizer.json".into()),
    }))
}

fn from_json(bytes: &[u8], special: &Special) -> Result<Built, String> {
    let mut inner = tokenizers::Tokenizer::from_bytes(bytes)
        .map_err(|error| format!("tokenizer.json cannot be understood: {error}"))?;
    // A file may hold the truncation and padding of its last use; chunks are cut and filled here.
    inner.with_truncation(None).map_err(|error| error.to_string())?.with_padding(None);
    build::with_ids(inner, special)
}

fn read_vocabulary(value: &Value) -> Result<Vocab, String> {
    let id = |value: &Value| value.as_u64().and_then(|id| u32::try_from(id).ok());
    let entries = value.as_object().ok_or("vocab.json is no JSON object")?;
    entries
        .iter()
        .map(|(token, value)| match id(value) {
            Some(id) => Ok((token.clone(), id)),
            None => Err(format!("vocab.json gives '{token}' the id {value}, which is no whole number")),
        })
        .collect()
}

fn read_merges(bytes: &[u8]) -> Result<Merges, String> {
    let text = std::str::from_utf8(bytes).map_err(|_| "merges.txt is not UTF-8")?;
    let lines = text
        .lines()
        .zip(1..)
        .filter(|(line, number)| !(line.trim().is_empty() || *number == 1 && line.starts_with("#version")));
    lines
        .map(|(line, number)| match line.split_whitespace().collect::<Vec<_>>().as_slice() {
            [left, right] => Ok(((*left).to_owned(), (*right).to_owned())),
            _ => Err(format!("merges.txt line {number} is no pair of tokens: '{line}'")),
        })
        .collect()
}

/// The special tokens: Stable Diffusion 1's where the files do not name them.
fn special(settings: &[Value]) -> Result<Special, String> {
    let own = build::stable_diffusion_1();
    let named = |key: &str, default: SpecialToken| -> Result<SpecialToken, String> {
        let value = settings.iter().find_map(|file| file.get(key).filter(|value| !value.is_null()));
        let Some(value) = value else { return Ok(default) };
        let text = value.as_str().or_else(|| value.get("content")?.as_str());
        let text = text.ok_or_else(|| format!("its '{key}' is {value}, which is no token"))?.to_owned();
        let normalized = value.get("normalized").and_then(Value::as_bool).unwrap_or(false);
        let normalized = added(settings).and_then(|added| flag(added, &text)).unwrap_or(normalized);
        Ok(SpecialToken { text, normalized })
    };
    Ok(Special {
        bos: named("bos_token", own.bos)?,
        eos: named("eos_token", own.eos)?,
        unknown: named("unk_token", own.unknown)?,
        pad: named("pad_token", own.pad)?,
    })
}

/// The added tokens that newer versions of transformers list in `tokenizer_config.json`.
fn added(settings: &[Value]) -> Option<&Map<String, Value>> {
    settings.first()?.get("added_tokens_decoder")?.as_object()
}

fn flag(added: &Map<String, Value>, text: &str) -> Option<bool> {
    let entry = added.values().find(|entry| entry.get("content").and_then(Value::as_str) == Some(text))?;
    entry.get("normalized")?.as_bool()
}
