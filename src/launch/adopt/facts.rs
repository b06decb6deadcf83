//! Settings that another program's files tell of a run: PEFT's `adapter_config.json`, Hugging Face's
//! `trainer_state.json`, and the metadata of kohya's `.safetensors`.
//!
//! Sources: peft `LoraConfig`, transformers `TrainerState`, sd-scripts `train_network.py` (the keys `ss_…`).

use std::fs;
use std::path::{Path, PathBuf};

use loradeck_core::config::Value;
use loradeck_data::safetensors::SafetensorsFile;
use serde_json::Value as Json;

/// The files that are looked into, at most this many of a kind.
const LOOKED_AT: usize = 200;

/// PEFT's names and ours.
const PEFT: [(&str, &str); 3] =
    [("r", "lora_rank"), ("lora_alpha", "lora_alpha"), ("base_model_name_or_path", "base_model")];
/// Hugging Face's names and ours.
const TRAINER_STATE: [(&str, &str); 3] =
    [("max_steps", "max_steps"), ("num_train_epochs", "epochs"), ("train_batch_size", "batch_size")];
/// kohya's names and ours.
const KOHYA: [(&str, &str); 9] = [
    ("ss_network_dim", "lora_rank"),
    ("ss_network_alpha", "lora_alpha"),
    ("ss_learning_rate", "learning_rate"),
    ("ss_lr_warmup_steps", "warmup_steps"),
    ("ss_max_train_steps", "max_steps"),
    ("ss_num_epochs", "epochs"),
    ("ss_seed", "seed"),
    ("ss_sd_model_name", "base_model"),
    ("ss_output_name", "run_name"),
];

/// What the files in `folder` say, as `key=value`, the surest first. Values are checked by whoever takes them.
pub(super) fn facts(folder: &Path) -> Vec<String> {
    let mut facts: Vec<(String, String)> = Vec::new();
    let mut add = |key: &str, value: String| {
        if !value.is_empty() && value != "None" && !facts.iter().any(|(known, _)| known == key) {
            facts.push((key.to_owned(), value));
        }
    };
    for file in files(folder, "adapter_config.json") {
        each(&file, &PEFT, &mut add);
    }
    for file in files(folder, "trainer_state.json") {
        each(&file, &TRAINER_STATE, &mut add);
    }
    for path in weights(folder) {
        let Ok(file) = SafetensorsFile::open(&path) else { continue };
        for (theirs, ours) in KOHYA {
            if let Some(text) = file.metadata().get(theirs) {
                add(ours, text.clone());
            }
        }
    }
    facts.into_iter().map(|(key, value)| format!("{key}={}", Value::Text(value).plain())).collect()
}

fn each(file: &Path, names: &[(&str, &str)], add: &mut impl FnMut(&str, String)) {
    let json: Option<Json> = loradeck_core::file::read_json(file).ok().flatten();
    for (theirs, ours) in names {
        match json.as_ref().and_then(|json| json.get(*theirs)) {
            Some(Json::String(text)) => add(ours, text.clone()),
            Some(Json::Number(number)) => add(ours, number.to_string()),
            _ => {}
        }
    }
}

/// Files of that name in the folder, then in its checkpoints, the newest first.
fn files(folder: &Path, name: &str) -> Vec<PathBuf> {
    let mut checkpoints: Vec<(u64, PathBuf)> = entries(folder)
        .into_iter()
        .filter_map(|path| {
            let number = path.file_name()?.to_str()?.strip_prefix("checkpoint-")?.parse().ok()?;
            Some((number, path))
        })
        .collect();
    checkpoints.sort_by_key(|(number, _)| std::cmp::Reverse(*number));
    let inner = checkpoints.into_iter().map(|(_, path)| path.join(name));
    std::iter::once(folder.join(name)).chain(inner).filter(|path| path.is_file()).collect()
}

/// Weights in the folder and beside it: kohya writes events into `logging_dir` and weights into `output_dir`.
fn weights(folder: &Path) -> Vec<PathBuf> {
    let is_weights = |path: &PathBuf| path.extension().is_some_and(|extension| extension == "safetensors");
    let mut found: Vec<PathBuf> = entries(folder).into_iter().filter(is_weights).collect();
    found.sort();
    found
}

fn entries(folder: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
    entries.flatten().take(LOOKED_AT).map(|entry| entry.path()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_usual_files_tell_settings() {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &[u8]| {
            fs::create_dir_all(folder.path().join(name).parent().unwrap()).unwrap();
            fs::write(folder.path().join(name), text).unwrap();
        };
        write("checkpoint-20/adapter_config.json", br#"{"r": 16, "lora_alpha": 32, "target_modules": null}"#);
        write("checkpoint-3/adapter_config.json", br#"{"r": 4}"#);
        write("checkpoint-20/trainer_state.json", br#"{"max_steps": 60, "train_batch_size": 2}"#);
        let header =
            br#"{"__metadata__":{"ss_learning_rate":"0.0001","ss_network_dim":"8","ss_seed":"None"}}"#;
        let mut weights = (header.len() as u64).to_le_bytes().to_vec();
        weights.extend_from_slice(header);
        write("style.safetensors", &weights);
        assert_eq!(
            facts(folder.path()),
            ["lora_rank=16", "lora_alpha=32", "max_steps=60", "batch_size=2", "learning_rate=0.0001"]
        );
    }
}
