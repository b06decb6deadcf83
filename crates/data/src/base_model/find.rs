//! From the value of `base_model` to an opened model.

use std::path::{Path, PathBuf};

use loradeck_core::file;

use super::llama::{gguf as llama_gguf, hugging_face as llama_hugging_face};
use super::{BaseModel, BaseModelError, Source};
use crate::gguf::GgufFile;
use crate::safetensors::SafetensorsFile;

pub(super) fn find(root: &Path, text: &str) -> Result<BaseModel, BaseModelError> {
    let path = file::below(root, text);
    let Ok(metadata) = std::fs::metadata(&path) else { return Err(not_found(text, path)) };
    let model = if metadata.is_dir() { open_folder(path)? } else { open_file(path)? };
    model.weights().check()?;
    Ok(model)
}

fn not_found(text: &str, path: PathBuf) -> BaseModelError {
    let looks_like_id =
        !text.starts_with(['.', '/']) && text.matches('/').count() == 1 && !text.contains(".gguf");
    let hint = if looks_like_id {
        ": model ids of the Hugging Face hub are not supported yet, give a folder or a .gguf file".to_owned()
    } else {
        String::new()
    };
    BaseModelError::NotFound { text: text.to_owned(), path, hint }
}

fn unsupported(path: PathBuf, problem: impl Into<String>) -> BaseModelError {
    BaseModelError::Unsupported { path, problem: problem.into() }
}

fn open_file(path: PathBuf) -> Result<BaseModel, BaseModelError> {
    match path.extension().and_then(|extension| extension.to_str()) {
        Some("gguf") => {
            let gguf = GgufFile::open(&path)?;
            let shape = llama_gguf::read(&gguf, &path)?;
            Ok(BaseModel { path, shape, source: Source::Gguf(gguf) })
        }
        Some("safetensors") => Err(unsupported(
            path,
            "a single .safetensors file is an image model (data_type: image); for a language model give its folder with config.json",
        )),
        _ => {
            Err(unsupported(path, "neither a .gguf file nor a folder with config.json and model.safetensors"))
        }
    }
}

fn open_folder(path: PathBuf) -> Result<BaseModel, BaseModelError> {
    let config_path = path.join("config.json");
    let Some(config) = file::read_json::<serde_json::Value>(&config_path)? else {
        let problem = no_config(&path);
        return Err(unsupported(path, problem));
    };
    let mut shape = llama_hugging_face::read(&config, &config_path)?;
    let weight_path = path.join("model.safetensors");
    if !weight_path.exists() {
        let problem = if path.join("model.safetensors.index.json").exists() {
            "its weights are split over several files (model.safetensors.index.json), which is not supported yet"
        } else {
            "the folder holds no model.safetensors"
        };
        return Err(unsupported(path, problem));
    }
    let weights = SafetensorsFile::open(&weight_path)?;
    shape.tied_embeddings &= !has_its_own_head(&weights);
    Ok(BaseModel { path, shape, source: Source::HuggingFace { config, weights } })
}

/// Whether the file holds a head other than the embedding. Such a head is used although config.json ties the two, as
/// transformers 5 does (`tie_weights`).
fn has_its_own_head(weights: &SafetensorsFile) -> bool {
    let [head, embedding] =
        ["lm_head.weight", "model.embed_tokens.weight"].map(|name| weights.entries().get(name));
    match (head, embedding) {
        (Some(head), Some(embedding)) => {
            head.dtype != embedding.dtype || weights.bytes(head) != weights.bytes(embedding)
        }
        _ => false,
    }
}

/// What to say of a folder without config.json.
fn no_config(folder: &Path) -> String {
    let names = std::fs::read_dir(folder).into_iter().flatten().filter_map(Result::ok);
    let mut ggufs: Vec<String> = names
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .filter(|name| Path::new(name).extension().is_some_and(|extension| extension == "gguf"))
        .collect();
    ggufs.sort();
    match ggufs.first() {
        Some(name) => format!("the folder holds no config.json but '{name}': name that file itself"),
        None if folder.join("model_index.json").exists() => {
            "a diffusers folder (model_index.json), which is an image model: train it on pictures (data_type: image)".to_owned()
        }
        None => "the folder holds no config.json".to_owned(),
    }
}
