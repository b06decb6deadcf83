//! The special tokens that stand beside tokenizer.json: `tokenizer_config.json` with its `added_tokens_decoder`, and
//! `special_tokens_map.json`. They are read in transformers' order (`PreTrainedTokenizerBase._from_pretrained`).

use serde_json::{Map, Value};
use tokenizers::AddedToken;

/// The names under which both files keep special tokens (transformers' `SPECIAL_TOKENS_ATTRIBUTES`).
pub(super) const NAMES: [&str; 7] =
    ["bos_token", "eos_token", "unk_token", "sep_token", "pad_token", "cls_token", "mask_token"];

/// The names under which they keep lists of further ones.
pub(super) const LISTS: [&str; 2] = ["additional_special_tokens", "extra_special_tokens"];

/// `tokenizer_config.json` as transformers sees it: without an `added_tokens_decoder` of its own, what
/// `special_tokens_map.json` says comes first.
pub(super) fn merged(settings: &Value, map: &Value) -> Value {
    if settings.get("added_tokens_decoder").is_some() {
        return settings.clone();
    }
    let mut merged: Map<String, Value> = settings.as_object().cloned().unwrap_or_default();
    for (key, value) in map.as_object().into_iter().flatten() {
        merged.insert(key.clone(), value.clone());
    }
    Value::Object(merged)
}

/// Gives the tokenizer the tokens that these settings name and that tokenizer.json does not hold as added tokens. The
/// error is what is wrong, without the folder's name.
pub(super) fn add(inner: &mut tokenizers::Tokenizer, settings: &Value) -> Result<(), String> {
    for (id, token) in decoder(settings)? {
        let known = inner.get_added_tokens_decoder().get(&id).map(|known| known.content.clone());
        if known.as_deref() == Some(token.content.as_str()) {
            continue;
        }
        let content = token.content.clone();
        insert(inner, token)?;
        if inner.token_to_id(&content) != Some(id) {
            return Err(format!(
                "tokenizer_config.json gives the token {content:?} the id {id}, and tokenizer.json has no such place for it"
            ));
        }
    }
    for content in named(settings) {
        let is_special =
            inner.get_added_tokens_decoder().values().any(|token| token.special && token.content == content);
        if !is_special {
            insert(inner, AddedToken::from(content, true).normalized(false))?;
        }
    }
    Ok(())
}

fn insert(inner: &mut tokenizers::Tokenizer, token: AddedToken) -> Result<(), String> {
    let added = if token.special { inner.add_special_tokens([token]) } else { inner.add_tokens([token]) };
    added.map(|_| ()).map_err(|error| error.to_string())
}

/// The entries of `added_tokens_decoder` by id.
fn decoder(settings: &Value) -> Result<Vec<(u32, AddedToken)>, String> {
    let Some(value) = settings.get("added_tokens_decoder").filter(|value| !value.is_null()) else {
        return Ok(Vec::new());
    };
    let wrong = || "tokenizer_config.json's added_tokens_decoder is no object of tokens by id".to_owned();
    let mut tokens = Vec::new();
    for (id, token) in value.as_object().ok_or_else(wrong)? {
        let id: u32 = id.parse().map_err(|_| wrong())?;
        let content = token.get("content").and_then(Value::as_str).ok_or_else(wrong)?;
        let flag = |key: &str| token.get(key).and_then(Value::as_bool).unwrap_or(false);
        let added = AddedToken::from(content, flag("special"))
            .single_word(flag("single_word"))
            .lstrip(flag("lstrip"))
            .rstrip(flag("rstrip"))
            .normalized(flag("normalized"));
        tokens.push((id, added));
    }
    tokens.sort_by_key(|(id, _)| *id);
    Ok(tokens)
}

/// The texts of the named special tokens.
fn named(settings: &Value) -> Vec<String> {
    let single = NAMES.iter().filter_map(|name| token_text(settings.get(name)?));
    let lists = LISTS.iter().filter_map(|name| settings.get(name)?.as_array());
    single.chain(lists.flatten().filter_map(token_text)).collect()
}

/// A token given as text or as an object with `content`.
pub(super) fn token_text(value: &Value) -> Option<String> {
    value.as_str().or_else(|| value.get("content")?.as_str()).map(str::to_owned)
}
