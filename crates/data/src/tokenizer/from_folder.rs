//! A tokenizer from a Hugging Face folder: `tokenizer.json` with `tokenizer_config.json`, `special_tokens_map.json`,
//! `generation_config.json`, `config.json` and `chat_template.jinja` beside it.

use std::path::Path;

use loradeck_core::error::FileError;
use loradeck_core::file;
use serde_json::Value;

use super::Tokenizer;
use super::named_tokens::{self, token_text};

/// Reads the tokenizer; the inner error is what is wrong, without the folder's name.
pub(super) fn read(folder: &Path) -> Result<Result<Tokenizer, String>, FileError> {
    let Some(bytes) = file::read_if_exists(&folder.join("tokenizer.json"))? else {
        let problem = if folder.join("tokenizer.model").exists() {
            "there is no tokenizer.json; SentencePiece's tokenizer.model is not supported yet"
        } else {
            "there is no tokenizer.json"
        };
        return Ok(Err(problem.to_owned()));
    };
    let json = |name: &str| file::read_json::<Value>(&folder.join(name)).map(Option::unwrap_or_default);
    let configs = [json("generation_config.json")?, json("config.json")?];
    let settings = named_tokens::merged(&json("tokenizer_config.json")?, &json("special_tokens_map.json")?);
    let template_file = file::read_if_exists(&folder.join("chat_template.jinja"))?
        .map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
    Ok(build(&bytes, &settings, &configs, template_file))
}

fn build(
    bytes: &[u8],
    settings: &Value,
    configs: &[Value],
    template_file: Option<String>,
) -> Result<Tokenizer, String> {
    let mut inner = tokenizers::Tokenizer::from_bytes(bytes)
        .map_err(|error| format!("tokenizer.json cannot be understood: {error}"))?;
    // A file may hold the truncation and padding of its last use; neither is part of the tokenizer.
    inner.with_truncation(None).map_err(|error| error.to_string())?.with_padding(None);
    named_tokens::add(&mut inner, settings)?;
    let named = |key: &str| token_text(settings.get(key)?).and_then(|token| inner.token_to_id(&token));
    let configured = |key: &str| configs.iter().flat_map(|config| ids(config.get(key))).collect::<Vec<u32>>();
    let bos = named("bos_token").or_else(|| configured("bos_token_id").first().copied());
    let mut eos: Vec<u32> = Vec::new();
    for id in named("eos_token").into_iter().chain(configured("eos_token_id")) {
        if !eos.contains(&id) {
            eos.push(id);
        }
    }
    let pad = named("pad_token").or_else(|| configured("pad_token_id").first().copied());
    let chat_template = template_file.or_else(|| template(settings.get("chat_template")?));
    let special = super::special_ids(&inner);
    Ok(Tokenizer { inner, bos, eos, pad, prefix: None, chat_template, special })
}

/// An id, or a list of ids.
fn ids(value: Option<&Value>) -> Vec<u32> {
    let id = |value: &Value| value.as_u64().and_then(|id| u32::try_from(id).ok());
    match value {
        Some(Value::Array(list)) => list.iter().filter_map(id).collect(),
        Some(single) => id(single).into_iter().collect(),
        None => Vec::new(),
    }
}

/// A template given as text, or a list of named ones of which `default` is meant.
fn template(value: &Value) -> Option<String> {
    if let Some(text) = value.as_str() {
        return Some(text.to_owned());
    }
    let default = value
        .as_array()?
        .iter()
        .find(|entry| entry.get("name").and_then(Value::as_str) == Some("default"))?;
    default.get("template")?.as_str().map(str::to_owned)
}
