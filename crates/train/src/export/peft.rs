//! A PEFT adapter folder: `adapter_config.json`, `adapter_model.safetensors`, the tokenizer's files; and the same
//! weights once more as `pytorch_lora_weights.safetensors`.

use std::collections::BTreeMap;
use std::path::Path;

use loradeck_core::file::{self, Durability};
use loradeck_data::tokenizer::Tokenizer;
use serde_json::{Value, json};

use super::container::container;
use crate::adapters::AdapterSet;
use crate::error::TrainError;

/// The weights' file name in a PEFT folder.
pub const WEIGHTS: &str = "adapter_model.safetensors";
/// PEFT's configuration beside it.
pub const CONFIG: &str = "adapter_config.json";
/// The weights under the name that diffusers and people look for.
pub const PLAIN_WEIGHTS: &str = "pytorch_lora_weights.safetensors";

/// What PEFT must know of an adapter besides its weights.
#[derive(Clone, Debug, PartialEq)]
pub struct AdapterFacts {
    /// `base_model_name_or_path`.
    pub base: String,
    /// r.
    pub rank: u32,
    /// α.
    pub alpha: f64,
    /// `target_modules`.
    pub targets: Vec<String>,
}

/// `adapter_config.json` with keys that every PEFT since 0.5 knows, sorted, indented by two.
pub fn adapter_config(facts: &AdapterFacts) -> String {
    let alpha = if facts.alpha.fract() == 0.0 { json!(facts.alpha as i64) } else { json!(facts.alpha) };
    let config = json!({
        "alpha_pattern": {},
        "auto_mapping": null,
        "base_model_name_or_path": facts.base,
        "bias": "none",
        "fan_in_fan_out": false,
        "inference_mode": true,
        "init_lora_weights": true,
        "layers_pattern": null,
        "layers_to_transform": null,
        "lora_alpha": alpha,
        "lora_dropout": 0.0,
        "modules_to_save": null,
        "peft_type": "LORA",
        "r": facts.rank,
        "rank_pattern": {},
        "revision": null,
        "target_modules": facts.targets,
        "task_type": "CAUSAL_LM",
        "use_dora": false,
        "use_rslora": false,
    });
    pretty(&config)
}

/// Rank, α and targets of the adapter in `folder`, from its own `adapter_config.json`; `None` where there is none.
pub fn read_adapter_config(folder: &Path) -> Result<Option<AdapterFacts>, TrainError> {
    let path = folder.join(CONFIG);
    let Some(config) = file::read_json::<Value>(&path)? else { return Ok(None) };
    let text = |key: &str| config.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
    let rank = config.get("r").and_then(Value::as_u64).and_then(|rank| u32::try_from(rank).ok());
    let alpha = config.get("lora_alpha").and_then(Value::as_f64);
    let targets = config.get("target_modules").and_then(Value::as_array);
    let targets =
        targets.map(|names| names.iter().filter_map(|name| Some(name.as_str()?.to_owned())).collect());
    match (rank, alpha, targets) {
        (Some(rank), Some(alpha), Some(targets)) => {
            Ok(Some(AdapterFacts { base: text("base_model_name_or_path"), rank, alpha, targets }))
        }
        _ => Err(TrainError::Refused(format!(
            "{}: 'r', 'lora_alpha' or 'target_modules' is missing or of the wrong type",
            path.display()
        ))),
    }
}

fn pretty(value: &Value) -> String {
    let mut text = serde_json::to_string_pretty(value).unwrap_or_default();
    text.push('\n');
    text
}

/// Writes the PEFT folder's files into `folder`, each replaced whole; gives the sha256 of the tensor data.
pub fn write_adapter(
    folder: &Path,
    adapters: &AdapterSet,
    facts: &AdapterFacts,
    metadata: &BTreeMap<String, String>,
) -> Result<String, TrainError> {
    let made = container(&adapters.named(&adapters.parameters)?, metadata)?;
    file::create_folder(folder)?;
    file::replace(&folder.join(WEIGHTS), &made.bytes, Durability::Synced)?;
    file::replace(&folder.join(CONFIG), adapter_config(facts).as_bytes(), Durability::Synced)?;
    Ok(made.data_sha256)
}

/// Writes the final weights: the PEFT folder, the tokenizer, and the plain file. `turn_end` is the token that ends the
/// assistant's turns.
pub fn write_final(
    folder: &Path,
    adapters: &AdapterSet,
    facts: &AdapterFacts,
    metadata: &BTreeMap<String, String>,
    tokenizer: &Tokenizer,
    turn_end: Option<u32>,
) -> Result<String, TrainError> {
    for (name, text) in tokenizer.files(turn_end)? {
        file::replace(&folder.join(name), text.as_bytes(), Durability::Renamed)?;
    }
    let sha256 = write_adapter(folder, adapters, facts, metadata)?;
    let bytes = file::read_if_exists(&folder.join(WEIGHTS))?.unwrap_or_default();
    file::replace(&folder.join(PLAIN_WEIGHTS), &bytes, Durability::Synced)?;
    Ok(sha256)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_configuration_is_sorted_and_keeps_whole_alphas_whole() {
        let facts = AdapterFacts { base: "b".into(), rank: 8, alpha: 16.0, targets: vec!["q_proj".into()] };
        let text = adapter_config(&facts);
        let keys: Vec<&str> =
            text.lines().filter_map(|line| line.strip_prefix("  \"")?.split('"').next()).collect();
        assert!(keys.is_sorted() && keys.len() == 20, "{keys:?}");
        assert!(text.contains("\"lora_alpha\": 16,"), "{text}");
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(read_adapter_config(folder.path()).unwrap(), None);
        std::fs::write(folder.path().join(CONFIG), &text).unwrap();
        assert_eq!(read_adapter_config(folder.path()).unwrap(), Some(facts.clone()));
        std::fs::write(folder.path().join(CONFIG), "{}").unwrap();
        assert!(read_adapter_config(folder.path()).unwrap_err().to_string().contains("'r', 'lora_alpha'"));
        let half = adapter_config(&AdapterFacts { alpha: 2.5, ..facts });
        assert!(half.contains("\"lora_alpha\": 2.5,"), "{half}");
    }
}
