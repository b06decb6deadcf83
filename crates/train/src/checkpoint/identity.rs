//! What must be the same for a training to go on from a checkpoint.

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// The settings and inputs that a checkpoint is bound to. Steps, learning rate and what is kept may change.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Identity {
    /// Hash of the base model's header and size.
    pub base_model: String,
    /// Fingerprint of the training data.
    pub train_data: String,
    /// Fingerprint of the held-out data; empty without.
    pub eval_data: String,
    /// Share of the training data held out.
    pub eval_split: f64,
    /// r.
    pub lora_rank: u32,
    /// α.
    pub lora_alpha: f64,
    /// Names of the modules with an adapter, as short as PEFT allows.
    pub lora_targets: Vec<String>,
    /// `fp32` or `bf16`.
    pub precision: String,
    /// Samples per micro-batch.
    pub batch_size: u32,
    /// Micro-batches per step.
    pub gradient_accumulation: u32,
    /// Seed of data order and first weights.
    pub seed: u64,
    /// Tokens a sample may have.
    pub max_seq_len: u32,
    /// Whether prompt tokens count in the loss.
    pub train_on_prompt: bool,
}

/// The first field that differs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// Its name, that of the key where there is one.
    pub field: String,
    /// In the checkpoint.
    pub stored: String,
    /// In the training that wants to go on.
    pub wanted: String,
}

impl Identity {
    /// What differs between this training and the one that `stored` is of.
    pub fn difference(&self, stored: &Self) -> Option<Difference> {
        let (Ok(Value::Object(wanted)), Ok(Value::Object(stored))) =
            (serde_json::to_value(self), serde_json::to_value(stored))
        else {
            return None;
        };
        wanted.into_iter().find_map(|(field, wanted)| {
            let stored = stored.get(&field).cloned().unwrap_or(Value::Null);
            (stored != wanted).then(|| Difference { field, stored: short(&stored), wanted: short(&wanted) })
        })
    }
}

fn short(value: &Value) -> String {
    let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    // Hashes need not be shown whole to be told apart.
    if text.len() == 64 { text[..12].to_owned() } else { text }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    pub(crate) fn example() -> Identity {
        Identity {
            base_model: "a".repeat(64),
            train_data: "b".into(),
            eval_data: String::new(),
            eval_split: 0.0,
            lora_rank: 8,
            lora_alpha: 16.0,
            lora_targets: vec!["q_proj".into()],
            precision: "fp32".into(),
            batch_size: 4,
            gradient_accumulation: 1,
            seed: 0,
            max_seq_len: 64,
            train_on_prompt: false,
        }
    }

    #[test]
    fn the_field_that_differs_is_named() {
        let wanted = Identity { lora_rank: 4, ..example() };
        let difference = wanted.difference(&example()).unwrap();
        assert_eq!(
            (difference.field.as_str(), difference.stored.as_str(), difference.wanted.as_str()),
            ("lora_rank", "8", "4")
        );
        assert_eq!(example().difference(&example()), None);
    }
}
