//! A tokenizer from a Hugging Face folder: `tokenizer.json` with `tokenizer_config.json`, `special_tokens_map.json`,
//! `generation_config.json`, `config.json`, `chat_template.jinja` and `additional_chat_templates/` beside it.

use std::path::{Path, PathBuf};

use loradeck_core::error::FileError;
use loradeck_core::file;
use serde_json::Value;

use super::Tokenizer;
use super::exported::{self, NamedTemplate};
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
    Ok(build(&bytes, &settings, &configs, &template_files(folder)?))
}

/// The templates that are files of their own: the default one, then named ones by name.
fn template_files(folder: &Path) -> Result<Vec<NamedTemplate>, FileError> {
    let further = std::fs::read_dir(folder.join("additional_chat_templates"));
    let mut paths: Vec<PathBuf> = further.into_iter().flatten().flatten().map(|entry| entry.path()).collect();
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "jinja"));
    paths.sort();
    let named = paths.into_iter().map(|path| {
        let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        (name, path)
    });
    let default = ("default".to_owned(), folder.join("chat_template.jinja"));
    let mut templates = Vec::new();
    for (name, path) in std::iter::once(default).chain(named) {
        let text = file::read_if_exists(&path)?.map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
        templates.extend(text.map(|text| (name, text)));
    }
    Ok(templates)
}

fn build(
    bytes: &[u8],
    settings: &Value,
    configs: &[Value],
    templates: &[NamedTemplate],
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
    let of_a_file = templates.iter().find(|(name, _)| name == "default").map(|(_, text)| text.clone());
    let chat_template = of_a_file.or_else(|| template(settings.get("chat_template")?));
    let special = super::special_ids(&inner);
    let described = exported::of_folder(settings, templates);
    Ok(Tokenizer { inner, bos, eos, pad, prefix: None, chat_template, special, described })
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
