//! What an exported `tokenizer_config.json` says besides the tokens that begin and end a text.

use serde_json::{Map, Value, json};

use super::named_tokens::{LISTS, NAMES, token_text};
use crate::gguf::{GgufFile, Value as Stored};

/// Keys of a folder's `tokenizer_config.json` that are not carried over: names of its own files and programs, and what
/// was written down when it was last saved or loaded.
const LEFT_OUT: [&str; 12] = [
    "auto_map",
    "name_or_path",
    "tokenizer_file",
    "vocab_file",
    "merges_file",
    "special_tokens_map_file",
    "_commit_hash",
    "is_local",
    "local_files_only",
    "backend",
    "init_inputs",
    "tokenizer_class",
];

/// The class that loads any tokenizer.json and does what it says.
const PLAIN_CLASS: &str = "PreTrainedTokenizerFast";

/// A chat template and its name.
pub(super) type NamedTemplate = (String, String);

/// What a folder's settings give: all of them but `LEFT_OUT`. `templates` are those of the folder's own files, which
/// transformers prefers to the ones in the settings.
pub(super) fn of_folder(settings: &Value, templates: &[NamedTemplate]) -> Map<String, Value> {
    let mut kept = Map::new();
    // A class for Python's own tokenizers wants files that an export does not hold.
    let class = settings.get("tokenizer_class").and_then(Value::as_str).filter(|name| name.ends_with("Fast"));
    kept.insert("tokenizer_class".into(), json!(class.unwrap_or(PLAIN_CLASS)));
    for (key, value) in settings.as_object().into_iter().flatten() {
        // transformers' number for "no limit" (10^30) is none that JSON readers keep whole; leaving it out says the same.
        let no_limit = key == "model_max_length" && value.is_f64();
        let value = if value.is_null() || no_limit || LEFT_OUT.contains(&key.as_str()) {
            None
        } else if NAMES.contains(&key.as_str()) {
            // How the token is cut out of a text stands in tokenizer.json.
            token_text(value).map(Value::from)
        } else if LISTS.contains(&key.as_str()) && value.is_array() {
            Some(value.as_array().into_iter().flatten().filter_map(token_text).collect())
        } else {
            Some(value.clone())
        };
        kept.extend(value.map(|value| (key.clone(), value)));
    }
    kept.extend(template_value(templates).map(|value| ("chat_template".to_owned(), value)));
    kept
}

/// One text where there is only the default template, else a list of named ones.
fn template_value(templates: &[NamedTemplate]) -> Option<Value> {
    match templates {
        [] => None,
        [(name, text)] if name == "default" => Some(json!(text)),
        many => Some(many.iter().map(|(name, text)| json!({"name": name, "template": text})).collect()),
    }
}

/// What a GGUF file's metadata give.
pub(super) fn of_gguf(gguf: &GgufFile, tokens: &[String]) -> Map<String, Value> {
    let mut kept = Map::new();
    kept.insert("tokenizer_class".into(), json!(PLAIN_CLASS));
    kept.insert("clean_up_tokenization_spaces".into(), json!(false));
    let architecture = gguf.metadata("general.architecture").and_then(Stored::as_text).unwrap_or_default();
    let positions = gguf.metadata(&format!("{architecture}.context_length")).and_then(Stored::as_usize);
    kept.extend(positions.map(|positions| ("model_max_length".to_owned(), json!(positions))));
    for (name, key) in [
        ("unk_token", "unknown"),
        // The format's own spelling.
        ("sep_token", "seperator"),
        ("pad_token", "padding"),
        ("cls_token", "cls"),
        ("mask_token", "mask"),
    ] {
        let id = gguf.metadata(&format!("tokenizer.ggml.{key}_token_id")).and_then(Stored::as_usize);
        kept.extend(id.and_then(|id| tokens.get(id)).map(|token| (name.to_owned(), json!(token))));
    }
    for name in ["add_bos_token", "add_eos_token"] {
        let value = gguf.metadata(&format!("tokenizer.ggml.{name}")).and_then(Stored::as_bool);
        kept.extend(value.map(|value| (name.to_owned(), json!(value))));
    }
    kept.extend(template_value(&gguf_templates(gguf)).map(|value| ("chat_template".to_owned(), value)));
    kept
}

/// The file's template, and further ones that it names.
fn gguf_templates(gguf: &GgufFile) -> Vec<NamedTemplate> {
    let text = |key: &str| gguf.metadata(key).and_then(Stored::as_text).map(str::to_owned);
    let names = gguf.metadata("tokenizer.chat_templates").and_then(Stored::as_texts).unwrap_or_default();
    let named = names.iter().filter(|name| *name != "default");
    let named =
        named.filter_map(|name| Some((name.clone(), text(&format!("tokenizer.chat_template.{name}"))?)));
    let default = text("tokenizer.chat_template").map(|text| ("default".to_owned(), text));
    default.into_iter().chain(named).collect()
}
